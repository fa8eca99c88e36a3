package powerfs_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"rackpost/store/powerfs"
)

// TestSQLiteKeepsCommits shows both that SQLite with synchronous=FULL loses no commit here, and that the file system does
// lose them where nobody syncs.
func TestSQLiteKeepsCommits(t *testing.T) {
	t.Parallel()
	powerfs.ForTest(t, "")
	lostUnsynced := int64(0)
	for seed := range uint64(4) {
		torn := seed%2 == 1
		full := cutWhileCommitting(t, "FULL", torn, seed)
		if full.left < full.acked {
			t.Errorf("torn %v, seed %d: %d commits were acknowledged, %d are left", torn, seed, full.acked, full.left)
		}
		if full.integrity != "ok" {
			t.Errorf("torn %v, seed %d: integrity_check: %s", torn, seed, full.integrity)
		}
		off := cutWhileCommitting(t, "OFF", torn, seed)
		lostUnsynced += off.acked - off.left
	}
	if lostUnsynced == 0 {
		t.Error("with synchronous=OFF nothing was lost, so the file system keeps what was not synced")
	}
}

type outcome struct {
	acked, left int64
	integrity   string
}

// cutWhileCommitting commits rows until the power goes, after at least 20 commits, and reads what is left.
func cutWhileCommitting(t *testing.T, synchronous string, torn bool, seed uint64) outcome {
	t.Helper()
	disk := powerfs.ForTest(t, "")
	db := open(t, disk.Dir(), synchronous)
	if _, err := db.Exec(`CREATE TABLE t (n INTEGER PRIMARY KEY, filler BLOB)`); err != nil {
		t.Fatal(err)
	}
	var acked atomic.Int64
	enough, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := int64(1); ; n++ {
			if _, err := db.Exec(`INSERT INTO t VALUES (?, randomblob(3000))`, n); err != nil {
				return
			}
			acked.Store(n)
			if n == 20 {
				close(enough)
			}
		}
	}()
	select {
	case <-enough:
	case <-time.After(time.Minute):
		t.Fatal("20 commits took longer than a minute")
	}
	survivor, err := disk.Cut(torn, seed)
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	o := outcome{acked: acked.Load()}
	o.left, o.integrity = inspect(t, survivor)
	return o
}

func inspect(t *testing.T, dir string) (rows int64, integrity string) {
	t.Helper()
	db := open(t, dir, "FULL")
	// A table that is not there counts as no rows: its creation was not synced.
	_ = db.QueryRow(`SELECT count(*) FROM t`).Scan(&rows)
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&integrity); err != nil {
		integrity = err.Error()
	}
	return rows, integrity
}

func open(t *testing.T, dir, synchronous string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "k.db")+"?_journal_mode=WAL&_synchronous="+synchronous)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(context.Background()); err != nil && synchronous == "FULL" {
		t.Fatal(err)
	}
	return db
}
