package store_test

import (
	"bytes"
	"database/sql"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"

	"rackpost/store"
	"rackpost/store/crashtest"
)

// aged makes a journal of four segments with ten reports each, the last one open, and returns
// the options it was made with. The folder is as a crash leaves it.
func aged(t *testing.T) store.Options {
	t.Helper()
	o := options(t)
	b := open(t, o)
	for n := uint64(1); n <= 40; n++ {
		b.put(numbered(0, n))
		if n%10 == 0 && n < 40 {
			if err := b.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	crashed := o
	crashed.Dir = t.TempDir()
	if err := os.CopyFS(crashed.Dir, os.DirFS(o.Dir)); err != nil {
		t.Fatal(err)
	}
	b.stop()
	return crashed
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	return files
}

// change rewrites a file through fn.
func change(t *testing.T, path string, fn func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, fn(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what a damaged journal looked like to its reader.
type outcome struct {
	lost   []uint64 // numbers of device 0 that are missing
	named  bool     // Stats told of damage
	faults []string // of Verify before the store was opened
	state  []store.DeviceView
}

// live opens a damaged journal and requires what holds for every one: it opens, shows nothing
// that was not written, takes reports, and has them after a restart.
func live(t *testing.T, o store.Options) outcome {
	t.Helper()
	var out outcome
	audit, err := store.Verify(t.Context(), o.Dir, io.Discard)
	if err != nil && !strings.Contains(err.Error(), "holds no journal") {
		t.Fatalf("verify: %v", err)
	}
	out.faults = audit.Faults
	b := open(t, o)
	out.state = b.Devices()
	have := written(t, b.Store)
	for n := uint64(1); n <= 40; n++ {
		if !slices.Contains(have, n) {
			out.lost = append(out.lost, n)
		}
	}
	if _, _, err := b.Since(t.Context(), store.Position{}, 1000); err != nil {
		t.Errorf("since: %v", err)
	}
	if _, err := b.Lacking(t.Context(), nil, 1000); err != nil {
		t.Errorf("lacking: %v", err)
	}
	if _, err := b.Facts(t.Context(), store.FactQuery{}); err != nil {
		t.Errorf("facts: %v", err)
	}
	b.put(numbered(0, 41))
	st, err := b.Stats()
	if err != nil {
		t.Fatal(err)
	}
	out.named = len(st.Quarantined) > 0 || st.Damaged > 0
	if err := b.Seal(t.Context()); err != nil {
		t.Errorf("seal: %v", err)
	}
	b.put(numbered(0, 42))
	b.stop()
	b = open(t, o)
	defer b.stop()
	if have := written(t, b.Store); !slices.Contains(have, 41) || !slices.Contains(have, 42) {
		t.Errorf("after a restart %v are there, not 41 and 42", have)
	}
	return out
}

// written returns the numbers of device 0 after checking that they are some of those written,
// each once.
func written(t *testing.T, s *store.Store) []uint64 {
	t.Helper()
	have, err := numbers(s, 0)
	if err != nil {
		t.Errorf("series: %v", err)
	}
	for i, n := range have {
		if n < 1 || n > 42 || (i > 0 && n <= have[i-1]) {
			t.Errorf("the readings are %v", have)
			break
		}
	}
	return have
}

func sequence(first, last uint64) (out []uint64) {
	for n := first; n <= last; n++ {
		out = append(out, n)
	}
	return out
}

// fileDamage is one way a file may be lost or damaged.
type fileDamage struct {
	name   string
	damage func(t *testing.T, dir string)
	lost   []uint64 // numbers that are missing then
	silent bool     // nothing is named as damaged
}

func fileDamages() []fileDamage {
	second := func(t *testing.T, dir string) string { return glob(t, dir, "*.sealed")[1] }
	garbage := func([]byte) []byte { return bytes.Repeat([]byte("This is no database. "), 1000) }
	half := func(b []byte) []byte { return b[:len(b)/2] }
	empty := func([]byte) []byte { return nil }
	flipAll := func(b []byte) []byte {
		for i := 100; i < len(b); i += 64 {
			b[i] ^= 0xff
		}
		return b
	}
	return []fileDamage{
		{"sealed segment is no database", func(t *testing.T, dir string) { change(t, second(t, dir), garbage) }, nil, false},
		{"sealed segment and its twin are no databases", func(t *testing.T, dir string) {
			change(t, second(t, dir), garbage)
			change(t, glob(t, dir, "*.twin")[1], garbage)
		}, sequence(11, 20), false},
		{"sealed segment is empty", func(t *testing.T, dir string) { change(t, second(t, dir), empty) }, nil, false},
		{"sealed segment is a folder", func(t *testing.T, dir string) {
			path := second(t, dir)
			require(t, os.Remove(path))
			require(t, os.Mkdir(path, 0o700))
		}, nil, false},
		{"open segment is no database", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.open")[0], garbage) }, sequence(31, 40), false},
		{"open segment is empty", func(t *testing.T, dir string) {
			change(t, glob(t, dir, "*.open")[0], empty)
			require(t, os.Remove(glob(t, dir, "*.open-wal")[0]))
		}, sequence(31, 40), false},
		{"open segment lost its WAL", func(t *testing.T, dir string) { require(t, os.Remove(glob(t, dir, "*.open-wal")[0])) }, sequence(31, 40), true},
		{"all segments are gone", func(t *testing.T, dir string) {
			for _, path := range append(glob(t, dir, "*.sealed"), glob(t, dir, "*.open*")...) {
				require(t, os.Remove(path))
			}
		}, sequence(1, 40), true},
		{"twin is gone", func(t *testing.T, dir string) { require(t, os.Remove(glob(t, dir, "*.twin")[1])) }, nil, true},
		{"twin is no database", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.twin")[1], garbage) }, nil, false},
		{"twin is empty", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.twin")[1], empty) }, nil, false},
		{"twin is cut short", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.twin")[1], half) }, nil, false},
		{"twin is full of errors", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.twin")[1], flipAll) }, nil, false},
		{"all twins are full of errors", func(t *testing.T, dir string) {
			for _, path := range glob(t, dir, "*.twin") {
				change(t, path, flipAll)
			}
		}, nil, false},
		{"newest base is damaged", func(t *testing.T, dir string) { change(t, glob(t, dir, "*.base")[1], flipAll) }, nil, true},
		{"both bases are damaged", func(t *testing.T, dir string) {
			change(t, glob(t, dir, "*.base")[0], half)
			change(t, glob(t, dir, "*.base")[1], empty)
		}, nil, true},
		{"bases are gone", func(t *testing.T, dir string) {
			for _, path := range glob(t, dir, "*.base") {
				require(t, os.Remove(path))
			}
		}, nil, true},
		{"origin is gone", func(t *testing.T, dir string) { require(t, os.Remove(filepath.Join(dir, "origin"))) }, nil, true},
		{"origin is garbage", func(t *testing.T, dir string) { change(t, filepath.Join(dir, "origin"), garbage) }, nil, true},
		{"strange files", func(t *testing.T, dir string) {
			for _, name := range []string{"notes.txt", "00000002-zz.sealed", "-.base", "x.base", ".open", "00000099-0011223344556677.sealed-journal",
				"00000099-0011223344556677.twin", "ballast", "lost+found/x", "y.tmp/x", "y.base/x", "00000001.twin"} {
				path := filepath.Join(dir, name)
				require(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require(t, os.WriteFile(path, []byte("what is this"), 0o600))
			}
		}, nil, true},
	}
}

func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range fileDamages() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := aged(t)
			tt.damage(t, o.Dir)
			out := live(t, o)
			if diff := cmp.Diff(tt.lost, out.lost); diff != "" {
				t.Errorf("lost readings (-want +got):\n%s", diff)
			}
			if out.named == tt.silent {
				t.Errorf("damage was named: %v", out.named)
			}
			if len(out.state) != 1 && tt.lost == nil {
				t.Errorf("the state shows %d devices", len(out.state))
			}
		})
	}
}

func require(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagedPages damages one page after the other: what is missing then is only of that
// segment, and somebody says so.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	damages := []struct {
		name string
		fn   func([]byte, *rand.Rand)
	}{
		{"zero", func(page []byte, _ *rand.Rand) { clear(page) }},
		{"flip", func(page []byte, toss *rand.Rand) {
			for range 1 + toss.IntN(3) {
				page[toss.IntN(len(page))] ^= 1 << toss.IntN(8)
			}
		}},
		{"noise", func(page []byte, toss *rand.Rand) {
			for i := range page {
				page[i] = byte(toss.Uint32())
			}
		}},
	}
	for _, file := range []struct {
		name, pattern string
		first, last   uint64 // the numbers in it
	}{
		{"sealed", "00000002-*.sealed", 11, 20},
		{"open", "*.open", 31, 40},
		{"wal", "*.open-wal", 31, 40},
		{"twin", "00000002-*.twin", 1, 0},
	} {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			toss := rand.New(rand.NewPCG(1, 2))
			first := aged(t)
			size := fileSize(t, glob(t, first.Dir, file.pattern)[0])
			for page := int64(0); page*8192 < size; page++ {
				for k := range crashtest.Rounds(1, len(damages)) {
					name, damage := damages[(int(page)+k)%len(damages)].name, damages[(int(page)+k)%len(damages)].fn
					if name == "flip" && file.name == "twin" {
						continue // a bit of a name there has no checksum: the twin shows less until it is made again
					}
					o := first
					o.Dir = t.TempDir()
					require(t, os.CopyFS(o.Dir, os.DirFS(first.Dir)))
					change(t, glob(t, o.Dir, file.pattern)[0], func(b []byte) []byte {
						damage(b[page*8192:min(int64(len(b)), (page+1)*8192)], toss)
						return b
					})
					out := live(t, o)
					for _, n := range out.lost {
						if n < file.first || n > file.last {
							t.Errorf("page %d %s: lost %v", page, name, out.lost)
							break
						}
					}
					// SQLite takes a damaged page of the WAL for its end, as after a crash.
					if len(out.lost) > 0 && !out.named && len(out.faults) == 0 && file.name != "wal" {
						t.Errorf("page %d %s: lost %v and nobody says so", page, name, out.lost)
					}
					if t.Failed() {
						return
					}
				}
			}
		})
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

// TestTruncated cuts a sealed and an open segment short at some lengths.
func TestTruncated(t *testing.T) {
	t.Parallel()
	first := aged(t)
	for _, pattern := range []string{"00000002-*.sealed", "*.open", "*.open-wal"} {
		size := fileSize(t, glob(t, first.Dir, pattern)[0])
		for _, keep := range []int64{1, 99, 100, 4096, 8192, size / 2, size - 8192, size - 1} {
			o := first
			o.Dir = t.TempDir()
			require(t, os.CopyFS(o.Dir, os.DirFS(first.Dir)))
			require(t, os.Truncate(glob(t, o.Dir, pattern)[0], min(size, max(0, keep))))
			out := live(t, o)
			for _, n := range out.lost {
				if n <= 10 || (n > 20 && n <= 30) {
					t.Fatalf("%s cut to %d: lost %v", pattern, keep, out.lost)
				}
			}
			if len(out.lost) > 0 && !out.named && len(out.faults) == 0 && !strings.HasSuffix(pattern, "-wal") {
				t.Fatalf("%s cut to %d: lost %v and nobody says so", pattern, keep, out.lost)
			}
		}
	}
}

func readSeries(t *testing.T, b *box) { written(t, b.Store) }

func readSince(t *testing.T, b *box) {
	if v, _ := standing(t, b.Store); len(v) == 0 {
		t.Error("nothing is left")
	}
}

func readLacking(t *testing.T, b *box) {
	if got, err := b.Lacking(t.Context(), nil, 1000); err != nil || len(got) == 0 {
		t.Errorf("%d batches: %v", len(got), err)
	}
}

func readFacts(t *testing.T, b *box) {
	if got, err := b.Facts(t.Context(), store.FactQuery{}); err != nil || len(got) == 0 {
		t.Errorf("%d facts: %v", len(got), err)
	}
}

// TestDamageWhileRunning damages segments under a running store: the first reader finds out,
// the rest is served, the store goes on.
func TestDamageWhileRunning(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, pattern string
		read          func(*testing.T, *box)
	}{
		{"series of a sealed", "00000002-*.sealed", readSeries},
		{"since of a sealed", "00000002-*.sealed", readSince},
		{"lacking of a sealed", "00000002-*.sealed", readLacking},
		{"facts of a sealed", "00000002-*.sealed", readFacts},
		{"series of the open", "*.open-wal", readSeries},
		{"since of the open", "*.open-wal", readSince},
		{"lacking of the open", "*.open-wal", readLacking},
		{"facts of the open", "*.open-wal", readFacts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := aged(t)
			for _, path := range glob(t, o.Dir, "*.twin") {
				require(t, os.Remove(path))
			}
			var free atomic.Int64
			free.Store(2) // no room for twins nor for a salvage, none is missing
			o.Free = func(string) (int64, error) { return free.Load(), nil }
			b := open(t, o)
			b.put(numbered(0, 41))
			state := b.Devices()
			path := glob(t, o.Dir, tt.pattern)[0]
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			require(t, err)
			_, err = f.WriteAt(make([]byte, fileSize(t, path)-8192), 8192)
			require(t, err)
			require(t, f.Close())
			tt.read(t, b)
			st, err := b.Stats()
			if err != nil || len(st.Quarantined) != 1 || !strings.HasPrefix(st.Quarantined[0], strings.TrimSuffix(filepath.Base(path), "-wal")) {
				t.Fatalf("quarantined: %v %v", st.Quarantined, err)
			}
			if diff := cmp.Diff(state, b.Devices()); diff != "" {
				t.Errorf("the state changed:\n%s", diff)
			}
			b.put(numbered(0, 42))
			if have := written(t, b.Store); !slices.Contains(have, 42) || !slices.Contains(have, 1) || !slices.Contains(have, 30) {
				t.Errorf("the readings are %v", have)
			}
			free.Store(1 << 40)
			require(t, b.Seal(t.Context()))
			st, err = b.Stats()
			if err != nil || len(st.Quarantined) != 1 || !strings.Contains(st.Quarantined[0], ".damaged: ") {
				t.Errorf("put aside: %v %v", st.Quarantined, err)
			}
			if audit, err := store.Verify(t.Context(), o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 {
				t.Errorf("verify: %v %v", audit.Faults, err)
			}
			if have := written(t, b.Store); !slices.Contains(have, 42) || !slices.Contains(have, 1) || !slices.Contains(have, 30) {
				t.Errorf("after the salvage the readings are %v", have)
			}
		})
	}
}

// TestBadTwinIsMadeAgain requires that the keeper replaces a twin that a reader dropped.
func TestBadTwinIsMadeAgain(t *testing.T) {
	t.Parallel()
	o := aged(t)
	path := glob(t, o.Dir, "*.twin")[0]
	change(t, path, func(b []byte) []byte { return b[:8192] })
	b := open(t, o)
	if have := written(t, b.Store); !slices.Equal(have, sequence(1, 40)) {
		t.Fatalf("the readings are %v", have)
	}
	require(t, b.Seal(t.Context()))
	if st, err := b.Stats(); err != nil || st.Twins != 4 || st.Damaged != 1 {
		t.Fatalf("stats %+v: %v", st, err)
	}
	if have := written(t, b.Store); !slices.Equal(have, sequence(1, 40)) {
		t.Fatalf("with the twin made again the readings are %v", have)
	}
	if fileSize(t, path) <= 8192 {
		t.Error("the twin is still the damaged one")
	}
}

// TestOtherVersion gives the segments what a later version may put there. It is served, kept
// when other parts of the segment are dropped, and never taken for damage.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	o := aged(t)
	files := append(glob(t, o.Dir, "*.sealed"), glob(t, o.Dir, "*.open")...)
	for _, path := range files {
		sqlite(t, path, `CREATE TABLE later(id INTEGER PRIMARY KEY, "odd ""name" TEXT);
			INSERT INTO later VALUES(1, 'x'), (2, 'y');
			CREATE INDEX later_index ON later("odd ""name");
			CREATE TRIGGER later_trigger AFTER INSERT ON batch BEGIN INSERT INTO later("odd ""name") VALUES('t'); END;
			CREATE VIEW later_view AS SELECT * FROM later;
			INSERT INTO meta VALUES('later', x'00ff');
			PRAGMA user_version=7; PRAGMA application_id=1234`)
	}
	if audit, err := store.Verify(t.Context(), o.Dir, io.Discard); err != nil || len(audit.Faults) > 0 {
		t.Fatalf("verify %v: %v", audit.Faults, err)
	}
	s, err := store.Open(t.Context(), o)
	require(t, err)
	if have := written(t, s); !slices.Equal(have, sequence(1, 40)) {
		t.Errorf("the readings are %v", have)
	}
	for range 9 { // three twins, three times logs, three times samples
		if ok, err := s.Shed(t.Context()); err != nil || !ok {
			t.Fatalf("shed: %v %v", ok, err)
		}
	}
	st, err := s.Stats()
	if err != nil || len(st.Quarantined) > 0 || st.Damaged > 0 || st.Shed == 0 {
		t.Errorf("stats %+v: %v", st, err)
	}
	require(t, s.Close())
	for _, path := range glob(t, o.Dir, "*.sealed") {
		db, err := sql.Open("sqlite3", path)
		require(t, err)
		var rows, version, app, batches int
		err = db.QueryRow(`SELECT (SELECT count(*) FROM later_view WHERE "odd ""name" IN ('x','y')), (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id),
			(SELECT count(*) FROM batch WHERE source IN (SELECT id FROM source WHERE substr(key, -1) = x'02'))`).Scan(&rows, &version, &app, &batches)
		if err != nil || rows != 2 || version != 7 || app != 1234 || batches != 0 {
			t.Errorf("%s: %d rows, version %d, application %d, %d batches of samples: %v", filepath.Base(path), rows, version, app, batches, err)
		}
		require(t, db.Close())
	}
}

func sqlite(t *testing.T, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err == nil {
		_, err = db.Exec(script)
		if err == nil {
			err = db.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
