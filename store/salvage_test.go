package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

const testPage = 8192

// wipe fills a page of a file with noughts.
func wipe(t *testing.T, path string, page int64) {
	t.Helper()
	change(t, path, func(b []byte) []byte {
		clear(b[(page-1)*testPage : min(int64(len(b)), page*testPage)])
		return b
	})
}

// rootOf returns the root page of a table or an index.
func rootOf(t *testing.T, path, name string) (page int64) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	require(t, err)
	defer db.Close()
	require(t, db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&page))
	return page
}

// leafOf returns a page that holds rows of batch: the one with the middle row's bytes.
func leafOf(t *testing.T, path string) int64 {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	require(t, err)
	defer db.Close()
	var raw []byte
	require(t, db.QueryRow("SELECT bytes FROM batch ORDER BY position LIMIT 1 OFFSET (SELECT count(*) / 2 FROM batch)").Scan(&raw))
	file, err := os.ReadFile(path)
	require(t, err)
	at := bytes.Index(file, raw[:64])
	if at < 0 {
		t.Fatal("no page holds the batch")
	}
	return int64(at/testPage) + 1
}

// told returns what stands in a store, the ranges that tombstones excuse as damaged, and the
// gaps of that reason.
func told(t *testing.T, s *store.Store) (there, buried journal.Vector, gaps []hw.GapValue) {
	t.Helper()
	there, buried = journal.Vector{}, journal.Vector{}
	segments, tombstones := standing(t, s)
	for _, v := range segments {
		there.Join(v)
	}
	for _, x := range tombstones {
		if x.Reason == string(hw.Damaged) {
			buried.Add(x.StreamKey, x.First, x.Last)
		}
	}
	for _, f := range s.Registers("") {
		if g, ok := f.Value.(hw.GapValue); ok && g.Reason == hw.Damaged {
			gaps = append(gaps, g)
		}
	}
	return there, buried, gaps
}

// salvageCase is a damage of the second of aged's segments.
type salvageCase struct {
	name   string
	damage func(t *testing.T, path string)
	all    bool // of its batches are lost
	none   bool // is lost
}

func salvageCases() []salvageCase {
	page := func(name string) func(*testing.T, string) {
		return func(t *testing.T, path string) { wipe(t, path, rootOf(t, path, name)) }
	}
	return []salvageCase{
		{"batch leaf", func(t *testing.T, path string) { wipe(t, path, leafOf(t, path)) }, false, false},
		{"batch root", page("batch"), true, false},
		{"index of batches", page("batch_key"), false, true},
		{"layouts", page("layout"), false, true}, // another segment has them too
		{"what it holds", page("own"), false, true},
		{"sources", page("source"), false, true},
		{"meta", page("meta"), false, true},
		{"header", func(t *testing.T, path string) { wipe(t, path, 1) }, true, false},
		{"cut short", func(t *testing.T, path string) {
			change(t, path, func(b []byte) []byte { return b[:len(b)-2*testPage-1] })
		}, false, false},
		{"a bit of a batch", func(t *testing.T, path string) {
			page := leafOf(t, path)
			change(t, path, func(b []byte) []byte { b[page*testPage-100] ^= 1; return b })
		}, false, false},
	}
}

// stands returns what of the journal's batches Verify finds.
func stands(t *testing.T, dir string) store.Audit {
	t.Helper()
	audit, err := store.Verify(t.Context(), dir, io.Discard)
	require(t, err)
	return audit
}

// grown is a journal like aged's with a second segment that fills many pages.
type grown struct {
	o      store.Options
	before journal.Vector // what stands in it
	last   uint64         // the number of the last reading
}

func grow(t *testing.T) grown {
	t.Helper()
	g := grown{o: options(t)}
	b := open(t, g.o)
	for i, n := range []int{5, 80, 5, 5} {
		for range n {
			g.last++
			b.put(numbered(0, g.last))
		}
		if i < 3 {
			require(t, b.Seal(t.Context()))
		}
	}
	b.stop()
	g.before = stands(t, g.o.Dir).Vector
	return g
}

// copied returns options with a copy of the journal, and its second segment.
func (g grown) copied(t *testing.T) (o store.Options, path string) {
	t.Helper()
	o = g.o
	o.Dir = t.TempDir()
	require(t, os.CopyFS(o.Dir, os.DirFS(g.o.Dir)))
	return o, glob(t, o.Dir, "00000002-*.sealed")[0]
}

func wantReadings(t *testing.T, b *box, want []uint64) {
	t.Helper()
	have, err := numbers(b.Store, 0)
	if err != nil || !slices.Equal(have, want) {
		t.Errorf("the readings are %v: %v", have, err)
	}
}

