package raftlog

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// minSQLite is the first release without the corruption when a WAL is reset.
const minSQLite = 3051003

// connector opens connections that have their pragmas set and checked. The store opens its files alike in code of its own: neither
// package may know the other, and a third one below both would tie Raft's votes to the journal for the sake of 50 lines.
type connector struct {
	dsn    string
	driver sqlite3.SQLiteDriver
}

func openDB(path string) *sql.DB {
	q := url.Values{"_busy_timeout": {"2000"}}
	db := sql.OpenDB(&connector{dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()})
	db.SetMaxOpenConns(1)
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
	if err := pragmas(conn.(*sqlite3.SQLiteConn)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &c.driver }

// pragmas sets what the file needs and checks it. In exclusive mode SQLite keeps the index of the WAL in its own memory and
// lets no second process in; the mode must come before WAL, and the automatic vacuum before anything is written.
func pragmas(conn *sqlite3.SQLiteConn) error {
	run := []string{"locking_mode=EXCLUSIVE", fmt.Sprintf("page_size=%d", pageBytes), "auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL",
		"wal_autocheckpoint=256", "journal_size_limit=4194304", "cache_size=-1024", "mmap_size=0", "trusted_schema=OFF", "cell_size_check=ON"}
	if _, err := conn.Exec("PRAGMA "+strings.Join(run, ";PRAGMA "), nil); err != nil {
		return fmt.Errorf("set pragmas: %w", err)
	}
	for _, want := range [][2]string{{"journal_mode", "wal"}, {"synchronous", "2"}, {"locking_mode", "exclusive"}, {"page_size", fmt.Sprint(pageBytes)}} {
		got, err := pragma(conn, want[0])
		if err != nil {
			return err
		}
		if got != want[1] {
			return fmt.Errorf("sqlite answers %s=%s, the raft log needs %s", want[0], got, want[1])
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
	if b, ok := row[0].([]byte); ok {
		return string(b), nil
	}
	return fmt.Sprint(row[0]), nil
}

// wrap says what err means for the file.
func (f *file) wrap(err error) error {
	var e sqlite3.Error
	var damaged *DamagedError
	switch {
	case err == nil || errors.As(err, &damaged):
		return err
	case isFull(err):
		return fmt.Errorf("%w (%w)", ErrFull, err)
	case errors.Is(err, errContent):
		return f.damaged(err)
	case !errors.As(err, &e):
		return err
	case e.Code == sqlite3.ErrBusy:
		return fmt.Errorf("%s is in use by another process: %w", f.path, err)
	case e.Code == sqlite3.ErrCorrupt, e.Code == sqlite3.ErrNotADB, e.ExtendedCode == sqlite3.ErrIoErrRead, e.ExtendedCode == sqlite3.ErrIoErrShortRead:
		return f.damaged(err)
	}
	return err
}

func (f *file) damaged(err error) error { return &DamagedError{Path: f.path, Err: err} }

func isFull(err error) bool {
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
