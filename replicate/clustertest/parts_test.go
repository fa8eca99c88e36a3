package clustertest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/replicate/mode"
)

func TestScheduleIsReadAsWritten(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 300; seed++ {
		s := draw(seed, sizeOf(seed))
		if len(s) == 0 {
			t.Fatalf("seed %d: nothing goes wrong", seed)
		}
		again, err := parseSchedule("# what failed\n\n" + s.String())
		if err != nil {
			t.Fatal(err)
		}
		if again.String() != s.String() {
			t.Errorf("seed %d: written\n%sread\n%s", seed, s, again)
		}
		if draw(seed, sizeOf(seed)).String() != s.String() {
			t.Errorf("seed %d gives two schedules", seed)
		}
	}
	for _, bad := range []string{"1 2 melt A all 0", "1 2 cut A>C all 0", "1 2 cut D all 0", "soon 2 kill A all 0", "1 2 kill"} {
		if _, err := parseSchedule(bad); err == nil {
			t.Errorf("%q was taken for an event", bad)
		}
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	n := newNetwork(1)
	count := func() (arrived int) {
		for range 1000 {
			if _, ok := n.trip(boxA, boxB, lan); ok {
				arrived++
			}
		}
		return arrived
	}
	if got := count(); got != 1000 {
		t.Errorf("%d of 1000 arrived over a good way", got)
	}
	n.change(boxA, boxB, paths, func(w *way) { w.loss += 0.3 })
	if got := count(); got < 600 || got > 800 {
		t.Errorf("%d of 1000 arrived where 300 should be lost", got)
	}
	n.change(boxA, boxB, lan, func(w *way) { w.cuts++ })
	if got := count(); got != 0 || n.open(boxB, boxA, lan) || !n.open(boxA, boxB, direct) {
		t.Errorf("%d of 1000 arrived over a way that is cut", got)
	}
	if _, ok := n.trip(boxB, boxA, lan); !ok || n.clean(boxB, boxA) {
		t.Error("the other direction is cut too, or nothing counts as wrong")
	}
	n.change(boxA, boxB, lan, func(w *way) { w.cuts-- })
	n.change(boxA, boxB, paths, func(w *way) { w.loss, w.delay = 0, time.Second })
	if d, ok := n.trip(boxA, boxB, direct); !ok || d < time.Second || d > 2*time.Second+time.Millisecond {
		t.Errorf("a message that is a second late takes %v", d)
	}
}

// TestDiskForgetsWhatWasNotSynced cuts a process off while it writes.
func TestDiskForgetsWhatWasNotSynced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2)
		p := &process{w: w, who: boxA, disk: w.disks[boxA], dead: make(chan struct{}), cancel: func() {}}
		p.disk.lend(p)
		log, err := logs{p}.Open()
		if err != nil {
			t.Fatal(err)
		}
		if err := log.SetGeneration(mode.Generation{Counter: 1, Random: 1}); err != nil {
			t.Fatal(err)
		}
		p.disk.change(func(d *disk) { d.delay = time.Second })
		go func() { _ = log.SetGeneration(mode.Generation{Counter: 2, Random: 2}) }()
		time.Sleep(900 * time.Millisecond)
		if busy := log.Busy(); busy != 900*time.Millisecond {
			t.Errorf("the write has lasted %v", busy)
		}
		w.cut(p)
		next := &process{w: w, who: boxA, disk: w.disks[boxA], dead: make(chan struct{})}
		p.disk.lend(next)
		again, err := logs{next}.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Generation().Counter; got != 1 || again.Life() != log.Life() {
			t.Errorf("generation %d of life %s after the cut, want 1 of %s", got, again.Life(), log.Life())
		}
		if err := (logs{next}).Wipe(); err != nil {
			t.Fatal(err)
		}
		if new, err := (logs{next}).Open(); err != nil || new.Life() == log.Life() {
			t.Errorf("a wiped log has the same life (%v)", err)
		}
	})
}

// TestOracleSees makes what must never be, and wants it seen.
func TestOracleSees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 2)
		w.slack = 2 * time.Second
		g := mode.Generation{Counter: 1, Random: 1}
		a, b := w.still(boxA), w.still(boxB)
		expect := func(want string) {
			t.Helper()
			got := strings.Join(w.oracle.failed(), "\n")
			if !strings.Contains(got, want) {
				t.Errorf("the oracle says %q, and not %q", got, want)
			}
			w.oracle.problems = nil
		}
		leads := func(p *process, g mode.Generation) member {
			m := member{process: p}
			m.Authority, m.Mode, m.Generation = true, mode.Leader, g
			return m
		}
		w.oracle.compare(leads(a, g), leads(b, g))
		expect("both have authority")
		w.oracle.compare(leads(a, g), leads(b, mode.Generation{Counter: 2, Random: 2}))
		expect("nobody took over")
		_, _ = a.machine.Apply(1, []byte("x")), b.machine.Apply(1, []byte("y"))
		w.oracle.compare(leads(a, g), leads(b, g))
		expect("different things")
		now := time.Now()
		for _, p := range []*process{a, b} {
			p.holds = []hold{{span{now, now.Add(time.Second)}, mode.Act, g}}
		}
		w.all = []*process{a, b}
		time.Sleep(2 * time.Second)
		w.oracle.holds()
		expect("both had the power act")
		b.stops = []span{{now, now.Add(time.Second)}}
		w.oracle.holds()
		if got := w.oracle.failed(); len(got) > 0 {
			t.Errorf("a stopped process has powers: %v", got)
		}
		able := leads(a, g)
		w.oracle.progress([]member{able})
		time.Sleep(w.timers.Island + w.slack + time.Second)
		w.oracle.progress([]member{able})
		expect("no device was visited")
	})
}

// still is a process that does nothing.
func (w *World) still(who int) *process {
	p := &process{w: w, who: who, disk: w.disks[who], dead: make(chan struct{}), machine: &machine{}}
	p.wire = newWire(p)
	return p
}
