package redfish_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/collectors/redfish"
	"rackpost/hw"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	const sys446 = `{"error":{"@Message.ExtendedInfo":{"MessageId":"IDRAC.2.7.SYS446","Message":"internal"}}}`
	for name, tc := range map[string]struct {
		do     func(http.ResponseWriter)
		reason hw.Reason
		words  string
	}{
		"not there":        {answer(404, ""), hw.NotSupported, "404"},
		"no privilege":     {answer(403, ""), hw.AccessDenied, "privilege"},
		"broken":           {answer(500, "oops"), hw.DeviceError, "500"},
		"SYS446, no list":  {answer(500, sys446), hw.DeviceError, "SYS446"},
		"a page":           {answer(200, "<html>hello</html>"), hw.Garbage, "HTML"},
		"empty":            {answer(200, ""), hw.Garbage, "empty"},
		"no object":        {answer(200, `[1]`), hw.Garbage, "not a JSON object"},
		"not JSON":         {answer(200, `{"a":01}`), hw.Garbage, "not JSON"},
		"breaks off":       {answer(200, `{"a":[1,2`), hw.Garbage, "breaks off"},
		"trailing":         {answer(200, `{"Id":"1"}{"Id":"2"}`), hw.Garbage, "follows"},
		"error, 200":       {answer(200, `{"error":{"code":"Base.1.8.GeneralError","message":"general"}}`), hw.DeviceError, "general"},
		"error first":      {answer(200, `{"error":{"code":"x","message":"licence"}}{"Id":"1"}`), hw.DeviceError, "licence"},
		"too large":        {answer(200, strings.Repeat(" ", 9<<20)), hw.TooMuch, "larger than 8 MB"},
		"to another host":  {answer(302, "", "Location", "https://192.0.2.1/redfish/v1/Systems/1"), hw.Garbage, "192.0.2.1"},
		"to HTTP":          {answer(302, "", "Location", "http://127.0.0.1/redfish/v1/Systems/1"), hw.Garbage, "redirects"},
		"out of Redfish":   {answer(302, "", "Location", "/login.html"), hw.Garbage, "redirects"},
		"in a circle":      {answer(302, "", "Location", system+"/Bad"), hw.Garbage, "circle"},
		"cut in mid-body":  {cut, hw.NoAnswer, "EOF"},
		"busy, no time":    {answer(503, ""), hw.NotReady, "busy"},
		"deeper than sane": {answer(200, `{"PowerState":`+strings.Repeat("[", 80)+strings.Repeat("]", 80)+`}`), hw.Garbage, "deeper"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.hook = on("GET "+system+"/Bad", tc.do) })
			c := newClient(t, b, nil)
			var s redfish.ComputerSystem
			_, err := c.Get(t.Context(), system+"/Bad", &s)
			wantError(t, err, tc.reason, false, tc.words)
			if !strings.Contains(err.Error(), system+"/Bad") {
				t.Errorf("%q does not name the resource", err)
			}
			get(t, c)
		})
	}
}

