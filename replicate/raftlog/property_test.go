package raftlog_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"rackpost/replicate/raftlog"
)

// model is what a log should be, written as plainly as can be.
type model struct {
	logs   map[uint64]string
	values map[string]uint64
	staged uint64
	commit map[uint64]uint64 // as stored with each entry
	term   uint64            // of a vote
}

func (m *model) ends() (first, last uint64) {
	for i := range m.logs {
		if first == 0 || i < first {
			first = i
		}
		last = max(last, i)
	}
	return first, last
}

func (m *model) store(from uint64, data []string) {
	if _, last := m.ends(); last > 0 && from > last+1 {
		clear(m.logs)
	}
	maps.DeleteFunc(m.logs, func(i uint64, _ string) bool { return i >= from })
	end := from + uint64(len(data)) - 1
	for i, d := range data {
		m.logs[from+uint64(i)] = d
		m.commit[from+uint64(i)] = min(m.staged, end)
	}
}

// TestModel does what Raft may do, and more, with restarts in between.
func TestModel(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "control.db")
		rapid.Check(t, func(t *rapid.T) {
			if err := raftlog.Remove(path); err != nil {
				t.Fatal(err)
			}
			run(t, func() (*raftlog.Store, error) { return raftlog.Open(context.Background(), path, raftlog.Options{}) })
		})
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			disk := raftlog.NewDisk()
			run(t, func() (*raftlog.Store, error) { return disk.Open(raftlog.Options{}) })
		})
	})
}

func run(t *rapid.T, open func() (*raftlog.Store, error)) {
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	life := s.Life()
	m := &model{logs: map[uint64]string{}, values: map[string]uint64{}, commit: map[uint64]uint64{}}
	t.Repeat(map[string]func(*rapid.T){
		"store": func(t *rapid.T) {
			first, last := m.ends()
			from := last + 1
			if rapid.IntRange(0, 9).Draw(t, "rare") == 0 {
				from = rapid.Uint64Range(max(1, first), last+20).Draw(t, "from")
			}
			data := rapid.SliceOfN(rapid.StringN(0, 300, 300), 1, 20).Draw(t, "data")
			var logs []*raft.Log
			for i, d := range data {
				logs = append(logs, &raft.Log{Index: from + uint64(i), Term: 3, Data: []byte(d)})
			}
			if err := s.StoreLogs(logs); err != nil {
				t.Fatal(err)
			}
			m.store(from, data)
		},
		"delete": func(t *rapid.T) {
			first, last := m.ends()
			low := rapid.Uint64Range(0, last+2).Draw(t, "low")
			high := rapid.Uint64Range(0, last+2).Draw(t, "high")
			err := s.DeleteRange(low, high)
			if gap := low > first && high < last && low <= high && last > 0; (err != nil) != gap {
				t.Fatalf("delete %d to %d of %d to %d: %v", low, high, first, last, err)
			}
			if err == nil {
				maps.DeleteFunc(m.logs, func(i uint64, _ string) bool { return i >= low && i <= high })
			}
		},
		"stage": func(t *rapid.T) {
			_, last := m.ends()
			index := rapid.Uint64Range(0, last+30).Draw(t, "index")
			_ = s.StageCommitIndex(index)
			m.staged = max(m.staged, index)
		},
		"set": func(t *rapid.T) { m.set(t, s) },
		"vote": func(t *rapid.T) {
			if err := vote(s, m.term+1); err != nil {
				t.Fatal(err)
			}
			m.term++
		},
		"reopen": func(t *rapid.T) {
			if rapid.IntRange(0, 4).Draw(t, "rare") > 0 {
				t.Skip("it costs the most")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = open(); err != nil {
				t.Fatal(err)
			}
			_, last := m.ends()
			m.staged = m.commit[last]
		},
		"": func(t *rapid.T) { compare(t, m, s, life) },
	})
}

func (m *model) set(t *rapid.T, s *raftlog.Store) {
	key, n := rapid.SampledFrom([]string{"CurrentTerm", "a", "b"}).Draw(t, "key"), rapid.Uint64().Draw(t, "n")
	if err := s.SetUint64([]byte(key), n); err != nil {
		t.Fatal(err)
	}
	m.values[key] = n
}

func compare(t *rapid.T, m *model, s *raftlog.Store, life string) {
	first, last := m.ends()
	gotFirst, _ := s.FirstIndex()
	gotLast, _ := s.LastIndex()
	if first != gotFirst || last != gotLast || s.Life() != life {
		t.Fatalf("%d to %d, want %d to %d; life %s, %s", gotFirst, gotLast, first, last, s.Life(), life)
	}
	for i := first; i <= last+1; i++ {
		var l raft.Log
		err := s.GetLog(i, &l)
		want, ok := m.logs[i]
		if ok && (err != nil || !bytes.Equal(l.Data, []byte(want))) || !ok && !errors.Is(err, raft.ErrLogNotFound) {
			t.Fatalf("entry %d: %q, %v; want %q, %v", i, l.Data, err, want, ok)
		}
	}
	for key, want := range m.values {
		if got, err := s.GetUint64([]byte(key)); got != want || err != nil {
			t.Fatalf("%s: %d, %v; want %d", key, got, err, want)
		}
	}
	if term, _ := s.GetUint64([]byte("LastVoteTerm")); term != m.term {
		t.Fatalf("voted in term %d, want %d", term, m.term)
	}
	commit, err := s.GetCommitIndex()
	if err != nil || commit > last || commit > m.staged || last > 0 && commit < m.commit[last] && m.commit[last] <= last {
		t.Fatalf("commit index %d, %v; stored %d, staged %d, last %d", commit, err, m.commit[last], m.staged, last)
	}
}
