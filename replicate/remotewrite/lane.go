package remotewrite

import (
	"context"
	"errors"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// lane reads the journal from its own position and writes what it reads. A series' samples are sent in order of time as far as the
// journal has them so.
type lane struct {
	s         *Sender
	cfg       *Config
	pack      *journal.Compressor
	pageBytes int
	hops      bool // it is to be live: what it is late with it leaves to the other
	quiet     bool // it writes what islands read, and knows nothing of what has ended
	at        func(*state) *standing
	status    func(*Status) *LaneStatus

	layouts   layouts
	labels    places
	track     tracker
	build     builder
	poster    poster
	scratch   []hw.Sample
	refusedAt time.Time // when the request that is being delivered was first refused
	barred    bool      // of it everything is refused so far, as an empty one is
	barren    bool
	agreed    bool // the clock was compared with the receiver's since the page was read

	caughtUp time.Time // when it had written all there was
	looked   time.Time // for devices that are gone
}

func (s *Sender) newLane(pageBytes int, at func(*state) *standing, status func(*Status) *LaneStatus) *lane {
	return &lane{s: s, cfg: &s.cfg, pack: &s.pack, pageBytes: pageBytes, at: at, status: status,
		layouts: layouts{pack: &s.pack}, labels: places{cfg: &s.cfg}, track: tracker{pack: &s.pack}, poster: poster{s: s}}
}

// run writes until ctx ends.
func (l *lane) run(ctx context.Context) error {
	for {
		watch, hopped := l.cfg.Journal.Watch(), l.s.watchHop()
		more, err := l.step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			l.s.fail(err.Error())
			if err := l.pause(ctx, l.cfg.pace.refused); err != nil {
				return err
			}
			continue
		}
		if more {
			continue
		}
		if !l.hops && !l.cfg.InOrder {
			watch = nil // what is new is the other's
		}
		timer := time.NewTimer(l.cfg.pace.idle)
		select {
		case <-ctx.Done():
		case <-watch:
			err = sleep(ctx, l.cfg.pace.gather)
		case <-hopped:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// step reads a page and writes it; more says that there is more at once.
func (l *lane) step(ctx context.Context) (more bool, err error) {
	at, until := l.where()
	if !l.hops && !l.cfg.InOrder && at.After == until { // where the live lane begins at the beginning, nothing is behind
		l.reached()
		return false, nil
	}
	c, err := l.cfg.Journal.Changes(ctx, at.After, until, l.pageBytes)
	if errors.Is(err, ErrGone) && at.After != "" {
		l.lost()
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if l.hops && at.Until == "" && c.Next != c.Head && l.late() {
		l.hop(c.Head)
		return true, nil
	}
	p := l.read(c, at.Until, l.s.isDone)
	l.s.note(func(s *Status) {
		s.Unread += uint64(p.unread)
		l.status(s).Oldest = time.Time{}
		if p.oldest != 0 {
			l.status(s).Oldest = time.UnixMilli(p.oldest).UTC()
		}
	})
	if err := l.write(ctx, &p, at); err != nil {
		return false, err
	}
	l.done(&p, at.After)
	if until != "" {
		p.head = until
	}
	if more = p.next != p.head; !more {
		l.reached()
	}
	return more, nil
}

// write sends what is in a page.
func (l *lane) write(ctx context.Context, p *page, at standing) error {
	l.agreed = false
	l.build.limit = l.s.limit
	l.build.send = func(r *request) error {
		if err := l.deliver(ctx, r); err != nil {
			return err
		}
		l.s.mark(l.at, p.next, r.marks)
		return nil
	}
	if l.hops || l.cfg.InOrder {
		if err := l.endGone(); err != nil {
			return l.drop(err)
		}
	}
	for _, k := range p.keys() {
		doneMS, known := at.Marks[k]
		if err := l.addDevice(ctx, k, p.devices[k], doneMS, known && at.Until != ""); err != nil {
			return l.drop(err)
		}
	}
	return l.drop(l.build.flush())
}

// drop forgets what was not sent: the page is read again.
func (l *lane) drop(err error) error {
	if err != nil {
		_ = l.build.take()
	}
	return err
}

// endGone ends the series of the devices that are configured no more.
func (l *lane) endGone() error {
	now := l.cfg.Now()
	if now.Sub(l.looked).Abs() < 2*l.cfg.pace.place {
		return nil
	}
	l.looked = now
	var all []ended
	if given := l.s.take(); given != nil {
		all = l.track.adopt(given)
	}
	all = append(all, l.track.gone(l.labels.gone, now.UnixMilli())...)
	for _, e := range all {
		l.build.begin(e.labels)
		if err := l.end(e, e.labels); err != nil {
			return err
		}
	}
	return nil
}

// where returns the lane's place, and up to where it goes: that of what is behind ends where the live one begins. Empty is to the end.
func (l *lane) where() (at standing, until Position) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	at = *l.at(l.s.at)
	if !l.hops && !l.cfg.InOrder {
		until = l.s.at.live.After
	}
	marks := make(map[deviceKey]int64, len(at.Marks))
	for k, v := range at.Marks {
		marks[k] = v
	}
	at.Marks = marks
	return at, until
}

// mark notes how far a page is that ends at until.
func (s *Sender) mark(at func(*state) *standing, until Position, marks map[deviceKey]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := at(s.at)
	if x.Until = until; x.Marks == nil {
		x.Marks = map[deviceKey]int64{}
	}
	for k, v := range marks {
		x.Marks[k] = v
	}
	s.moved = true
}

// done notes that a page is, which began at after.
func (l *lane) done(p *page, after Position) {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	// While nothing is behind, both lanes stand at one place, and nothing need be remembered but that.
	together := l.hops && s.at.behind.Until == "" && s.at.behind.After == after
	if s.cfg.Shared || l.hops && !together {
		for _, k := range p.batches {
			s.at.done.Add(k.StreamKey, k.Seq, k.Seq)
		}
	}
	x := l.at(s.at)
	s.moved = s.moved || len(p.batches) > 0 || x.After != p.next
	*x = standing{After: p.next}
	if together || s.cfg.InOrder {
		s.at.behind = *x
	}
	if together || !l.hops {
		s.at.passedMS = max(s.at.passedMS, p.oldest)
	}
	s.at.took = s.at.took || s.status.Samples > 0
	if s.cfg.InOrder && p.next != p.head { // what the lane behind had not come to may be before what the live one had written
		return
	}
	if s.at.live.After == s.at.behind.After && !s.cfg.Shared && len(s.at.done) > 0 {
		s.at.done = journal.Vector{}
	}
}

// reached notes that the lane has written all there is for it. What the one behind knows of what has not ended the other then goes on
// with.
func (l *lane) reached() {
	now := l.cfg.Now()
	if !l.hops && !l.cfg.InOrder && len(l.track.devices) > 0 {
		l.s.give(l.track)
		l.track = tracker{pack: l.pack}
	}
	l.caughtUp = now
	l.s.note(func(s *Status) { l.status(s).Reached, l.status(s).Oldest = now, time.Time{} })
}

// late says whether the live lane is to leave what it has not written to the other.
func (l *lane) late() bool { return l.cfg.Now().Sub(l.caughtUp) > l.cfg.pace.hop }

// hop goes to the newest and leaves the rest to the lane behind.
func (l *lane) hop(head Position) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.at.live = standing{After: head}
	l.s.moved = true
	l.caughtUp = l.cfg.Now()
	close(l.s.hopped)
	l.s.hopped = make(chan struct{})
}

// give leaves a tracker to the live lane.
func (s *Sender) give(t tracker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given != nil {
		s.given.adopt(&t)
		return
	}
	s.given = &t
}

func (s *Sender) take() *tracker {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.given
	s.given = nil
	return t
}

func (s *Sender) watchHop() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hopped
}

// lost goes on from the oldest that there is: what was before it was dropped before it could be written.
func (l *lane) lost() {
	s := l.s
	s.mu.Lock()
	x := l.at(s.at)
	first := s.at.passedMS
	*x = standing{}
	s.moved = true
	s.mu.Unlock()
	if !l.hops { // what the live lane has missed the other one finds
		s.refuse(Trimmed, 0, first, s.cfg.Now().UnixMilli(), "")
	}
}
