package intake_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

var (
	hqSite   = journal.ID{0xff}
	hqOrigin = journal.ID{0xfe}
	noon     = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
)

func siteID(n int) journal.ID { return journal.ID{1, byte(n >> 8), byte(n)} }

// many is a store of many sites in memory.
type many struct {
	mu     sync.Mutex
	sites  map[journal.ID]*shiptest.Store
	merges [][]journal.ID // the sites of each merge, in order of its batches
	bytes  []int
	before func(ctx context.Context, b []journal.Batch) error // of each merge; may be nil
}

func newMany() *many { return &many{sites: map[journal.ID]*shiptest.Store{}} }

func (m *many) of(site journal.ID) *shiptest.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sites[site]
	if s == nil {
		s = shiptest.New(site, hqOrigin, 1)
		m.sites[site] = s
	}
	return s
}

func (m *many) Merge(ctx context.Context, batches []journal.Batch) error {
	m.mu.Lock()
	before := m.before
	m.mu.Unlock()
	if before != nil {
		if err := before(ctx, batches); err != nil {
			return err
		}
	}
	parts, order, bytes := map[journal.ID][]journal.Batch{}, []journal.ID{}, 0
	for _, b := range batches {
		parts[b.Site] = append(parts[b.Site], b)
		order = append(order, b.Site)
		bytes += len(b.Bytes)
	}
	for site, part := range parts {
		if err := m.of(site).Merge(ctx, part); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.merges, m.bytes = append(m.merges, order), append(m.bytes, bytes)
	return nil
}

func (m *many) HeldOf(site journal.ID) journal.Vector   { return m.of(site).Held() }
func (m *many) HaveOf(site journal.ID) journal.Vector   { return m.of(site).Have() }
func (m *many) WantedOf(site journal.ID) journal.Vector { return m.of(site).Wanted() }
func (m *many) WatchOf(site journal.ID) <-chan struct{} { return m.of(site).Watch() }
func (m *many) ConflictsOf(site journal.ID) uint64      { return m.of(site).Conflicts() }
func (m *many) Base(site journal.ID) ([]byte, error)    { return m.of(site).Base(site) }

func (m *many) Join(ctx context.Context, raw []byte) error {
	var c journal.Compressor
	b, err := c.UnmarshalBase(raw)
	if err != nil {
		return err
	}
	return m.of(b.Site).Join(ctx, raw)
}

func (m *many) Layout(ctx context.Context, id journal.LayoutID) (l journal.Layout, err error) {
	m.mu.Lock()
	all := slices.Collect(maps.Values(m.sites))
	m.mu.Unlock()
	for _, s := range all {
		if l, err = s.Layout(ctx, id); err == nil {
			return l, nil
		}
	}
	return l, journal.ErrNoLayout
}

func (m *many) PageOf(ctx context.Context, site journal.ID, streams []journal.Stream, v journal.Vector, limit int) (out []journal.Batch, err error) {
	all, err := m.of(site).Page(ctx, v, 1<<30)
	for _, b := range all {
		if limit > 0 && (len(streams) == 0 || slices.Contains(streams, b.Stream)) {
			out = append(out, b)
			limit -= len(b.Bytes)
		}
	}
	return out, err
}

// door lets in whom the test says, by the server name of the connection.
type door struct {
	mu      sync.Mutex
	sites   map[string]enroll.Site
	changed chan struct{}
}

func (d *door) Check(state tls.ConnectionState) (journal.ID, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.sites[state.ServerName]
	switch {
	case state.ServerName == "":
		return s.ID, "", &enroll.Refusal{Reason: enroll.NoCertificate, What: "no certificate"}
	case !ok:
		return s.ID, "", &enroll.Refusal{Reason: enroll.Foreign, What: "a foreign certificate"}
	case !s.Revoked.IsZero():
		return s.ID, "", &enroll.Refusal{Reason: enroll.Revoked, What: "revoked"}
	}
	return s.ID, s.Name, nil
}

func (d *door) List() []enroll.Site {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.sites))
}

func (d *door) Watch() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *door) set(s enroll.Site) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sites[s.Name] = s
	close(d.changed)
	d.changed = make(chan struct{})
}

// hq is a headquarters.
type hq struct {
	*intake.Intake
	t      testing.TB
	store  *many
	door   *door
	dialer func() (net.Conn, error)
	stop   func()
}

func siteName(n int) string { return fmt.Sprint("site", n) }

// newHQ starts a headquarters on loopback that knows so many sites.
func newHQ(t testing.TB, sites int, change func(*intake.Config)) *hq {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := makeHQ(t, sites, change)
	h.dialer = func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
	h.serve(l)
	return h
}

// simulateHQ starts one that is reached through pipes, in a bubble.
func simulateHQ(t testing.TB, sites int, change func(*intake.Config)) *hq {
	t.Helper()
	h := makeHQ(t, sites, change)
	l := &pipes{came: make(chan net.Conn), closed: make(chan struct{})}
	h.dialer = l.dial
	h.serve(l)
	return h
}

