package store

import (
	"context"
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// voice is what this incarnation has written into the journal of another site. Only a store of many sites does, and only facts: what it lost
// of the site, and what it is sure that nobody has. Whoever reads the site sees them, its boxes too.
type voice struct {
	seq      uint64 // of the last batch
	checksum uint32 // of that
}

// statement is what is to be written into the journal of a site.
type statement struct {
	site  journal.ID
	facts []hw.Fact
	tombs []journal.Tombstone
}

// tellSites writes statements into the journals of their sites, each named once: all in one transaction, after one for those that begin there.
// The caller holds writing.
func (s *Store) tellSites(said []statement) error {
	if len(said) == 0 {
		return nil
	}
	if err := s.begin(); err != nil {
		return err
	}
	var begins, batches []journal.Batch
	for i := range said {
		if site := said[i].site; s.voices[site].seq == 0 {
			st := &stream{stream: journal.Facts}
			if err := st.add(func(b []byte) ([]byte, error) {
				return journal.AppendBegin(b, journal.Begin{Version: s.opt.Version}), nil
			}); err != nil {
				return err
			}
			b, err := s.batchesOf(site, st)
			if err != nil {
				return err
			}
			begins = append(begins, b...)
		}
	}
	if err := s.writeOf(begins); err != nil {
		return fmt.Errorf("begin in the journals of sites: %w", err)
	}
	for i := range said {
		st, err := s.streamOf(&said[i])
		if err != nil {
			return err
		}
		b, err := s.batchesOf(said[i].site, st)
		if err != nil {
			return err
		}
		batches = append(batches, b...)
	}
	return s.writeOf(batches)
}

// streamOf makes the bodies of a statement.
func (s *Store) streamOf(x *statement) (*stream, error) {
	st := &stream{stream: journal.Facts}
	tombs := x.tombs
	key := s.keyOf(x.site)
	if v := s.voices[x.site]; s.held.Last(key) < v.seq { // the site was forgotten meanwhile, and nobody is to wait for what was said before
		tombs = append(tombs, journal.Tombstone{StreamKey: key, Interval: journal.Interval{First: 1, Last: v.seq}, Reason: string(hw.Dropped)})
	}
	for _, t := range tombs {
		if err := st.add(func(b []byte) ([]byte, error) { return journal.AppendTombstone(b, t), nil }); err != nil {
			return nil, err
		}
	}
	now := s.opt.Now()
	for _, f := range x.facts {
		f.At = now
		if err := st.add(func(b []byte) ([]byte, error) { return journal.AppendFact(b, f, now.UnixMilli()) }); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func (s *Store) keyOf(site journal.ID) journal.StreamKey {
	return journal.StreamKey{Site: site, Origin: s.id.origin, Incarnation: s.inc.id, Stream: journal.Facts}
}

// batchesOf packs what is said in a site's journal. The turn is the site's own: a clock that is wrong at one site is nothing to the others.
func (s *Store) batchesOf(site journal.ID, st *stream) (out []journal.Batch, err error) {
	st.cut()
	now, greatest := s.opt.Now(), uint64(0)
	s.state.RLock()
	if f := s.folds[site]; f != nil {
		greatest = f.Turn()
	}
	s.state.RUnlock()
	boot, since := s.opt.Boot()
	v := s.voices[site]
	for _, b := range st.full {
		v.seq++
		h := journal.Header{Key: journal.Key{StreamKey: s.keyOf(site), Seq: v.seq}, Turn: min(journal.NextTurn(now.UnixMilli(), greatest), maxForeignTurn),
			WallMS: now.UnixMilli(), Boot: boot, SinceBootMS: uint64(since.Milliseconds()), Mode: s.opt.Mode(), Clock: s.opt.Clock(),
			Previous: v.checksum, Records: b.records}
		raw, err := s.pack.AppendBatch(nil, h, b.bytes)
		if err != nil {
			return nil, err
		}
		batch, err := journal.ParseBatch(raw)
		if err != nil {
			return nil, fmt.Errorf("check batch %s: %w", h.Key, err)
		}
		batch.Plain = b.bytes
		v.checksum = batch.Checksum()
		out = append(out, batch)
	}
	return out, nil
}

// writeOf makes batches of other sites' journals durable and shows them.
func (s *Store) writeOf(batches []journal.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	positions, err := s.write(batches, s.inc.id)
	if err != nil {
		return err
	}
	for i := range batches {
		s.voices[batches[i].Site] = voice{batches[i].Seq, batches[i].Checksum()}
	}
	s.publish(batches, positions)
	return nil
}

// maxEdges bounds the runs of a stream of which it is looked up when they were written: of more, all that lies between counts.
const maxEdges = 32

// spanOf returns when the batches of part were written, all of one site: by their own words where they stand here, else by those before and
// behind them.
func (s *Store) spanOf(part journal.Vector) span {
	out := emptySpan()
	for k, runs := range part {
		if len(runs) > maxEdges {
			runs = []journal.Interval{{First: runs[0].First, Last: runs[len(runs)-1].Last}}
		}
		for _, iv := range runs {
			first, ok := s.wallOf(k, iv.First)
			if !ok {
				first, ok = s.wallOf(k, iv.First-1)
			}
			last, ok2 := s.wallOf(k, iv.Last)
			if !ok2 {
				last, ok2 = s.wallOf(k, iv.Last+1)
			}
			switch {
			case ok && ok2:
				out.add(first)
				out.add(last)
			case ok:
				out.add(first)
			case ok2:
				out.add(last)
			}
		}
	}
	return out
}

// wallOf returns when a batch was written, if it stands here and can be read.
func (s *Store) wallOf(k journal.StreamKey, seq uint64) (ms int64, ok bool) {
	for _, g := range s.listed() {
		if g.damaged() != nil || !g.holds(k, seq) {
			continue
		}
		raw, err := g.batch(context.Background(), journal.Key{StreamKey: k, Seq: seq})
		if err != nil {
			continue
		}
		if b, err := journal.ParseBatch(raw); err == nil {
			return b.WallMS, true
		}
	}
	return 0, false
}

func (g *segment) holds(k journal.StreamKey, seq uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.own.Has(k, seq)
}

// of says from when to when something is missing, where that is known.
func (p span) of(g hw.GapValue) hw.GapValue {
	if p.first <= p.last {
		g.From, g.To = time.UnixMilli(p.first), time.UnixMilli(p.last)
	}
	return g
}

// spansOf returns when what is lost of each other site was written. It reads, so it is asked before the loss. instead is taken where nothing
// tells.
func (s *Store) spansOf(part journal.Vector, instead span) map[journal.ID]span {
	parts := s.others(part)
	out := make(map[journal.ID]span, len(parts))
	for site, p := range parts {
		out[site] = s.spanOf(p)
		if at := out[site]; at.first > at.last {
			out[site] = instead
		}
	}
	return out
}

// others takes a vector apart by site, without the own one.
func (s *Store) others(part journal.Vector) map[journal.ID]journal.Vector {
	out := map[journal.ID]journal.Vector{}
	for k, iv := range part {
		if k.Site == s.id.site {
			continue
		}
		if out[k.Site] == nil {
			out[k.Site] = journal.Vector{}
		}
		out[k.Site][k] = iv
	}
	return out
}

// tellOthers says in the journal of each other site what this store lost of it, and why. The caller holds writing.
func (s *Store) tellOthers(part journal.Vector, spans map[journal.ID]span, why hw.Reason, how string) error {
	var said []statement
	for site, p := range s.others(part) {
		s.state.RLock()
		known := s.folds[site] != nil
		s.state.RUnlock()
		if !known {
			continue // it was forgotten
		}
		name := streamsOf(p)
		gap := spans[site].of(hw.GapValue{Reason: why, Detail: fmt.Sprintf("headquarters: %d batches of %s %s", p.Count(), name, how)})
		said = append(said, statement{site: site, facts: []hw.Fact{{Kind: hw.GapFact, Version: 1, Component: BoxPath(s.id.origin), Group: name + "#" + string(why), Value: gap}}})
	}
	return s.tellSites(said)
}
