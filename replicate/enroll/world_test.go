package enroll_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
)

// office is a headquarters on a loopback port, with a clock of its own.
type office struct {
	*enroll.Registry
	folder   string
	url      string
	address  string
	now      atomic.Int64 // ms it is ahead
	distrust atomic.Bool
	server   *httptest.Server
	broken   atomic.Bool // answers are lost
}

func openOffice(t testing.TB, folder string, change func(*enroll.Config)) *office {
	t.Helper()
	o := &office{folder: folder}
	cfg := enroll.Config{Folder: folder, Names: []string{"hq.example.net", "127.0.0.1"}, Logger: slog.New(slog.DiscardHandler),
		Now:     func() time.Time { return time.Now().Add(time.Duration(o.now.Load()) * time.Millisecond) },
		Trusted: func() bool { return !o.distrust.Load() }}
	if change != nil {
		change(&cfg)
	}
	var err error
	if o.Registry, err = enroll.Open(cfg); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/uplink/", o.Handler())
	mux.HandleFunc("GET /who", func(w http.ResponseWriter, r *http.Request) {
		_, name, err := o.Check(*r.TLS)
		if err != nil {
			enroll.Refuse(w, err)
			return
		}
		_, _ = w.Write([]byte(name))
	})
	o.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.broken.Load() {
			mux.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // all was done, and the answer is lost
		}
		mux.ServeHTTP(w, r)
	}))
	o.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	o.server.TLS = o.TLS()
	o.server.StartTLS()
	t.Cleanup(o.server.Close)
	o.address = o.server.Listener.Addr().String()
	o.url = "https://" + o.address
	return o
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return openOffice(t, t.TempDir()+"/hq", nil)
}

func newSite() (id journal.ID) {
	_, _ = rand.Read(id[:])
	return id
}

// invite makes a token.
func (o *office) invite(t *testing.T, name string, again bool) string {
	t.Helper()
	token, _, err := o.Invite(name, again)
	if err != nil {
		t.Fatal(err)
	}
	return token.Text()
}

// join has a site join.
func (o *office) join(t *testing.T, name string, id journal.ID) enroll.Credential {
	t.Helper()
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: o.url, Token: o.invite(t, name, false), Site: id, Name: name, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// holder keeps what it saves in memory.
func holder(t testing.TB, c enroll.Credential, change func(*enroll.Holding)) *enroll.Holder {
	t.Helper()
	cfg := enroll.Holding{Credential: c, Trusted: func() bool { return true }, Save: func(context.Context, enroll.Credential) error { return nil }}
	if change != nil {
		change(&cfg)
	}
	h, err := enroll.NewHolder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// who asks headquarters who it takes the holder for.
func (o *office) who(t testing.TB, h *enroll.Holder) (string, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: h.TLS(o.address)}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+"/who", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", enroll.Refused(resp, time.Now())
	}
	b := make([]byte, 100)
	n, _ := resp.Body.Read(b)
	return string(b[:n]), nil
}

// wantRefused wants a refusal of this reason, with something to do.
func wantRefused(t *testing.T, err error, reason enroll.Reason) {
	t.Helper()
	var r *enroll.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("not refused as %s: %v", reason, err)
	}
	if r.Reason != reason {
		t.Errorf("refused as %s, not as %s: %v", r.Reason, reason, err)
	}
	if r.Advice == "" || r.What == "" {
		t.Errorf("it does not say what is wrong, or what to do: %q, %q", r.What, r.Advice)
	}
	t.Log(err)
}

func dialTo(address string) enroll.Dial {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
