package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/chunk"
)

// emit writes the gathered visits of a device as one chunk.
func (w *twinWriter) emit(ctx context.Context, d twinDevice, g *gathered) error {
	if len(g.visits) == 0 {
		return nil
	}
	visits := g.visits
	w.memory -= g.bytes
	g.visits, g.bytes = nil, 0
	slices.SortStableFunc(visits, func(a, b gatheredVisit) int { return a.Started.Compare(b.Started) })
	if g.chunks >= maxChunks {
		return fmt.Errorf("%w: device %s has more than %d chunks in a segment", errTooVaried, d.name, maxChunks)
	}
	columns, err := w.columns(visits)
	if err != nil {
		return err
	}
	if err := w.times(ctx, g, visits); err != nil {
		return err
	}
	for i := range columns {
		c := &columns[i]
		id, err := w.component(ctx, c.path)
		if err != nil {
			return err
		}
		if w.row, err = w.enc.Component(w.row[:0], len(visits), c.series); err != nil {
			return err
		}
		if err := w.insert(ctx, chunkID(g.id, id, g.chunks), visits[0].Started.UnixMilli(), visits[len(visits)-1].Started.UnixMilli()); err != nil {
			return err
		}
	}
	g.chunks++
	return nil
}

// column is a component's part of a chunk.
type column struct {
	path   string
	series []chunk.Series
}

// spot is where a layout's entry goes: a column and a series of it.
type spot struct{ column, series int32 }

// columns turns visits round.
func (w *twinWriter) columns(visits []gatheredVisit) ([]column, error) {
	var columns []column
	paths := map[string]int32{}
	spots := map[journal.LayoutID][]spot{}
	for n := range visits {
		v := &visits[n]
		to, ok := spots[v.layout]
		if !ok {
			to = place(&columns, paths, v.entries)
			spots[v.layout] = to
		}
		samples, err := v.Samples(w.scratch[:0], v.entries)
		if err != nil {
			continue // counted when it was published; in no view
		}
		w.scratch = samples
		for i := range samples {
			x := &samples[i]
			columns[to[i].column].series[to[i].series].Append(chunk.Point{Visit: n, Gauge: x.Gauge, Count: x.Count, StartMS: x.StartMS, Absent: x.Absent})
		}
	}
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.path, b.path) })
	return columns, nil
}

func place(columns *[]column, paths map[string]int32, entries []journal.Entry) []spot {
	to := make([]spot, len(entries))
	for i, e := range entries {
		c, ok := paths[e.Component]
		if !ok {
			c = int32(len(*columns))
			paths[e.Component] = c
			*columns = append(*columns, column{path: e.Component})
		}
		series := &(*columns)[c].series
		k := slices.IndexFunc(*series, func(x chunk.Series) bool { return x.Sensor == e.Sensor && x.Type == e.Type })
		if k < 0 {
			k = len(*series)
			*series = append(*series, chunk.Series{Sensor: e.Sensor, Type: e.Type})
		}
		to[i] = spot{c, int32(k)}
	}
	return to
}

func (w *twinWriter) times(ctx context.Context, g *gathered, visits []gatheredVisit) (err error) {
	columns := make([][]int64, timesColumns)
	for i := range visits {
		v := &visits[i]
		columns[colStarted] = append(columns[colStarted], v.Started.UnixMilli())
		columns[colTook] = append(columns[colTook], v.Took.Milliseconds())
		columns[colPeriod] = append(columns[colPeriod], v.Period.Milliseconds())
		columns[colMode] = append(columns[colMode], int64(v.mode))
	}
	if w.row, err = w.enc.Times(w.row[:0], columns...); err != nil {
		return err
	}
	return w.insert(ctx, chunkID(g.id, 0, g.chunks), visits[0].Started.UnixMilli(), visits[len(visits)-1].Started.UnixMilli())
}

func (w *twinWriter) component(ctx context.Context, path string) (int64, error) {
	if id, ok := w.components[path]; ok {
		return id, nil
	}
	id := int64(len(w.components)) + 1
	if id >= maxComponents/4 { // each is remembered while the twin is made
		return 0, fmt.Errorf("%w: more than %d components in a segment", errTooVaried, maxComponents/4)
	}
	w.components[path] = id
	_, err := w.tx.ExecContext(ctx, "INSERT INTO component(id, path) VALUES(?, ?)", id, path)
	return id, err
}

// insert writes the row and commits now and then, so that the disk is never given much at
// once while a flush waits for it.
func (w *twinWriter) insert(ctx context.Context, id, first, last int64) error {
	// Only times rows are looked for by time.
	var from, to any
	if id>>18&(maxComponents-1) == 0 {
		from, to = first, last
	}
	if _, err := w.put.ExecContext(ctx, id, from, to, w.row); err != nil {
		return err
	}
	if w.unsynced += len(w.row); w.unsynced < twinSyncBytes {
		return nil
	}
	w.unsynced = 0
	if err := w.tx.Commit(); err != nil {
		return err
	}
	return w.begin(ctx)
}

// Point is one reading as it was recorded.
type Point struct {
	Component, Sensor string
	Type              hw.SampleType
	At                int64 // Unix ms by the clock of the box that visited
	Gauge             float64
	Count             uint64
	StartMS           int64
	Absent            hw.Reason
	Origin            journal.ID
	Mode              journal.Mode
	PeriodMS          int64
}
