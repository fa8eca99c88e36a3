package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/remotewrite"
	"rackpost/store"
)

// TestPlaceOfAPair: a box of a pair writes nothing under its own name, while the pair has not told it the site's.
func TestPlaceOfAPair(t *testing.T) {
	t.Parallel()
	site := journal.ID{1}
	a := &appliance{pair: &pairing{}}
	a.site.Store(&siteConfig{id: site, name: "box-a"})
	a.agreed.Store(&agreedSite{})
	if p, ok := a.place(site); ok {
		t.Errorf("the site is %q", p.Site)
	}
	a.site.Store(&siteConfig{id: site, name: "FRA-3"})
	a.agreed.Store(&agreedSite{version: 1})
	if p, ok := a.place(site); !ok || p.Site != "FRA-3" {
		t.Errorf("the site is %q, %v", p.Site, ok)
	}
	if _, ok := a.place(journal.ID{2}); ok {
		t.Error("it knows another site")
	}
}

// TestPlainWrite: why a receiver is not reached is told with where to look, and of a proxy that it is the proxy.
func TestPlainWrite(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 8428}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	const words = "nobody listens at 192.0.2.9:8428: it does not run there, or the address is another one"
	for want, err := range map[string]error{
		words: refused,
		"the proxy that HTTPS_PROXY or HTTP_PROXY names: " + words: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused},
		"x509: what it is": errors.New("x509: what it is"),
	} {
		if got := plainWrite(err); got.Error() != want || !errors.Is(got, err) && !errors.Is(got, syscall.ECONNREFUSED) {
			t.Errorf("%v is told as %q, want %q", err, got, want)
		}
	}
}

// emptyJournal is one in which nothing stands.
type emptyJournal struct{}

func (emptyJournal) Head(context.Context) remotewrite.Position { return "" }
func (emptyJournal) Watch() <-chan struct{}                    { return nil }
func (emptyJournal) Changes(context.Context, remotewrite.Position, remotewrite.Position, int) (remotewrite.Changes, error) {
	return remotewrite.Changes{}, nil
}

// TestReloadOfSecrets: a secret that was read anew meanwhile disturbs no writing at a reload, and one that is kept elsewhere from then on is
// read from there, also where it is the same still.
func TestReloadOfSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, secret string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(name string) writeConfig {
		return writeConfig{name: "engine", url: "http://127.0.0.1:1/api/v1/write", dir: dir,
			login: writeLogin{bearer: rawSecret{At: place{line: 1}, File: text{s: name, at: place{line: 1}}}}}
	}
	logger := slog.New(slog.DiscardHandler)
	w := &writes{powers: lone{}, logger: logger, folder: filepath.Join(dir, "positions"), journal: emptyJournal{}, orders: make(chan writeOrder),
		places: func(journal.ID) (remotewrite.Place, bool) { return remotewrite.Place{}, false }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	take := func(name string) *writer {
		t.Helper()
		if err := w.take(t.Context(), []writeConfig{kept(name)}); err != nil {
			t.Fatal(err)
		}
		return w.list()[0]
	}
	renewed := func(x *writer, want string) {
		t.Helper()
		if a, changed, err := x.renew(); a.Bearer != want || fmt.Sprint(changed, err) != "true <nil>" {
			t.Errorf("read anew it is %q, %v, %v; want %q", a.Bearer, changed, err, want)
		}
	}
	put("one", "first")
	x := take("one")
	put("one", "second")
	renewed(x, "second")
	if take("one") != x {
		t.Error("what had not changed was begun anew")
	}
	put("two", "second")
	x = take("two")
	put("two", "third")
	renewed(x, "third")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestReloadThatFails: where one receiver cannot be taken all write on as they did, also one that was to change; then it is taken from there.
func TestReloadThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	engine := writeConfig{name: "engine", url: "http://127.0.0.1:1/api/v1/write", dir: dir,
		login: writeLogin{bearer: rawSecret{At: place{line: 1}, File: text{s: secret, at: place{line: 1}}}}}
	changed, second := engine, writeConfig{name: "second", url: "http://127.0.0.1:2/api/v1/write", dir: dir}
	changed.window = time.Hour
	w := &writes{powers: lone{}, logger: slog.New(slog.DiscardHandler), folder: filepath.Join(dir, "positions"), journal: emptyJournal{}, orders: make(chan writeOrder),
		places: func(journal.ID) (remotewrite.Place, bool) { return remotewrite.Place{}, false }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	if err := w.take(t.Context(), []writeConfig{engine}); err != nil {
		t.Fatal(err)
	}
	x := w.list()[0]
	inTheWay := filepath.Join(w.folder, second.idOf())
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	err := w.take(t.Context(), []writeConfig{changed, second})
	if all := w.list(); err == nil || len(all) != 1 || all[0] != x {
		t.Fatalf("%v; of the old ones there are %d", err, len(all))
	}
	for end := time.Now().Add(10 * time.Second); !x.writing.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the old one does not write any more")
		}
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := w.take(t.Context(), []writeConfig{changed, second}); err != nil || len(w.list()) != 2 || w.list()[0] == x {
		t.Errorf("%v; there are %d", err, len(w.list()))
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPlaceOfASite: headquarters labels the devices of a site by what the site's journal tells of its configuration.
func TestPlaceOfASite(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	registry, err := enroll.Open(enroll.Config{Folder: filepath.Join(t.TempDir(), "hq"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	site := journal.ID{7}
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Site: site, Ballast: -1, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	told := func(key, value string) hw.Fact {
		f := learned(key, value)[0]
		f.At = time.Now()
		return f
	}
	other := told("certificate", "b5bb")
	other.Device, other.Component = "db-2", ""
	if err := s.Say(t.Context(), []hw.Fact{told(configuredCustomer, "acme"), told(configuredRack, "R7"), other}); err != nil {
		t.Fatal(err)
	}
	h := &headquarters{store: s, registry: registry}
	p, ok := h.place(site)
	if d, known := p.Devices["db-1"]; !ok || !known || p.Site != site.String() || d.Customer != "acme" || d.Rack != "R7" || len(p.Devices) != 1 {
		t.Errorf("%+v, %v", p, ok)
	}
	if p, ok := h.place(journal.ID{8}); ok {
		t.Errorf("nothing is known of it, and it is %+v", p)
	}
	cancel()
	if err := errors.Join(<-ended, s.Close()); err != nil {
		t.Error(err)
	}
}
