package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"rackpost/hw/journal"
	"rackpost/store"
)

// loseOrigin returns ways in which the file of the origin may be of no use.
func loseOrigin() map[string]func(path string) error {
	return map[string]func(path string) error{
		"gone":    os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"garbage": func(path string) error { return os.WriteFile(path, []byte("site 7 origin x"), 0o600) },
		// What a disk answers that does not give the file back: reading a loop of links is an error too.
		"unreadable": func(path string) error { return errors.Join(os.Remove(path), syscall.Symlink(path, path)) },
	}
}

// TestLostOrigin: the segments tell whose the journal is, and so the origin stays the same, and
// another site's journal is still refused.
func TestLostOrigin(t *testing.T) {
	t.Parallel()
	for name, lose := range loseOrigin() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			b := open(t, o)
			b.put(numbered(0, 1))
			require(t, b.Seal(t.Context()))
			b.put(numbered(0, 2))
			origin := b.Origin()
			b.stop()
			for range 2 { // the second time the newest segment is a damaged one
				require(t, lose(filepath.Join(o.Dir, "origin")))
				foreign := o
				foreign.Site = journal.ID{0xbb}
				if _, err := store.Open(t.Context(), foreign); !errors.Is(err, store.ErrOtherSite) {
					t.Fatalf("opened by another site: %v", err)
				}
				b = open(t, o)
				if b.Origin() != origin {
					t.Errorf("origin %s became %s", origin, b.Origin())
				}
				b.stop()
				change(t, glob(t, o.Dir, "*.open")[0], func(b []byte) []byte { return make([]byte, len(b)) })
			}
			b = open(t, o)
			if b.Origin() != origin {
				t.Errorf("the origin that was found was not written: %s", b.Origin())
			}
		})
	}
}

// TestNoOrigin: where nothing tells whose the journal is, a new origin is made.
func TestNoOrigin(t *testing.T) {
	t.Parallel()
	for name, lose := range loseOrigin() {
		o := options(t)
		b := open(t, o)
		origin := b.Origin()
		b.stop()
		require(t, lose(filepath.Join(o.Dir, "origin")))
		b = open(t, o)
		if b.Origin() == origin || b.Origin() == (journal.ID{}) {
			t.Errorf("%s: origin %s", name, b.Origin())
		}
	}
}

// TestGivenOrigin: a journal is begun with the origin it is given, and keeps it.
func TestGivenOrigin(t *testing.T) {
	t.Parallel()
	o := options(t)
	if site, origin, err := store.Identity(o.Dir); err != nil || site != (journal.ID{}) || origin != (journal.ID{}) {
		t.Fatalf("of an empty folder: %s, %s, %v", site, origin, err)
	}
	want := journal.ID{1, 2, 3}
	for _, given := range []journal.ID{want, {4, 5, 6}, {}} {
		o.Origin = given
		b := open(t, o)
		if b.Origin() != want {
			t.Errorf("given %s the origin is %s, want %s", given, b.Origin(), want)
		}
		b.stop()
	}
	if site, origin, err := store.Identity(o.Dir); err != nil || site != o.Site || origin != want {
		t.Errorf("told: %s, %s, %v", site, origin, err)
	}
}
