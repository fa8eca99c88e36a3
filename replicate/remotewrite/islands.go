package remotewrite

import (
	"context"
	"time"

	"rackpost/hw/journal"
)

// Islands is the store as far as the readings of islands are judged late. At headquarters, and at a box that has just heard its peer
// again, what an island read may come before what the box with authority read at that time.
type Islands interface {
	// Settled says whether everything is here that is known to have been written at a site.
	Settled(site journal.ID) bool
	// Batches returns up to limit of the batches of v that are still in the journal, with their layouts.
	Batches(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error)
}

// islands are the batches of islands that wait until it can be told which of their readings count. They wait in the journal: only which
// they are is kept.
type islands struct {
	of    Islands // nil: nothing waits
	none  bool    // nothing more is to wait: the receiver takes nothing out of order
	wait  time.Duration
	now   func() time.Time
	sites map[journal.ID]*islandSite
}

// islandSite is what waits of a site.
type islandSite struct {
	older, newer islandPart // the newer ones wait until the older ones were let go
	authorityMS  int64      // wall clock of the newest batch of a box with authority that was read
	alone        bool       // nobody with authority was heard for long: nothing waits
}

type islandPart struct {
	batches journal.Vector
	lastMS  int64 // wall clock of the newest
	since   time.Time
}

// maxWaiting bounds how many runs of batches wait.
const maxWaiting = 4096

// judgedAfter is which part of the longest wait the box with authority has for its first visits: half a minute of four.
const judgedAfter = 8

// islandBatches is how many batches are read at once.
const islandBatches = 16

func (p *islandPart) add(k journal.Key, wallMS int64, now time.Time) {
	if len(p.batches) == 0 {
		*p = islandPart{batches: journal.Vector{}, since: now}
	}
	p.batches.Add(k.StreamKey, k.Seq, k.Seq)
	p.lastMS = max(p.lastMS, wallMS)
}

// take looks at a batch that is read, and says whether it waits.
func (w *islands) take(b *journal.Batch, settled bool) bool {
	if w.of == nil || w.none {
		return false
	}
	s := w.sites[b.Site]
	if s == nil {
		if b.Mode != journal.Island {
			return false
		}
		s = &islandSite{}
		w.sites[b.Site] = s
	}
	if b.Mode != journal.Island {
		s.authorityMS, s.alone = max(s.authorityMS, b.WallMS), false
		return false
	}
	if w.waits(b.Key) {
		return true
	}
	now := w.now()
	if w.none || s.alone || settled && (w.judged(s, b.WallMS) || now.Sub(time.UnixMilli(b.WallMS)) > w.wait) || w.runs() >= maxWaiting {
		return false
	}
	to := &s.older
	if len(s.older.batches) > 0 && (len(s.newer.batches) > 0 || s.older.lastMS <= s.authorityMS || now.Sub(s.older.since) > w.wait/16) {
		to = &s.newer
	}
	to.add(b.Key, b.WallMS, now)
	return true
}

// judged says whether the box with authority is so far past a time that, had it just gained authority then, it would have visited every
// device since: until then nobody can tell how long a device went without such a visit, and so whether what an island read of it counts.
func (w *islands) judged(s *islandSite, wallMS int64) bool {
	return s.authorityMS >= wallMS+(w.wait/judgedAfter).Milliseconds()
}

func (w *islands) waits(k journal.Key) bool {
	s := w.sites[k.Site]
	return s != nil && (s.older.batches.Has(k.StreamKey, k.Seq) || s.newer.batches.Has(k.StreamKey, k.Seq))
}

// runs counts the runs of batches that wait.
func (w *islands) runs() (n int) {
	for _, s := range w.sites {
		for _, v := range []journal.Vector{s.older.batches, s.newer.batches} {
			for _, runs := range v {
				n += len(runs)
			}
		}
	}
	return n
}

// all is what waits.
func (w *islands) all() journal.Vector {
	v := journal.Vector{}
	for _, s := range w.sites {
		v.Join(s.older.batches)
		v.Join(s.newer.batches)
	}
	return v
}

