package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"rackpost/store"
)

// A dump says what is damaged where it stands, goes on behind it, and is an error at its end.
func TestDumpOfDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		places int
	}{
		{"sound", func(*testing.T, string) {}, 0},
		{"two batches", func(t *testing.T, dir string) {
			db, err := sql.Open("sqlite3", glob(t, dir, "*.sealed")[0])
			require(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE position BETWEEN 3 AND 4")
			require(t, err)
		}, 2},
		{"a file cut in half", func(t *testing.T, dir string) {
			change(t, glob(t, dir, "*.sealed")[1], func(b []byte) []byte { return b[:len(b)/2/4096*4096] })
		}, 1},
		{"a file of another sort", func(t *testing.T, dir string) {
			require(t, os.WriteFile(glob(t, dir, "*.sealed")[1], []byte(strings.Repeat("what is this ", 1000)), 0o600))
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := aged(t)
			c.damage(t, o.Dir)
			var out bytes.Buffer
			err := store.Dump(t.Context(), o.Dir, &out, true)
			if damaged := errors.Is(err, store.ErrDamaged); err != nil && !damaged || damaged != (c.places > 0) {
				t.Errorf("error %v", err)
			}
			if n := strings.Count(out.String(), "damaged: "); n != c.places {
				t.Errorf("%d places are called damaged, want %d", n, c.places)
			}
			if n := strings.Count(out.String(), "\nsegment "); n != 3 || !strings.Contains(out.String(), "visit") {
				t.Errorf("%d segments follow the first:\n%.2000s", n, out.String())
			}
		})
	}
}
