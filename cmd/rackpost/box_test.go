package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/collectors/sim"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/web"
	"rackpost/web/api"
)

const (
	lookPeriod = 100 * time.Millisecond
	// startUp is about what a start takes: one in five kills comes within it.
	startUp = 150 * time.Millisecond
	// stopTime is what SIGTERM promises.
	stopTime = 5 * time.Second
)

// box is one appliance that is started and ended again and again over one folder, beside
// the rack it watches, which lives on.
type box struct {
	t      *testing.T
	name   string // of the program
	dir    string
	site   journal.ID
	rack   *sim.Rack
	random *rand.Rand
	client *client
	began  time.Time
	lives  []life
	last   bool                             // see every device before the end
	seen   map[hw.DeviceID]map[uint64]int64 // times, in Unix ms, of the readings that were shown, by number
	steps  map[hw.DeviceID]uint64           // of rackDevices
}

// life is one start of a box.
type life struct {
	from, to time.Time
	showed   bool // a reading of its own
	stopped  bool // in order, and not killed
	halfway  bool // killed when a file was not yet whole, or a segment not yet sealed
}

func newBox(t *testing.T, name string) *box {
	dir, err := os.MkdirTemp("", "rp") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := &box{t: t, name: name, dir: dir, random: rand.New(rand.NewPCG(seed, 0)), client: newClient(filepath.Join(dir, "sock")),
		began: time.Now().Truncate(time.Millisecond), seen: map[hw.DeviceID]map[uint64]int64{}, steps: map[hw.DeviceID]uint64{}}
	b.startRack()
	if b.site, err = journal.ParseID("00000000-0000-4000-8000-000000000003"); err != nil {
		t.Fatal(err)
	}
	var devices strings.Builder
	for _, d := range b.rack.Devices() {
		fmt.Fprintf(&devices, "  - {id: %s, kind: %s, address: \"%s\", credentials: public}\n", d.Name, d.Kind, d.Address)
	}
	for name, text := range map[string]string{
		"box.yaml":  "name: box\ndata: data\nsite: site.yaml\nlisten: 127.0.0.1:0\nsocket: sock\nbudget: 2GB\nlog: {format: text}\n",
		"community": "public\n",
		"site.yaml": fmt.Sprintf("site: {id: %s, name: rack}\ncredentials: {public: {community: {file: community}}}\n"+
			"policy: {timeout: 10s, periods: {health: 1s, ports: 1s}}\ndevices:\n%s", b.site, &devices),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// rackDevices are what every box watches.
var rackDevices = []struct {
	model   string
	members int
	step    uint64 // readings a visit takes at most: the walk of a short table reads on into the next column
}{
	{"catalyst-3750-48ps", 2, 1}, {"catalyst-3750-48ps", 1, 1}, {"catalyst-3750-48ps", 1, 1},
	{"catalyst-2960x", 2, 2}, {"catalyst-2960x", 1, 2}, {"asa-5525-failover", 0, 2},
}

// startRack runs the devices on free ports until the test ends.
func (b *box) startRack() {
	b.t.Helper()
	b.rack = sim.NewRack()
	for i, m := range rackDevices {
		name := fmt.Sprintf("device-%d", i+1)
		d, err := sim.NewModel(m.model, sim.ModelOptions{Number: i + 1, Seed: uint64(i), Members: m.members})
		if err == nil {
			_, err = b.rack.Add(name, d, "127.0.0.1:0", sim.AgentOptions{})
		}
		if err != nil {
			b.t.Fatal(errors.Join(err, b.rack.Close()))
		}
		b.seen[hw.DeviceID(name)], b.steps[hw.DeviceID(name)] = map[uint64]int64{}, m.step
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.rack.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("the rack: %v", err)
		}
	})
}

func (b *box) data() string { return filepath.Join(b.dir, "data") }

// component returns the part that numbers the readings of a device.
func (b *box) component(id hw.DeviceID) string {
	if b.rack.Device(string(id)).Kind() == "cisco-asa" {
		return "port/outside"
	}
	return "port/Gi1/0/1"
}