// readAll lets every reader look at everything, and waits until the keeper has done what
// follows.
func readAll(t *testing.T, b *box) {
	t.Helper()
	_, _, err := b.Since(t.Context(), store.Position{}, 10_000)
	require(t, err)
	_, err = b.Lacking(t.Context(), nil, 10_000)
	require(t, err)
	_, err = b.Facts(t.Context(), store.FactQuery{})
	require(t, err)
	require(t, b.Seal(t.Context()))
}

// wantSalvaged requires what holds after a salvage: before stood there, and all that is missing
// is told; readers get the rest; the damaged file is named and does no harm.
func wantSalvaged(t *testing.T, b *box, dir string, before journal.Vector, held journal.Vector, tt salvageCase, asides int) {
	t.Helper()
	if left := held.Minus(b.Held()); len(left) > 0 {
		t.Errorf("held shrank by %d", left.Count())
	}
	there, buried, gaps := told(t, b.Store)
	lost := before.Minus(there)
	switch {
	case tt.none != (len(lost) == 0):
		t.Errorf("%d batches are lost", lost.Count())
	case !tt.all && lost.Count() > before.Count()/4:
		t.Errorf("%d of %d batches are lost", lost.Count(), before.Count())
	}
	if !buried.Equal(lost) {
		t.Errorf("%d batches are excused, %d lost: %v %v", buried.Count(), lost.Count(), buried, lost)
	}
	if tt.none != (len(gaps) == 0) {
		t.Errorf("gaps %+v", gaps)
	}
	for _, g := range gaps {
		if g.From.IsZero() || g.To.IsZero() || g.To.Before(g.From) {
			t.Errorf("gap %+v", g)
		}
	}
	st, err := b.Stats()
	require(t, err)
	if len(st.Quarantined) != asides {
		t.Errorf("set aside: %v", st.Quarantined)
	}
	got, err := b.Lacking(t.Context(), nil, 10_000)
	require(t, err)
	lacking := journal.Vector{}
	for i := range got {
		lacking.Add(got[i].StreamKey, got[i].Seq, got[i].Seq)
	}
	if !lacking.Equal(there) {
		t.Errorf("%d batches by Lacking, %d by Since", lacking.Count(), there.Count())
	}
	if awaited := b.Awaited(testSite); len(awaited) > 0 {
		t.Errorf("awaited: %v", awaited)
	}
	audit := stands(t, dir)
	if len(audit.Faults) > 0 || len(audit.Notes) != asides {
		t.Errorf("faults %v, notes %v", audit.Faults, audit.Notes)
	}
}

// TestSalvage damages a sealed segment in every place, at rest and under a running store.
func TestSalvage(t *testing.T) {
	t.Parallel()
	g := grow(t)
	for _, running := range []bool{false, true} {
		for _, tt := range salvageCases() {
			name := "at rest "
			if running {
				name = "running "
			}
			o, path := g.copied(t)
			t.Run(name+tt.name, func(t *testing.T) {
				t.Parallel()
				if !running {
					tt.damage(t, path)
				}
				b := open(t, o)
				held, state := b.Held(), b.Devices()
				if running {
					tt.damage(t, path)
				}
				readAll(t, b)
				asides := len(glob0(t, o.Dir, "*.damaged"))
				if asides == 1 || !running || !tt.none { // else no reader came by the page
					wantSalvaged(t, b, o.Dir, g.before, held, tt, 1)
				}
				wantReadings(t, b, sequence(1, g.last)) // the twin is sound, and holds all
				b.stop()
				b = open(t, o)
				readAll(t, b)
				asides = len(glob(t, o.Dir, "*.damaged"))
				wantSalvaged(t, b, o.Dir, g.before, held, tt, asides)
				wantReadings(t, b, sequence(1, g.last))
				if diff := cmp.Diff(state, b.Devices()); diff != "" || asides != 1 {
					t.Errorf("%d files put aside; the state changed:\n%s", asides, diff)
				}
				b.put(numbered(0, g.last+1))
				wantReadings(t, b, sequence(1, g.last+1))
			})
		}
	}
}

func glob0(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	require(t, err)
	return files
}

// TestSalvageNothing: of a segment of which nothing can be read, nor of its twin, only the name
// is left.
func TestSalvageNothing(t *testing.T) {
	t.Parallel()
	g := grow(t)
	o, path := g.copied(t)
	wipe(t, path, 1)
	require(t, os.Remove(strings.TrimSuffix(path, ".sealed")+".twin"))
	b := open(t, o)
	held := b.Held()
	readAll(t, b)
	wantSalvaged(t, b, o.Dir, g.before, held, salvageCase{all: true}, 1)
	wantReadings(t, b, append(sequence(1, 5), sequence(86, g.last)...))
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the damaged file is still there: %v", err)
	}
}

