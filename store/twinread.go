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
	t := twinReader{seriesReader: r, db: db, components: components}
	if err := t.prepare(ctx); err != nil {
		return err
	}
	for _, d := range devices {
		found, err := t.devicesIn(ctx, d)
		if err != nil {
			return err
		}
		for _, x := range found {
			x.deviceSeries = r.devices[d]
			if err := t.device(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
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

// twinReader reads one twin.
type twinReader struct {
	*seriesReader
	db                *sql.DB
	components        map[int64]string // asked for
	named, times, row *sql.Stmt        // they end with the handle
}

func (t *twinReader) prepare(ctx context.Context) error {
	for to, text := range map[**sql.Stmt]string{
		&t.named: "SELECT id, origin FROM device WHERE site = ? AND name = ?",
		&t.times: "SELECT id, bytes FROM chunk WHERE id BETWEEN ? AND ? AND last >= ? AND first <= ?",
		&t.row:   "SELECT id, bytes FROM chunk WHERE id BETWEEN ? AND ?",
	} {
		var err error
		if *to, err = t.db.PrepareContext(ctx, text); err != nil {
			return err
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

func (t *twinReader) devicesIn(ctx context.Context, d deviceKey) (out []deviceIn, err error) {
	rows, err := t.named.QueryContext(ctx, d.site[:], string(d.device))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x deviceIn
		var origin []byte
		if err := rows.Scan(&x.id, &origin); err != nil {
			return nil, err
		}
		copy(x.origin[:], origin)
		out = append(out, x)
	}
	return out, rows.Err()
}

// chunkTimes is when the visits of a chunk were.
type chunkTimes struct {
	n       int64
	columns [][]int64
}

// fewComponents is how many components are looked for one by one; for more, all rows of a device are gone through.
const fewComponents = 32

func (t *twinReader) device(ctx context.Context, d deviceIn) error {
	var chunks []chunkTimes
	low, high := chunkID(d.id, 0, 0), chunkID(d.id, 1, 0)-1
	rows, err := t.times.QueryContext(ctx, low, high, t.want.span.first, t.want.span.last)
	err = chunksOf(rows, err, func(id int64, raw []byte) error {
		columns, err := t.dec.Times(raw)
		if err == nil && len(columns) < timesColumns {
			err = fmt.Errorf("times of %d columns, want %d", len(columns), timesColumns)
		}
		chunks = append(chunks, chunkTimes{id - low, columns})
		return err
	})
	if err != nil || len(chunks) == 0 {
		return err
	}
	if len(t.components) > fewComponents || t.want.component.any() {
		return t.all(ctx, d, chunks)
	}
	first, last := chunks[0].n, chunks[len(chunks)-1].n
	for component, path := range t.components {
		rows, err := t.row.QueryContext(ctx, chunkID(d.id, component, first), chunkID(d.id, component, last))
		err = chunksOf(rows, err, func(id int64, raw []byte) error {
			n := id - chunkID(d.id, component, 0)
			i := slices.IndexFunc(chunks, func(c chunkTimes) bool { return c.n == n })
			if i < 0 {
				return nil
			}
			return t.chunk(d, raw, path, chunks[i].columns)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// all reads every component of the device's chunks by one pass over its rows. Rows of
// other chunks are passed over by their number, without their bytes.
func (t *twinReader) all(ctx context.Context, d deviceIn, chunks []chunkTimes) error {
	byNumber := map[int64][][]int64{}
	for _, c := range chunks {
		byNumber[c.n] = c.columns
	}
	rows, err := t.db.QueryContext(ctx, "SELECT id, bytes FROM chunk WHERE id BETWEEN ? AND ? AND id & ? BETWEEN ? AND ?",
		chunkID(d.id, 1, 0), chunkID(d.id+1, 0, 0)-1, maxChunks-1, chunks[0].n, chunks[len(chunks)-1].n)
	return chunksOf(rows, err, func(id int64, raw []byte) error {
		path, ok := t.components[id>>18&(maxComponents-1)]
		times := byNumber[id&(maxChunks-1)]
		if !ok || times == nil {
			return nil
		}
		return t.chunk(d, raw, path, times)
	})
}

// chunksOf calls fn with every row of a twin that a query gives. The bytes are not used
// after fn returns.
func chunksOf(rows *sql.Rows, err error, fn func(id int64, raw []byte) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var raw sql.RawBytes
		if err := rows.Scan(&id, &raw); err != nil {
			return err
		}
		if err := fn(id, raw); err != nil {
			return err
		}
	}
	return rows.Err()
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
