package raftlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
	"rackpost/replicate/raftlog"
)

// opener opens one and the same log again and again.
type opener func(raftlog.Options) (*raftlog.Store, error)

// onBoth runs a test on a file and in memory.
func onBoth(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "control.db")
		test(t, func(o raftlog.Options) (*raftlog.Store, error) { return raftlog.Open(t.Context(), path, o) })
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, raftlog.NewDisk().Open)
	})
}

func (o opener) must(t *testing.T) *raftlog.Store {
	t.Helper()
	s, err := o(raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func entries(first, last uint64) (out []*raft.Log) {
	for i := first; i <= last; i++ {
		out = append(out, &raft.Log{Index: i, Term: 1 + i/10, Type: raft.LogType(i % 6), Data: entryOf(i), Extensions: []byte{byte(i)},
			AppendedAt: time.Unix(int64(i), 7)})
	}
	return out
}

func requireRange(t *testing.T, s *raftlog.Store, first, last uint64) {
	t.Helper()
	gotFirst, err1 := s.FirstIndex()
	gotLast, err2 := s.LastIndex()
	if gotFirst != first || gotLast != last || err1 != nil || err2 != nil {
		t.Errorf("the log goes from %d to %d (%v, %v), want %d to %d", gotFirst, gotLast, err1, err2, first, last)
	}
}

func TestReopen(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		life, generation := s.Life(), mode.Generation{Counter: 3, Random: 1 << 63}
		for _, err := range []error{
			s.StageCommitIndex(4), s.StoreLogs(entries(1, 5)), s.SetUint64([]byte("CurrentTerm"), 1<<63), s.Set([]byte("any"), []byte("x")),
			s.SetGeneration(generation), s.Close(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		s = open.must(t)
		requireRange(t, s, 1, 5)
		for _, want := range entries(1, 5) {
			var got raft.Log
			if err := s.GetLog(want.Index, &got); err != nil || !cmp.Equal(*want, got) {
				t.Errorf("entry %d: %v\n%s", want.Index, err, cmp.Diff(*want, got))
			}
		}
		term, _ := s.GetUint64([]byte("CurrentTerm"))
		value, _ := s.Get([]byte("any"))
		commit, _ := s.GetCommitIndex()
		if term != 1<<63 || string(value) != "x" || commit != 4 || s.Life() != life || s.Generation() != generation {
			t.Errorf("term %d, value %q, commit %d, life %s after %s, generation %v", term, value, commit, s.Life(), life, s.Generation())
		}
		if err := s.Renew("00000000000000ff"); err != nil || s.Life() != life {
			t.Errorf("life %s after %s while it is open: %v", s.Life(), life, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s = open.must(t); s.Life() != "00000000000000ff" {
			t.Errorf("life %s after it was renewed", s.Life())
		}
		requireRange(t, s, 1, 5)
	})
}

func TestEmpty(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		requireRange(t, s, 0, 0)
		var l raft.Log
		if err := s.GetLog(0, &l); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry 0: %v", err)
		}
		if err := s.GetLog(1, &l); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry 1: %v", err)
		}
		n, err1 := s.GetUint64([]byte("none"))
		b, err2 := s.Get([]byte("none"))
		c, err3 := s.GetCommitIndex()
		if n != 0 || len(b) != 0 || c != 0 || err1 != nil || err2 != nil || err3 != nil {
			t.Errorf("%d %v, %q %v, %d %v", n, err1, b, err2, c, err3)
		}
		if err := s.StoreLogs(nil); err != nil {
			t.Error(err)
		}
		if err := s.DeleteRange(1, 10); err != nil {
			t.Error(err)
		}
		if s.Generation() != (mode.Generation{}) || len(s.Life()) != 16 || !s.IsMonotonic() {
			t.Errorf("generation %v, life %q", s.Generation(), s.Life())
		}
	})
}

func TestCommitIndexComesWithTheNextEntries(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		want := func(commit uint64) {
			t.Helper()
			if got, err := s.GetCommitIndex(); got != commit || err != nil {
				t.Errorf("commit index %d: %v, want %d", got, err, commit)
			}
		}
		_ = s.StageCommitIndex(9)
		want(0) // staged is not stored
		_ = s.StoreLogs(entries(1, 4))
		want(4) // and never beyond the last entry
		_ = s.StoreLogs(entries(5, 12))
		want(9)
		_ = s.StageCommitIndex(11)
		s.Close()
		s = open.must(t)
		want(9)
		_ = s.DeleteRange(6, 12)
		want(5)
	})
}

func TestDeleteRange(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		if err := s.StoreLogs(entries(1, 20)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ low, high, first, last uint64 }{
			{1, 3, 4, 20}, {1, 3, 4, 20}, {18, 20, 4, 17}, {17, 99, 4, 16}, {0, 5, 6, 16}, {9, 8, 6, 16}, {20, 30, 6, 16}, {1, 99, 0, 0},
		} {
			if err := s.DeleteRange(c.low, c.high); err != nil {
				t.Errorf("delete %d to %d: %v", c.low, c.high, err)
			}
			requireRange(t, s, c.first, c.last)
		}
		if err := s.StoreLogs(entries(1000, 1005)); err != nil {
			t.Error(err)
		}
		if err := s.DeleteRange(1002, 1003); err == nil {
			t.Error("a gap was made")
		}
		requireRange(t, s, 1000, 1005)
	})
}

