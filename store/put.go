package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

// ErrClosed is returned by whatever writes once the store's Run has ended or it is closed.
var ErrClosed = errors.New("journal is closed")

// flushBytes is how much waits at most before a flush, before compression.
const flushBytes = 256 << 10

// batchBytes is how large a body grows before the next batch of the stream is begun. A
// single report may exceed it.
const batchBytes = 1 << 20

// putRequest is a report, or what somebody says, that waits to become durable.
type putRequest struct {
	report  hw.Report
	said    []hw.Fact  // not empty: these instead of a report, at once
	refused error      // why what was said was left out of the flush
	done    chan error // holds one
}

// Put makes r durable: it returns after the fsync of the flush that took it, which comes at
// most FlushAge later. What is beyond the bounds of bounds.go is left out, which a gap tells and
// Stats count. An error means that r is not in the journal and that the store is
// done for: the process should end.
func (s *Store) Put(ctx context.Context, r hw.Report) error {
	req := putRequest{report: r, done: make(chan error, 1)}
	select {
	case s.reports <- req:
	case <-ctx.Done():
		return fmt.Errorf("put the report of %s: %w", r.Device, ctx.Err())
	case <-s.ended:
		return ErrClosed
	case <-s.closed:
		return ErrClosed
	}
	return <-req.done // a report once taken is answered, also at shutdown
}

// Run flushes, seals, makes twins and keeps the budget until ctx ends; then it makes durable
// what waits and returns nil. It returns the first error that leaves nothing to do but end
// the process; whoever waits is told. It runs once.
func (s *Store) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.keep(ctx) })
	g.Go(func() error {
		defer close(s.ended)
		return s.flushLoop(ctx)
	})
	return g.Wait()
}

func (s *Store) flushLoop(ctx context.Context) error {
	var waiting []putRequest
	size := 0
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	flush := func() error {
		timer.Stop()
		err := s.flushRetrying(ctx, waiting)
		for _, w := range waiting {
			w.done <- cmp.Or(err, w.refused)
		}
		clear(waiting)
		waiting, size = waiting[:0], 0
		return err
	}
	for {
		now := false
		select {
		case req := <-s.reports:
			if len(waiting) == 0 {
				timer.Reset(s.opt.FlushAge)
			}
			waiting = append(waiting, req)
			size += sizeOf(&req.report)
			now = size >= flushBytes || len(req.said) > 0
		case <-timer.C:
			now = true
		case <-ctx.Done():
			return flush()
		}
		if now && len(waiting) > 0 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}

// fullPause is how long a full disk is left to the keeper before the next try.
const fullPause = time.Second

// flushRetrying is flush, patient with a full disk until ctx ends: nothing is acknowledged
// meanwhile, and the poller's devices wait.
func (s *Store) flushRetrying(ctx context.Context, waiting []putRequest) error {
	for try := 1; ; try++ {
		err := s.flush(waiting)
		s.full.Store(isFull(err))
		if err == nil || !isFull(err) {
			if err == nil && try > 1 {
				s.opt.Logger.Info("there is room on the disk again")
			}
			return err
		}
		if try == 1 {
			s.opt.Logger.Error("disk full: nothing is acknowledged until there is room", "err", err)
		}
		s.shed.Store(true)
		s.wakeKeeper()
		select {
		case <-ctx.Done():
			return err
		case <-time.After(fullPause):
		}
	}
}

// sizeOf estimates what r takes in a body.
func sizeOf(r *hw.Report) int {
	n := 64 + 6*len(r.Samples)
	for _, l := range r.Log {
		n += 64 + len(l.Text)
	}
	return n
}

// flush makes the reports durable by one transaction over all streams.
func (s *Store) flush(waiting []putRequest) error {
	if len(waiting) == 0 {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.begin(); err != nil {
		return err
	}
	if err := s.keepPutBack(); err != nil {
		return err
	}
	if err := s.tellClock(); err != nil {
		return err
	}
	f := s.newFlush()
	f.yields = true
	if f.mode != s.mode { // what the view shows depends on who had authority
		s.mode = f.mode
		clear(s.states)
	}
	visited := map[hw.DeviceID]struct{}{}
	for i := range waiting {
		w := &waiting[i]
		if len(w.said) > 0 {
			if err := s.say(f, w); err != nil {
				return err
			}
			continue
		}
		_, again := visited[w.report.Device]
		if !again && !s.mayKnow(f, w.report.Device) {
			if err := s.tellDevices(f); err != nil {
				return err
			}
			continue
		}
		visited[w.report.Device] = struct{}{}
		r := s.prepare(w.report, !again)
		err := s.report(f, r)
		if err == nil && !again {
			err = s.firstVisit(f, &r)
		}
		if err != nil {
			return fmt.Errorf("write the report of %s: %w", r.Device, err)
		}
	}
	if err := s.commit(f); err != nil {
		clear(s.states) // they are ahead of the journal now: made anew from the view
		return err
	}
	s.state.Lock()
	defer s.state.Unlock()
	for _, w := range waiting {
		s.stats.Samples += uint64(len(w.report.Samples))
	}
	s.stats.Refused += f.refused
	return nil
}

// prepare completes a report, which may be the first of its device in a flush, with what only
// the store knows: that nobody visited, or that what was read may be lost.
func (s *Store) prepare(r hw.Report, first bool) hw.Report {
	if first {
		if g, ok := s.unvisited(&r); ok {
			r.Gaps = append(append([]hw.Gap(nil), r.Gaps...), g)
		}
	}
	return hw.Normalise(*s.stateOf(r.Device), r)
}

// firstVisit writes down that a visit is the first one known here of its device. The box may have a new disk, and what was read before stand
// at headquarters alone, which is not heard yet: it tells what lies between.
func (s *Store) firstVisit(f *flush, r *hw.Report) error {
	if len(s.visitsOf(r.Device)) > 0 {
		return nil
	}
	fact := fold.First{Device: r.Device, Origin: s.id.origin, Started: r.Started, Period: r.Shortest}.Fact(r.Started)
	s.stateOf(r.Device).Set(fact)
	return f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, fact, f.wallMS) })
}

