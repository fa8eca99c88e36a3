package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rackpost/hw/journal"
	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/enroll"
	"rackpost/replicate/trust"
)

// keepOffice is a headquarters on a loopback port.
type keepOffice struct {
	*enroll.Registry
	address string
}

func newKeepOffice(t *testing.T) keepOffice {
	t.Helper()
	return serveKeepOffice(t, enroll.Config{Folder: t.TempDir() + "/hq", Names: []string{"127.0.0.1"}, Logger: slog.New(slog.DiscardHandler)})
}

func serveKeepOffice(t *testing.T, cfg enroll.Config) keepOffice {
	t.Helper()
	r, err := enroll.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(r.Handler())
	s.TLS = r.TLS()
	s.StartTLS()
	t.Cleanup(s.Close)
	return keepOffice{r, s.Listener.Addr().String()}
}

func (o keepOffice) url() string { return "https://" + o.address }

func (o keepOffice) invite(t *testing.T) string {
	t.Helper()
	token, _, err := o.Invite("FRA-3", false)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text()
}

func (o keepOffice) join(t *testing.T) enroll.Credential {
	t.Helper()
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url(), Token: o.invite(t), Site: journal.ID{7}, Name: "FRA-3"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (o keepOffice) dial(ctx context.Context, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", o.address)
}

// agree has a command agreed on as the box that leads would, after what the other box did meanwhile.
func (v *vouching) agree(meanwhile func()) func(context.Context, control.Command) error {
	return func(_ context.Context, c control.Command) error {
		if do := meanwhile; do != nil {
			meanwhile = nil
			do()
		}
		v.vouch(c)
		b, err := control.Encode(c)
		if err != nil {
			return err
		}
		v.index++
		if err := v.agreed.Apply(v.index, b); err != nil {
			return &replicate.RefusedError{Reason: err.Error()}
		}
		return nil
	}
}

// TestLeaveDuringRenewal: what a person did while the certificate was being renewed holds, at a lone box, at a box of a pair, and at
// the other box of it, in the moment in which the renewed one is written.
func TestLeaveDuringRenewal(t *testing.T) {
	t.Parallel()
	hq, elsewhere := newKeepOffice(t), newKeepOffice(t)
	first, other := hq.join(t), elsewhere.join(t)
	leave := func(t *testing.T, k keeping) {
		if err := k.drop(t.Context(), "anna"); err != nil {
			t.Error(err)
		}
	}
	move := func(t *testing.T, k keeping) {
		leave(t, k)
		if err := k.replace(t.Context(), enroll.Credential{}, other, "anna", "joined"); err != nil {
			t.Error(err)
		}
	}
	for name, open := range map[string]func(*testing.T) (k keeping, late func(func(keeping)) keeping){
		"alone": func(t *testing.T) (keeping, func(func(keeping)) keeping) {
			k := newFileKeeping(boxConfig{data: t.TempDir()})
			return k, func(do func(keeping)) keeping { do(k); return k }
		},
		"pair": func(t *testing.T) (keeping, func(func(keeping)) keeping) {
			v := newVouching(t)
			k := pairKeeping{v.pairing, v.agree(nil)}
			return k, func(do func(keeping)) keeping { do(k); return k }
		},
		"other box": func(t *testing.T) (keeping, func(func(keeping)) keeping) {
			v := newVouching(t)
			k := pairKeeping{v.pairing, v.agree(nil)}
			return k, func(do func(keeping)) keeping { return pairKeeping{v.pairing, v.agree(func() { do(k) })} }
		},
	} {
		for what, do := range map[string]func(*testing.T, keeping){"left": leave, "moved": move} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				keep, late := open(t)
				if err := keep.replace(t.Context(), enroll.Credential{}, first, "anna", "joined"); err != nil {
					t.Fatal(err)
				}
				holder, err := enroll.NewHolder(enroll.Holding{Credential: first, Save: func(ctx context.Context, c enroll.Credential) error {
					return late(func(k keeping) { do(t, k) }).replace(ctx, c, c, "box-a", "renewed")
				}})
				if err != nil {
					t.Fatal(err)
				}
				if err := holder.Renew(t.Context(), hq.dial, hq.address); !errors.Is(err, errKeptOther) {
					t.Errorf("renewed: %v", err)
				}
				c, ok, err := keep.load()
				if err != nil || ok != (what == "moved") || ok && c.Key() != other.Key() {
					t.Errorf("kept: %v %v %v", c, ok, err)
				}
			})
		}
	}
}

// TestRenewalKeepsOn: what is sealed to another member while the certificate is renewed, or renewed by both boxes, is no other one.
func TestRenewalKeepsOn(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	first := newKeepOffice(t).join(t)
	keep := pairKeeping{v.pairing, v.agree(nil)}
	if err := keep.replace(t.Context(), enroll.Credential{}, first, "anna", "joined"); err != nil {
		t.Fatal(err)
	}
	before, _ := v.agreed.State().Document(control.Secret + credentialSecret)
	late := pairKeeping{v.pairing, v.agree(func() {
		if err := keep.replace(t.Context(), first, first, "box-b", "sealed anew"); err != nil {
			t.Error(err)
		}
	})}
	if err := late.replace(t.Context(), first, first, "box-a", "renewed"); err != nil {
		t.Error(err)
	}
	if now, _ := v.agreed.State().Document(before.Name); now.Version != before.Version+2 || now.Who != "box-a" {
		t.Errorf("version %d by %s", now.Version, now.Who)
	}
}