func TestLongDelete(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		for i := uint64(1); i < 9001; i += 1000 {
			if err := s.StoreLogs(entries(i, i+999)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteRange(1, 5000); err != nil {
			t.Fatal(err)
		}
		requireRange(t, s, 5001, 9000)
		s.Close()
		s = open.must(t)
		requireRange(t, s, 5001, 9000)
		if err := s.DeleteRange(5101, 9000); err != nil {
			t.Fatal(err)
		}
		requireRange(t, s, 5001, 5100)
	})
}

// TestStoreBeyondOrBefore stores where Raft does after a snapshot was installed and the process killed, and after a write
// of which it was not known that it had succeeded.
func TestStoreBeyondOrBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		_ = s.StoreLogs(entries(1, 10))
		if err := s.StoreLogs(entries(101, 103)); err != nil {
			t.Error(err)
		}
		requireRange(t, s, 101, 103)
		if err := s.StoreLogs(entries(102, 102)); err != nil {
			t.Error(err)
		}
		requireRange(t, s, 101, 102)
		s.Close()
		s = open.must(t)
		requireRange(t, s, 101, 102)
	})
}

func TestRefusedEntries(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		_ = s.StoreLogs(entries(1, 2))
		for name, logs := range map[string][]*raft.Log{
			"index 0":   {{Index: 0}},
			"gap":       {{Index: 3}, {Index: 5}},
			"backwards": {{Index: 3}, {Index: 2}},
			"too large": {{Index: 3, Data: make([]byte, 5<<20)}},
			"sign":      {{Index: 1 << 63}},
			"too many":  entries(3, 5000),
		} {
			if err := s.StoreLogs(logs); err == nil {
				t.Errorf("%s was stored", name)
			}
		}
		for i := range 300 {
			if err := s.SetUint64([]byte{byte(i), byte(i >> 8)}, 1); err != nil {
				requireRange(t, s, 1, 2)
				return
			}
		}
		t.Error("there is no bound of small values")
	})
}

func TestVoteIsWrittenAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		if err := vote(s, 5); err != nil {
			t.Fatal(err)
		}
		if err := s.SetUint64([]byte("LastVoteTerm"), 6); err != nil { // and killed before the candidate
			t.Fatal(err)
		}
		want := func() {
			t.Helper()
			term, _ := s.GetUint64([]byte("LastVoteTerm"))
			candidate, _ := s.Get([]byte("LastVoteCand"))
			if term != 5 || string(candidate) != "of 5" {
				t.Errorf("term %d for %q", term, candidate)
			}
		}
		want()
		s.Close()
		s = open.must(t)
		want()
		if err := s.Set([]byte("LastVoteCand"), []byte("of 5")); err != nil {
			t.Fatal(err)
		}
		want()
	})
}

func TestClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		s := open.must(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		if err := s.StoreLogs(entries(1, 1)); !errors.Is(err, raftlog.ErrClosed) {
			t.Errorf("store after close: %v", err)
		}
		var l raft.Log
		if err := s.GetLog(1, &l); err == nil {
			t.Error("read after close")
		}
		select {
		case <-s.Failed():
			t.Error("to be closed is no failure")
		default:
		}
	})
}

func TestFailureIsForGood(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		broken := errors.New("broken")
		var say error
		s, err := open(raftlog.Options{BeforeWrite: func() error { return say }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		say = raftlog.ErrFull
		if err := s.StoreLogs(entries(1, 1)); !errors.Is(err, raftlog.ErrFull) || s.Err() != nil {
			t.Errorf("full: %v, %v", err, s.Err())
		}
		say = nil
		if err := s.StoreLogs(entries(1, 1)); err != nil {
			t.Error(err)
		}
		say = broken
		if err := s.StoreLogs(entries(2, 2)); !errors.Is(err, broken) {
			t.Error(err)
		}
		say = nil
		if err := s.StoreLogs(entries(2, 2)); !errors.Is(err, broken) || !errors.Is(s.Err(), broken) {
			t.Errorf("after a failure: %v, %v", err, s.Err())
		}
		if err := vote(s, 2); !errors.Is(err, broken) {
			t.Errorf("a vote after a failure: %v", err)
		}
		<-s.Failed()
		requireRange(t, s, 1, 1)
	})
}

// TestFileIsTheOwners: what is agreed on is nobody else's.
func TestFileIsTheOwners(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.db")
	s, err := raftlog.Open(t.Context(), path, raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.StoreLogs(entries(1, 3)); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("control.db%s: %v, %v", suffix, info.Mode(), err)
		}
	}
}
