package intake

import (
	"context"
	"errors"
	"fmt"
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
	voice  atomic.Int64 // when it was last heard, ns since the intake was made; 0: never
	quiet  atomic.Bool  // it is told that nothing is heard of it
	unread atomic.Bool  // what the store keeps of it has changed since that was asked

	mu       sync.Mutex
	name     string
	inside   int  // connections that were let in and have not ended
	leaving  bool // it is being forgotten
	presence presence
	share    share               // of what is larger than windows; the room guards it
	account  *ship.Account       // of all its boxes
	boxes    map[journal.ID]*box // by origin
	sum      ship.Progress       // of lines that are no more
	visits   bucket
	refusals map[string]uint64
	refused  uint64
	last     string    // the last refusal of a batch, in words
	away     string    // the last of a connection; none when one was let in since
	lastAt   time.Time // of a batch
	class    string    // of that
	today    usage
	stored   int64
	asked    time.Time // what the store keeps
	wishes   wishes
	absence  absence
	strict   time.Time // facts alone are taken from then on; zero: all is
}

// newSite makes a site. The caller holds the intake's mu.
func newSite(in *Intake, id journal.ID, name string) *site {
	s := &site{id: id, in: in, name: name, boxes: map[journal.ID]*box{}, refusals: map[string]uint64{}, visits: bucket{rate: sitePerSecond, burst: siteBurst},
		account: ship.NewAccount(), today: in.used[id], absence: absence{came: true, facts: time.Now()}}
	if in.cfg.Paced != nil {
		s.wishes.operator = in.cfg.Paced(id)
	}
	if in.cfg.Lost != nil {
		s.absence.lostAt = in.cfg.Lost(id)
	}
	s.unread.Store(true)
	return s
}

// merge takes what one lane of a box brought.
func (s *site) merge(ctx context.Context, b *box, kind ship.Lane, batches []journal.Batch) error {
	if err := s.mayTake(batches); err != nil {
		return err
	}
	for rest := batches; len(rest) > 0; {
		n := pieceOf(rest)
		if err := s.in.commit.merge(ctx, s.id, kind == ship.Live, rest[:n]); err != nil {
			return err
		}
		s.took(b, kind, rest[:n])
		rest = rest[n:]
	}
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
func (s *site) took(b *box, kind ship.Lane, batches []journal.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.in.now()
	for i := range batches {
		s.today.add(now, size(&batches[i]))
		if batches[i].Stream == journal.Facts && s.absence.facts.IsZero() {
			s.absence.facts = time.Now()
		}
	}
	s.absence.came = true
	s.unread.Store(true)
	if kind == ship.Live {
		b.lag = b.offset.note(now, time.UnixMilli(batches[len(batches)-1].WallMS))
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
	s.away = words
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
		{journal.ErrNewer, "newer"}, {journal.ErrTooMuch, "too_much"}, {journal.ErrCorrupt, "corrupt"},
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
	for l := range s.lanes() {
		if l.line != nil {
			l.line.Pace(s.wishes.of(l.kind))
		}
	}
}

// askPeriod is how often the store is asked what it keeps of a site that brings something.
const askPeriod = 10 * time.Second

// measure sees to the site's quota, and slows it.
func (s *site) measure(slow uint64) {
	s.mu.Lock()
	ask := s.in.cfg.Stored != nil && time.Since(s.asked) >= askPeriod && (s.unread.Load() || s.wishes.quota != "")
	if ask {
		s.asked = time.Now()
		s.unread.Store(false)
	}
	stored, name := s.stored, s.name
	s.mu.Unlock()
	if ask {
		stored = s.in.cfg.Stored(s.id)
	}
	q := s.in.quotaOf(s.id, name)
	s.mu.Lock()
	s.stored = stored
	s.today.turn(s.in.now())
	over := q.over(s.today.bytes, s.stored)
	s.tellPresence(time.Now())
	s.mu.Unlock()
	s.wish(func(w *wishes) {
		w.slow = slow
		if over == "" || w.quota == "" { // else its words stay as they were told
			w.quota = over
		}
	})
}

// add adds the counts of a line.
func add(sum *ship.Progress, p ship.Progress) {
	sum.Received += p.Received
	sum.Repeated += p.Repeated
}
