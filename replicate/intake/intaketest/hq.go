package intaketest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/store"
)

// HQ is a headquarters that is running: one port with TLS, a register, a store of many sites.
type HQ struct {
	*intake.Intake
	Store    *store.Store
	Registry *enroll.Registry
	Addr     string

	Stop func() // also at the end of the test
}

// Open starts a headquarters whose journal and register lie in dir.
func Open(t testing.TB, dir string, change func(*store.Options, *intake.Config)) *HQ {
	t.Helper()
	return OpenAt(t, dir, dir+"/hq", change)
}

// OpenAt is Open with the register in another folder: each site that joins writes and fsyncs it.
func OpenAt(t testing.TB, dir, register string, change func(*store.Options, *intake.Config)) *HQ {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	so := store.Options{Dir: dir + "/journal", Site: journal.ID{0xff}, ManySites: true, Ballast: -1, Logger: logger}
	registry, err := enroll.Open(enroll.Config{Folder: register, Names: []string{"127.0.0.1"}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	cfg := intake.Config{Site: so.Site, Door: registry, Logger: logger}
	if change != nil {
		change(&so, &cfg)
	}
	s, err := store.Open(t.Context(), so)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Store, cfg.Origin = s, s.Origin()
	cfg.Missing = func(site journal.ID, look intake.Look) (intake.Missing, error) {
		m, err := s.TellMissing(site, store.Look(look))
		return intake.Missing(m), err
	}
	cfg.Stored = func(site journal.ID) int64 { return s.UsageOf(site).Bytes }
	in, err := intake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &HQ{Intake: in, Store: s, Registry: registry}
	h.run(t)
	return h
}

func (h *HQ) run(t testing.TB) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.Addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("/uplink/", h.Registry.Handler())
	mux.Handle(intake.LivePath, h)
	mux.Handle(intake.BehindPath, h)
	server := &http.Server{Handler: mux, TLSConfig: h.Registry.TLS(), ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ctx, cancel := context.WithCancel(context.Background())
	var serving, storing sync.WaitGroup
	stopStore := make(chan struct{})
	serving.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	serving.Go(func() { _ = server.ServeTLS(l, "", "") })
	storing.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { <-stopStore; cancel() }()
		if err := h.Store.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	h.Stop = sync.OnceFunc(func() {
		cancel()
		_ = server.Close()
		serving.Wait()
		close(stopStore)
		storing.Wait()
		if err := h.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.Stop)
	for !h.Ready() {
		time.Sleep(time.Millisecond)
	}
}

// Join has a site join, and returns what it shows from then on.
func (h *HQ) Join(t testing.TB, name string, site journal.ID) *enroll.Holder {
	t.Helper()
	token, _, err := h.Registry.Invite(name, false)
	if err != nil {
		t.Fatal(err)
	}
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: "https://" + h.Addr, Token: token.Text(), Site: site, Name: name, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	holder, err := enroll.NewHolder(enroll.Holding{Credential: c, Trusted: func() bool { return true }, Save: func(context.Context, enroll.Credential) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return holder
}

// dialLife is how long opening a lane may take.
const dialLife = 30 * time.Second

// Dial opens a lane for the box of an origin. Its error is an enroll.Refusal where headquarters refused. It ends with ctx.
func (h *HQ) Dial(ctx context.Context, holder *enroll.Holder, origin journal.ID, lane ship.Lane) (net.Conn, error) {
	path := intake.LivePath
	if lane == ship.Behind {
		path = intake.BehindPath
	}
	ctx, cancel := context.WithTimeout(ctx, dialLife)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", h.Addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // an answer that does not come is not waited for
	defer stop()
	conn := tls.Client(raw, holder.TLS(h.Addr))
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s: %s\r\n\r\n", path, h.Addr, intake.Protocol, ship.OriginHeader, origin); err != nil {
		conn.Close()
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 1<<10)
	resp, err := http.ReadResponse(r, nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = enroll.Refused(resp, time.Now())
		resp.Body.Close()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &read{conn, r}, nil
}

// read is a connection of which something may have been read.
type read struct {
	net.Conn
	r *bufio.Reader
}

func (c *read) Read(p []byte) (int, error) {
	if c.r != nil && c.r.Buffered() > 0 {
		return c.r.Read(p)
	}
	c.r = nil
	return c.Conn.Read(p)
}
