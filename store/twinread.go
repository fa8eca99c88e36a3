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

// twin reads the devices' points out of the twin of g. The caller holds g.use shared.
func (r *seriesReader) twin(ctx context.Context, g *segment, devices []deviceKey) (err error) {
	if r.dec == nil {
		if r.dec, err = chunk.NewDecoder(); err != nil {
			return err
		}
	}
	db := openDB(g.twinPath(), immutable)
	defer func() { err = errors.Join(err, db.Close()) }()
	components, err := r.components(ctx, db)
	if err != nil || len(components) == 0 {
		return err
	}
	for _, d := range devices {
		found, err := devicesIn(ctx, db, d)
		if err != nil {
			return err
		}
		for _, x := range found {
			x.deviceSeries = r.devices[d]
			if err := r.twinDevice(ctx, db, x, components); err != nil {
				return err
			}
		}
	}
	return nil
}

// deviceIn is a device as one origin visited it, and where its readings go.
type deviceIn struct {
	*deviceSeries
	id     int64
	origin journal.ID
}

func devicesIn(ctx context.Context, db *sql.DB, d deviceKey) (out []deviceIn, err error) {
	err = each(ctx, db, "SELECT id, origin FROM device WHERE site = ? AND name = ?", []any{d.site[:], string(d.device)}, func(rows *sql.Rows) error {
		var x deviceIn
		var origin []byte
		if err := rows.Scan(&x.id, &origin); err != nil {
			return err
		}
		copy(x.origin[:], origin)
		out = append(out, x)
		return nil
	})
	return out, err
}

// components returns the numbers of the components asked for.
func (r *seriesReader) components(ctx context.Context, db *sql.DB) (map[int64]string, error) {
	q, args := "SELECT id, path FROM component", []any(nil)
	if name := r.want.component.name(); name != "" {
		q, args = q+" WHERE path = ?", []any{name}
	}
	out := map[int64]string{}
	err := each(ctx, db, q, args, func(rows *sql.Rows) error {
		var id int64
		var path string
		err := rows.Scan(&id, &path)
		if r.want.component.matches(path) {
			out[id] = path
		}
		return err
	})
	return out, err
}

// chunkTimes is when the visits of a chunk were.
type chunkTimes struct {
	n       int64
	columns [][]int64
}

// fewComponents is how many components are looked for one by one; for more, all rows of a device are gone through.
const fewComponents = 32

func (r *seriesReader) twinDevice(ctx context.Context, db *sql.DB, d deviceIn, components map[int64]string) error {
	var chunks []chunkTimes
	low, high := chunkID(d.id, 0, 0), chunkID(d.id, 1, 0)-1
	err := eachChunk(ctx, db, "id BETWEEN ? AND ? AND last >= ? AND first <= ?", []any{low, high, r.want.span.first, r.want.span.last}, func(id int64, raw []byte) error {
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
	if len(components) > fewComponents || r.want.component.any() {
		return r.twinAll(ctx, db, d, components, chunks)
	}
	first, last := chunks[0].n, chunks[len(chunks)-1].n
	for component, path := range components {
		err := eachChunk(ctx, db, "id BETWEEN ? AND ?", []any{chunkID(d.id, component, first), chunkID(d.id, component, last)}, func(id int64, raw []byte) error {
			n := id - chunkID(d.id, component, 0)
			i := slices.IndexFunc(chunks, func(c chunkTimes) bool { return c.n == n })
			if i < 0 {
				return nil
			}
			return r.chunk(d, raw, path, chunks[i].columns)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// twinAll reads every component of the device's chunks by one pass over its rows. Rows of
// other chunks are passed over by their number, without their bytes.
func (r *seriesReader) twinAll(ctx context.Context, db *sql.DB, d deviceIn, components map[int64]string, chunks []chunkTimes) error {
	byNumber := map[int64][][]int64{}
	for _, c := range chunks {
		byNumber[c.n] = c.columns
	}
	return eachChunk(ctx, db, "id BETWEEN ? AND ? AND id & ? BETWEEN ? AND ?",
		[]any{chunkID(d.id, 1, 0), chunkID(d.id+1, 0, 0) - 1, maxChunks - 1, chunks[0].n, chunks[len(chunks)-1].n}, func(id int64, raw []byte) error {
			path, ok := components[id>>18&(maxComponents-1)]
			times := byNumber[id&(maxChunks-1)]
			if !ok || times == nil {
				return nil
			}
			return r.chunk(d, raw, path, times)
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
func (r *seriesReader) chunk(d deviceIn, raw []byte, path string, times [][]int64) error {
	var series []chunk.Series
	var err error
	if name := r.want.sensor.name(); name != "" {
		series, err = r.dec.Sensor(raw, name)
	} else {
		series, err = r.dec.Component(raw)
	}
	if err != nil {
		return err
	}
	started, origin := times[colStarted], d.origin
	begin, _ := slices.BinarySearch(started, r.want.span.first)
	end := sort.Search(len(started), func(i int) bool { return started[i] > r.want.span.last })
	for i := range series {
		x := &series[i]
		to := d.of(path, x.Sensor, x.Type)
		if to == nil {
			continue
		}
		from := x.Search(begin)
		to.readings = slices.Grow(to.readings, max(0, min(x.Search(end)-from, r.want.limit-r.count)))
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
