package remotewrite_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"rackpost/replicate/remotewrite"
)

// FuzzState: whatever stands in the file of the positions, a Sender begins, with what it says or anew.
func FuzzState(f *testing.F) {
	w := newWorld(f)
	r := newReceiver(f, nil)
	w.fill(2, 2)
	s := w.run(w.config(r))
	w.all(r)
	s.stop()
	good, err := os.ReadFile(w.file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"live":{"after":"a1","until":"a2","marks":{"x/y":1}},"done":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := w.config(r)
		c.File = filepath.Join(t.TempDir(), "positions")
		if err := os.WriteFile(c.File, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := remotewrite.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Skim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestTrimmedSince: what the journal dropped is missing since what was written last before it, also at a box that took over and has written
// nothing, and whatever of what is new is written before it is found. A file that does not tell when that was makes no time up.
func TestTrimmedSince(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{true, false} {
		w := newWorld(t)
		r := newReceiver(t, nil)
		for i := range 6 {
			w.visit("sw-1", recent(time.Duration(60-i)*time.Minute), one("cpu/1", "busy_percent", 1))
		}
		c := w.config(r)
		c.Shared = true
		first := w.run(c)
		w.all(r)
		first.stop()
		last := time.UnixMilli(w.batches[len(w.batches)-1].WallMS).UTC()
		c.File += "-b"
		second, err := remotewrite.New(c)
		if err != nil {
			t.Fatal(err)
		}
		second.Join(first.Done())
		if err := errors.Join(second.Skim(t.Context()), second.Save()); err != nil {
			t.Fatal(err)
		}
		if !told {
			b, err := os.ReadFile(c.File)
			without := regexp.MustCompile(`,"passed_ms":[0-9]+`).ReplaceAll(b, nil)
			if err = errors.Join(err, os.WriteFile(c.File, without, 0o600)); err != nil || len(without) == len(b) {
				t.Fatal("the file does not tell what was passed", err)
			}
		}
		w.fill(10, 7)
		w.mu.Lock()
		w.first = 10
		w.mu.Unlock()
		s := w.run(c)
		await(t, "it is told", func() bool { return len(s.Status().Refused) == 1 })
		s.stop()
		x := s.Status().Refused[0]
		if known := !x.First.IsZero(); x.Reason != remotewrite.Trimmed || known != told || known && (x.First.After(last) || last.Sub(x.First) > 10*time.Minute) || x.Last.IsZero() {
			t.Errorf("%+v; the last was written at %v", x, last)
		}
	}
}
