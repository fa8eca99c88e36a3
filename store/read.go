package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

// DeviceView is what the journal knows of a device.
type DeviceView struct {
	Site      journal.ID
	ID        hw.DeviceID
	LastVisit time.Time     // zero: never
	LastGood  time.Time     // of the last visit that read anything; zero: never
	Period    time.Duration // until the visit after LastVisit is due
	Facts     []hw.Fact     // the view of its registers, in order; removed ones are left out
}

// Devices returns every device of the store's own site, in order of id.
func (s *Store) Devices() []DeviceView { return s.DevicesOf(s.id.site) }

// DevicesOf returns every device of a site.
func (s *Store) DevicesOf(site journal.ID) []DeviceView {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return nil
	}
	var out []DeviceView
	for _, d := range f.Devices() {
		out = append(out, s.view(site, d))
	}
	return out
}

// Device returns one device of the store's own site; ok is false when nothing is known of it.
func (s *Store) Device(id hw.DeviceID) (DeviceView, bool) {
	s.state.RLock()
	defer s.state.RUnlock()
	v := s.view(s.id.site, id)
	return v, len(v.Facts) > 0 || !v.LastVisit.IsZero()
}

// view makes the view of a device. The caller holds state.
func (s *Store) view(site journal.ID, id hw.DeviceID) DeviceView {
	v := s.visited(site, id)
	f := s.folds[site]
	if f == nil {
		return v
	}
	for _, k := range f.Keys(id) {
		fact, ok := f.Fact(k)
		if !ok || fact.Removed {
			continue
		}
		v.Facts = append(v.Facts, fact)
	}
	return v
}

// visited is the view of a device without its facts. The caller holds state.
func (s *Store) visited(site journal.ID, id hw.DeviceID) DeviceView {
	v := DeviceView{Site: site, ID: id}
	f := s.folds[site]
	if f == nil {
		return v
	}
	for _, x := range f.Visits(id) {
		if x.Started.After(v.LastVisit) {
			v.LastVisit, v.Period = x.Started, x.Period
		}
		if x.Good && x.Started.After(v.LastGood) {
			v.LastGood = x.Started
		}
	}
	return v
}

// OutlinesOf is DevicesOf, at a fraction of its cost, without what the State and Attrs of components say, but of those that matter by what else is known of
// the device: whole is asked with an outline of it for those.
func (s *Store) OutlinesOf(site journal.ID, whole func([]hw.Fact) func(component string) bool) []DeviceView {
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[site]
	if f == nil {
		return nil
	}
	var out []DeviceView
	for _, d := range f.Devices() {
		v := s.visited(site, d)
		v.Facts = make([]hw.Fact, 0, f.Count(d))
		f.Outline(d, func(x hw.Fact) { v.Facts = append(v.Facts, x) })
		matters := whole(v.Facts)
		for i, x := range v.Facts {
			if x.Kind == hw.ComponentFact && matters(x.Component) {
				v.Facts[i], _ = f.Fact(fold.Key{Kind: x.Kind, Device: d, Component: x.Component, Group: x.Group})
			}
		}
		out = append(out, v)
	}
	return out
}

// BoxPath is the component of the facts that a box tells of itself, under the empty device:
// the boxes of a site share their folds.
func BoxPath(origin journal.ID) string { return fold.BoxPath(origin) }

// Registers returns the view of a device's registers at the store's own site. The empty
// device is the boxes themselves.
func (s *Store) Registers(device hw.DeviceID) []hw.Fact {
	s.state.RLock()
	defer s.state.RUnlock()
	return s.view(s.id.site, device).Facts
}

// FactRecord is a fact as it was recorded.
type FactRecord struct {
	hw.Fact
	Order journal.Order
	Mode  journal.Mode
}

// FactQuery asks for recorded facts.
type FactQuery struct {
	Site     journal.ID  // the store's own when zero
	Device   hw.DeviceID // of all devices when empty
	Kind     hw.FactKind // of all kinds when zero
	From, To time.Time   // both included, by the time of observation; a zero To is the end of time
	Limit    int         // the newest so many; 10,000 when 0
}

const defaultFacts = 10_000

// factDelayMS is how long after its observation a fact is written at most: a visit and a flush,
// and a clock that was set meanwhile.
const factDelayMS = 2 * 3600 * 1000

// Facts returns recorded facts in the order of the journal.
func (s *Store) Facts(ctx context.Context, q FactQuery) ([]FactRecord, error) {
	or(&q.Site, s.id.site)
	or(&q.Limit, defaultFacts)
	q.Limit = max(0, q.Limit)
	reach := span{q.From.UnixMilli(), math.MaxInt64}
	if !q.To.IsZero() {
		reach.last = q.To.UnixMilli()
	}
	var out []FactRecord
	for _, g := range s.listed() {
		s.state.RLock()
		overlaps := g.span.overlaps(span{reach.first, max(reach.last, reach.last+factDelayMS)})
		s.state.RUnlock()
		if g.damaged() != nil || !overlaps {
			continue
		}
		err := s.factsOf(ctx, g, q, reach, &out)
		switch {
		case errors.Is(err, errGone):
		case isDamaged(err):
			s.setAside(g, err)
		case err != nil:
			return nil, fmt.Errorf("read facts: %w", err)
		}
	}
	return newest(out, q.Limit), nil
}

