package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

//go:embed schema.sql
var schema string

// The page size trades the fill of pages holding blobs of about a kilobyte against what one
// flush writes to the WAL.
const pageBytes = 8192

// minSQLite is the first release without the WAL-reset corruption, which needs just our
// shape: two connections, one of which checkpoints.
const minSQLite = 3051003

// access is how a database file is opened.
type access int

const (
	readWrite access = iota // WAL, synchronous FULL
	readOnly                // beside a writer
	immutable               // a sealed file: nobody writes it
	scratch                 // a file that is thrown away if it is not finished
)

// connector opens connections that have their pragmas set and checked, each one: a pragma
// run once on a pool holds on one connection only. Raft's log does so too, in code of its own (replicate/raftlog).
type connector struct {
	dsn    string
	access access
	driver sqlite3.SQLiteDriver
}

// openDB opens path. Writers get one connection, readers a few.
func openDB(path string, a access) *sql.DB {
	q := url.Values{"_busy_timeout": {"10000"}, "_txlock": {"immediate"}}
	switch a {
	case readOnly:
		q.Set("mode", "ro")
	case immutable:
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	}
	c := &connector{dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode(), access: a}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(1)
	if a == readOnly {
		db.SetMaxOpenConns(4)
	}
	return db
}

// Connect implements driver.Connector.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	if _, n, _ := sqlite3.Version(); n < minSQLite {
		return nil, fmt.Errorf("sqlite %d is older than %d, which mends a corruption of the WAL", n, minSQLite)
	}
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	if err := c.pragmas(conn.(*sqlite3.SQLiteConn)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &c.driver }

func (c *connector) pragmas(conn *sqlite3.SQLiteConn) error {
	run := []string{"PRAGMA cache_size=-1024", "PRAGMA mmap_size=0", "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON"}
	if c.access == readWrite {
		run = append(run, fmt.Sprintf("PRAGMA page_size=%d", pageBytes), "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
			"PRAGMA wal_autocheckpoint=256", "PRAGMA journal_size_limit=4194304")
	}
	if c.access == scratch {
		run = append(run, fmt.Sprintf("PRAGMA page_size=%d", pageBytes), "PRAGMA journal_mode=OFF", "PRAGMA synchronous=FULL")
	}
	if _, err := conn.Exec(strings.Join(run, ";"), nil); err != nil {
		return fmt.Errorf("set pragmas: %w", err)
	}
	if c.access != readWrite {
		return nil
	}
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
		got, err := pragma(conn, name)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("sqlite answers %s=%s, the journal needs %s", name, got, want)
		}
	}
	return nil
}

func pragma(conn *sqlite3.SQLiteConn, name string) (string, error) {
	rows, err := conn.Query("PRAGMA "+name, nil)
	if err != nil {
		return "", fmt.Errorf("read pragma %s: %w", name, err)
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return "", fmt.Errorf("read pragma %s: %w", name, err)
	}
	switch v := row[0].(type) {
	case []byte:
		return string(v), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// isFull says whether err means that the disk, the quota or the file-size limit is used up.
func isFull(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isDamaged says whether err means that the file's content cannot be what was written, or
// that the disk does not give it back.
func isDamaged(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB || e.ExtendedCode == sqlite3.ErrIoErrRead || e.ExtendedCode == sqlite3.ErrIoErrShortRead
}

// emptyWAL writes all of the WAL into the file and syncs it. Closing would do so too, but
// says nothing when it fails.
func emptyWAL(ctx context.Context, db *sql.DB) error {
	var busy, frames, written int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &written); err != nil {
		return fmt.Errorf("empty the WAL: %w", err)
	}
	if busy != 0 || frames != written {
		return fmt.Errorf("empty the WAL: %d of %d pages written, busy %d", written, frames, busy)
	}
	return nil
}

// leaveWAL makes the file whole without a WAL. The last write changes two bytes of the first
// sector and needs no rollback journal, which after a crash only a writer could undo.
func leaveWAL(ctx context.Context, db *sql.DB) error {
	if err := emptyWAL(ctx, db); err != nil {
		return err
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=OFF").Scan(&mode); err != nil {
		return fmt.Errorf("leave WAL mode: %w", err)
	}
	if !strings.EqualFold(mode, "off") {
		return fmt.Errorf("leave WAL mode: sqlite stays in mode %s", mode)
	}
	return nil
}

// inTx runs fn in one immediate transaction.
func inTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
