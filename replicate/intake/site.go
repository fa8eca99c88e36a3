package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// site is what is known of one site since the intake was made.
type site struct {
	id     journal.ID
	in     *Intake
	known  *ship.Known
	voice  atomic.Int64 // when it was last heard, ns since the intake was made; 0: never
	quiet  atomic.Bool  // it is told that nothing is heard of it
	unread atomic.Bool  // what the store keeps of it has changed since that was asked

	mu       sync.Mutex
	name     string
	lanes    [2]lane
	visits   bucket
	refusals map[string]uint64
	refused  uint64
	last     string    // the last refusal, in words
	lastAt   time.Time // of a batch
	class    string    // of that
	today    usage
	stored   int64
	asked    time.Time // what the store keeps
	quota    Quota
	looked   time.Time // which quota it has
	offset   offset
	lag      time.Duration
	wishes   wishes
	strict   time.Time // facts alone are taken from then on; zero: all is
}

// lane is one of a site's lanes: its line, and the connection it has.
type lane struct {
	kind    ship.Lane
	line    *ship.Line
	window  int
	sum     ship.Progress // of lines before, which had another window
	cancel  context.CancelCauseFunc
	state   *tls.ConnectionState // who is at the other end
	number  uint64               // of the connection, from 1
	open    bool
	since   time.Time
	address string
	reason  string
}

func newSite(in *Intake, id journal.ID, name string) *site {
	s := &site{id: id, in: in, name: name, known: ship.NewKnown(), refusals: map[string]uint64{}, visits: bucket{rate: sitePerSecond, burst: siteBurst}}
	s.lanes[0].kind, s.lanes[1].kind = ship.Live, ship.Behind
	s.unread.Store(true)
	return s
}

// lane returns one of the lanes. The caller holds mu to use it.
func (s *site) lane(kind ship.Lane) *lane {
	if kind == ship.Live {
		return &s.lanes[0]
	}
	return &s.lanes[1]
}

// join gives the lane a connection, which takes the place of the one it has. It returns its line, and its number.
func (s *site) join(e entrance, cancel context.CancelCauseFunc) (*ship.Line, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(e.kind)
	if l.cancel != nil && l.window != e.window { // the line itself ends its former connection
		l.cancel(errReplaced)
	}
	if l.line == nil || l.window != e.window {
		if l.line != nil {
			add(&l.sum, l.line.Progress())
		}
		l.line, l.window = s.newLine(e.kind, e.window), e.window
		l.line.Pace(s.wishes.of(e.kind))
	}
	l.number++
	l.cancel, l.state, l.open, l.since, l.address = cancel, e.state, true, s.in.now(), e.from
	return l.line, l.number
}

// leave notes that a connection ended, and why.
func (s *site) leave(kind ship.Lane, number uint64, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane(kind)
	if l.number != number {
		return
	}
	l.cancel, l.state, l.open, l.since, l.reason = nil, nil, false, s.in.now(), ""
	if why != nil {
		l.reason = why.Error()
	}
}

func (s *site) newLine(kind ship.Lane, window int) *ship.Line {
	view := ship.NewSiteView(s.in.cfg.Store, s.id, func(ctx context.Context, b []journal.Batch) error { return s.merge(ctx, kind, b) })
	return ship.New(view, ship.Options{Site: s.id, Origin: s.in.cfg.Origin, Logger: s.in.cfg.Logger.With("site", s.name), Lane: kind,
		Window: window, Known: s.known, Room: s.in.large, Down: true, Refused: func(why error) { s.refuse(why) }})
}

// check ends the connections of who may not send any more.
func (s *site) check() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.lanes {
		l := &s.lanes[i]
		if l.cancel == nil || l.state == nil {
			continue
		}
		if _, _, err := s.in.cfg.Door.Check(*l.state); err != nil {
			s.in.cfg.Logger.Warn("a connection is ended", "site", s.name, "lane", l.kind.String(), "err", err)
			l.cancel(err)
		}
	}
}

// errReplaced ends a connection when its lane gets another.
var errReplaced = errors.New("a newer connection took the place of this one")

// merge takes what one lane brought.
func (s *site) merge(ctx context.Context, kind ship.Lane, batches []journal.Batch) error {
	if err := s.mayTake(batches); err != nil {
		return err
	}
	if err := s.in.commit.merge(ctx, s.id, kind == ship.Live, batches); err != nil {
		return err
	}
	s.took(kind, batches)
	return nil
}

// mayTake refuses what the site was told not to send.
func (s *site) mayTake(batches []journal.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strict.IsZero() || time.Now().Before(s.strict) {
		return nil
	}
	for i := range batches {
		if batches[i].Stream != journal.Facts {
			return fmt.Errorf("%w: %s", ship.ErrRefused, s.wishes.of(ship.Behind).Why)
		}
	}
	return nil
}

