package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/web"
)

// serve answers on a unix socket as the appliance does, and returns a client of it.
func (b *serverBox) serve(t *testing.T) *client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.sock")
	ln, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	pull, err := b.pulling(web.NewTurns())
	if err != nil {
		t.Fatal(err)
	}
	go func() { done <- web.Serve(ctx, peers{ln}, b.control(pull.People()), slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return newClient(path)
}

// post sends a body and returns the status and what is said.
func post(t *testing.T, c *client, path, body string) (int, string) {
	t.Helper()
	r, err := c.http.Post("http://rackpost/api/v1"+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// TestActsOverTheSocket: who asks is the user at the other end of the socket; what is asked wrongly is refused; the network
// cannot ask at all.
func TestActsOverTheSocket(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	b := s.start()
	c := b.serve(t)
	s.until("the first visit", func() bool { return b.part("drive/") != "" })
	drive := b.part("drive/")

	if code, said := post(t, c, "/devices/srv-1/locate", `{"component": "`+drive+`", "on": true, "seconds": 600}`); code != http.StatusOK || !strings.Contains(said, `"phase":"done"`) {
		t.Fatalf("locate: %d %s", code, said)
	}
	if s.blinking() != 1 {
		t.Error("no drive blinks")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range b.store.Acts() {
		if v, ok := f.Value.(hw.ActValue); !ok || v.Who != me.Username {
			t.Errorf("asked by %+v; want %s", f.Value, me.Username)
		}
	}
	for _, x := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/devices/srv-1/locate", `{"component": "drive/nosuch", "on": true}`, http.StatusConflict, "has no part"},
		{"/devices/srv-1/locate", `{"component": "system", "on": true, "seconds": 1e9}`, http.StatusConflict, "is not between them"},
		{"/devices/srv-1/locate", `{"component": "system", "on": true, "seconds": 1e300}`, http.StatusConflict, "is not between them"},
		{"/devices/srv-1/locate", `{"component": "system", "off": true}`, http.StatusBadRequest, "unknown field"},
		{"/devices/srv-1/locate", strings.Repeat(" ", maxOrder) + `{}`, http.StatusRequestEntityTooLarge, "the order has more than 4096 bytes"},
		{"/devices/nosuch/locate", `{}`, http.StatusNotFound, "unknown device"},
		{"/devices/srv-1/trust", `{}`, http.StatusConflict, "fingerprint"},
		{"/devices/srv-1/trust", `{"certificate": "00"}`, http.StatusConflict, "no other certificate"},
		{"/devices/srv-1", `{}`, http.StatusMethodNotAllowed, "read-only"},
	} {
		if code, said := post(t, c, x.path, x.body); code != x.code || !strings.Contains(said, x.says) {
			t.Errorf("POST %s %.60s: %d %s; want %d, %q", x.path, x.body, code, said, x.code, x.says)
		}
	}
	var now certificates
	if err := c.get(t.Context(), "/devices/srv-1/trust", nil, &now); err != nil || now.Trusted != s.bmc.Fingerprint() || now.Seen != "" {
		t.Errorf("certificates %+v, %v; want %s", now, err, s.bmc.Fingerprint())
	}
	if learned, err := b.poller.Learned("srv-1"); err != nil || learned.Get(redfish.CertificatePin) != now.Trusted {
		t.Errorf("learned %v, %v", learned, err)
	}
	pull, err := b.pulling(web.NewTurns())
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a deed": "/api/v1/devices/srv-1/locate", "a new consumer": "/api/v1/consumers"} {
		network := httptest.NewRecorder()
		pull.Local().ServeHTTP(network, httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{}`)))
		if network.Code != http.StatusNotFound && network.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s over the network: %d; want it refused", name, network.Code)
		}
	}
}

// TestPeerIsTheKernelsWord: a connection that is no unix socket has no user.
func TestPeerIsTheKernelsWord(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := uidOf(a); got != -1 {
		t.Errorf("the user of a pipe is %d; want none", got)
	}
	if got := personOf(&http.Request{RemoteAddr: "-1"}); got != "uid -1" {
		t.Errorf("named %q", got)
	}
	if got := personOf(&http.Request{RemoteAddr: peerAddr(os.Getuid()).String()}); got == "" || strings.HasPrefix(got, "uid -") {
		t.Errorf("we are named %q", got)
	}
}
