package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/store/crashtest"
)

// storyTries are the stories that are told in each run, all at once; with soak also those with and without the witness that
// are not among them.
var storyTries = []struct {
	name    string
	witness bool
}{
	{"leader-dies", true}, {"follower-dies", false}, {"cable-cut", false}, {"one-way", false}, {"both-die", false}, {"disk-stalls", true},
	{"leader-dies", false}, {"follower-dies", true}, {"cable-cut", true}, {"one-way", true}, {"both-die", true}, {"disk-stalls", false},
}

// toldStory is what a story said.
type toldStory struct {
	storyTold
	said, words string
	err         error
	left        []string // of its scratch folder
}

// TestStories tells every scenario with real processes. Nothing is lost, doubled or untold, whatever fails; how soon is measured
// and logged, and judged by rackpost demo alone: here six stories share the machine with other tests.
func TestStories(t *testing.T) {
	t.Parallel()
	told := make([]toldStory, crashtest.Rounds(6, len(storyTries)))
	var tasks sync.WaitGroup
	for from := 0; from < len(told); from += 6 {
		for i := from; i < min(from+6, len(told)); i++ {
			tasks.Go(func() { told[i] = tellStory(t, storyTries[i].name, storyTries[i].witness) })
		}
		tasks.Wait()
	}
	for i, s := range told {
		name := storyTries[i].name
		if storyTries[i].witness {
			name += "-witness"
		}
		t.Run(name, func(t *testing.T) { s.check(t) })
	}
}

func tellStory(t *testing.T, name string, witness bool) toldStory {
	args := []string{"demo", "-scenario", name, "-json", "-period", "2s"}
	if witness {
		args = append(args, "-witness")
	}
	self, err := os.Executable()
	if err != nil {
		return toldStory{err: err}
	}
	tmp := t.TempDir()
	var said, words bytes.Buffer
	c := exec.CommandContext(t.Context(), self, args...)
	c.Args[0] = "rackpost"
	c.Env = append(os.Environ(), "TMPDIR="+tmp)
	c.Stdout, c.Stderr = &said, &words
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	_ = c.Run() // its code is that of the verdict, seconds included
	s := toldStory{said: said.String(), words: words.String()}
	s.err = json.Unmarshal(said.Bytes(), &s.storyTold)
	s.left, _ = filepath.Glob(filepath.Join(tmp, "*"))
	return s
}

func (s toldStory) check(t *testing.T) {
	t.Logf("%+v\n%s", s.Verdict, s.words)
	if s.err != nil {
		t.Fatalf("%v\n%s", s.err, s.said)
	}
	if s.Verdict.Lost != 0 || s.Verdict.Doubled != 0 || s.Measured.Acknowledged == 0 || len(s.Promises) < 6 {
		t.Errorf("%d of %d visits lost, %d doubled, %d promises", s.Verdict.Lost, s.Measured.Acknowledged, s.Verdict.Doubled, len(s.Promises))
	}
	for _, p := range s.Promises {
		switch {
		case !p.OK && !p.Timed:
			t.Errorf("broken: %s: %s", p.Text, p.Detail)
		case p.Timed:
			t.Logf("%s: %s", p.Text, p.Detail)
		}
	}
	if len(s.left) > 0 {
		t.Errorf("left behind: %v", s.left)
	}
}

func TestUncovered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		gaps []span
		want int64
	}{
		{"no gap", nil, 100},
		{"all of it", []span{{0, 100}}, 0},
		{"more than it", []span{{-50, 150}}, 0},
		{"the end is open", []span{{0, 60}}, 40},
		{"the middle is open", []span{{0, 30}, {80, 100}}, 50},
		{"they overlap", []span{{0, 50}, {20, 90}}, 10},
		{"another time", []span{{200, 300}}, 100},
		{"one in another", []span{{0, 90}, {10, 20}}, 10},
	} {
		if got := uncovered(span{0, 100}, c.gaps); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestLostAndDoubled(t *testing.T) {
	t.Parallel()
	key := func(n int64) visitKey { return visitKey{"a", "sw", n} }
	rec := record{visits: map[visitKey]int{key(1): 1, key(2): 2, key(4): 1}}
	var acks []ackAt
	for _, n := range []int64{1, 2, 3} {
		acks = append(acks, ackAt{ackNews: ackNews{Device: "sw", Origin: "a", Started: n}})
	}
	lost, doubled := rec.lostAndDoubled(acks)
	if lost != 1 || doubled != 1 {
		t.Errorf("%d lost, %d doubled; want 1 and 1", lost, doubled)
	}
}

func TestUntold(t *testing.T) {
	t.Parallel()
	rec := record{good: map[hw.DeviceID][]int64{"sw": {1000, 9000, 2000, 21_000}}, gaps: map[hw.DeviceID][]span{"sw": {{2000, 9000}}}}
	if got := rec.untold(time.UnixMilli(0), time.Second); len(got) != 1 {
		t.Errorf("untold: %v; want the time from 9 to 21 s", got)
	}
	if got := rec.untold(time.UnixMilli(30_000), time.Second); len(got) != 0 {
		t.Errorf("before anybody looked: %v", got)
	}
}

func TestTwoLeaders(t *testing.T) {
	t.Parallel()
	a, b := &labMember{name: "a"}, &labMember{name: "b"}
	leads, follows := &standNews{Authority: true}, &standNews{}
	second := time.Second.Nanoseconds()
	s := &story{history: []standAt{{1 * second, a, leads}, {3 * second, b, leads}, {5 * second, a, follows}, {6 * second, a, leads}, {7 * second, b, nil}}}
	if got := s.twoLeaders(); got != 2*time.Second {
		t.Errorf("two leaders for %s, want 2 s", got)
	}
	s.history = slices.Delete(s.history, 1, 2)
	if got := s.twoLeaders(); got != 0 {
		t.Errorf("one leader alone is two for %s", got)
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	now := monotonic()
	at := func(seconds float64) int64 { return now + int64((seconds-60)*1e9) }
	s := &story{lab: &demoLab{period: 5 * time.Second}, fault: at(12)}
	for _, began := range []float64{5, 10, 21, 26, 31, 36, 41, 46, 51, 56} {
		s.acks = append(s.acks, ackAt{ackNews: ackNews{Device: "sw", Good: true, Began: at(began)}})
	}
	if diff := cmp.Diff([]time.Duration{6 * time.Second}, s.overdue(at(12))); diff != "" {
		t.Errorf("overdue since the fault (-want +got):\n%s", diff)
	}
	if got := s.longestWait(); got != 6*time.Second {
		t.Errorf("longest wait: %s", got)
	}
	if got := s.missed(); got != 1 {
		t.Errorf("%d visits missed, want that at 15 s", got)
	}
	if got := s.overdue(at(22)); got[0] != 0 {
		t.Errorf("overdue later: %s", got)
	}
}
