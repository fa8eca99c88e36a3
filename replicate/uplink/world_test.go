package uplink_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
	"rackpost/replicate/uplink"
)

const patience = 30 * time.Second // for what has to happen, also on a loaded machine

var (
	site     = journal.ID{7}
	origin   = journal.ID{1}
	hqOrigin = journal.ID{9}
)

// office is a small headquarters: who may come in by enroll, lanes by ship, one site.
type office struct {
	*enroll.Registry
	store  *shiptest.Store
	server *http.Server
	url    string

	ahead    atomic.Int64 // ns its clock is ahead
	shift    atomic.Int64 // ns its Date is ahead
	requests atomic.Int64 // for lanes
	calls    atomic.Int64 // connections

	mu     sync.Mutex
	refuse func(path string) error
	asked  []time.Time // for lanes
	conns  map[net.Conn]string
	boxes  map[string]*ship.Known
	lines  map[string]*ship.Line
}

// line is one box's line of a lane.
func (o *office) line(r *http.Request) *ship.Line {
	o.mu.Lock()
	defer o.mu.Unlock()
	box := r.Header.Get(ship.OriginHeader)
	if o.boxes[box] == nil {
		o.boxes[box] = ship.NewKnown()
	}
	lane := ship.Live
	if r.URL.Path == uplink.PathBehind {
		lane = ship.Behind
	}
	if o.lines[box+r.URL.Path] == nil {
		o.lines[box+r.URL.Path] = ship.New(ship.NewSiteView(o.store, site, o.store.Merge),
			ship.Options{Site: site, Origin: hqOrigin, Logger: slog.New(slog.DiscardHandler), Lane: lane, Known: o.boxes[box], Down: true})
	}
	return o.lines[box+r.URL.Path]
}

func newOffice(folder, listen string) (*office, error) {
	o := &office{store: shiptest.New(site, hqOrigin, 1), boxes: map[string]*ship.Known{}, lines: map[string]*ship.Line{}, conns: map[net.Conn]string{}}
	logger := slog.New(slog.DiscardHandler)
	var err error
	o.Registry, err = enroll.Open(enroll.Config{Folder: folder, Names: []string{"127.0.0.1"}, Logger: logger,
		Now: func() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/uplink/v1/", o.Handler())
	mux.HandleFunc(uplink.PathLive, o.lane)
	mux.HandleFunc(uplink.PathBehind, o.lane)
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	o.url = "https://" + l.Addr().String()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Duration(o.shift.Load())).UTC().Format(http.TimeFormat))
		mux.ServeHTTP(w, r)
	})
	o.server = &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				o.calls.Add(1)
			}
		}}
	go func() { _ = o.server.Serve(tls.NewListener(l, o.TLS())) }()
	return o, nil
}

// lane serves a lane as intake does.
func (o *office) lane(w http.ResponseWriter, r *http.Request) {
	o.requests.Add(1)
	o.mu.Lock()
	o.asked = append(o.asked, time.Now())
	refuse := o.refuse
	o.mu.Unlock()
	_, _, err := o.Check(*r.TLS)
	if err == nil && refuse != nil {
		err = refuse(r.URL.Path)
	}
	if err != nil {
		enroll.Refuse(w, err)
		return
	}
	date, line := w.Header().Get("Date"), o.line(r) // who is connected has a line
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	o.mu.Lock()
	o.conns[conn] = r.URL.Path
	o.mu.Unlock()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nDate: %s\r\n\r\n", uplink.Upgrade, date)
	_ = line.Run(context.Background(), conn)
	o.mu.Lock()
	delete(o.conns, conn)
	o.mu.Unlock()
}

func (o *office) setRefuse(f func(string) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = f
}

func (o *office) times() []time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]time.Time(nil), o.asked...)
}

func (o *office) close() {
	_ = o.server.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	for c := range o.conns {
		_ = c.Close()
	}
}

// world is a box and a headquarters.
type world struct {
	t       testing.TB
	hq      *office
	store   *shiptest.Store
	net     *wires
	log     *logBuffer
	holder  *enroll.Holder
	trusted atomic.Bool // the box's clock
	origin  journal.ID
	cfg     uplink.Config
	*uplink.Uplink
	stop   func()
	number atomic.Uint64
}

// quick are times for tests.
var quick = uplink.Timing{Stagger: 200 * time.Millisecond, Quiet: 400 * time.Millisecond, FailOver: 800 * time.Millisecond, HoldDown: 2 * time.Second,
	Probe: 200 * time.Millisecond, Standby: time.Second, Patience: 500 * time.Millisecond, Retry: 200 * time.Millisecond, MostWait: 2 * time.Second}

func newWorld(t testing.TB, change func(*uplink.Config)) *world {
	t.Helper()
	hq, err := newOffice(t.TempDir()+"/hq", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hq.close)
	w := &world{t: t, hq: hq, net: newWires()}
	w.ready(hq.url, change)
	return w
}