// pipes is a listener in memory.
type pipes struct {
	came   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial() (net.Conn, error) {
	x, y := net.Pipe()
	select {
	case p.came <- y:
		return x, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.came:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func makeHQ(t testing.TB, sites int, change func(*intake.Config)) *hq {
	t.Helper()
	h := &hq{t: t, store: newMany(), door: &door{sites: map[string]enroll.Site{}, changed: make(chan struct{})}}
	for n := range sites {
		h.door.sites[siteName(n)] = enroll.Site{ID: siteID(n), Name: siteName(n)}
	}
	cfg := intake.Config{Site: hqSite, Origin: hqOrigin, Store: h.store, Door: h.door, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	if s, ok := cfg.Store.(*many); ok {
		h.store = s
	}
	in, err := intake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.Intake = in
	return h
}

// serve runs the intake behind a server that knows its callers by a header.
func (h *hq) serve(l net.Listener) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{ServerName: r.Header.Get("Site")}
		h.ServeHTTP(w, r)
	})}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); err != nil {
			h.t.Error(err)
		}
	})
	wg.Go(func() { _ = server.Serve(l) })
	h.stop = sync.OnceFunc(func() {
		cancel()
		_ = server.Close()
		wg.Wait()
	})
	h.t.Cleanup(h.stop)
	until(h.t, "headquarters takes records", func() bool { return h.Ready() })
}

// paths of the lanes.
func path(lane ship.Lane) string {
	if lane == ship.Live {
		return intake.LivePath
	}
	return intake.BehindPath
}

// refused is an answer that is no 101.
type refused struct {
	status int
	after  time.Duration
	words  *enroll.Refusal
}

func (r *refused) Error() string { return fmt.Sprintf("%d: %v", r.status, r.words) }

// dial opens a lane for a box that does not name itself.
func (h *hq) dial(site string, lane ship.Lane) (net.Conn, error) { return h.dialAs(site, lane, "") }

// dialAs opens a lane for a box.
func (h *hq) dialAs(site string, lane ship.Lane, origin string) (net.Conn, error) {
	if origin != "" {
		origin = ship.OriginHeader + ": " + origin + "\r\n"
	}
	return h.ask(site, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: hq\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSite: %s\r\n%s\r\n", path(lane), intake.Protocol, site, origin))
}

func (h *hq) ask(site, request string) (net.Conn, error) {
	conn, err := h.dialer()
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer conn.Close()
		words := enroll.Refused(resp, time.Now())
		return nil, &refused{resp.StatusCode, words.After, words}
	}
	return &buffered{conn, r}, nil
}

// buffered is a connection of which something was read.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

// box is a box of a site, with its lanes.
type box struct {
	*shiptest.Store
	t            testing.TB
	name         string
	known        *ship.Known
	live, behind *ship.Line
	r            *rand.Rand
	n            int
}

func newBox(t testing.TB, n int) *box {
	b := &box{Store: shiptest.New(siteID(n), journal.ID{2, byte(n >> 8), byte(n)}, 7), t: t, name: siteName(n), r: rand.New(rand.NewPCG(1, uint64(n)))}
	b.fresh()
	return b
}

// fresh makes new lines, which know nothing.
func (b *box) fresh() {
	b.known = ship.NewKnown()
	id := b.site()
	o := ship.Options{Site: id, Origin: b.Origin(), Logger: slog.New(slog.DiscardHandler), Share: 1, Known: b.known}
	o.Lane = ship.Live
	b.live = ship.New(b, o)
	o.Lane = ship.Behind
	b.behind = ship.New(b, o)
}

func (b *box) site() journal.ID { o := b.Origin(); return journal.ID{1, o[1], o[2]} }

func (b *box) line(lane ship.Lane) *ship.Line {
	if lane == ship.Live {
		return b.live
	}
	return b.behind
}

// connect opens lanes, and returns what ends them.
func (b *box) connect(h *hq, lanes ...ship.Lane) (cut func()) {
	b.t.Helper()
	if len(lanes) == 0 {
		lanes = []ship.Lane{ship.Live, ship.Behind}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, lane := range lanes {
		conn, err := h.dialAs(b.name, lane, b.Origin().String())
		if err != nil {
			cancel()
			b.t.Fatal(err)
		}
		wg.Go(func() { _ = b.line(lane).Run(ctx, conn) })
	}
	cut = sync.OnceFunc(func() { cancel(); wg.Wait() })
	b.t.Cleanup(cut)
	return cut
}

// writes makes so many batches of a stream durable at the box.
func (b *box) writes(stream journal.Stream, n, bytes int) {
	b.t.Helper()
	for range n {
		b.n++
		wall := noon.UnixMilli() + int64(b.n)
		body := make([]byte, bytes)
		for i := range body {
			body[i] = byte(b.r.Uint32())
		}
		if stream == journal.Facts {
			var err error
			if body, err = journal.AppendFact(nil, hw.Fact{Kind: hw.GapFact, Version: 1, Device: "d", Group: "visit",
				At: time.UnixMilli(wall), Value: hw.GapValue{Detail: fmt.Sprint(b.n)}}, wall); err != nil {
				b.t.Fatal(err)
			}
		}
		if _, err := b.Write(context.Background(), stream, wall, journal.Leader, body, 1); err != nil {
			b.t.Fatal(err)
		}
	}
}

// there says whether headquarters holds all that the box does.
func (b *box) there(h *hq) bool { return h.store.HeldOf(b.site()).Covers(b.Held()) }

// row returns the row of a site.
func (h *hq) row(name string) (row intake.SiteStatus) {
	for _, r := range h.Status().Sites {
		if r.Name == name {
			return r
		}
	}
	return row
}

// until waits for something that happens soon.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// contentOf returns the batches that a store has, without layouts.
func contentOf(t testing.TB, s *shiptest.Store) (out []journal.Batch) {
	t.Helper()
	for _, raw := range s.Content() {
		b, err := journal.ParseBatch([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}
