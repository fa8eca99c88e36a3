package store

import (
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// What others may have a store remember of one site. A hundred kilobytes of batches can tell of half a million
// things, and every register stays for ever and over restarts: one machine in wrong hands, at a site or at
// headquarters, must not fill the memory of all who take its records.
const (
	maxSiteRegisters = 1 << 19  // of all origins, about 400 bytes each: 500 devices of 300 parts in a pair, with room
	leastRegister    = 8        // bytes of the shortest record that makes one
	maxStrangeBase   = 64 << 20 // bytes of a base of so many registers, unpacked
	maxSiteStreams   = 1 << 15  // of all journals: ten years of a pair that starts anew every day, and half as much again
	maxSiteRuns      = 1 << 16  // of batches without a hole: a hole in each of these. A line knows four times as many
	moreStreams      = 64       // a day, beyond these bounds: no site is ever shut out
	maxAside         = 32       // batches of a site that are set aside in one segment: each costs an fsync
)

// mayRemember refuses a batch of facts that would make its site have more registers than are remembered. What is known
// already may change beyond the bound too. news counts what the call brings, a site.
func (s *Store) mayRemember(b *journal.Batch, news map[journal.ID]int) error {
	if b.Stream != journal.Facts {
		return nil
	}
	s.state.RLock()
	defer s.state.RUnlock()
	room := s.opt.Registers - news[b.Site]
	if f := s.folds[b.Site]; f != nil {
		room -= f.CountAll()
	}
	n := b.Unpacked() / leastRegister
	if n > room {
		n = s.unknown(b)
	}
	if n > max(room, 0) {
		return fmt.Errorf("merge batch %s: %w: with it site %s would have more than %d parts, alerts and acts", b.Key, journal.ErrTooMuch, b.Site, s.opt.Registers)
	}
	news[b.Site] += n
	return nil
}

// begun is what one call would have the store remember of a site beyond what it does.
type begun struct {
	streams, runs int
	late          int // of the streams, beyond the bounds
	now           journal.Vector
}

// late is how many streams beyond the bounds a site began in a day, UTC.
type late struct {
	day     int64
	streams int
}

// lately returns how many streams beyond the bounds a site began today. The caller holds writing.
func (s *Store) lately(site journal.ID) late {
	today := late{day: s.opt.Now().Unix() / 86400}
	if l := s.late[site]; l.day == today.day {
		return l
	}
	return today
}

// justNow is how old a batch may be that has part in the second half of what is begun beyond the bounds in a day: what waits from before
// must not stand in the way of the box that runs now.
const justNow = time.Hour

// mayBeginToday returns after how many streams beyond the bounds no batch like b begins another one today.
func (s *Store) mayBeginToday(b *journal.Batch) int {
	if s.opt.Now().Sub(time.UnixMilli(b.WallMS)).Abs() < justNow {
		return moreStreams
	}
	return moreStreams / 2
}

// noteBegun counts what was begun beyond the bounds, once it is durable. The caller holds writing.
func (s *Store) noteBegun(news map[journal.ID]*begun) {
	for site, n := range news {
		if n.late > 0 {
			l := s.lately(site)
			l.streams += n.late
			s.late[site] = l
		}
	}
}

// mayBegin refuses a batch that would begin one stream, or one run of batches, more of a site than are remembered: what is held is known
// for ever, and each of them makes every start and every greeting dearer. What goes on with a run is always taken, and beyond the bounds
// so many streams a day are: a box that began a journal all the time is not shut out when that was mended. The caller holds writing.
func (s *Store) mayBegin(b *journal.Batch, news map[journal.ID]*begun) error {
	n := news[b.Site]
	if n == nil {
		n = &begun{now: journal.Vector{}}
		news[b.Site] = n
	}
	if s.held.Has(b.StreamKey, b.Seq) { // lost by damage, and taken again
		return nil
	}
	held := s.held.runs(b.StreamKey)
	has := func(seq uint64) bool { return s.held.Has(b.StreamKey, seq) || n.now.Has(b.StreamKey, seq) }
	switch {
	case len(held) == 0 && len(n.now[b.StreamKey]) == 0:
		if s.held.streams(b.Site)+n.streams >= s.opt.Streams || len(s.held.sites[b.Site])+n.runs >= s.opt.Runs {
			if s.lately(b.Site).streams+n.late >= s.mayBeginToday(b) {
				return fmt.Errorf("merge batch %s: %w: with it site %s would have begun more than %d streams and %d of them today; it waits until tomorrow (UTC): does a box of it start anew all the time?",
					b.Key, journal.ErrTooMuch, b.Site, s.opt.Streams, s.mayBeginToday(b))
			}
			n.late++
		}
		n.streams, n.runs = n.streams+1, n.runs+1
	case !has(b.Seq-1) && !has(b.Seq+1):
		if len(s.held.sites[b.Site])+n.runs >= s.opt.Runs {
			return fmt.Errorf("merge batch %s: %w: with it more than %d runs of batches of site %s would stand apart: what lies between must come first", b.Key, journal.ErrTooMuch, s.opt.Runs, b.Site)
		}
		n.runs++
	}
	n.now.Add(b.StreamKey, b.Seq, b.Seq)
	return nil
}

// unknown counts the facts of a batch that make a register. What cannot be read makes none. The caller holds state.
func (s *Store) unknown(b *journal.Batch) (n int) {
	body, err := s.pack.Body(b)
	if err != nil {
		return 0
	}
	_ = journal.Records(body, func(rec journal.Record) error { // what is behind an error is not folded either
		if rec.Type == journal.TypeFact && s.isUnknown(b.Site, b.Origin, rec.Payload) {
			n++
		}
		return nil
	})
	return n
}

func (s *Store) isUnknown(site, origin journal.ID, payload []byte) bool {
	raw, err := journal.ParseFact(payload)
	f := s.folds[site]
	return err == nil && (f == nil || !f.HasOf(foldKey{Kind: raw.Kind, Device: hw.DeviceID(raw.Device), Component: raw.Component, Group: raw.Group}, origin))
}

// mayRememberBase is mayRemember of a base.
func (s *Store) mayRememberBase(b *journal.Base) error {
	s.state.RLock()
	defer s.state.RUnlock()
	n := 0
	if f := s.folds[b.Site]; f != nil {
		n = f.CountAll()
	}
	if n+len(b.Registers) <= s.opt.Registers {
		return nil
	}
	room := s.opt.Registers - n
	for i := range b.Registers {
		if r := &b.Registers[i]; s.isUnknown(b.Site, r.Origin, r.Payload) {
			if room--; room < 0 {
				return fmt.Errorf("%w: with it site %s would have more than %d parts, alerts and acts", journal.ErrTooMuch, b.Site, s.opt.Registers)
			}
		}
	}
	return nil
}

// Overrules returns the first device of which facts of a batch would say something else under a learned key than is known here, as
// the last word.
func (s *Store) Overrules(b *journal.Batch, key string) (device hw.DeviceID, yes bool) {
	if b.Stream != journal.Facts {
		return "", false
	}
	body, err := s.pack.Body(b)
	if err != nil {
		return "", false
	}
	_ = journal.Records(body, func(rec journal.Record) error {
		order := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: rec.Index}
		if rec.Type == journal.TypeFact && !yes {
			device, yes = s.overrules(b.Site, journal.Register{Order: order, WallMS: b.WallMS, Payload: rec.Payload}, key)
		}
		return nil
	})
	return device, yes
}

// BaseOverrules is Overrules of a base.
func (s *Store) BaseOverrules(b *journal.Base, key string) (hw.DeviceID, bool) {
	for _, r := range b.Registers {
		if device, yes := s.overrules(b.Site, r, key); yes {
			return device, true
		}
	}
	return "", false
}

func (s *Store) overrules(site journal.ID, r journal.Register, key string) (hw.DeviceID, bool) {
	raw, err := journal.ParseFact(r.Payload)
	if err != nil || raw.Kind != hw.LearnedFact || string(raw.Group) != key {
		return "", false
	}
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return "", false
	}
	k := foldKey{Kind: raw.Kind, Device: hw.DeviceID(raw.Device), Component: raw.Component, Group: raw.Group}
	known, _ := f.Fact(k)
	now, ok := f.Register(k)
	if !ok || known.Removed || now.Order.Compare(r.Order) >= 0 {
		return "", false
	}
	said := raw.Shown(r.WallMS)
	a, readable := said.Value.(hw.LearnedValue)
	b, was := known.Value.(hw.LearnedValue)
	return k.Device, said.Removed || !readable || !was || a != b
}
