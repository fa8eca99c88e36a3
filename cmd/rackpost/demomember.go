package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/replicate/mode"
	"rackpost/store"
)

// The timers of a demo that differ from those of a pair in a rack: a story is to be over in a minute. None of them
// has a part in how soon somebody visits again.
const (
	demoSettle     = 2 * time.Second
	demoQuarantine = 3 * time.Second
)

// memberOrder is what the demo tells a member, one JSON object a line.
type memberOrder struct {
	Cables []cut         `json:"cables"` // the cut ones; the others are whole
	Slow   string        `json:"slow"`   // raft or journal: each write to that file takes
	For    time.Duration `json:"for"`    // so long from now; until it is over none ends
	Rest   bool          `json:"rest"`   // nothing that is read is taken any more
	Vector bool          `json:"vector"` // tell what is held
}

// memberNews is what a member tells the demo, one JSON object a line. Times are of CLOCK_MONOTONIC, which all processes
// of a machine share.
type memberNews struct {
	At     int64       `json:"at"`
	Stand  *standNews  `json:"stand,omitempty"`
	Ack    *ackNews    `json:"ack,omitempty"`
	Held   *heldNews   `json:"held,omitempty"`
	Vector *vectorNews `json:"vector,omitempty"`
	Ended  bool        `json:"-"` // said for a member by the demo
}

// standNews is how a member stands.
type standNews struct {
	Mode      mode.Mode `json:"mode"`
	Authority bool      `json:"authority"`
	Powers    []string  `json:"powers"`
	Voters    int       `json:"voters"` // of the other members, as this one knows it
	Why       string    `json:"why"`
}

// ackNews is a visit whose Put returned.
type ackNews struct {
	Device  hw.DeviceID `json:"device"`
	Origin  string      `json:"origin"`
	Started int64       `json:"started"` // milliseconds since 1970, as in the journal
	Began   int64       `json:"began"`   // the same of CLOCK_MONOTONIC, in nanoseconds
	Good    bool        `json:"good"`
}

// vectorNews is what a journal holds.
type vectorNews struct {
	Batches   uint64 `json:"batches"`
	Sum       string `json:"sum"`
	Conflicts uint64 `json:"conflicts"`
	Putting   int64  `json:"putting"` // reports that wait for the disk
}

// monotonic is CLOCK_MONOTONIC in nanoseconds.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // Linux always has it
	return ts.Nano()
}

// demoMember is one box or witness of a demo, in a process of its own.
type demoMember struct {
	cables *cables
	raft   slowness
	disk   slowness
	rest   atomic.Bool
	ended  context.CancelFunc

	putting atomic.Int64 // reports that wait for the disk

	mu  sync.Mutex // guards what follows
	out *json.Encoder
	has *appliance
}

// runMember is the hidden rackpost demo member: it takes orders until standard input ends.
func runMember(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	config := fs.String("config", "", "")
	witness := fs.Bool("witness", false, "")
	hq := fs.Bool("hq", false, "")
	if _, err := parseFlags(fs, args); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &demoMember{cables: newCables(), out: json.NewEncoder(t.out), ended: cancel}
	go m.take(t.in) // it ends with standard input, or the process
	timers := mode.DefaultTimers()
	timers.Settle, timers.Quarantine = demoSettle, demoQuarantine
	cuts := pairCuts{
		dial: m.cables.dial, listen: m.cables.listen, timers: timers, tune: hurry,
		beforeWrite: func() error { m.raft.wait(); return nil },
		running:     func(p *pairing, a *appliance) { m.runs(ctx, p, a) },
	}
	if *hq {
		return runHeadquartersCut(ctx, t, *config, demoStore(m), hqCuts{listen: m.cables.listen, running: func(h *headquarters) { m.runsHQ(ctx, h) }})
	}
	if *witness {
		return runWitnessCut(ctx, t, []string{"-config", *config}, cuts)
	}
	cuts.uplink = m.cables.toHQ(*config)
	return runCut(ctx, t, []string{"-config", *config}, demoStore(m), cuts)
}