// unvisited returns the gap between the last visit known here and r: no interval longer than one
// and a half periods is without a visit or a gap, and no visit that was acknowledged anywhere is
// lost without one.
func (s *Store) unvisited(r *hw.Report) (hw.Gap, bool) {
	visits := s.visitsOf(r.Device)
	var last, near journal.LastVisit // by turn, by time
	for _, v := range visits {
		if v.Turn > last.Turn {
			last = v
		}
		if !v.Started.After(r.Started) && (near.Turn == 0 || v.Started.After(near.Started)) {
			near = v
		}
	}
	if last.Turn == 0 {
		return hw.Gap{}, false
	}
	s.state.RLock()
	passed := s.visitedElsewhere > last.Turn || last.Origin != s.id.origin
	s.state.RUnlock()
	if last.Origin == s.id.origin && last.Incarnation != s.inc.id {
		if g, ok := s.turnedGap(last, r); ok {
			return g, true
		}
		if g, ok := s.awayGap(last, r); ok || !passed {
			return g, ok
		}
	}
	if near.Turn == 0 || s.toldUnvisited(&near, r) {
		return hw.Gap{}, false
	}
	g := hw.Gap{What: hw.VisitGap, Reason: hw.Missed, From: near.Started, To: r.Started}
	// A visit promises nothing when the next one is due at once, as after a heal; then the configured period is what counts.
	late := max(near.Period, r.Shortest) > 0 && overdue(near.Started, r.Started, r.Shortest, near.Period)
	if !passed {
		return g, late
	}
	// Another box visited meanwhile. A visit that was due and is not here may have been made by it,
	// and be on its disk alone.
	g.Detail = "another box visited before; what it read last is not here"
	return g, late || near.Period > 0 && r.Started.Sub(near.Started) > near.Period
}

// toldUnvisited says whether a gap tells already that nothing was read between near and r: the poller's,
// where it begins soon enough, or one that is open.
func (s *Store) toldUnvisited(near *journal.LastVisit, r *hw.Report) bool {
	for _, g := range r.Gaps {
		if g.What == hw.VisitGap && !g.To.IsZero() && !overdue(near.Started, g.From, r.Shortest, near.Period) {
			return true
		}
	}
	known, ok := s.stateOf(r.Device).Get(hw.RegisterKey{Kind: hw.GapFact, Group: hw.VisitGap})
	open, isGap := known.Value.(hw.GapValue)
	return ok && isGap && open.To.IsZero()
}

// awayGap returns the gap between the last visit of an incarnation before this one and r. After an
// orderly stop that is a gap only if a visit was missed; after a crash a visit may have been made and
// lost, so it always is.
func (s *Store) awayGap(last journal.LastVisit, r *hw.Report) (hw.Gap, bool) {
	g := hw.Gap{What: hw.VisitGap, Reason: hw.ApplianceCrash, From: last.Started, To: r.Started}
	if s.inc.clean {
		g.Reason = hw.ApplianceDown
	}
	if g.To.Before(g.From) { // the clock was set back
		g.To = g.From
	}
	return g, s.inc.previous != 0 && (!s.inc.clean || overdue(last.Started, r.Started, r.Shortest, last.Period))
}

func (s *Store) visitsOf(device hw.DeviceID) []journal.LastVisit {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.folds[s.id.site].Visits(device)
}

// stateOf returns what is known of a device of this site, from the view. The caller holds
// writing.
func (s *Store) stateOf(device hw.DeviceID) *hw.State {
	if st := s.states[device]; st != nil {
		return st
	}
	st := &hw.State{}
	s.state.RLock()
	f := s.folds[s.id.site]
	for _, k := range f.Keys(device) {
		if fact, ok := f.Fact(k); ok {
			st.Set(fact)
		}
	}
	var good time.Time
	for _, v := range f.Visits(device) {
		if v.Good && v.Started.After(good) {
			good = v.Started
			st.SetRead(hw.VisitGap, good)
		}
	}
	s.state.RUnlock()
	s.states[device] = st
	return st
}
