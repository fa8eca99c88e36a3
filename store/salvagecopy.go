package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"rackpost/hw/journal"
)

// isPassing says whether err comes from the machine and not from what stands in a file: then
// nothing is learnt about the file, and it is left as it is.
func isPassing(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		switch e.Code {
		case sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrError, sqlite3.ErrMismatch, sqlite3.ErrTooBig, sqlite3.ErrFormat, sqlite3.ErrSchema:
			return false
		case sqlite3.ErrIoErr:
			return !isDamaged(err)
		}
		return true
	}
	var path *fs.PathError
	var no syscall.Errno
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &path) || errors.As(err, &no)
}

// cannotOpen says that SQLite could not open a file, which its content may be the reason of.
func cannotOpen(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrCantOpen
}

// salvor copies what can be read of a damaged segment into a fresh file.
type salvor struct {
	store     *Store
	g         *segment
	elsewhere journal.Vector // what stands in other segments

	db       *sql.DB
	tx       *sql.Tx
	unsynced int

	spanKnown bool
	span      span
	meta      map[string][]byte
	own       ledger // what stands in the copy
	sources   map[journal.StreamKey]int64
	layouts   map[journal.LayoutID]struct{}
	writer    journal.Incarnation // of this origin's last batch
	writerAt  int64
	twin      bool // there is one that can be read
	found     *rescue
}

