package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/store"
)

// islandReadings are what islands read, as remote write judges it.
type islandReadings struct {
	store *store.Store
	pair  *pairing // nil: none
}

// Settled implements remotewrite.Islands: everything that is known to have been read at the site is here, and the peer's journal too.
func (r islandReadings) Settled(site journal.ID) bool {
	for k := range r.store.Awaited(site) {
		if k.Stream == journal.Samples {
			return false
		}
	}
	if r.pair == nil {
		return true
	}
	for _, m := range r.pair.node.Status().Members {
		if m.Role == mode.Box && m.Node != r.pair.self.Node && !r.pair.lines.caughtUp(m.Node) {
			return false
		}
	}
	return true
}

// Batches implements remotewrite.Islands.
func (r islandReadings) Batches(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error) {
	return batchesOf(ctx, r.store, v, limit)
}

// lackingStore is a store that tells what somebody lacks.
type lackingStore interface {
	Held() journal.Vector
	Lacking(ctx context.Context, v journal.Vector, limit int) ([]journal.Batch, error)
}

// batchesOf returns up to limit of the batches of v that s has, and no others, not even of what comes meanwhile: none means that it has none.
func batchesOf(ctx context.Context, s lackingStore, v journal.Vector, limit int) ([]journal.Batch, error) {
	others := journal.Vector{}
	whole := func(k journal.StreamKey) { others.Join(journal.Vector{k: {{First: 1, Last: journal.MaxSeq}}}.Minus(v)) } // also what comes of it meanwhile
	for k := range v {
		whole(k)
	}
	for k := range s.Held() {
		whole(k)
	}
	for range othersTries {
		got, err := s.Lacking(ctx, others, limit)
		if err != nil || len(got) == 0 {
			return nil, err
		}
		for i := range got {
			whole(got[i].StreamKey) // one that began meanwhile
		}
		if got = slices.DeleteFunc(got, func(b journal.Batch) bool { return !v.Has(b.StreamKey, b.Seq) }); len(got) > 0 {
			return got, nil
		}
	}
	return nil, errors.New("read what an island wrote: other journals begin again and again; it is tried again")
}

// othersTries is how often an answer may be of other batches alone.
const othersTries = 16

// besideIsland is how far around an island's visits is looked for those of the others: a few of their periods. Where that is too much to
// read at once it is less, leastBeside at least.
const (
	besideIsland = 20 * time.Minute
	leastBeside  = 15 * time.Second
)

// Counted implements remotewrite.Counted.
func (r islandReadings) Counted(ctx context.Context, site journal.ID, device hw.DeviceID, from, to time.Time, fn func(origin journal.ID, component, sensor string, at time.Time)) error {
	for beside := besideIsland; ; beside /= 4 {
		points := map[[2]string][]store.Point{}
		q := store.SeriesQuery{Site: site, Device: device, From: from.Add(-beside), To: to.Add(beside)}
		err := r.store.Series(ctx, q, func(p store.Point) error {
			if p.Mode == journal.Island {
				name := [2]string{p.Component, p.Sensor}
				points[name] = append(points[name], p)
			}
			return nil
		})
		if errors.Is(err, store.ErrTooMany) && beside > leastBeside {
			continue
		}
		for name, of := range points {
			for _, p := range ofOneIsland(of) {
				if p.At >= from.UnixMilli() && p.At <= to.UnixMilli() {
					fn(p.Origin, name[0], name[1], time.UnixMilli(p.At))
				}
			}
		}
		return err
	}
}

// ofOneIsland leaves out what a second island read where the first one has a reading within one and a half periods: two islands that visit
// at one time, each with its clock, would make a counter go back. points are of one series.
func ofOneIsland(points []store.Point) []store.Point {
	by := map[journal.ID][]store.Point{}
	for _, p := range points {
		by[p.Origin] = append(by[p.Origin], p)
	}
	if len(by) < 2 {
		return points
	}
	var out []store.Point
	for _, origin := range slices.SortedFunc(maps.Keys(by), func(a, b journal.ID) int { return slices.Compare(a[:], b[:]) }) {
		kept := len(out)
		for _, p := range by[origin] {
			near := p.PeriodMS + p.PeriodMS/2
			i, _ := slices.BinarySearchFunc(out[:kept], p.At-near, func(x store.Point, at int64) int { return cmp.Compare(x.At, at) })
			if i == kept || out[i].At > p.At+near {
				out = append(out, p)
			}
		}
		slices.SortFunc(out, func(a, b store.Point) int { return cmp.Compare(a.At, b.At) })
	}
	return out
}