// ready joins, and makes the uplink without running it.
func (w *world) ready(url string, change func(*uplink.Config)) {
	w.t.Helper()
	token, _, err := w.hq.Invite("FRA-3", false)
	if err != nil {
		w.t.Fatal(err)
	}
	credential, err := enroll.Join(w.t.Context(), enroll.Joining{URL: url, Token: token.Text(), Site: site, Name: "FRA-3"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.holds(credential, change)
}

func (w *world) holds(credential enroll.Credential, change func(*uplink.Config)) {
	w.t.Helper()
	var err error
	w.holder, err = enroll.NewHolder(enroll.Holding{Credential: credential, Trusted: w.trusted.Load, Save: func(context.Context, enroll.Credential) error { return nil }})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.origin == (journal.ID{}) {
		w.origin = origin
	}
	w.store, w.log = shiptest.New(site, w.origin, 1), &logBuffer{}
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.cfg = uplink.Config{Holder: w.holder, Store: w.store, Logger: logger, Timing: quick,
		Ship: ship.Options{Site: site, Origin: w.origin, Logger: slog.New(slog.DiscardHandler)}}
	if w.net != nil {
		w.cfg.Dial = w.net.dial
	}
	if change != nil {
		change(&w.cfg)
	}
	if w.Uplink, err = uplink.New(w.cfg); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("%s", w.log.String())
		}
	})
}

// run runs the uplink until the test ends.
func (w *world) run() *world {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					w.t.Errorf("it ended with: %v", err)
				}
			case <-time.After(patience):
				w.t.Error("it does not end")
			}
		})
	}
	w.t.Cleanup(w.stop)
	return w
}

// write writes a record.
func (w *world) write() journal.Key {
	w.t.Helper()
	body := binary.BigEndian.AppendUint64(make([]byte, 300), w.number.Add(1))
	_, _ = rand.Read(body[:200])
	k, err := w.store.Write(context.Background(), journal.Logs, time.Now().UnixMilli(), journal.Lone, body, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// writing writes a record now and then until the test ends, or the function is called.
func (w *world) writing(every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.write()
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			<-done
		})
	}
	w.t.Cleanup(stop)
	return stop
}

// endAll ends all connections of lanes.
func (o *office) endAll() { o.end(uplink.PathLive, uplink.PathBehind) }

// end ends the connections of lanes.
func (o *office) end(paths ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, path := range o.conns {
		if slices.Contains(paths, path) {
			_ = c.Close()
		}
	}
}

func (w *world) has(k journal.Key) bool { return w.hq.store.Held().Has(k.StreamKey, k.Seq) }

// arrives waits for a record to be at headquarters, and returns how long it took.
func (w *world) arrives(k journal.Key) time.Duration {
	w.t.Helper()
	began := time.Now()
	w.eventually(fmt.Sprintf("%s is at headquarters", k), func() bool { return w.has(k) })
	return time.Since(began)
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	eventually(w.t, what, holds)
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// connected waits until both lanes are on a way.
func (w *world) connected(way string) {
	w.t.Helper()
	w.eventually("both lanes are on "+way, func() bool {
		s := w.Status()
		return s.Way == way && s.Live.Way == way && s.Behind.Way == way
	})
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// wires are ways that can be cut: what is sent over one that is waits, as packets that are lost and sent
// again do.
type wires struct {
	mu    sync.Mutex
	cuts  map[string]chan struct{} // closed when it is whole again
	conns map[*wire]string
	dials map[string]int
}

func newWires() *wires {
	return &wires{cuts: map[string]chan struct{}{}, conns: map[*wire]string{}, dials: map[string]int{}}
}

func (n *wires) cut(way string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cuts[way] == nil {
		n.cuts[way] = make(chan struct{})
	}
}

func (n *wires) heal(way string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ch := n.cuts[way]; ch != nil {
		close(ch)
		n.cuts[way] = nil
	}
}

func (n *wires) dialled(way string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials[way]
}

// wait waits while the way is cut.
func (n *wires) wait(ctx context.Context, way string) error {
	for {
		n.mu.Lock()
		ch := n.cuts[way]
		n.mu.Unlock()
		if ch == nil {
			return nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *wires) dial(ctx context.Context, w uplink.Way, links uplink.Links, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dials[w.Name]++
	n.mu.Unlock()
	if err := n.wait(ctx, w.Name); err != nil {
		return nil, err
	}
	c, err := w.Dial(ctx, links, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &wire{Conn: c, way: w.Name, net: n, ctx: ctx, cancel: cancel}, nil
}

// wire is a connection over a way.
type wire struct {
	net.Conn
	way    string
	net    *wires
	ctx    context.Context
	cancel context.CancelFunc
}

func (c *wire) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if stopped := c.net.wait(c.ctx, c.way); stopped != nil {
		return 0, errors.Join(stopped, err)
	}
	return n, err
}

func (c *wire) Write(b []byte) (int, error) {
	if err := c.net.wait(c.ctx, c.way); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *wire) Close() error {
	c.cancel()
	return c.Conn.Close()
}

// SetDeadline ends what waits when the deadline has passed, as a connection's does.
func (c *wire) SetDeadline(t time.Time) error {
	c.until(t)
	return c.Conn.SetDeadline(t)
}

func (c *wire) SetReadDeadline(t time.Time) error {
	c.until(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *wire) until(t time.Time) {
	if !t.IsZero() && time.Until(t) <= 0 {
		c.cancel()
	}
}

// runs runs something until the test ends.
func runs(t testing.TB, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("it ended with: %v", err)
		}
	})
}