// command is this test binary under another name.
func (b *box) command(name string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Args[0] = name
	c.Env = append(os.Environ(), "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "JOURNAL_STREAM=")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c
}

// live starts the box, watches what it shows, and ends it by the signal at a random moment:
// amid its start, amid a write, amid the making of a file, or at any time.
func (b *box) live(end syscall.Signal) {
	b.t.Helper()
	p := b.start()
	defer func() {
		b.lives[len(b.lives)-1].to = time.Now()
		if b.t.Failed() {
			p.end(b.t, syscall.SIGKILL)
			b.t.Logf("start %d said:\n%s", len(b.lives), p.said)
		}
	}()
	aim := b.random.IntN(5)
	if aim == 0 && end == syscall.SIGKILL {
		time.Sleep(time.Duration(b.random.Int64N(int64(2 * startUp))))
	} else {
		p.waitReady(b.t)
		b.look(b.began) // nothing is gone
		b.watch()
	}
	switch {
	case aim == 1 || aim == 2:
		b.nextEvent(unix.IN_MODIFY)
	case aim == 3 && b.name == "hasty": // the other one makes no files
		b.nextEvent(unix.IN_CREATE | unix.IN_MOVED_TO)
	}
	b.lives[len(b.lives)-1].stopped = end == syscall.SIGTERM
	if p.end(b.t, end); b.t.Failed() {
		b.t.FailNow()
	}
	b.lives[len(b.lives)-1].halfway = b.halfway()
}

// halfway says whether something in the data folder waits to be finished.
func (b *box) halfway() bool {
	unfinished, err := filepath.Glob(filepath.Join(b.data(), "*.tmp*"))
	open, err2 := filepath.Glob(filepath.Join(b.data(), "*.open"))
	if err := errors.Join(err, err2); err != nil {
		b.t.Fatal(err)
	}
	return len(unfinished) > 0 || len(open) > 1
}

func (b *box) start() *process {
	b.t.Helper()
	p := &process{said: &heard{ready: make(chan struct{})}, ended: make(chan error, 1)}
	p.command = b.command(b.name, "run", "-config", filepath.Join(b.dir, "box.yaml"))
	p.command.Stdout, p.command.Stderr = p.said, p.said
	b.lives = append(b.lives, life{from: time.Now().Truncate(time.Millisecond)})
	if err := p.command.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	return p
}

// watch looks for a random while, in the last life until each device was seen.
func (b *box) watch() {
	b.t.Helper()
	for end := time.Now().Add(lookPeriod + time.Duration(b.random.Int64N(int64(1700*time.Millisecond)))); time.Now().Before(end); time.Sleep(lookPeriod) {
		b.look(time.Now().Add(-patience))
	}
	for end := time.Now().Add(patience); b.last && b.look(b.lives[len(b.lives)-1].from) < len(b.seen); time.Sleep(lookPeriod) {
		if time.Now().After(end) {
			b.t.Fatal("not every device was visited again")
		}
	}
}

// look remembers the numbered readings that the interface shows from a time on: they are
// acknowledged now. It fails when one that was shown before is gone or is another one, and
// returns of how many devices this start showed a reading of its own.
func (b *box) look(from time.Time) int {
	b.t.Helper()
	now := &b.lives[len(b.lives)-1]
	fresh := 0
	for id, seen := range b.seen {
		var s web.Series
		q := url.Values{"device": {string(id)}, "component": {b.component(id)}, "sensor": {numberedSensor},
			"from": {from.UTC().Format(time.RFC3339Nano)}, "limit": {strconv.Itoa(api.MaxLimit)}}
		if err := b.client.get(b.t.Context(), "/query", q, &s); err != nil || s.Truncated {
			b.t.Fatalf("query %s: %v, truncated %v", id, err, s.Truncated)
		}
		shown, own := map[uint64]bool{}, false
		for _, p := range s.Points {
			if p.Absent == hw.Cancelled {
				continue // SIGTERM cut the visit short
			}
			if p.Value == nil {
				b.t.Fatalf("%s: %+v", id, p)
			}
			n, at := p.Value.Count, p.At.UnixMilli()
			if before, ok := seen[n]; shown[n] || ok && before != at {
				b.t.Fatalf("%s: reading %d is shown of %s; before it was of %d", id, n, p.At, before)
			}
			seen[n], shown[n] = at, true
			own = own || !p.At.Before(now.from)
		}
		for n, at := range seen {
			if at >= from.UnixMilli() && !shown[n] {
				b.t.Fatalf("%s: reading %d, shown before, is gone", id, n)
			}
		}
		if own {
			fresh++
			now.showed = true
		}
	}
	return fresh
}

// nextEvent returns a moment after the next thing of this sort was done in the data folder,
// or after the longest it should take.
func (b *box) nextEvent(mask uint32) {
	b.t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		b.t.Fatalf("inotify: %v", err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	defer f.Close()
	if _, err := unix.InotifyAddWatch(fd, b.data(), mask); err != nil {
		b.t.Fatalf("inotify: %v", err)
	}
	if err := f.SetReadDeadline(time.Now().Add(1200 * time.Millisecond)); err != nil {
		b.t.Fatalf("inotify: %v", err)
	}
	if _, err := f.Read(make([]byte, 4096)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.t.Fatalf("inotify: %v", err)
	}
	moments := []time.Duration{1, time.Millisecond, 5 * time.Millisecond, 30 * time.Millisecond}
	time.Sleep(time.Duration(b.random.Int64N(int64(moments[b.random.IntN(len(moments))]))))
}

// verify fails when the journal has a fault.
func (b *box) verify() {
	b.t.Helper()
	var said bytes.Buffer
	if audit, err := store.Verify(b.t.Context(), b.data(), &said); err != nil || len(audit.Faults) > 0 {
		b.t.Fatalf("after start %d: %v\n%s", len(b.lives), err, &said)
	}
}

// process is one running box.
type process struct {
	command *exec.Cmd
	said    *heard
	ended   chan error // holds one
}

func (p *process) waitReady(t *testing.T) {
	t.Helper()
	select {
	case <-p.said.ready:
	case err := <-p.ended:
		p.ended <- err
		t.Fatalf("it ended by itself: %v", err)
	case <-time.After(patience):
		t.Fatalf("it was not ready within %s", patience)
	}
}

// end sends the signal and waits. SIGTERM must end the process in order and in time.
func (p *process) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	_ = p.command.Process.Signal(signal) // it may have ended by itself: then its code says so
	select {
	case err := <-p.ended:
		p.ended <- err
		switch state := p.command.ProcessState; {
		case signal == syscall.SIGTERM && err != nil:
			t.Errorf("it ended badly: %v", err)
		case signal == syscall.SIGKILL && state.Exited():
			t.Errorf("it ended by itself: %s", state)
		}
	case <-time.After(stopTime):
		_ = p.command.Process.Kill()
		p.ended <- <-p.ended
		t.Errorf("it did not end within %s of %s", stopTime, signal)
	}
}

// heard keeps what a process says, and knows when it said that it is ready.
type heard struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	told  bool
}

func (h *heard) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text.Write(b)
	if !h.told && bytes.Contains(h.text.Bytes(), []byte("msg=started")) {
		h.told = true
		close(h.ready)
	}
	return len(b), nil
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}