// load takes over what waited when the process ended.
func (w *islands) load(v journal.Vector) {
	now := w.now()
	for k, runs := range v {
		s := w.sites[k.Site]
		if s == nil {
			s = &islandSite{older: islandPart{batches: journal.Vector{}, lastMS: now.UnixMilli(), since: now}}
			w.sites[k.Site] = s
		}
		s.older.batches[k] = runs
	}
}

// ready returns what of a site need not wait any more: the box with authority told of a time well past it, or was not heard for long.
func (w *islands) ready(site journal.ID, settled bool) journal.Vector {
	s := w.sites[site]
	if s == nil {
		return nil
	}
	if len(s.older.batches) == 0 {
		s.older, s.newer = s.newer, islandPart{}
	}
	if len(s.older.batches) == 0 {
		return nil
	}
	if w.now().Sub(s.older.since) > w.wait {
		s.alone = true
	}
	if w.none || s.alone || settled && w.judged(s, s.older.lastMS) {
		return s.older.batches.Clone()
	}
	return nil
}

// forget lets go of batches that were written, or are gone.
func (w *islands) forget(v journal.Vector) {
	for _, s := range w.sites {
		s.older.batches, s.newer.batches = s.older.batches.Minus(v), s.newer.batches.Minus(v)
	}
}

// waiting returns the sites of which something waits.
func (s *Sender) waiting() (sites []journal.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.islands.sites {
		if len(x.older.batches)+len(x.newer.batches) > 0 {
			sites = append(sites, id)
		}
	}
	return sites
}

// holds says whether a batch that is read waits.
func (s *Sender) holds(b *journal.Batch) bool {
	settled := b.Mode == journal.Island && s.islands.of != nil && s.islands.of.Settled(b.Site)
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.islands.take(b, settled)
	s.moved = s.moved || held
	return held
}

// runIslands writes what has waited, until ctx ends.
func (l *lane) runIslands(ctx context.Context) error {
	for {
		for _, site := range l.s.waiting() {
			settled := l.cfg.Islands.Settled(site)
			l.s.mu.Lock()
			v := l.s.islands.ready(site, settled)
			l.s.mu.Unlock()
			if len(v) == 0 {
				continue
			}
			if err := l.writeIslands(ctx, v); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				l.s.fail(err.Error())
			}
		}
		if err := sleep(ctx, l.cfg.pace.gather); err != nil {
			return err
		}
	}
}

// writeIslands writes the batches of v, and forgets them.
func (l *lane) writeIslands(ctx context.Context, v journal.Vector) error {
	for len(v) > 0 {
		batches, err := l.cfg.Islands.Batches(ctx, v, islandBatches)
		if err != nil {
			return err
		}
		p := page{devices: map[deviceKey][]visit{}}
		done := journal.Vector{}
		for i := range batches {
			k := batches[i].Key
			done.Add(k.StreamKey, k.Seq, k.Seq)
			l.unpack(&p, &batches[i])
		}
		p.sort()
		if err := l.writePage(ctx, &p); err != nil {
			return err
		}
		if len(batches) == 0 { // the rest was dropped meanwhile
			done = v
			now := l.cfg.Now().UnixMilli()
			l.s.refuse(Trimmed, 0, now, now, "")
		}
		l.s.mu.Lock()
		l.s.islands.forget(done)
		l.s.at.done.Join(done) // a lane may read the page again that it stood in
		l.s.moved = true
		l.s.status.Unread += uint64(p.unread)
		l.s.mu.Unlock()
		v = v.Minus(done)
	}
	return nil
}

// writePage sends what is in a page of islands.
func (l *lane) writePage(ctx context.Context, p *page) error {
	l.agreed = false
	l.build.limit = l.s.limit
	l.build.send = func(r *request) error { return l.deliver(ctx, r) }
	for _, k := range p.keys() {
		if err := l.addDevice(ctx, k, p.devices[k], 0, false); err != nil {
			return l.drop(err)
		}
	}
	return l.drop(l.build.flush())
}