// took counts what is durable.
func (s *site) took(kind ship.Lane, batches []journal.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.in.now()
	for i := range batches {
		s.today.add(now, size(&batches[i]))
	}
	s.unread.Store(true)
	if kind == ship.Live {
		s.lag = s.offset.note(now, time.UnixMilli(batches[len(batches)-1].WallMS))
	}
}

// maxRefusals bounds the different reasons that are counted for one site.
const maxRefusals = 32

// refuse counts a batch that was not taken.
func (s *site) refuse(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	s.last, s.lastAt, s.class = why.Error(), s.in.now(), reasonOf(why)
	s.count(s.class)
}

// turnedAway counts a connection that was not let in.
func (s *site) turnedAway(reason, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = words
	s.count(reason)
}

func (s *site) count(reason string) {
	if _, ok := s.refusals[reason]; ok || len(s.refusals) < maxRefusals {
		s.refusals[reason]++
	}
}

// reasonOf names why a batch was refused.
func reasonOf(err error) string {
	for _, c := range []struct {
		err  error
		name string
	}{
		{ship.ErrRefused, "not_wanted"}, {journal.ErrOtherSite, "other_site"}, {journal.ErrNoLayout, "no_layout"},
		{journal.ErrNewer, "newer"}, {journal.ErrCorrupt, "corrupt"},
	} {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "other"
}

// grace is how long a site may still send what was under way when it was told not to.
const grace = 30 * time.Second

// wish changes what holds the site back, and tells its lines.
func (s *site) wish(change func(*wishes)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.wishes
	change(&s.wishes)
	if s.wishes == before {
		return
	}
	switch only := s.wishes.of(ship.Live).FactsOnly; {
	case !only:
		s.strict = time.Time{}
	case s.strict.IsZero():
		s.strict = time.Now().Add(grace)
	}
	for i := range s.lanes {
		if l := &s.lanes[i]; l.line != nil {
			l.line.Pace(s.wishes.of(l.kind))
		}
	}
}

// askPeriod is how often the store is asked what it keeps of a site that brings something.
const askPeriod = 10 * time.Second

// quotaPeriod is how often it is asked which quota a site has.
const quotaPeriod = 30 * time.Second

// measure sees to the site's quota, and slows it.
func (s *site) measure(slow uint64) {
	s.mu.Lock()
	ask := s.in.cfg.Stored != nil && time.Since(s.asked) >= askPeriod && (s.unread.Load() || s.wishes.quota != "")
	look := s.looked.IsZero() || time.Since(s.looked) >= quotaPeriod
	if ask {
		s.asked = time.Now()
		s.unread.Store(false)
	}
	stored, q := s.stored, s.quota
	s.mu.Unlock()
	if ask {
		stored = s.in.cfg.Stored(s.id)
	}
	if look {
		q = s.in.quotaOf(s.id)
	}
	s.mu.Lock()
	if s.stored, s.quota = stored, q; look {
		s.looked = time.Now()
	}
	s.today.turn(s.in.now())
	over := q.over(s.today.bytes, s.stored)
	s.mu.Unlock()
	s.wish(func(w *wishes) {
		w.slow = slow
		if over == "" || w.quota == "" { // else its words stay as they were told
			w.quota = over
		}
	})
}

// connected says which lanes have a connection.
func (s *site) connected() (live, behind bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes[0].open, s.lanes[1].open
}

// add adds the counts of a line that is no more.
func add(sum *ship.Progress, p ship.Progress) {
	sum.Received += p.Received
	sum.Repeated += p.Repeated
	sum.Refused += p.Refused
	sum.Conflicts += p.Conflicts
}

// status returns the row of the site.
func (s *site) status() SiteStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SiteStatus{Site: s.id, Name: s.name, Silent: s.quiet.Load(), LagMS: s.lag.Milliseconds(), BytesStored: s.stored,
		Refused: s.refused, Refusals: maps.Clone(s.refusals), LastRefusal: s.last,
		Pace: s.wishes.of(ship.Behind), PaceReasons: s.wishes.reasons(ship.Behind)}
	s.today.turn(s.in.now())
	st.BytesToday = s.today.bytes
	if at := s.voice.Load(); at > 0 {
		st.LastHeard = s.in.now().Add(time.Duration(at) - s.in.age())
	}
	best, known := s.offset.best()
	st.ClockOffsetMS, st.ClockKnown = best.Milliseconds(), known
	for i, to := range []*Lane{&st.Live, &st.Behind} {
		l := &s.lanes[i]
		*to = Lane{Connected: l.open, Since: l.since, Address: l.address, Reason: l.reason}
		sum := l.sum
		if l.line != nil {
			p := l.line.Progress()
			add(&sum, p)
			if l.open {
				st.Lacks += p.Lacks.Batches
				st.LacksBytes += p.Lacks.Bytes
				if o := p.Lacks.Oldest; !o.IsZero() && (st.LacksSince.IsZero() || o.Before(st.LacksSince)) {
					st.LacksSince = o
				}
			}
		}
		st.Received += sum.Received
		st.Repeated += sum.Repeated
		st.Conflicts += sum.Conflicts
	}
	return st
}