// demoStore is for a disk that others use too.
func demoStore(m *demoMember) store.Options {
	return store.Options{Ballast: -1, MinFree: 1 << 20, BeforeWrite: m.disk.wait}
}

// hurry lets simulated servers be asked more often than real ones bear.
func hurry(site *siteConfig) {
	for i := range site.devices {
		if speaksRedfish(site.devices[i].Kind) {
			site.devices[i].Target.Rate = demoRate
		}
	}
}

// take does what is ordered. The end of the orders is the end of the demo, and of this process.
func (m *demoMember) take(orders io.Reader) {
	defer m.ended()
	lines := bufio.NewScanner(orders)
	for lines.Scan() {
		var o memberOrder
		if json.Unmarshal(lines.Bytes(), &o) != nil {
			return
		}
		switch {
		case o.Slow == "raft":
			m.raft.last(o.For)
		case o.Slow != "":
			m.disk.last(o.For)
		case o.Rest:
			m.rest.Store(true)
		case o.Vector:
			m.tellVector()
		default:
			m.cables.set(o.Cables)
		}
	}
}

// tell writes one line; when the demo is gone the orders end too.
func (m *demoMember) tell(n memberNews) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n.At == 0 {
		n.At = monotonic()
	}
	_ = m.out.Encode(n)
}

func (m *demoMember) tellVector() {
	m.mu.Lock()
	a := m.has
	m.mu.Unlock()
	if a == nil {
		return
	}
	putting := m.putting.Load() // before what is held: what comes later waits still
	v := a.store.Have()
	sum := sha256.Sum256(v.Marshal())
	m.tell(memberNews{Vector: &vectorNews{Batches: v.Count(), Sum: hex.EncodeToString(sum[:]), Conflicts: a.store.Conflicts(), Putting: putting}})
}

// runs is called when the member is about to run, until ctx ends.
func (m *demoMember) runs(ctx context.Context, p *pairing, a *appliance) {
	if a != nil {
		m.mu.Lock()
		m.has = a
		m.mu.Unlock()
		a.pulse.sink = &tellingSink{sink: a.pulse.sink, member: m, origin: a.store.Origin().String()}
	}
	go m.watch(ctx, p) // to the end of the process
}

// watch tells how the member stands each time that changed.
func (m *demoMember) watch(ctx context.Context, p *pairing) {
	last := standNews{Mode: 255}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		changed := p.node.Watch()
		s := p.node.Status()
		now := standNews{Mode: s.Mode, Authority: s.Authority, Powers: s.Powers, Why: s.Why}
		for _, x := range s.Members {
			if x.Vote == mode.Voter {
				now.Voters++
			}
		}
		if now.Mode != last.Mode || now.Authority != last.Authority || now.Voters != last.Voters || !slices.Equal(now.Powers, last.Powers) {
			m.tell(memberNews{Stand: &now})
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
	}
}

// tellingSink tells the demo of each report that was acknowledged.
type tellingSink struct {
	sink   collectors.Sink
	member *demoMember
	origin string
}

// Put implements collectors.Sink.
func (s *tellingSink) Put(ctx context.Context, r hw.Report) error {
	s.member.putting.Add(1)
	if s.member.rest.Load() {
		s.member.putting.Add(-1)
		<-ctx.Done()
		return ctx.Err()
	}
	defer s.member.putting.Add(-1)
	if err := s.sink.Put(ctx, r); err != nil {
		return err
	}
	now := monotonic()
	ack := ackNews{Device: r.Device, Origin: s.origin, Started: r.Started.UnixMilli(), Began: now - time.Since(r.Started).Nanoseconds()}
	for _, x := range r.Read {
		ack.Good = ack.Good || x.Extent != hw.Failed
	}
	s.member.tell(memberNews{At: now, Ack: &ack})
	return nil
}

// slowness holds writes up for a while.
type slowness struct {
	until atomic.Int64
}

func (s *slowness) last(d time.Duration) { s.until.Store(monotonic() + d.Nanoseconds()) }

func (s *slowness) wait() {
	if d := time.Duration(s.until.Load() - monotonic()); d > 0 {
		time.Sleep(d)
	}
}
