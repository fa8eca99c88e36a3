package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// PutBackCode is the alert, of no device, that this machine was put back with its memory to where it had been before: a snapshot of a virtual
// machine.
const PutBackCode = "put-back"

// How often a new incarnation is begun because a peer says that it is called for, and how long that is told: the peer may lie.
const (
	putBackPause = time.Hour
	putBackTold  = 24 * time.Hour
)

// errNotWritten is in the error for a batch that bears this store's own name while no new incarnation may be begun.
var errNotWritten = errors.New("it bears this store's own name and was not written here")

// putBack is what is known of this store having been put back. The caller of all holds writing.
type putBack struct {
	told   journal.Vector // bears the name of this incarnation, is somewhere else, and no new one was begun yet
	before journal.Vector // what was known to be there before that was said
	from   time.Time      // since when samples of the incarnation before this one may be here alone; zero: none are
	unsaid bool           // that it was put back, and what is known of the devices
	named  bool           // that it waits was logged
}

// PutBack takes the word of a peer that it holds batches of this store, and what it was known to hold before. Where some of them bear the
// name of this incarnation and were not written here, the machine was put back to an earlier state with its memory, and would write
// other content under names that are taken. So it goes on as a new incarnation, at once, and an alert says so. Once an hour: what is said
// too early is remembered.
func (s *Store) PutBack(ctx context.Context, told, before journal.Vector) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.isClosed() {
		return fmt.Errorf("begin a new incarnation: %w", ErrClosed)
	}
	if !s.noteTold(told, before) {
		return nil
	}
	return s.startAnew(ctx)
}

// noteTold remembers what of v cannot be: it bears the name of this incarnation and is beyond what was written.
func (s *Store) noteTold(v, before journal.Vector) (news bool) {
	for k, iv := range v {
		if k.Site != s.id.site || k.Origin != s.id.origin || k.Incarnation != s.inc.id || len(iv) == 0 || v.Last(k) <= s.held.Last(k) {
			continue
		}
		if s.back.told == nil {
			s.back.told, s.back.before = journal.Vector{}, before
		}
		s.back.told.Add(k, v.Last(k), v.Last(k))
		news = true
	}
	return news
}

// startAnew goes on as a new incarnation when a peer told what calls for it, unless that was done within the last hour.
func (s *Store) startAnew(ctx context.Context) error {
	if s.back.told == nil {
		return nil
	}
	now := s.opt.Now()
	if was, ok := s.putBackAlert(); ok && now.Sub(was.Since) >= 0 && now.Sub(was.Since) < putBackPause {
		if !s.back.named {
			s.back.named = true
			s.opt.Logger.Error("a peer holds what bears this box's name and was not written here, again within an hour: a new incarnation waits until that is over", "batches", s.back.told)
		}
		return nil
	}
	id, err := newIncarnation()
	if err != nil {
		return err
	}
	s.opt.Logger.Error("this box was put back to an earlier state: a peer holds what bears its name and was not written here; it goes on under a new one", "batches", s.back.told)
	from, err := s.collided(ctx)
	if err != nil {
		s.opt.Logger.Warn("since when it goes on from the earlier state is not known", "err", err)
	}
	next := incarnation{id: id, previous: s.inc.id, clean: true}
	if !s.inc.begun {
		next.previous, next.clean = s.inc.previous, s.inc.clean
	}
	s.state.Lock()
	s.inc = next
	s.state.Unlock()
	clear(s.previous)
	s.back = putBack{from: from, unsaid: true}
	if err := s.begin(); err != nil {
		return err
	}
	return s.sayPutBack()
}

// collided returns when the first batch of samples of this incarnation was written that may be elsewhere with other content under the same
// name; zero: none was.
func (s *Store) collided(ctx context.Context) (time.Time, error) {
	mine := journal.Vector{}
	k := s.key(journal.Samples)
	if last := min(s.back.told.Last(k), s.held.Last(k)); last > 0 {
		mine.Add(k, 1, last)
	}
	if mine = mine.Minus(s.back.before); len(mine) == 0 {
		return time.Time{}, nil
	}
	first, err := s.PageOf(ctx, s.id.site, nil, s.Held().Minus(mine), 1)
	if err != nil || len(first) == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(first[0].WallMS), nil
}

// sayPutBack writes the alert, and once more in this incarnation's name what this box said last of all devices: a batch that said
// it may be elsewhere with other content.
func (s *Store) sayPutBack() error {
	f := s.newFlush()
	now := s.opt.Now()
	facts := append(s.lastWords(), hw.Fact{Kind: hw.AlertFact, Component: BoxPath(s.id.origin), Group: PutBackCode, At: now,
		Value: hw.AlertValue{Open: true, Level: hw.LevelAverage, Since: now}})
	if err := s.commitFacts(f, facts); err != nil {
		return fmt.Errorf("say that this box was put back: %w", err)
	}
	s.back.unsaid = false
	return nil
}

func (s *Store) commitFacts(f *flush, facts []hw.Fact) error {
	for _, x := range facts {
		if err := f.facts.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, x, f.wallMS) }); err != nil {
			return err
		}
	}
	return s.commit(f)
}

// lastWords returns what stands of this origin in the view of this site.
func (s *Store) lastWords() (out []hw.Fact) {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	if f == nil {
		return nil
	}
	for _, d := range append([]hw.DeviceID{""}, f.Devices()...) {
		for _, k := range f.Keys(d) {
			r, ok := f.Register(k)
			if !ok || r.Order.Origin != s.id.origin || k.Kind == hw.ActFact {
				continue
			}
			if x, ok := f.Fact(k); ok {
				out = append(out, x)
			}
		}
	}
	return out
}

// putBackAlert returns what was last said of this box having been put back.
func (s *Store) putBackAlert() (v hw.AlertValue, ok bool) {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	if f == nil {
		return v, false
	}
	x, _ := f.Fact(foldKey{Kind: hw.AlertFact, Component: BoxPath(s.id.origin), Group: PutBackCode})
	v, ok = x.Value.(hw.AlertValue)
	return v, ok
}

// keepPutBack does what is left of going on under a new name, and ends the alert after a day. A flush calls it.
func (s *Store) keepPutBack() error {
	if err := s.startAnew(context.Background()); err != nil {
		return err
	}
	if s.back.unsaid {
		return s.sayPutBack()
	}
	v, ok := s.putBackAlert()
	if now := s.opt.Now(); ok && v.Open && now.Sub(v.Since) >= putBackTold {
		v.Open, v.Closed = false, now
		return s.commitFacts(s.newFlush(), []hw.Fact{{Kind: hw.AlertFact, Component: BoxPath(s.id.origin), Group: PutBackCode, At: now, Value: v}})
	}
	return nil
}

// turnedGap returns the gap of a device that was last visited under the name before this one: what was read since may be here alone.
func (s *Store) turnedGap(last journal.LastVisit, r *hw.Report) (hw.Gap, bool) {
	if s.back.from.IsZero() || last.Incarnation != s.inc.previous {
		return hw.Gap{}, false
	}
	g := hw.Gap{What: hw.VisitGap, Reason: hw.ApplianceCrash, From: s.back.from, To: r.Started,
		Detail: "this box was put back to an earlier state; what it read then is in its own journal alone"}
	if last.Started.Before(g.From) {
		g.From = last.Started
	}
	if g.To.Before(g.From) {
		g.To = g.From
	}
	return g, true
}
