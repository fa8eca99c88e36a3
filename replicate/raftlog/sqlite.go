package raftlog

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"rackpost/wholefile"
)

//go:embed schema.sql
var schema string

const (
	pageBytes     = 4096
	formatVersion = 1
	// reservePages are free pages of the file that entries may not use: votes and terms find room there on a full disk.
	reservePages = 64
	// grownPages are added when fewer are free.
	grownPages = 256
	// sparePages may be free before the file is made smaller, shrinkPages at a time.
	sparePages, shrinkPages = 4096, 512
)

// file is the backend in SQLite, on one connection that has the file for itself.
type file struct {
	path string
	db   *sql.DB

	mu         sync.Mutex // guards the connection
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	free       int64 // pages
	used       atomic.Int64
}

// Open opens the file at path, or makes it. It reads and checks all of it: a *[DamagedError] says that only a new file
// helps. The file is locked until Close.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	f, err := openFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the raft log: %w", err)
	}
	s, err := open(f, o)
	if err != nil {
		return nil, fmt.Errorf("open the raft log: %w", errors.Join(err, f.close()))
	}
	return s, nil
}

// Remove deletes the file at path, if there is one, so that the next Open begins another life. The database goes first: a
// WAL alone is never read again, a database without its WAL would be an old state.
func Remove(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the raft log: %w", err)
		}
		if err := wholefile.SyncFolder(filepath.Dir(path)); err != nil {
			return fmt.Errorf("remove the raft log: %w", err)
		}
	}
	return nil
}

// Move puts the closed file at one path in the place of what is at another. Where a crash comes between, the other is gone and
// the one is where it was.
func Move(from, to string) error {
	if info, err := os.Stat(from + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("move the raft log: %s has a WAL: it was not closed in order", from)
	}
	if err := Remove(to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("move the raft log: %w", err)
	}
	if err := wholefile.SyncFolder(filepath.Dir(to)); err != nil {
		return fmt.Errorf("move the raft log: %w", err)
	}
	return Remove(from) // what is left beside it
}

// touch makes the file for its owner alone; SQLite gives its others the same mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the raft log: %w", err)
	}
	return f.Close()
}

func openFile(ctx context.Context, path string) (*file, error) {
	if st, err := os.Stat(path); errors.Is(err, os.ErrNotExist) || err == nil && st.Size() == 0 {
		// A WAL that a Remove left behind is of another life.
		if err := Remove(path); err != nil {
			return nil, err
		}
		if err := touch(path); err != nil {
			return nil, err
		}
	}
	f := &file{path: path, db: openDB(path), statements: map[string]*sql.Stmt{}}
	if err := f.begin(ctx); err != nil {
		return nil, errors.Join(f.wrap(err), f.db.Close())
	}
	return f, nil
}

// begin takes the file for itself, checks it and makes the tables where there are none.
func (f *file) begin(ctx context.Context) (err error) {
	if f.conn, err = f.db.Conn(ctx); err != nil {
		return err
	}
	var version, tables int
	if err := f.row(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > formatVersion {
		return fmt.Errorf("%w (format %d, this one writes %d)", ErrNewer, version, formatVersion)
	}
	if err := f.row(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if version == 0 && tables > 0 {
		return f.damaged(errors.New("it has tables and no version: it is another program's"))
	}
	if version == 0 {
		return f.create(ctx)
	}
	var said string
	if err := f.row(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return f.damaged(errors.New(said))
	}
	return f.prepare(ctx)
}

func (f *file) create(ctx context.Context) error {
	if _, err := f.conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE;%s;PRAGMA user_version=%d;COMMIT", schema, formatVersion)); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	if err := wholefile.SyncFolder(filepath.Dir(f.path)); err != nil {
		return err
	}
	return f.prepare(ctx)
}

func (f *file) row(ctx context.Context, query string) *sql.Row {
	return f.conn.QueryRowContext(ctx, query)
}

// The statements.
const (
	sqlBegin    = "BEGIN IMMEDIATE"
	sqlCommit   = "COMMIT"
	sqlRollback = "ROLLBACK"
	sqlCut      = "DELETE FROM log WHERE idx >= ?"
	sqlDrop     = "DELETE FROM log WHERE idx <= ?"
	sqlAppend   = "INSERT INTO log(idx, term, type, appended, data, extensions, committed, crc) VALUES(?,?,?,?,?,?,?,?)"
	sqlGet      = "SELECT idx, term, type, appended, data, extensions, committed, crc FROM log WHERE idx = ?"
	sqlSet      = "INSERT INTO value(kind, key, value, crc) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value, crc=excluded.crc"
	sqlUnset    = "DELETE FROM value WHERE kind = ? AND key = ?"
	sqlPages    = "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"
	sqlReserve  = "INSERT INTO reserve(b) VALUES(zeroblob(?))"
	sqlRelease  = "DELETE FROM reserve"
)

func (f *file) prepare(ctx context.Context) error {
	for _, text := range []string{sqlBegin, sqlCommit, sqlRollback, sqlCut, sqlDrop, sqlAppend, sqlGet, sqlSet, sqlUnset, sqlPages, sqlReserve, sqlRelease} {
		st, err := f.conn.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		f.statements[text] = st
	}
	return nil
}

func (f *file) do(text string, args ...any) error {
	_, err := f.statements[text].Exec(args...)
	return err
}

// write implements backend.
func (f *file) write(c change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if need := pagesFor(c.logs); len(c.logs) > 0 && f.free < reservePages+need {
		if err := f.grow(grownPages + need); err != nil {
			return f.wrap(err)
		}
	}
	if err := f.inTx(func() error { return f.apply(c) }); err != nil {
		return f.wrap(err)
	}
	if err := f.count(); err != nil {
		return f.wrap(err)
	}
	return f.wrap(f.shrink())
}

func (f *file) inTx(fn func() error) error {
	if err := f.do(sqlBegin); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = f.do(sqlCommit)
	}
	if err != nil {
		_ = f.do(sqlRollback) // it fails where SQLite has rolled back by itself
	}
	return err
}

func (f *file) apply(c change) error {
	if c.cutFrom > 0 {
		if err := f.do(sqlCut, int64(c.cutFrom)); err != nil {
			return err
		}
	}
	if c.dropTo > 0 {
		if err := f.do(sqlDrop, int64(c.dropTo)); err != nil {
			return err
		}
	}
	for _, l := range c.logs {
		r := rowOf(l, c.commit)
		if err := f.do(sqlAppend, r.index, r.term, r.kind, r.appended, r.data, r.extensions, r.committed, r.sum()); err != nil {
			return err
		}
	}
	if err := f.values(kindStable, c.stable); err != nil {
		return err
	}
	return f.values(kindMeta, c.meta)
}

func (f *file) values(kind int64, values map[string][]byte) error {
	for key, v := range values {
		var err error
		if v == nil {
			err = f.do(sqlUnset, kind, key)
		} else {
			err = f.do(sqlSet, kind, key, v, sumOf(kind, key, v))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// get implements backend.
func (f *file) get(index uint64) (*raft.Log, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, _, err := scanLog(f.statements[sqlGet].QueryRow(int64(index)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, raft.ErrLogNotFound
	}
	return l, f.wrap(err)
}

// bytes implements backend.
func (f *file) bytes() int64 { return f.used.Load() }

// close implements backend.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, st := range f.statements {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, f.conn.Close(), f.db.Close())...)
}
