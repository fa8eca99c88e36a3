package raftlog_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"rackpost/replicate/raftlog"
	"rackpost/store/crashtest"
)

// TestKill kills a process that appends, votes, cuts the end off and drops the beginning.
func TestKill(t *testing.T) {
	t.Parallel()
	crashtest.Loop(t, crashtest.Rounds(12, 1000), crashChild, verifyCrash)
}

// TestPowerCut cuts the power under it, plain and torn in turn.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	crashtest.PowerLoop(t, crashtest.Rounds(10, 1000), crashChild, verifyCrash)
}

const (
	crashKept  = 300 // entries, the older ones are dropped
	crashBatch = 8
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// crashChild says what it is going to remove before it does, and what it has written after it did.
func crashChild(dir string, ack func(string)) {
	s, err := raftlog.Open(context.Background(), filepath.Join(dir, "control.db"), raftlog.Options{})
	must(err)
	ack("life " + s.Life())
	for number := uint64(1); ; number++ {
		first, _ := s.FirstIndex()
		last, _ := s.LastIndex()
		switch n := rand.N(20); {
		case n == 0 && last > first:
			from := last - rand.Uint64N(min(last-first, 20))
			ack(fmt.Sprintf("cut %d", from))
			must(s.DeleteRange(from, last))
		case n == 1 && last-first > crashKept:
			ack(fmt.Sprintf("drop %d", last-crashKept))
			must(s.DeleteRange(first, last-crashKept))
		case n < 6:
			term, _ := s.GetUint64([]byte("LastVoteTerm"))
			must(vote(s, term+1))
			ack(fmt.Sprintf("vote %d", term+1))
		default:
			crashAppend(s, last, ack)
		}
	}
}

func vote(s *raftlog.Store, term uint64) error {
	if err := s.SetUint64([]byte("LastVoteTerm"), term); err != nil {
		return err
	}
	return s.Set([]byte("LastVoteCand"), fmt.Appendf(nil, "of %d", term))
}

func crashAppend(s *raftlog.Store, last uint64, ack func(string)) {
	must(s.StageCommitIndex(last))
	var logs []*raft.Log
	var said []string
	for i := range 1 + rand.Uint64N(crashBatch) {
		mark := rand.Uint64()
		logs = append(logs, &raft.Log{Index: last + 1 + i, Term: 1, Data: entryOf(mark)})
		said = append(said, fmt.Sprintf("%d:%d", last+1+i, mark))
	}
	must(s.StoreLogs(logs))
	ack("entries " + strings.Join(said, " "))
}

// entryOf is an entry that can be told from every other, of very different lengths.
func entryOf(mark uint64) []byte {
	return []byte(strings.Repeat(fmt.Sprint(mark, " "), 1+int(mark%64)*int(mark%13)))
}

// expected is what the acknowledgements say must be there.
type expected struct {
	life    string
	vote    uint64
	entries map[uint64]uint64
}

func readAcks(t *testing.T, acked []string) expected {
	e := expected{entries: map[uint64]uint64{}}
	for _, line := range acked {
		word, rest, _ := strings.Cut(line, " ")
		var n, mark uint64
		_, _ = fmt.Sscan(rest, &n)
		switch word {
		case "life":
			if e.life != "" && e.life != rest {
				t.Errorf("life %s became %s", e.life, rest)
			}
			e.life = rest
		case "vote":
			e.vote = n
		case "cut":
			maps.DeleteFunc(e.entries, func(i, _ uint64) bool { return i >= n })
		case "drop":
			maps.DeleteFunc(e.entries, func(i, _ uint64) bool { return i <= n })
		case "entries":
			for _, one := range strings.Fields(rest) {
				if _, err := fmt.Sscanf(one, "%d:%d", &n, &mark); err != nil {
					t.Fatal(err)
				}
				e.entries[n] = mark
			}
		}
	}
	return e
}

func verifyCrash(t *testing.T, dir string, acked []string) {
	want := readAcks(t, acked)
	s, err := raftlog.Open(t.Context(), filepath.Join(dir, "control.db"), raftlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if want.life != "" && s.Life() != want.life {
		t.Errorf("life %s became %s", want.life, s.Life())
	}
	term, _ := s.GetUint64([]byte("LastVoteTerm"))
	candidate, _ := s.Get([]byte("LastVoteCand"))
	if term < want.vote || term > 0 && string(candidate) != fmt.Sprint("of ", term) {
		t.Errorf("a vote of term %d for %q, after one of term %d", term, candidate, want.vote)
	}
	for index, mark := range want.entries {
		var l raft.Log
		if err := s.GetLog(index, &l); err != nil || string(l.Data) != string(entryOf(mark)) {
			t.Fatalf("acknowledged entry %d: %v", index, err)
		}
	}
	last, _ := s.LastIndex()
	if commit, err := s.GetCommitIndex(); err != nil || commit > last || last > 0 && commit+crashBatch < last {
		t.Errorf("commit index %d, last entry %d: %v", commit, last, err)
	}
}
