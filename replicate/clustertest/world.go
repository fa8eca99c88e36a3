package clustertest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/hw/journal"
	"rackpost/replicate/mode"
)

// The members.
const (
	boxA = iota
	boxB
	witness
)

var names = [most]string{"A", "B", "W"}

// World is all that is simulated: members, their machines, and what is between them.
type World struct {
	tb        testing.TB
	seed      uint64
	size      int // 2, or 3 with a witness
	dir       string
	timers    mode.Timers
	proposals time.Duration // between two of each box; 0: none
	log       *recorder     // nil: nothing is logged
	slack     time.Duration // beyond Timers.Island, in which an able box must have visited the devices
	found     bool          // the first box begins a new cluster
	began     time.Time
	calm      time.Duration // after which it was well, where that was waited for

	net    *network
	ids    [most]mode.NodeID
	disks  [most]*disk
	oracle *oracle
	loose  sync.WaitGroup // what belongs to no process, and processes that end

	mu      sync.Mutex
	counter uint64
	current [most]*process // the last one of each
	all     []*process
	down    [most]int  // faults that keep a member from running
	quietly [most]bool // its machine has no power: nothing answers
	away    [most]int  // faults that keep it from the devices and the network
	wallOff [most]time.Duration
	images  [most]*control
}

// timers are those of a real pair but for the time a member has to be stable: simulated seconds are not free.
func timers() mode.Timers {
	t := mode.DefaultTimers()
	t.Settle, t.SettleMost = 5*time.Second, 20*time.Second
	return t
}

func newWorld(tb testing.TB, seed uint64, size int) *World {
	w := &World{tb: tb, seed: seed, size: size, dir: tb.TempDir(), timers: timers(), net: newNetwork(seed), began: time.Now()}
	w.oracle = &oracle{w: w, last: time.Now()}
	for who := range w.size {
		w.ids[who] = mode.NodeID{0: byte(0xa + who), 15: 1}
		w.disks[who] = w.newDisk(who)
	}
	return w
}

func (w *World) newDisk(who int) *disk {
	n := w.count()
	return newDisk(journal.ID{byte(0xa + who), byte(n)}, journal.Incarnation(n))
}

// count numbers everything that happens.
func (w *World) count() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counter++
	return w.counter
}

func (w *World) role(who int) mode.Role {
	if who == witness {
		return mode.Witness
	}
	return mode.Box
}

func (w *World) members() map[mode.NodeID]mode.Role {
	m := map[mode.NodeID]mode.Role{}
	for who := range w.size {
		m[w.ids[who]] = w.role(who)
	}
	return m
}

func raftAddress(id mode.NodeID) raft.ServerAddress { return raft.ServerAddress(id.String()) }

// whois finds a member, -1 when there is none.
func (w *World) whois(a raft.ServerAddress) int {
	for who := range w.size {
		if strings.HasPrefix(string(a), w.ids[who].String()) {
			return who
		}
	}
	return -1
}

// has says whether there is such a path: the witness is on the network only.
func (w *World) has(a, b int, by path) bool {
	return by == lan || a != witness && b != witness
}

func (w *World) interval(a, b int) time.Duration {
	if a == witness || b == witness {
		return pingWitness
	}
	return pingBox
}

// wall is a member's wall clock.
func (w *World) wall(who int) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.wallOff[who])
}

func (w *World) enter(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current[p.who] = p
	w.all = append(w.all, p)
}

// running is the member's process, nil when it has none.
func (w *World) running(who int) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.current[who]; p != nil && p.alive() {
		return p
	}
	return nil
}

// last is the member's process, or the one it had last.
func (w *World) last(who int) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current[who]
}

// processes are those that run.
func (w *World) processes() []*process {
	var list []*process
	for who := range w.size {
		if p := w.running(who); p != nil {
			list = append(list, p)
		}
	}
	return list
}

// resets says whether the member's machine refuses connections, as one that runs without the process does.
func (w *World) resets(who int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.quietly[who]
}

// cutOff says whether the member reaches neither network nor devices.
func (w *World) cutOff(who int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away[who] > 0
}

// crash ends a member's process and keeps it from running until recover.
func (w *World) crash(who int, quietly bool) {
	w.mu.Lock()
	w.down[who]++
	w.quietly[who] = quietly
	p := w.current[who]
	w.mu.Unlock()
	w.cut(p)
}

// cut ends a process; what its disk has not synced is lost.
func (w *World) cut(p *process) {
	if p == nil || !p.alive() {
		return
	}
	p.disk.log.Crash()
	p.end()
	p.disk.journal.Crash(journal.Incarnation(w.count()))
}

// recover takes one reason back why a member does not run.
func (w *World) recover(who int) {
	w.mu.Lock()
	w.down[who]--
	start := w.down[who] == 0
	w.mu.Unlock()
	if start {
		w.restart(who)
	}
}

func (w *World) restart(who int) {
	if err := w.start(who); err != nil {
		w.oracle.fail("%s does not start: %v", names[who], err)
	}
}

// gone takes note of a process that gave up. As under systemd, another one is started.
func (w *World) gone(p *process) {
	if !p.alive() {
		return
	}
	w.cut(p)
	w.loose.Go(func() {
		time.Sleep(2 * time.Second)
		w.mu.Lock()
		start := w.current[p.who] == p && w.down[p.who] == 0
		w.mu.Unlock()
		if start && !w.oracle.over() {
			w.restart(p.who)
		}
	})
}

// end ends every process and waits for all of them.
func (w *World) end() {
	w.oracle.finish()
	for _, p := range w.processes() {
		w.cut(p)
	}
	done := make(chan struct{})
	go func() { w.loose.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		// The bubble ends the test binary when goroutines are left, before anything is reported.
		fmt.Fprintf(os.Stderr, "seed %d, %d members: a process does not end within two minutes\n", w.seed, w.size)
	}
}

// takeOver is a person's order.
func (w *World) takeOver(who int, why string) error {
	p := w.running(who)
	if p == nil || p.stopped() {
		return errRefused
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := p.node.Takeover(ctx, why)
	if err == nil {
		w.oracle.tookOver(p)
	}
	return err
}

// conflicts returns what says whether a command is in the report of a takeover that another one lost.
func (w *World) conflicts() (func(command string) bool, error) {
	files, err := filepath.Glob(filepath.Join(w.dir, "*", "conflicts", "*"))
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var report any
		if err := json.Unmarshal(raw, &report); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errUnreadable, filepath.Base(name), err)
		}
		collect(report, &texts)
	}
	return func(command string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, command) })
	}, nil
}

// collect adds every text of a report, those in base64 unpacked.
func collect(v any, texts *[]string) {
	switch v := v.(type) {
	case string:
		if raw, err := base64.StdEncoding.DecodeString(v); err == nil {
			v = string(raw)
		}
		*texts = append(*texts, v)
	case []any:
		for _, x := range v {
			collect(x, texts)
		}
	case map[string]any:
		for _, x := range v {
			collect(x, texts)
		}
	}
}

// describe says what every member is, for people.
func (w *World) describe() string {
	var list []string
	for who := range w.size {
		p := w.running(who)
		switch {
		case p == nil:
			list = append(list, names[who]+" does not run")
		case p.stopped():
			list = append(list, p.String()+" is stopped")
		default:
			s := p.node.Status()
			word := s.Mode.String()
			if s.Authority {
				word += " with authority"
			}
			list = append(list, fmt.Sprintf("%s is %s in generation %d, term %d, applied %d (%s)", p, word, s.Generation.Counter, s.Term, s.Applied, s.Why))
		}
	}
	return strings.Join(list, "; ")
}
