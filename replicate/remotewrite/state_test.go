package remotewrite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

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

// TestTrimmedBeforeAnythingWasWritten: a box that took over has written nothing, so it does not know since when what the journal dropped is
// missing, and does not make a time up.
func TestTrimmedBeforeAnythingWasWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	w.fill(6, 5)
	c := w.config(r)
	c.Shared = true
	first := w.run(c)
	w.all(r)
	first.stop()
	c.File += "-b"
	second, err := remotewrite.New(c)
	if err != nil {
		t.Fatal(err)
	}
	second.Join(first.Done())
	if err := errors.Join(second.Skim(t.Context()), second.Save()); err != nil {
		t.Fatal(err)
	}
	w.fill(10, 7)
	w.mu.Lock()
	w.first = 20
	w.mu.Unlock()
	s := w.run(c)
	await(t, "it is told", func() bool { return len(s.Status().Refused) == 1 })
	s.stop()
	if x := s.Status().Refused[0]; x.Reason != remotewrite.Trimmed || !x.First.IsZero() || x.Last.IsZero() {
		t.Errorf("%+v", x)
	}
}
