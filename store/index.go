package store

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

type foldKey = fold.Key

// index tells where the visits of each device stand in a segment that has no twin yet. A visit
// costs 16 bytes of memory.
type index struct {
	visits map[deviceKey][]visitAt // in order of arrival
	count  int                     // of visits
	span   span
}

// deviceKey names a device among those of all sites a store holds.
type deviceKey struct {
	site   journal.ID
	device hw.DeviceID
}

// visitAt is where a visit stands.
type visitAt struct {
	startMS  int64
	position uint32 // a segment has at most visitsKept visits, and few times as many rows
}

func newIndex() *index {
	return &index{visits: map[deviceKey][]visitAt{}, span: emptySpan()}
}

func (ix *index) add(device deviceKey, startMS, position int64) {
	if position > math.MaxUint32 {
		return // no store has such a row
	}
	at := ix.visits[device]
	if len(at) == cap(at) { // by a quarter, not by half
		at = append(make([]visitAt, 0, len(at)+len(at)/4+4), at...)
	}
	ix.visits[device] = append(at, visitAt{startMS, uint32(position)})
	ix.count++
	ix.span.add(startMS)
}

// What of sealed segments is indexed in memory. A segment has an index until its twin is made; where there is no room for
// twins, a query makes it anew. A segment with visitsKept visits is sealed.
const (
	tailsKept  = 4
	visitsKept = 1 << 20
)

// forget takes a site out of the index.
func (ix *index) forget(site journal.ID) {
	maps.DeleteFunc(ix.visits, func(d deviceKey, _ []visitAt) bool { return d.site == site })
}

// keepTail takes the index of a segment without a twin. The caller holds state.
func (s *Store) keepTail(g *segment, ix *index) {
	s.tails[g] = ix
	for {
		var sealed []*segment
		visits := 0
		for x, ix := range s.tails {
			if x != s.open && x != g {
				sealed = append(sealed, x)
				visits += ix.count
			}
		}
		if len(sealed) == 0 || (len(sealed) < tailsKept && visits+ix.count <= visitsKept) {
			return
		}
		delete(s.tails, slices.MinFunc(sealed, func(a, b *segment) int { return cmp.Compare(a.number, b.number) }))
	}
}

// indexOf reads where the visits of a segment stand.
func (s *Store) indexOf(ctx context.Context, g *segment) (*index, error) {
	ix := newIndex()
	err := s.eachBatch(ctx, g, 0, func(position int64, b *journal.Batch) error {
		if b.Stream != journal.Samples {
			return nil
		}
		_ = s.eachVisit(b, func(v *journal.Visit) { // counted when it came
			ix.add(deviceKey{b.Site, v.Device}, v.Started.UnixMilli(), position)
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.state.Lock()
	s.keepTail(g, ix)
	s.state.Unlock()
	return ix, nil
}

// indexVisits notes every visit of a batch of samples in ix and in the fold.
func (s *Store) indexVisits(ix *index, position int64, b *journal.Batch) {
	f := s.fold(b.Site)
	f.SawBatch(&b.Header)
	if b.Site == s.id.site && b.Origin != s.id.origin {
		s.visitedElsewhere = max(s.visitedElsewhere, b.Turn)
	}
	err := s.eachVisit(b, func(v *journal.Visit) {
		f.Visited(lastVisit(&b.Header, v))
		ix.add(deviceKey{b.Site, v.Device}, v.Started.UnixMilli(), position)
	})
	if err != nil {
		s.unread.Add(b.StreamKey, b.Seq, b.Seq)
		s.stats.Unreadable++
		s.opt.Logger.Warn("samples kept but not understood", "batch", b.Key.String(), "err", err)
	}
}

func (s *Store) eachVisit(b *journal.Batch, fn func(*journal.Visit)) error {
	body, err := s.pack.Body(b)
	if err != nil {
		return err
	}
	return journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(rec.Payload, b.WallMS)
		if err == nil {
			fn(&v)
		}
		return err
	})
}

func lastVisit(h *journal.Header, v *journal.Visit) journal.LastVisit {
	return journal.LastVisit{Origin: h.Origin, Incarnation: h.Incarnation, Device: v.Device, Turn: h.Turn,
		Started: v.Started, Period: v.Period, Mode: h.Mode, Good: v.Good()}
}

// overdue says whether a visit is missing between two starts: one and a half periods have passed. The configured period is what the
// next visit says, and at least what the former one promised: when the next was due is at most a tenth more than a period.
func overdue(former, next time.Time, configured, promised time.Duration) bool {
	period := max(configured, promised/11*10)
	passed := next.Sub(former)
	return passed > period && passed-period > period/2
}