// failing is a place where nothing can be kept.
type failing struct {
	keeping
	fail func() error
}

func (f failing) replace(context.Context, enroll.Credential, enroll.Credential, string, string) error {
	return f.fail()
}

func joiningBox(data string, fail func() error) *uplinks {
	u := &uplinks{appliance: &appliance{box: boxConfig{name: "box-a", data: data}, logger: slog.New(slog.DiscardHandler)}}
	u.site.Store(&siteConfig{id: journal.ID{7}, name: "FRA-3"})
	u.keep = newFileKeeping(u.box)
	if fail != nil {
		u.keep = failing{u.keep, fail}
	}
	return u
}

// TestTokenIsNotLost: where what headquarters gave cannot be kept, or the box dies before it is, the same token joins again, also when
// it has expired by then; and no key is left lying after that, nor after leaving.
func TestTokenIsNotLost(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for what, lose := range map[string]func(t *testing.T, data string, o uplinkOrder){
		"full": func(t *testing.T, data string, o uplinkOrder) {
			_, err := joiningBox(data, func() error { return full }).join(t.Context(), "anna", o)
			if !errors.Is(err, full) || !strings.Contains(err.Error(), "same token") {
				t.Errorf("joined: %v", err)
			}
		},
		"killed": func(t *testing.T, data string, o uplinkOrder) {
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileJoining$")
			c.Env = append(os.Environ(), "RACKPOST_TEST_JOIN="+data+"\n"+o.URLs[0]+"\n"+o.Token)
			out, err := c.CombinedOutput()
			if state, ok := c.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || state.Signal() != syscall.SIGKILL {
				t.Fatalf("%v: %s", err, out)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			hq, data := newKeepOffice(t), t.TempDir()
			o := uplinkOrder{URLs: []string{hq.url()}, Token: hq.invite(t)}
			lose(t, data, o)
			if list := hq.List(); len(list) != 1 {
				t.Fatalf("headquarters knows %v", list)
			}
			if info, err := os.Stat(filepath.Join(data, joiningFile)); err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("the key: %v %v", info, err)
			}
			u := joiningBox(data, nil)
			if _, err := u.join(t.Context(), "anna", o); err != nil {
				t.Fatal(err)
			}
			if c, ok, err := u.keep.load(); !ok || err != nil || c.Site != (journal.ID{7}) {
				t.Errorf("kept: %v %v", ok, err)
			}
			if exists(filepath.Join(data, joiningFile)) {
				t.Error("the key lies there still")
			}
			if _, err := u.leave(t.Context(), "anna"); err != nil {
				t.Error(err)
			}
			_, err := u.join(t.Context(), "anna", o) // with another key by now
			var refused *enroll.Refusal
			if !errors.As(err, &refused) || refused.Reason != enroll.UsedToken {
				t.Errorf("joined after it had left: %v", err)
			}
		})
	}
}

// TestKilledWhileJoining is the box of TestTokenIsNotLost that dies.
func TestKilledWhileJoining(t *testing.T) {
	told := strings.Split(os.Getenv("RACKPOST_TEST_JOIN"), "\n")
	if len(told) != 3 {
		t.Skip("it is run by TestTokenIsNotLost")
	}
	u := joiningBox(told[0], func() error {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	})
	_, err := u.join(t.Context(), "anna", uplinkOrder{URLs: told[1:2], Token: told[2]})
	t.Fatalf("it lives: %v", err)
}

// TestJoiningKey: another token has another key, and so has a file that cannot be read.
func TestJoiningKey(t *testing.T) {
	t.Parallel()
	hq, box := newKeepOffice(t), boxConfig{data: t.TempDir()}
	key := func() string {
		t.Helper()
		token, err := enroll.ParseToken(hq.invite(t))
		if err != nil {
			t.Fatal(err)
		}
		first, err := joiningKey(box, token)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := joiningKey(box, token); err != nil || !again.Equal(first) {
			t.Errorf("not the same key with the same token: %v", err)
		}
		return string(first)
	}
	first := key()
	if key() == first {
		t.Error("the same key with two tokens")
	}
	if err := os.WriteFile(filepath.Join(box.data, joiningFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = key()
}

// TestFoundingAfterLeave: who left headquarters while a pair was being founded does not bring it along.
func TestFoundingAfterLeave(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	keep := newFileKeeping(v.pairing.box)
	if err := keep.replace(t.Context(), enroll.Credential{}, newKeepOffice(t).join(t), "", ""); err != nil {
		t.Fatal(err)
	}
	f := founding{Secrets: map[string]trust.Sealed{}}
	if err := errors.Join(f.bringCredential(v.pairing.box, v.members()), f.save(v.dir)); err != nil {
		t.Fatal(err)
	}
	if f, _, err := v.toFound(); err != nil || len(f.Secrets) != 1 {
		t.Errorf("it brings %v: %v", f.Secrets, err)
	}
	if err := keep.drop(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if f, _, err := v.toFound(); err != nil || len(f.Secrets) != 0 {
		t.Errorf("after leaving it brings %v: %v", f.Secrets, err)
	}
}
