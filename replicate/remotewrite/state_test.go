package remotewrite_test

import (
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