// TestSalvageOpen damages the open segment at rest: it is sealed away and the rest goes on.
func TestSalvageOpen(t *testing.T) {
	t.Parallel()
	o := options(t)
	b := open(t, o)
	for n := uint64(1); n <= 80; n++ {
		b.put(numbered(0, n))
	}
	before := b.Held()
	b.stop()
	path := glob(t, o.Dir, "*.open")[0]
	wipe(t, path, leafOf(t, path))
	b = open(t, o)
	readAll(t, b)
	wantSalvaged(t, b, o.Dir, before, before, salvageCase{}, 1)
	have, err := numbers(b.Store, 0)
	if err != nil || len(have) < 50 || len(have) == 80 {
		t.Errorf("the readings are %v: %v", have, err)
	}
	b.put(numbered(0, 81))
	b.stop()
	b = open(t, o)
	wantReadings(t, b, append(have, 81))
}

// TestSalvageTwice damages the copy of a damaged segment again, and its twin with it.
func TestSalvageTwice(t *testing.T) {
	t.Parallel()
	g := grow(t)
	o, path := g.copied(t)
	wipe(t, path, leafOf(t, path))
	b := open(t, o)
	held := b.Held()
	readAll(t, b)
	b.stop()
	wipe(t, path, leafOf(t, path))
	change(t, strings.TrimSuffix(path, ".sealed")+".twin", func(b []byte) []byte { return b[:testPage] })
	b = open(t, o)
	readAll(t, b)
	wantSalvaged(t, b, o.Dir, g.before, held, salvageCase{all: true}, 2)
	have, err := numbers(b.Store, 0)
	if err != nil || len(have) < int(g.last)/2 || len(have) == int(g.last) {
		t.Fatalf("the readings are %v: %v", have, err)
	}
	// What is unreadable goes first when space is wanted.
	for range 2 {
		if ok, err := b.Shed(t.Context()); err != nil || !ok {
			t.Fatalf("shed: %v %v", ok, err)
		}
	}
	if left := glob0(t, o.Dir, "*.damaged*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	wantReadings(t, b, have)
}

// TestSalvageCutOff leaves what a crash does at each step of a salvage.
func TestSalvageCutOff(t *testing.T) {
	t.Parallel()
	g := grow(t)
	for _, tt := range []struct {
		name  string
		leave func(t *testing.T, stem string)
	}{
		{"the copy half written", func(t *testing.T, stem string) {
			require(t, os.WriteFile(stem+".salvaged.tmp", []byte("half"), 0o600))
		}},
		{"the copy whole", func(t *testing.T, stem string) {
			require(t, os.WriteFile(stem+".salvaged", []byte("of another time"), 0o600))
		}},
		{"the damaged file renamed", func(t *testing.T, stem string) { require(t, os.Rename(stem+".sealed", stem+".salvaged")) }},
	} {
		o, path := g.copied(t)
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asides := 1
			if strings.Contains(tt.name, "renamed") {
				asides = 0 // the copy is a sound one here
			} else {
				wipe(t, path, leafOf(t, path))
			}
			tt.leave(t, strings.TrimSuffix(path, ".sealed"))
			b := open(t, o)
			held := b.Held()
			readAll(t, b)
			wantSalvaged(t, b, o.Dir, g.before, held, salvageCase{none: asides == 0}, asides)
			wantReadings(t, b, sequence(1, g.last))
			if left := glob0(t, o.Dir, "*.salvaged*"); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
		})
	}
}

// TestSalvagedTwinIsShedAsSamples: a twin that holds what its segment has no more goes with the
// oldest samples, and takes the empty segment with it.
func TestSalvagedTwinIsShedAsSamples(t *testing.T) {
	t.Parallel()
	g := grow(t)
	o, path := g.copied(t)
	wipe(t, path, rootOf(t, path, "batch"))
	b := open(t, o)
	readAll(t, b)
	twin := strings.TrimSuffix(path, ".sealed") + ".twin"
	for step := 1; ; step++ {
		ok, err := b.Shed(t.Context())
		if err != nil || !ok {
			t.Fatalf("shed %d: %v %v", step, ok, err)
		}
		if _, err := os.Stat(twin); err != nil {
			break
		}
		if have, err := numbers(b.Store, 0); err != nil || !slices.Contains(have, 15) {
			t.Fatalf("after %d steps the readings are %v: %v", step, have, err)
		}
	}
	if others := glob0(t, o.Dir, "*.twin"); len(others) > 0 {
		t.Errorf("these went later: %v", others)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the empty segment is still there: %v", err)
	}
}
