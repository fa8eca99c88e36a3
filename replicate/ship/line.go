package ship

import (
	"log/slog"
	"sync"
	"time"

	"rackpost/hw/journal"
)

// Options are what a line is made with. Site, Origin and Logger must be set.
type Options struct {
	Site   journal.ID // of the records; a store of another site is refused
	Origin journal.ID // of the own store
	Logger *slog.Logger

	Window int           // bytes of batches the peer may have under way to us; 1 MB when 0
	Share  float64       // of one core that catching the peer up may take; 0.15 when 0
	Idle   time.Duration // a peer silent for so long is gone; 15 s when 0. Both ends of a line have the same
	Write  time.Duration // in which 16 KB of a frame must go out; 10 s when 0

	Lane        Lane                                                        // what of the records the line carries
	Known       *Known                                                      // shared by the lines to one peer; its own when nil
	Budget      uint64                                                      // bytes of batches and layouts a second that this end sends at most; 0: no limit
	NewestFirst bool                                                        // of what is behind; the store must be a Picker
	Room        Room                                                        // for what is larger than the window; nil: there is always some
	Account     *Account                                                    // of the peer, over its connections; shared by its lines; the line's own when nil
	Quarantine  func(site journal.ID, k journal.Key, raw []byte, why error) // keeps a batch that could not be read, which calls itself k; may be nil
	Refused     func(why error)                                             // is called for each batch that this end refuses, and must not wait; may be nil
	Down        bool                                                        // this end is headquarters: it sends facts and bases alone, and on no lane but Live
}

// The bounds of a window: a peer is never sent more at once, and may always be sent so much.
const (
	defaultWindow = 1 << 20
	leastWindow   = 64 << 10
	mostWindow    = 2 << 20
)

func (o *Options) defaults() {
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	o.Window = min(max(o.Window, leastWindow), mostWindow)
	if o.Share == 0 {
		o.Share = 0.15
	}
	o.Share = min(max(o.Share, 0.01), 1)
	if o.Idle == 0 {
		o.Idle = 15 * time.Second
	}
	if o.Write == 0 {
		o.Write = 10 * time.Second
	}
	if o.Known == nil {
		o.Known = NewKnown()
	}
	if o.Account == nil {
		o.Account = NewAccount()
	}
}

// tails says whether this end sends what is new as it is written.
func (o *Options) tails() bool { return !o.Down && o.Lane != Behind }

// passes says whether this end looks through what it has for what the peer lacks.
func (o *Options) passes() bool {
	if o.Down {
		return o.Lane != Behind
	}
	return o.Lane != Live
}

// Line is the way of the records to and from one other store. It outlives its connections.
type Line struct {
	store Store
	opt   Options
	known *Known

	mu      sync.Mutex
	current *session // nil: not connected
	pace    Pace     // asked of the peer
	sum     Progress // of the sessions before, and how the line was left
}

// New returns a line. It does nothing until Run.
func New(store Store, opt Options) *Line {
	opt.defaults()
	return &Line{store: store, opt: opt, known: opt.Known, sum: Progress{Since: time.Now()}}
}

// Backlog is what somebody has still to get.
type Backlog struct {
	Batches uint64    `json:"batches"`
	Bytes   uint64    `json:"bytes"`           // estimated from what was sent
	Oldest  time.Time `json:"oldest,omitzero"` // of the first of it, by the clock of who wrote it; zero: nothing is behind
}

