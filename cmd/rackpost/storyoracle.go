package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// visitKey names a visit for ever.
type visitKey struct {
	origin  string
	device  hw.DeviceID
	started int64 // milliseconds since 1970
}

// span is a time, in milliseconds since 1970.
type span struct{ from, to int64 }

// record is what a journal has of the visits, and of the times without.
type record struct {
	visits map[visitKey]int
	good   map[hw.DeviceID][]int64 // starts of those that read something
	gaps   map[hw.DeviceID][]span
}

// readRecord reads what a journal has of the demo's site. Nobody has it open any more.
func readRecord(ctx context.Context, dir string) (rec record, err error) {
	site, err := journal.ParseID(labSite)
	if err != nil {
		return rec, err
	}
	own, _, err := store.Identity(dir)
	if err != nil {
		return rec, err
	}
	s, err := store.Open(ctx, store.Options{Dir: dir, Site: own, ManySites: own != site, Ballast: -1, MinFree: 1 << 20})
	if err != nil {
		return rec, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	rec = record{visits: map[visitKey]int{}, good: map[hw.DeviceID][]int64{}, gaps: map[hw.DeviceID][]span{}}
	var pack journal.Compressor
	for p := (store.Position{}); ; {
		batches, next, err := s.Since(ctx, p, 1000)
		if err != nil {
			return rec, err
		}
		if p = next; len(batches) == 0 {
			break
		}
		for i := range batches {
			if batches[i].Site != site {
				continue // headquarters' own
			}
			if err := rec.take(&pack, &batches[i]); err != nil {
				return rec, err
			}
		}
	}
	for device := range rec.good {
		facts, err := s.Facts(ctx, store.FactQuery{Site: site, Device: device, Limit: 1_000_000})
		if err != nil {
			return rec, err
		}
		for _, f := range facts {
			rec.takeFact(f.Fact)
		}
	}
	return rec, nil
}

// take adds the visits of a batch.
func (r *record) take(pack *journal.Compressor, b *journal.Batch) error {
	if b.Stream != journal.Samples {
		return nil
	}
	body, err := pack.Body(b)
	if err != nil {
		return err
	}
	return journal.Records(body, func(x journal.Record) error {
		if x.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(x.Payload, b.WallMS)
		if err != nil {
			return err
		}
		r.visits[visitKey{b.Origin.String(), v.Device, v.Started.UnixMilli()}]++
		if v.Good() {
			r.good[v.Device] = append(r.good[v.Device], v.Started.UnixMilli())
		}
		return nil
	})
}

func (r *record) takeFact(f hw.Fact) {
	g, ok := f.Value.(hw.GapValue)
	if !ok || f.Removed || !strings.HasPrefix(f.Group, hw.VisitGap) {
		return
	}
	x := span{g.From.UnixMilli(), g.To.UnixMilli()}
	if g.To.IsZero() {
		x.to = time.Now().UnixMilli()
	}
	r.gaps[f.Device] = append(r.gaps[f.Device], x)
}

// lostAndDoubled compares what was acknowledged with what a journal has.
func (r *record) lostAndDoubled(acks []ackAt) (lost, doubled int) {
	for _, a := range acks {
		if r.visits[visitKey{a.Origin, a.Device, a.Started}] == 0 {
			lost++
		}
	}
	for _, n := range r.visits {
		if n > 1 {
			doubled++
		}
	}
	return lost, doubled
}

// untold returns the times of more than one and a half periods since a moment that have neither a visit nor a gap.
func (r *record) untold(since time.Time, period time.Duration) []string {
	var out []string
	most := (period * 3 / 2).Milliseconds()
	for _, device := range sortedKeys(byText(r.good)) {
		starts := slices.Clone(r.good[hw.DeviceID(device)])
		slices.Sort(starts)
		gaps := slices.Clone(r.gaps[hw.DeviceID(device)])
		slices.SortFunc(gaps, func(a, b span) int { return cmp.Compare(a.from, b.from) })
		for i := 1; i < len(starts); i++ {
			if starts[i] < since.UnixMilli() || starts[i]-starts[i-1] <= most {
				continue
			}
			if left := uncovered(span{starts[i-1], starts[i]}, gaps); left > most {
				out = append(out, fmt.Sprintf("%s for %.1f s at %s", device, float64(left)/1000, time.UnixMilli(starts[i-1]).Format(time.TimeOnly)))
			}
		}
	}
	return out
}

func byText[V any](m map[hw.DeviceID]V) map[string]V {
	out := make(map[string]V, len(m))
	for k, v := range m {
		out[string(k)] = v
	}
	return out
}

// uncovered is the longest piece of x that no gap covers. The gaps are in the order of their beginnings.
func uncovered(x span, gaps []span) int64 {
	at, longest := x.from, int64(0)
	for _, g := range gaps {
		if g.to <= at || g.from >= x.to {
			continue
		}
		longest = max(longest, g.from-at)
		at = max(at, g.to)
	}
	return max(longest, x.to-at)
}