// copy writes the file to, a sealed segment with what views of the damaged one show. Each view
// adds what those before it could not read.
func (c *salvor) copy(ctx context.Context, to string, views []*sql.DB) (err error) {
	removeDB(to)
	c.db = openDB(to, scratch)
	defer func() {
		if c.tx != nil {
			_ = c.tx.Rollback() // the file is thrown away
		}
		if err = errors.Join(err, c.db.Close()); err == nil {
			err = syncFile(to)
		}
		if err != nil {
			removeDB(to)
		}
	}()
	if _, err := c.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if c.tx, err = c.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	for i, db := range views {
		err := c.view(ctx, db)
		if last := i == len(views)-1; err != nil && (last || !cannotOpen(err)) {
			return err
		}
	}
	if err := c.finish(ctx); err != nil {
		return err
	}
	return c.later(ctx)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// view takes what one view shows. An error is not about the damage.
func (c *salvor) view(ctx context.Context, db *sql.DB) error {
	if err := c.takeMeta(ctx, db); err != nil {
		return err
	}
	err := eachSound(ctx, db, "layout", "name, bytes", func(_ int64, row []any) error {
		name, ok := row[0].([]byte)
		raw, ok2 := row[1].([]byte)
		l := journal.Layout{Bytes: raw}
		if copy(l.ID[:], name); !ok || !ok2 || len(name) != len(l.ID) || journal.LayoutName(raw) != l.ID {
			return nil
		}
		return c.putLayout(ctx, l)
	})
	if err != nil {
		return err
	}
	err = eachSound(ctx, db, "batch", "bytes", func(position int64, row []any) error {
		raw, _ := row[0].([]byte)
		return c.putBatch(ctx, position, raw)
	})
	if err != nil {
		return err
	}
	return eachSound(ctx, db, "other", "bytes", func(id int64, row []any) error {
		raw, _ := row[0].([]byte)
		return c.putOther(ctx, id, raw)
	})
}

func (c *salvor) takeMeta(ctx context.Context, db *sql.DB) error {
	take := func(rows *sql.Rows) error {
		var name, value any
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		n, ok := name.(string)
		v, ok2 := value.([]byte)
		if _, have := c.meta[n]; ok && ok2 && !have {
			c.meta[n] = v
		}
		return nil
	}
	err := each(ctx, db, "SELECT name, value FROM meta", nil, take)
	for _, name := range []string{metaHeld, metaSpan, metaWriter, metaClosed, metaPast, metaEnd} { // behind a damaged page
		if err == nil || isPassing(err) {
			break
		}
		if again := each(ctx, db, "SELECT name, value FROM meta WHERE name = ?", []any{name}, take); isPassing(again) {
			err = again
		}
	}
	if err != nil && isPassing(err) {
		return err
	}
	return nil
}

// eachSound calls fn for every row of a table that can be read, on both sides of damaged pages.
// Its error is not about the damage.
func eachSound(ctx context.Context, db *sql.DB, table, columns string, fn func(id int64, row []any) error) error {
	query := "SELECT rowid, " + columns + " FROM " + table + " WHERE rowid >= ? AND rowid < ? ORDER BY rowid"
	var failed error // of fn
	read := func(order string, from, to int64, fn func(int64, []any) error) error {
		return each(ctx, db, query+order, []any{from, to}, func(rows *sql.Rows) error {
			row := make([]any, 1+strings.Count(columns, ",")+1)
			for i := range row {
				row[i] = new(any)
			}
			if err := rows.Scan(row...); err != nil {
				return err
			}
			for i := range row {
				row[i] = *row[i].(*any)
			}
			id, _ := row[0].(int64)
			failed = fn(id, row[1:])
			return failed
		})
	}
	from, hole := int64(0), int64(-1)
	for skip := int64(1); skip <= maxSkip; skip *= 2 {
		first := int64(-1)
		err := read("", from, math.MaxInt64, func(id int64, row []any) error {
			if first < 0 {
				first = id
			}
			from, skip = id+1, 1
			return fn(id, row)
		})
		if failed != nil || isPassing(err) {
			return cmp.Or(failed, err)
		}
		if first < 0 && (err == nil || skip == maxSkip) {
			first = math.MaxInt64
		}
		if hole >= 0 && first >= 0 { // what was skipped too far is read from behind
			if back := read(" DESC", hole, first, fn); failed != nil || isPassing(back) {
				return cmp.Or(failed, back)
			}
			hole = -1
		}
		if err == nil {
			return nil
		}
		if hole < 0 {
			hole = from
		}
		from += skip
	}
	return nil
}

// putLayout puts l into the copy.
func (c *salvor) putLayout(ctx context.Context, l journal.Layout) error {
	if _, have := c.layouts[l.ID]; have {
		return nil
	}
	if _, err := c.tx.ExecContext(ctx, "INSERT INTO layout(name, bytes) VALUES(?, ?)", l.ID[:], l.Bytes); err != nil {
		return err
	}
	c.layouts[l.ID] = struct{}{}
	return c.sync(ctx, len(l.Bytes))
}

// sync makes what was written durable from time to time, so that others need not wait long.
func (c *salvor) sync(ctx context.Context, n int) (err error) {
	if c.unsynced += n; c.unsynced < twinSyncBytes {
		return nil
	}
	c.unsynced = 0
	if err := c.tx.Commit(); err != nil {
		return err
	}
	c.tx, err = c.db.BeginTx(ctx, nil)
	return err
}

// findLayout gets a layout from another segment: the same name is the same bytes everywhere.
func (c *salvor) findLayout(ctx context.Context, id journal.LayoutID) (bool, error) {
	if _, have := c.layouts[id]; have {
		return true, nil
	}
	for _, g := range c.store.listed() {
		if g == c.g || g.damaged() != nil {
			continue
		}
		if l, err := g.layout(ctx, id); err == nil {
			return true, c.putLayout(ctx, l)
		}
	}
	return false, ctx.Err()
}

// putBatch puts a batch into the copy, if its checksum is right and its layouts are there.
func (c *salvor) putBatch(ctx context.Context, position int64, raw []byte) error {
	b, err := journal.ParseBatch(raw)
	if err != nil || position < 1 || c.g.left(b.Site) || c.own.Has(b.StreamKey, b.Seq) || c.elsewhere.Has(b.StreamKey, b.Seq) {
		return nil
	}
	for _, id := range b.Uses {
		if ok, err := c.findLayout(ctx, id); err != nil || !ok {
			return err
		}
	}
	source, err := c.source(ctx, b.StreamKey)
	if err != nil {
		return err
	}
	res, err := c.tx.ExecContext(ctx, "INSERT OR IGNORE INTO batch(position, source, seq, bytes) VALUES(?, ?, ?, ?)", position, source, int64(b.Seq), raw)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	c.own.put(b.StreamKey, source, int64(len(raw)), journal.Interval{First: b.Seq, Last: b.Seq})
	if b.Origin == c.store.id.origin && position > c.writerAt {
		c.writer, c.writerAt = b.Incarnation, position
	}
	if !c.spanKnown {
		c.span.add(b.WallMS)
		if b.Stream == journal.Samples {
			_ = c.store.eachVisit(&b, func(v *journal.Visit) { c.span.add(v.Started.UnixMilli()) }) // counted when it came
		}
	}
	return c.sync(ctx, len(raw))
}

func (c *salvor) source(ctx context.Context, k journal.StreamKey) (int64, error) {
	if n, ok := c.sources[k]; ok {
		return n, nil
	}
	n := int64(len(c.sources)) + 1
	if _, err := c.tx.ExecContext(ctx, "INSERT INTO source(id, key) VALUES(?, ?)", n, k.Bytes()); err != nil {
		return 0, err
	}
	c.sources[k] = n
	return n, nil
}

func (c *salvor) putOther(ctx context.Context, id int64, raw []byte) error {
	b, err := journal.ParseBatch(raw)
	if err != nil {
		return nil
	}
	source, err := c.source(ctx, b.StreamKey)
	if err != nil {
		return err
	}
	_, err = c.tx.ExecContext(ctx, "INSERT OR IGNORE INTO other(id, source, seq, checksum, bytes) VALUES(?, ?, ?, ?, ?)", id, source, int64(b.Seq), int64(b.Checksum()), raw)
	return err
}

// finish writes what the copy says of itself.
func (c *salvor) finish(ctx context.Context) error {
	for k, ivs := range c.own.all() {
		for _, iv := range ivs {
			if _, err := c.tx.ExecContext(ctx, "INSERT INTO own(source, first, last) VALUES(?, ?, ?)", c.sources[k], int64(iv.First), int64(iv.Last)); err != nil {
				return err
			}
		}
	}
	if _, err := journal.UnmarshalVector(c.meta[metaHeld]); err != nil {
		c.meta[metaHeld] = c.store.heldBefore(ctx, c.g).Marshal()
	}
	if !c.spanKnown {
		c.span.join(parseSpan(c.meta[metaSpan]))
	}
	c.found = c.rescued(ctx)
	if delete(c.meta, metaTwin); c.twinOnly() {
		c.meta[metaTwin] = []byte{1}
	}
	c.meta["site"], c.meta["origin"], c.meta["id"] = c.store.id.site[:], c.store.id.origin[:], c.g.id[:]
	c.meta[metaSpan], c.meta[metaUsage] = c.span.bytes(), c.own.sizes()
	if g := c.g; len(c.meta[metaEnd]) != 8 && g.told && !g.isSealed() {
		c.meta[metaEnd] = binary.BigEndian.AppendUint64(nil, uint64(g.next-1))
	}
	if len(c.meta[metaWriter]) != 8 && c.writer != 0 {
		c.meta[metaWriter] = binary.BigEndian.AppendUint64(nil, uint64(c.writer))
	}
	for name, value := range c.meta {
		if err := setMeta(ctx, c.tx, name, value); err != nil {
			return err
		}
	}
	err := c.tx.Commit()
	c.tx = nil
	return err
}

// later copies what a later version put beside the tables of this one, each whole or not at
// all.
func (c *salvor) later(ctx context.Context) error {
	how := "?mode=ro"
	if c.g.isSealed() {
		how += "&immutable=1"
	}
	// What fails must be undone here.
	if _, err := c.db.ExecContext(ctx, "PRAGMA journal_mode=MEMORY"); err != nil {
		return err
	}
	if _, err := c.db.ExecContext(ctx, "ATTACH ? AS old", (&url.URL{Scheme: "file", Path: c.g.file()}).String()+how); err != nil {
		return ctx.Err()
	}
	type thing struct{ kind, name, text string }
	var things []thing
	_ = each(ctx, c.db, `SELECT type, name, sql FROM old.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND name NOT IN (SELECT name FROM main.sqlite_schema) ORDER BY type = 'table' DESC`, nil, func(rows *sql.Rows) error {
		var x thing
		err := rows.Scan(&x.kind, &x.name, &x.text)
		things = append(things, x)
		return err
	})
	for _, x := range things {
		err := inTx(ctx, c.db, func(tx *sql.Tx) error {
			statements := []string{x.text}
			if x.kind == "table" {
				statements = append(statements, fmt.Sprintf("INSERT INTO main.%s SELECT * FROM old.%s", quoted(x.name), quoted(x.name)))
			}
			return execAll(ctx, tx, statements)
		})
		if isFull(err) || ctx.Err() != nil {
			return err
		}
	}
	for _, name := range []string{"user_version", "application_id"} {
		var n int64
		if c.db.QueryRowContext(ctx, "PRAGMA old."+name).Scan(&n) == nil {
			if _, err := c.db.ExecContext(ctx, fmt.Sprintf("PRAGMA main.%s=%d", name, n)); err != nil {
				return err
			}
		}
	}
	_, _ = c.db.ExecContext(ctx, "DETACH old") // closing does it too
	return nil
}