func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"Id":`)
}

func TestRedirectOnTheDevice(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) {
		b.hook = on("GET /redfish/v1/Old", func(w http.ResponseWriter) { answer(308, "", "Location", b.URL+system)(w) })
	})
	c := newClient(t, b, nil)
	var s redfish.ComputerSystem
	if _, err := c.Get(t.Context(), "/redfish/v1/Old", &s); err != nil || s.PowerState != "On" {
		t.Errorf("got %q, %v", s.PowerState, err)
	}
}

func TestPathsAreLocal(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, nil)
	for _, path := range []string{"", "/", "x", "/login", "//192.0.2.1/redfish", "https://192.0.2.1/redfish/v1", "/redfish/../x", "/redfish/v1/a b", "/redfish/v1/\r\nX: y", "/redfish/v1//x"} {
		if _, err := c.Get(t.Context(), path, nil); err == nil {
			t.Errorf("%q was asked for", path)
		}
	}
	if n := b.asked(""); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestLeftAlone: a device that names a time is asked nothing until then.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	var storm atomic.Bool
	b := newBMC(t, nil)
	b.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if storm.Load() {
			answer(503, "", "Retry-After", "40")(w)
		}
		return storm.Load()
	}
	c := newClient(t, b, nil)
	get(t, c)
	storm.Store(true)
	for range 3 {
		_, err := c.Get(t.Context(), system, nil)
		if v := wantError(t, err, hw.NotReady, true, ""); v.RetryAfter < 30*time.Second || v.RetryAfter > 40*time.Second {
			t.Errorf("leave it alone for %s", v.RetryAfter)
		}
	}
	if n := b.asked("GET " + system); n != 2 {
		t.Errorf("it was asked %d times, want once in the storm", n)
	}
	storm.Store(false)
	if err := c.Close(t.Context()); err != nil || b.open() != 0 {
		t.Errorf("%d sessions are left: %v", b.open(), err)
	}
}

// TestOneBusyResource: one that is never ready does not keep the others from being read; two in a row are the device.
func TestOneBusyResource(t *testing.T) {
	t.Parallel()
	b := newBMC(t, func(b *bmc) { b.hook = on("GET /redfish/v1/Busy", answer(503, "")) })
	c := newClient(t, b, nil)
	for range 3 {
		_, err := c.Get(t.Context(), "/redfish/v1/Busy/1", nil)
		wantError(t, err, hw.NotReady, false, "")
		get(t, c)
	}
	_, err := c.Get(t.Context(), "/redfish/v1/Busy/1", nil)
	wantError(t, err, hw.NotReady, false, "")
	_, err = c.Get(t.Context(), "/redfish/v1/Busy/2", nil)
	wantError(t, err, hw.NotReady, true, "")
	_, err = c.Get(t.Context(), system, nil)
	wantError(t, err, hw.NotReady, true, "left alone")
}

func TestSilence(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	b := newBMC(t, func(b *bmc) { b.hook = on("GET /redfish/v1/Slow", func(http.ResponseWriter) { <-hang }) })
	t.Cleanup(func() { close(hang) })
	c := newClient(t, b, nil)
	get(t, c)
	fast := newClient(t, b, func(cfg *redfish.Config) { cfg.Timeout, cfg.LeaveSessions = 300*time.Millisecond, true })
	_, err := fast.Get(t.Context(), "/redfish/v1/Slow", nil)
	wantError(t, err, hw.NoAnswer, false, "no answer in time")
	_, err = fast.Get(t.Context(), "/redfish/v1/Slow", nil)
	wantError(t, err, hw.NoAnswer, true, "")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = c.Get(ctx, "/redfish/v1/Slow", nil)
	wantError(t, err, hw.OutOfTime, true, "")
	stopped, stop := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, stop)
	_, err = c.Get(stopped, "/redfish/v1/Slow", nil)
	wantError(t, err, hw.Cancelled, true, "")
	get(t, c)
}

// mutable is a listener that can stop to speak: connections are made, and nothing is said on them.
type mutable struct {
	net.Listener
	mute atomic.Bool
}

func (m *mutable) Accept() (net.Conn, error) {
	for {
		c, err := m.Listener.Accept()
		if err != nil || !m.mute.Load() {
			return c, err
		}
		defer c.Close()
	}
}

// TestDeadDevice: where there is no connection to ask on, one silence is enough.
func TestDeadDevice(t *testing.T) {
	t.Parallel()
	var l *mutable
	b := newBMC(t, func(b *bmc) {
		l = &mutable{Listener: b.Listener}
		b.Listener = l
	})
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Timeout = 500 * time.Millisecond })
	get(t, c)
	l.mute.Store(true)
	b.CloseClientConnections()
	_, err := c.Get(t.Context(), system, nil)
	wantError(t, err, hw.NoAnswer, true, "no answer in time")
}

func TestNoRedfish(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]func(http.ResponseWriter){
		"a web page":       answer(200, "<!DOCTYPE html><html></html>"),
		"nothing there":    answer(404, "not found"),
		"another JSON":     answer(200, `{"version":"1"}`),
		"sent to its page": answer(302, "", "Location", "/start.html"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBMC(t, func(b *bmc) { b.hook = on("GET", tc) })
			_, err := newClient(t, b, nil).Get(t.Context(), system, nil)
			wantError(t, err, hw.WrongKind, true, "no Redfish service")
			if b.asked("POST") != 0 {
				t.Error("the password was sent to it")
			}
		})
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	ask := func(address string) error {
		c, err := redfish.New(redfish.Config{Address: address, User: user, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), system, nil)
		return err
	}
	wantError(t, ask(l.Addr().String()), hw.Garbage, true, "answers without TLS")
	ssh, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := ssh.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.6\r\n")
			_ = c.Close()
		}
	}()
	wantError(t, ask(ssh.Addr().String()), hw.Garbage, true, "does not speak TLS")
	_ = ssh.Close()
	wantError(t, ask(ssh.Addr().String()), hw.Refused, true, "refused")
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"", ":443", "a b", "http://x", "x/y", "x:0", "x:70000", "u@x", "[::1", "x?y", "fe80::1%eth0"} {
		if _, err := redfish.New(redfish.Config{Address: a, User: user, Password: password}); err == nil {
			t.Errorf("address %q is taken", a)
		}
	}
	for _, a := range []string{"x", "x:8443", "192.0.2.1", "2001:db8::1", "[2001:db8::1]:8443", "[2001:db8::1]"} {
		if _, err := redfish.New(redfish.Config{Address: a, User: user, Password: password}); err != nil {
			t.Errorf("address %q: %v", a, err)
		}
	}
	for _, cfg := range []redfish.Config{{Address: "x", User: user}, {Address: "x", Password: password}, {Address: "x", User: user, Password: password, Rate: -1}} {
		if _, err := redfish.New(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}

func TestWriting(t *testing.T) {
	t.Parallel()
	var got, match string
	b := newBMC(t, func(b *bmc) {
		b.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			body, _ := io.ReadAll(r.Body)
			got, match = string(body), r.Header.Get("If-Match")
			answer(202, "", "Location", "https://idrac.example/redfish/v1/JobService/Jobs/JID_1")(w)
			return true
		}
	})
	c := newClient(t, b, nil)
	a, err := c.Do(t.Context(), redfish.Request{Method: http.MethodPatch, Path: system, Body: map[string]bool{"LocationIndicatorActive": true}, ETag: `W/"1"`}, nil)
	if err != nil || a.Status != 202 || a.Location != "/redfish/v1/JobService/Jobs/JID_1" || got != `{"LocationIndicatorActive":true}` || match != `W/"1"` {
		t.Errorf("%+v, %v; sent %q if %q", a, err, got, match)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	b := newBMC(t, nil)
	c := newClient(t, b, func(cfg *redfish.Config) { cfg.Rate, cfg.Burst = 0.001, 5 })
	get(t, c) // root, login, life, sessions, and this one
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := c.Get(ctx, system, nil)
	wantError(t, err, hw.OutOfTime, true, "")
	if n := b.asked("GET " + system); n != 1 {
		t.Errorf("%d requests went", n)
	}
	if err := c.Close(t.Context()); err != nil || b.open() != 0 {
		t.Errorf("the logout waited for its turn: %v", err)
	}
}