// Progress is how a line is. The counts are since the line was made.
type Progress struct {
	Connected bool       `json:"connected"`
	Since     time.Time  `json:"since,omitzero"`   // connected, or not
	Peer      journal.ID `json:"peer"`             // origin of the store at the other end; the last one known
	CaughtUp  bool       `json:"caught_up"`        // neither end lacks more than what was written a moment ago
	Given     bool       `json:"given"`            // the peer said on this connection that it has nothing more to send
	Reason    string     `json:"reason,omitempty"` // why the last connection ended

	PeerLacks Backlog `json:"peer_lacks"` // of what is here
	Lacks     Backlog `json:"lacks"`      // of what is at the peer, by its word

	Rate      uint64 `json:"bytes_per_second"` // of batches, both ways, over the last seconds
	Sent      uint64 `json:"sent"`             // batches that the peer answered for
	Received  uint64 `json:"received"`         // batches taken
	Repeated  uint64 `json:"repeated"`         // of these, held before they came
	Refused   uint64 `json:"refused"`          // batches refused here
	Returned  uint64 `json:"returned"`         // batches the peer refused or did not answer for
	GivenUp   uint64 `json:"given_up"`         // times the peer refused a batch to the end: it is tried again later
	Conflicts uint64 `json:"conflicts"`        // times other content came under a held key, at either end
	BytesOut  uint64 `json:"bytes_out"`        // on the wire, before TLS
	BytesIn   uint64 `json:"bytes_in"`

	Lane    Lane    `json:"lane"`
	Lag     float64 `json:"lag_seconds"`             // how long what is new waits, or waited, from the store's telling of it to the peer's answer
	Records uint64  `json:"records"`                 // of what the peer lacks, estimated from what was sent
	Drain   float64 `json:"drain_seconds,omitempty"` // until the peer lacks nothing, at the rate of the last seconds; 0: unknown, or nothing is behind
	Pace    Pace    `json:"pace"`                    // asked by the peer
	Says    string  `json:"says,omitempty"`          // the last batch that the peer did not take, and why
}

// Progress returns how the line is now.
func (l *Line) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.sum
	p.Lane = l.opt.Lane
	if l.current != nil {
		l.current.addTo(&p)
	}
	return p
}

// CaughtUp says whether the line is connected and neither end lacks more than what was written a
// moment ago.
func (l *Line) CaughtUp() bool { return l.Progress().CaughtUp }

// take makes s the session of the line and returns the one it was.
func (l *Line) take(s *session) (former *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	former = l.current
	if former != nil {
		l.known.detach(former)
		former.addTo(&l.sum)
	}
	l.current = s
	l.known.attach(s)
	return former
}

// leave ends s, unless another session has taken its place.
func (l *Line) leave(s *session, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != s {
		return
	}
	s.addTo(&l.sum)
	l.current = nil
	l.sum.Connected, l.sum.CaughtUp, l.sum.Given, l.sum.Since, l.sum.Rate, l.sum.Drain, l.sum.Reason = false, false, false, time.Now(), 0, 0, ""
	if why != nil {
		l.sum.Reason = why.Error()
	}
}

// addTo adds what the session counted to p, and how it is.
func (s *session) addTo(p *Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lacks, records, caughtUp := s.backlog()
	p.Connected = s.away.told
	p.Since, p.Peer = s.started, s.peer.origin
	p.CaughtUp, p.Given = caughtUp && s.pinged.caughtUp, s.pinged.caughtUp
	p.PeerLacks, p.Lacks, p.Rate = lacks, s.pinged.behind, s.away.rate.perSecond()
	p.Records, p.Lag, p.Drain, p.Pace = records, s.away.waited().Seconds(), 0, s.away.pace
	if n := s.away.drain.perSecond(); n > 0 {
		p.Drain = float64(lacks.Bytes) / float64(n)
	}
	if s.says != "" {
		p.Says = s.says
	}
	c := s.count
	p.Sent += c.sent
	p.Received += c.received
	p.Repeated += c.repeated
	p.Refused += c.refused
	p.Returned += c.returned
	p.GivenUp += c.givenUp
	p.Conflicts += c.conflicts
	p.BytesOut += s.out.written()
	p.BytesIn += s.received
}

// rate is how much was counted a second, over the last seconds.
type rate struct {
	last  [8]uint64 // a ring of what was counted, one a second
	next  int
	total uint64
}

// add takes a count that only grows.
func (r *rate) add(total uint64) {
	r.last[r.next] = total - r.total
	r.total = total
	r.next = (r.next + 1) % len(r.last)
}

func (r *rate) perSecond() (sum uint64) {
	for _, n := range r.last {
		sum += n
	}
	return sum / uint64(len(r.last))
}
