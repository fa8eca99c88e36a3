package store

import (
	"context"
	"fmt"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// flush is what one transaction will write: the bodies of all streams at one turn.
type flush struct {
	wallMS  int64
	mode    journal.Mode
	facts   stream
	samples stream
	logs    stream
	scratch []hw.Sample
	yields  bool   // it leaves the keeper its room
	fresh   int    // devices never heard of before
	refused uint64 // facts and reports beyond the bounds
}

// stream collects the batches of one stream in a flush.
type stream struct {
	stream journal.Stream
	full   []body // finished
	body
}

type body struct {
	bytes   []byte
	records int
	uses    []journal.LayoutID
	layouts []journal.Layout
}

func (s *Store) newFlush() *flush {
	return &flush{wallMS: s.opt.Now().UnixMilli(), mode: s.opt.Mode(), facts: stream{stream: journal.Facts},
		samples: stream{stream: journal.Samples}, logs: stream{stream: journal.Logs}}
}

// add puts one record behind the body, beginning a new batch when this one is full.
func (st *stream) add(write func([]byte) ([]byte, error)) error {
	b, err := write(st.bytes)
	if err != nil {
		return err
	}
	st.bytes = b
	st.records++
	if len(st.bytes) >= batchBytes || st.records >= journal.MaxRecords || len(st.uses) >= journal.MaxLayouts {
		st.cut()
	}
	return nil
}

func (st *stream) cut() {
	if st.records > 0 {
		st.full = append(st.full, st.body)
		st.body = body{}
	}
}

// layout returns the number of l among the references of the batch being made.
func (st *stream) layout(l journal.Layout) int {
	for i, id := range st.uses {
		if id == l.ID {
			return i
		}
	}
	st.uses = append(st.uses, l.ID)
	st.layouts = append(st.layouts, l)
	return len(st.uses) - 1
}

// batches packs the bodies of a flush, all at one turn.
func (s *Store) batches(f *flush) ([]journal.Batch, error) {
	turn := s.turn(s.opt.Now())
	boot, since := s.opt.Boot()
	var out []journal.Batch
	for _, st := range []*stream{&f.facts, &f.samples, &f.logs} {
		st.cut()
		key := s.key(st.stream)
		seq, previous := s.held.Last(key), s.previous[key]
		for _, b := range st.full {
			seq++
			h := journal.Header{Key: journal.Key{StreamKey: key, Seq: seq}, Turn: turn, WallMS: f.wallMS, Boot: boot,
				SinceBootMS: uint64(since.Milliseconds()), Mode: f.mode, Clock: s.opt.Clock(), Previous: previous,
				Uses: b.uses, Records: b.records}
			raw, err := s.pack.AppendBatch(nil, h, b.bytes)
			if err != nil {
				return nil, err
			}
			batch, err := journal.ParseBatch(raw) // what cannot be read back must not be acknowledged
			if err != nil {
				return nil, fmt.Errorf("check batch %s: %w", h.Key, err)
			}
			batch.Layouts, batch.Plain = b.layouts, b.bytes
			previous = batch.Checksum()
			out = append(out, batch)
		}
	}
	return out, nil
}

func (s *Store) key(stream journal.Stream) journal.StreamKey {
	return journal.StreamKey{Site: s.id.site, Origin: s.id.origin, Incarnation: s.inc.id, Stream: stream}
}

// commit makes a flush durable and then lets readers see it.
func (s *Store) commit(f *flush) error {
	batches, err := s.batches(f)
	if err != nil {
		return err
	}
	if len(batches) == 0 {
		return nil
	}
	if f.yields {
		if err := s.leaveRoom(batches); err != nil {
			return err
		}
	}
	positions, err := s.write(batches, s.inc.id)
	if err != nil {
		return err
	}
	for i := range batches {
		s.previous[batches[i].StreamKey] = batches[i].Checksum()
	}
	s.publish(batches, positions)
	return nil
}

// write appends batches to the open segment, rolling it when it is full, old or damaged. On
// a full disk it frees the ballast and tries once more, and so it does in a new segment when
// the open one turns out to be damaged.
func (s *Store) write(batches []journal.Batch, by journal.Incarnation) ([]int64, error) {
	if s.isClosed() {
		return nil, fmt.Errorf("write to the journal: %w", ErrClosed)
	}
	if s.opt.BeforeWrite != nil {
		s.opt.BeforeWrite()
	}
	ctx := context.Background() // a commit is finished or fails, it is not abandoned
	for try := 1; ; try++ {
		err := s.roll(ctx)
		if err == nil {
			err = s.layoutsForOpen(ctx, batches)
		}
		var positions []int64
		if err == nil {
			positions, err = s.open.append(ctx, batches, by)
			if err == nil {
				s.noRoom.Store(false)
				return positions, nil
			}
			if isDamaged(err) {
				s.setAside(s.open, err)
			}
		}
		if again := isDamaged(err) || (isFull(err) && s.freeBallast()); !again || try == 3 {
			s.noRoom.Store(isFull(err))
			return nil, fmt.Errorf("write to the journal: %w", err)
		}
	}
}

// publish shows committed batches to readers: held, folds, index, and the states that the
// next reports are compared with when the facts are not this box's own.
func (s *Store) publish(batches []journal.Batch, positions []int64) {
	s.state.Lock()
	defer s.state.Unlock()
	ix := s.tails[s.open]
	if ix == nil { // a reader has just set the segment aside
		ix = newIndex()
	}
	for i := range batches {
		b := &batches[i]
		s.held.Add(b.StreamKey, b.Seq, b.Seq)
		s.open.span.add(b.WallMS)
		switch b.Stream {
		case journal.Facts:
			s.adopt(b, s.foldFacts(b))
		case journal.Samples:
			s.indexVisits(ix, positions[i], b)
		default:
			s.fold(b.Site).SawBatch(&b.Header)
		}
		s.stats.Batches++
		s.stats.Bytes += uint64(len(b.Bytes))
	}
	s.came(batches)
	s.open.span.join(ix.span)
	s.stats.LastFlush = s.opt.Now()
	s.notifyOf(sitesIn(batches)...)
}

// adopt takes what a foreign batch changed in the view of this site's devices into the
// states. The caller holds writing and state.
func (s *Store) adopt(b *journal.Batch, changed []foldKey) {
	if b.Site != s.id.site || (b.Origin == s.id.origin && b.Incarnation == s.inc.id) {
		return
	}
	s.adoptKeys(changed)
}

func (s *Store) adoptKeys(changed []foldKey) {
	f := s.fold(s.id.site)
	for _, k := range changed {
		st := s.states[k.Device]
		if st == nil {
			continue // made from the view when it is needed
		}
		if fact, ok := f.Fact(k); ok {
			st.Set(fact)
		}
	}
}
