package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/sim/bmc"
	"rackpost/web"
)

// TestSessionsOverKills: a killed box leaves one session, which the next one ends, and none when it is stopped; a probe beside it
// ends nobody's. Nothing that is kept or said holds the password.
func TestSessionsOverKills(t *testing.T) {
	t.Parallel()
	const password = "a very Secret 1"
	s := newServerAs(t, bmc.Options{Password: password})
	dir, err := os.MkdirTemp("", "rp") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &box{t: t, name: "rackpost", dir: dir}
	b.client = newClient(filepath.Join(b.dir, "sock"))
	for name, text := range map[string]string{
		"box.yaml": "name: box\ndata: data\nsite: site.yaml\nlisten: 127.0.0.1:0\nsocket: sock\nbudget: 2GB\nlog: {format: text, level: debug}\n",
		"password": password + "\n",
		"site.yaml": fmt.Sprintf("site: {id: 00000000-0000-4000-8000-000000000004, name: rack}\ncredentials: {idrac: {user: root, password: {file: password}}}\n"+
			"devices: [{id: srv-1, kind: dell-idrac, address: %q, credentials: idrac}]\n", s.addr),
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for life, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGTERM} {
		began := time.Now()
		p := b.start()
		p.waitReady(t)
		s.until("a stored visit", func() bool {
			var d web.Device
			err := b.client.get(t.Context(), "/devices/srv-1", nil, &d)
			return err == nil && d.LastGood.After(began)
		})
		if n := s.bmc.Sessions(); n != 1 {
			t.Errorf("start %d: %d sessions", len(b.lives), n)
		}
		if life == 2 {
			probe := b.command("rackpost", "probe", "-user", "root", "-password-file", filepath.Join(b.dir, "password"), "-rate", "1000", "dell-idrac", s.addr)
			if out, err := probe.CombinedOutput(); err != nil {
				t.Errorf("probe: %v\n%s", err, out)
			}
			if n := s.bmc.Sessions(); n != 1 {
				t.Errorf("beside a probe: %d sessions", n)
			}
		}
		cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.command.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		p.end(t, end)
		b.nothingTells(password, p.said.String(), string(cmdline))
	}
	if dump := b.dump(); !strings.Contains(dump, "learned srv-1") {
		t.Errorf("the journal has only\n%s", dump)
	}
	if n := s.bmc.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if logins := s.bmc.Counters().Logins; logins != 5 {
		t.Errorf("%d logins, want one a start and the probe's", logins)
	}
}

// nothingTells looks for a secret in some texts and in all that the box keeps.
func (b *box) nothingTells(secret string, texts ...string) {
	b.t.Helper()
	for _, text := range append(texts, b.dump()) {
		if strings.Contains(text, secret) || strings.Contains(text, "X-Auth") {
			b.t.Errorf("a secret is told:\n%s", text)
		}
	}
}

// dump is what the journal of a stopped box tells.
func (b *box) dump() string {
	b.t.Helper()
	dump, err := b.command("rackpost", "journal", "dump", b.data()).CombinedOutput()
	if err != nil {
		b.t.Fatalf("dump: %v\n%s", err, dump)
	}
	return string(dump)
}