func newest(facts []FactRecord, n int) []FactRecord {
	slices.SortFunc(facts, func(a, b FactRecord) int { return a.Order.Compare(b.Order) })
	return slices.Clone(facts[max(0, len(facts)-n):])
}

func (s *Store) factsOf(ctx context.Context, g *segment, q FactQuery, reach span, out *[]FactRecord) error {
	sources := g.names(q.Site, func(t journal.Stream) bool { return t == journal.Facts })
	return g.read(func(db *sql.DB) error {
		for _, source := range sources {
			err := eachRow(ctx, db, "SELECT position, bytes FROM batch WHERE source = ?", []any{source}, func(position int64, raw []byte) error {
				b, ok := s.parse(g, position, raw)
				if !ok {
					return nil
				}
				err := s.factsIn(&b, q, reach, out)
				if len(*out)-q.Limit > q.Limit {
					*out = newest(*out, q.Limit)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) factsIn(b *journal.Batch, q FactQuery, reach span, out *[]FactRecord) error {
	body, err := s.pack.Body(b)
	if err != nil {
		return nil // counted when it came
	}
	err = journal.Records(body, func(rec journal.Record) error {
		if rec.Type != journal.TypeFact {
			return nil
		}
		raw, err := journal.ParseFact(rec.Payload)
		if err != nil || q.Device != "" && raw.Device != q.Device || q.Kind != 0 && raw.Kind != q.Kind {
			return nil
		}
		if at := raw.At(b.WallMS).UnixMilli(); at < reach.first || at > reach.last {
			return nil
		}
		fact := raw.Shown(b.WallMS)
		if o, ok := fact.Value.(hw.Opaque); ok {
			fact.Value = hw.Opaque{Kind: o.Kind, Bytes: slices.Clone(o.Bytes)}
		}
		order := journal.Order{Turn: b.Turn, Origin: b.Origin, Incarnation: b.Incarnation, Seq: b.Seq, Index: rec.Index}
		*out = append(*out, FactRecord{fact, order, b.Mode})
		return nil
	})
	if errors.Is(err, journal.ErrCorrupt) {
		return nil // what comes before it is shown; counted when it came
	}
	return err
}

// Stats is how the store is.
type Stats struct {
	Origin         journal.ID
	Incarnation    journal.Incarnation
	Segments       int
	Twins          int
	Used           int64 // bytes of all files but the ballast
	Budget         int64
	Batches        uint64 // written since the start, others' too
	Bytes          uint64 // of these batches
	Samples        uint64 // put since the start
	LastFlush      time.Time
	Quarantined    []string // files set aside, with the reason
	Damaged        uint64   // batches and rows passed over
	Conflicts      uint64   // other content under a held key, earlier openings' too
	Unreadable     uint64   // batches kept and not understood
	UnknownRecords uint64   // records of a later version
	Shed           uint64   // batches dropped for want of space since the start
	Refused        uint64   // facts and reports beyond what is remembered of a device and a site, since the start
	Full           bool     // the disk is full: reports wait, nothing is acknowledged
}

// Full says whether the disk was full at the last write, of reports or of others' batches: none is acknowledged until there is room.
func (s *Store) Full() bool { return s.full.Load() || s.noRoom.Load() }

// Stats returns how the store is now.
func (s *Store) Stats() (Stats, error) {
	used, err := s.used()
	if err != nil {
		return Stats{}, err
	}
	aside, err := s.aside()
	if err != nil {
		return Stats{}, err
	}
	segments := s.listed()
	s.state.RLock()
	defer s.state.RUnlock()
	out := s.stats
	out.Origin, out.Incarnation = s.id.origin, s.inc.id
	out.Segments, out.Budget = len(segments), s.opt.Budget
	out.Used = used - fileBytes(filepath.Join(s.opt.Dir, ballastFile))
	out.Damaged, out.Full = s.damagedBatches.Load(), s.full.Load()
	for _, g := range segments {
		if err := g.damaged(); err != nil {
			out.Quarantined = append(out.Quarantined, fmt.Sprintf("%s: %v", filepath.Base(g.file()), err))
		} else if name := g.pending(); name != "" {
			aside = append(aside, name)
		}
		if g.isSealed() && s.hasTwin(g) {
			out.Twins++
		}
	}
	for _, name := range aside {
		out.Quarantined = append(out.Quarantined, name+": put aside as damaged, what could be read of it is served")
	}
	slices.SortFunc(out.Quarantined, cmp.Compare)
	return out, nil
}
