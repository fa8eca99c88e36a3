package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/chunk"
)

// twin reads the device's points out of the twin of g. The caller holds g.use shared.
func (r *seriesReader) twin(ctx context.Context, g *segment) (err error) {
	if r.dec == nil {
		if r.dec, err = chunk.NewDecoder(); err != nil {
			return err
		}
	}
	db := openDB(g.twinPath(), immutable)
	defer func() { err = errors.Join(err, db.Close()) }()
	components, err := r.components(ctx, db)
	if err != nil {
		return err
	}
	type one struct {
		id     int64
		origin journal.ID
	}
	var devices []one
	err = each(ctx, db, "SELECT id, origin FROM device WHERE site = ? AND name = ?", []any{r.q.Site[:], string(r.q.Device)}, func(rows *sql.Rows) error {
		var d one
		var origin []byte
		if err := rows.Scan(&d.id, &origin); err != nil {
			return err
		}
		copy(d.origin[:], origin)
		devices = append(devices, d)
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range devices {
		if err := r.twinDevice(ctx, db, d.id, d.origin, components); err != nil {
			return err
		}
	}
	return nil
}

// components returns the numbers of the components asked for.
func (r *seriesReader) components(ctx context.Context, db *sql.DB) (map[int64]string, error) {
	q, args := "SELECT id, path FROM component", []any(nil)
	if r.q.Component != "" {
		q, args = q+" WHERE path = ?", []any{r.q.Component}
	}
	out := map[int64]string{}
	err := each(ctx, db, q, args, func(rows *sql.Rows) error {
		var id int64
		var path string
		err := rows.Scan(&id, &path)
		out[id] = path
		return err
	})
	return out, err
}

// chunkTimes is when the visits of a chunk were.
type chunkTimes struct {
	n       int64
	columns [][]int64
}

func (r *seriesReader) twinDevice(ctx context.Context, db *sql.DB, device int64, origin journal.ID, components map[int64]string) error {
	var chunks []chunkTimes
	low, high := chunkID(device, 0, 0), chunkID(device, 1, 0)-1
	err := eachChunk(ctx, db, "id BETWEEN ? AND ? AND last >= ? AND first <= ?", []any{low, high, r.span.first, r.span.last}, func(id int64, raw []byte) error {
		columns, err := r.dec.Times(raw)
		if err == nil && len(columns) < timesColumns {
			err = fmt.Errorf("times of %d columns, want %d", len(columns), timesColumns)
		}
		chunks = append(chunks, chunkTimes{id - low, columns})
		return err
	})
	if err != nil || len(chunks) == 0 {
		return err
	}
	read := func(component int64, path string, chunks []chunkTimes) error {
		first, last := chunks[0].n, chunks[len(chunks)-1].n
		return eachChunk(ctx, db, "id BETWEEN ? AND ?", []any{chunkID(device, component, first), chunkID(device, component, last)}, func(id int64, raw []byte) error {
			n := id - chunkID(device, component, 0)
			i := slices.IndexFunc(chunks, func(c chunkTimes) bool { return c.n == n })
			if i < 0 {
				return nil
			}
			return r.chunk(raw, path, chunks[i].columns, origin)
		})
	}
	if r.q.Component != "" {
		for id, path := range components {
			if err := read(id, path, chunks); err != nil {
				return err
			}
		}
		return nil
	}
	return r.twinAll(ctx, db, device, origin, components, chunks)
}

// twinAll reads every component of the device's chunks by one pass over its rows. Rows of
// other chunks are passed over by their number, without their bytes.
func (r *seriesReader) twinAll(ctx context.Context, db *sql.DB, device int64, origin journal.ID, components map[int64]string, chunks []chunkTimes) error {
	byNumber := map[int64][][]int64{}
	for _, c := range chunks {
		byNumber[c.n] = c.columns
	}
	return eachChunk(ctx, db, "id BETWEEN ? AND ? AND id & ? BETWEEN ? AND ?",
		[]any{chunkID(device, 1, 0), chunkID(device+1, 0, 0) - 1, maxChunks - 1, chunks[0].n, chunks[len(chunks)-1].n}, func(id int64, raw []byte) error {
			path, ok := components[id>>18&(maxComponents-1)]
			times := byNumber[id&(maxChunks-1)]
			if !ok || times == nil {
				return nil
			}
			return r.chunk(raw, path, times, origin)
		})
}

// eachChunk calls fn with every row of a twin for which where holds. The bytes are not used
// after fn returns.
func eachChunk(ctx context.Context, db *sql.DB, where string, args []any, fn func(id int64, raw []byte) error) error {
	return each(ctx, db, "SELECT id, bytes FROM chunk WHERE "+where, args, func(rows *sql.Rows) error {
		var id int64
		var raw sql.RawBytes
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		return fn(id, raw)
	})
}

// chunk takes the points of one row.
func (r *seriesReader) chunk(raw []byte, path string, times [][]int64, origin journal.ID) error {
	var series []chunk.Series
	var err error
	if r.q.Sensor != "" {
		series, err = r.dec.Sensor(raw, r.q.Sensor)
	} else {
		series, err = r.dec.Component(raw)
	}
	if err != nil {
		return err
	}
	started := times[colStarted]
	for i := range series {
		x := &series[i]
		to := r.of(path, x.Sensor, x.Type)
		begin, _ := slices.BinarySearch(started, r.span.first)
		end := sort.Search(len(started), func(i int) bool { return started[i] > r.span.last })
		from := x.Search(begin)
		to.readings = slices.Grow(to.readings, max(0, x.Search(end)-from))
		for p := range x.All(from) {
			if p.Visit >= end {
				break
			}
			y := reading{at: started[p.Visit], startMS: p.StartMS, periodMS: times[colPeriod][p.Visit], absent: p.Absent,
				origin: &origin, mode: journal.Mode(times[colMode][p.Visit])}
			if y.bits = p.Count; x.Type != hw.Counter {
				y.bits = math.Float64bits(p.Gauge)
			}
			if err := r.take(to, y); err != nil {
				return err
			}
		}
	}
	return nil
}
