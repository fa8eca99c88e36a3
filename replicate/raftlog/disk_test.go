package raftlog_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	_ "github.com/mattn/go-sqlite3"

	"rackpost/replicate/raftlog"
	"rackpost/store/powerfs"
)

func openFile(t *testing.T, path string) *raftlog.Store {
	t.Helper()
	return opener(func(o raftlog.Options) (*raftlog.Store, error) { return raftlog.Open(t.Context(), path, o) }).must(t)
}

// TestSyncs counts: entries and a vote are one sync each, and neither is none.
func TestSyncs(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	s := openFile(t, filepath.Join(disk.Dir(), "control.db"))
	count := func(what string, do func() error) {
		t.Helper()
		before, _ := disk.Syncs()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if after, _ := disk.Syncs(); after != before+1 {
			t.Errorf("%s: %d syncs, want 1", what, after-before)
		}
	}
	// The first transaction after a checkpoint begins the WAL anew, which is a sync more.
	if err := s.StoreLogs(entries(1, 1)); err != nil {
		t.Fatal(err)
	}
	count("one entry", func() error { return s.StoreLogs(entries(2, 2)) })
	count("many entries", func() error { return s.StoreLogs(entries(3, 60)) })
	count("a vote", func() error { return vote(s, 4) })
	count("a term", func() error { return s.SetUint64([]byte("CurrentTerm"), 4) })
}

// TestFullDisk fills the disk: entries are refused, and terms and votes still have room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	path := filepath.Join(disk.Dir(), "control.db")
	s := openFile(t, path)
	if err := s.StoreLogs(entries(1, 10)); err != nil {
		t.Fatal(err)
	}
	if err := disk.SetCapacity(1); err != nil { // what is there stays, and nothing grows
		t.Fatal(err)
	}
	next, err := uint64(11), error(nil)
	for err == nil && next < 100000 {
		if err = s.StoreLog(&raft.Log{Index: next, Term: 1, Data: make([]byte, 1000)}); err == nil {
			next++
		}
	}
	if !errors.Is(err, raftlog.ErrFull) || s.Err() != nil {
		t.Fatalf("entry %d: %v, %v", next, err, s.Err())
	}
	if next < 100 {
		t.Errorf("the reserve was used up by entry %d", next)
	}
	for term := uint64(1); term < 1000; term++ {
		if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), term), vote(s, term)); err != nil {
			t.Fatalf("term %d: %v", term, err)
		}
	}
	s.Close()
	// A clean stop has removed the WAL, and to make another there is no room.
	if _, err := raftlog.Open(t.Context(), path, raftlog.Options{}); !errors.Is(err, raftlog.ErrFull) {
		t.Errorf("open on a full disk: %v", err)
	}
	if err := disk.SetCapacity(1 << 30); err != nil {
		t.Fatal(err)
	}
	s = openFile(t, path)
	requireRange(t, s, 1, next-1)
	if err := s.StoreLog(&raft.Log{Index: next, Term: 1}); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestBrokenDisk(t *testing.T) {
	t.Parallel()
	disk := powerfs.ForTest(t, "")
	s := openFile(t, filepath.Join(disk.Dir(), "control.db"))
	if err := s.StoreLogs(entries(1, 10)); err != nil {
		t.Fatal(err)
	}
	if err := disk.SetFault(5); err != nil { // EIO
		t.Fatal(err)
	}
	if err := s.StoreLogs(entries(11, 11)); err == nil {
		t.Error("a broken disk stored an entry")
	}
	<-s.Failed()
	_ = disk.SetFault(0)
	if err := s.StoreLogs(entries(11, 11)); err == nil {
		t.Error("after a failed sync nobody knows what is on the disk, and it went on")
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := raftlog.NewDisk()
		slow := time.Duration(0)
		s, err := disk.Open(raftlog.Options{BeforeWrite: func() error { time.Sleep(slow); return nil }})
		if err != nil {
			t.Fatal(err)
		}
		slow = 5 * time.Second
		if busy := s.Busy(); busy != 0 {
			t.Errorf("busy for %v with nothing to do", busy)
		}
		result := make(chan error)
		go func() { result <- s.StoreLogs(entries(1, 3)) }()
		time.Sleep(3 * time.Second)
		if busy := s.Busy(); busy != 3*time.Second {
			t.Errorf("busy for %v, want 3 s", busy)
		}
		if err := s.SetUint64([]byte("LastVoteTerm"), 1); err != nil { // reading and holding do not wait
			t.Error(err)
		}
		requireRange(t, s, 0, 0)
		image := disk.Copy()
		disk.Crash()
		if err := <-result; !errors.Is(err, raftlog.ErrClosed) {
			t.Errorf("a write that the crash caught: %v", err)
		}
		slow = 0
		for _, d := range []*raftlog.Disk{disk, image} {
			if s, err = d.Open(raftlog.Options{}); err != nil {
				t.Fatal(err)
			}
			requireRange(t, s, 0, 0)
		}
	})
}

func TestSecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	openFile(t, path)
	if _, err := raftlog.Open(t.Context(), path, raftlog.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second open: %v", err)
	}
}

func TestRemoveBeginsAnotherLife(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	s := openFile(t, path)
	life := s.Life()
	_ = s.StoreLogs(entries(1, 3))
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := raftlog.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", wal, 0o600); err != nil { // as if Remove was killed half way
		t.Fatal(err)
	}
	s = openFile(t, path)
	requireRange(t, s, 0, 0)
	if s.Life() == life {
		t.Error("the life is the old one")
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	s, err := raftlog.Open(t.Context(), path, raftlog.Options{MaxBytes: 20 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	next := uint64(1)
	for err == nil && next < 100 {
		err = s.StoreLog(&raft.Log{Index: next, Data: make([]byte, 1<<20)})
		next++
	}
	if err == nil || s.Bytes() > 22<<20 {
		t.Fatalf("%d bytes after entry %d: %v", s.Bytes(), next-1, err)
	}
	if err := s.DeleteRange(1, next-4); err != nil {
		t.Fatal(err)
	}
	for term := range uint64(20) { // the file is made smaller in small steps
		if err := s.SetUint64([]byte("CurrentTerm"), term); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	st, err := os.Stat(path)
	if err != nil || st.Size() > 24<<20 || s.Bytes() > 4<<20 {
		t.Errorf("a file of %d bytes for %d: %v", st.Size(), s.Bytes(), err)
	}
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]struct {
		sql  string
		want func(error) bool
	}{
		"newer":   {"PRAGMA user_version=2; CREATE TABLE x(y)", func(err error) bool { return errors.Is(err, raftlog.ErrNewer) }},
		"another": {"CREATE TABLE x(y)", isDamage},
		"no life": {"PRAGMA user_version=1; CREATE TABLE log(a); CREATE TABLE value(b); CREATE TABLE reserve(c)", func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "control.db")
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(content.sql); err != nil {
				t.Fatal(err)
			}
			db.Close()
			if _, err := raftlog.Open(t.Context(), path, raftlog.Options{}); !content.want(err) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

func isDamage(err error) bool {
	var damaged *raftlog.DamagedError
	return errors.As(err, &damaged)
}

// sample is a file as a clean stop leaves it.
func sample(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.db")
	s, err := raftlog.Open(context.Background(), path, raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.StoreLogs(entries(1, 30)), vote(s, 3), s.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDamage changes one byte after the other: either that is said, or nothing that was stored is another.
func TestDamage(t *testing.T) {
	t.Parallel()
	good := sample(t)
	path := filepath.Join(t.TempDir(), "control.db")
	found := 0
	for range 150 {
		at := rand.N(min(len(good), 80<<10)) // behind it are free pages
		bad := append([]byte{}, good...)
		bad[at] ^= 1 << rand.N(8)
		if checkDamaged(t, path, bad) {
			found++
		}
	}
	if found == 0 {
		t.Error("no damage was ever found")
	}
}

// checkDamaged returns whether the damage was found.
func checkDamaged(t *testing.T, path string, content []byte) bool {
	t.Helper()
	if err := raftlog.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := raftlog.Open(context.Background(), path, raftlog.Options{})
	if err != nil {
		return true
	}
	defer s.Close()
	requireRange(t, s, 1, 30)
	for _, want := range entries(1, 30) {
		var got raft.Log
		if err := s.GetLog(want.Index, &got); err != nil || string(got.Data) != string(want.Data) || got.Term != want.Term {
			t.Errorf("entry %d: %v", want.Index, err)
		}
	}
	term, _ := s.GetUint64([]byte("LastVoteTerm"))
	if candidate, _ := s.Get([]byte("LastVoteCand")); term != 3 || string(candidate) != "of 3" {
		t.Errorf("a vote of term %d for %q", term, candidate)
	}
	return false
}

// FuzzOpen opens anything.
func FuzzOpen(f *testing.F) {
	good := sample(f)
	f.Add(good[:80<<10], 5000, byte(3))
	f.Add(good[:4096], 30, byte(255))
	f.Add([]byte("SQLite format 3\x00"), 0, byte(0))
	f.Fuzz(func(t *testing.T, content []byte, at int, with byte) {
		if at >= 0 && at < len(content) {
			content[at] ^= with
		}
		path := filepath.Join(t.TempDir(), "control.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := raftlog.Open(context.Background(), path, raftlog.Options{})
		if err != nil {
			return
		}
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		for i := first; i > 0 && i <= last; i++ {
			var l raft.Log
			if err := s.GetLog(i, &l); err != nil {
				t.Errorf("entry %d of what was opened: %v", i, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}
