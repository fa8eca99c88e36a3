package remotewrite_test

import (
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/remotewrite"
)

// beside is a world in which an island and a box with authority visit.
type beside struct {
	*world
	r *receiver
}

func newBeside(t *testing.T) *beside {
	return &beside{newWorld(t), newReceiver(t, nil)}
}

func (b *beside) config() remotewrite.Config {
	c := b.world.config(b.r)
	c.Counted, c.Islands = b, b
	c.WaitForAuthority(5 * time.Minute)
	return c
}

// reads has a box visit as an island or with authority. What is not to count is not awaited at the receiver.
func (b *beside) reads(m journal.Mode, origin byte, at time.Time, v float64, counts bool) {
	b.t.Helper()
	b.mode, b.origin = m, journal.ID{origin}
	before := len(b.want)
	b.visit("sw-1", at, one("cpu/1", "busy_percent", v))
	if !counts {
		b.mu.Lock()
		for k := range b.want {
			if k.atMS == at.UnixMilli() && len(b.want) > before {
				delete(b.want, k)
			}
		}
		b.mu.Unlock()
	}
}

// judges makes the readings of an island count where the box with authority has none at that time.
func (b *beside) judges(covered ...time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counted = func(_, _ string, at time.Time) bool {
		for _, x := range covered {
			if x.Equal(at) {
				return false
			}
		}
		return true
	}
}

func (b *beside) count() int {
	got, _ := b.r.got()
	return len(got)
}

// TestIslandWaits: what an island read comes before what the box with authority read at that time; only what counts is written, whenever
// the process ends meanwhile.
func TestIslandWaits(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	b.judges()
	s := b.run(b.config())
	first, second := recent(50*time.Second), recent(40*time.Second)
	b.reads(journal.Island, 2, first, 1, false)
	b.reads(journal.Island, 2, second, 2, true)
	await(t, "both were read", func() bool { return s.Status().Waiting == 2 })
	s.stop()
	b.awaits = true
	s = b.run(b.config())
	b.reads(journal.Leader, 1, recent(30*time.Second), 3, true)
	await(t, "what is new is there", func() bool { return b.count() == 1 })
	b.judges(first)
	b.reads(journal.Leader, 1, first, 4, true)
	await(t, "what the box with authority read is there", func() bool { return b.count() == 2 })
	if n := s.Status().Waiting; n != 2 {
		t.Errorf("%d batches wait while something is awaited; want 2", n)
	}
	b.reads(journal.Leader, 1, time.Now().Add(40*time.Second).Truncate(time.Millisecond), 5, true) // how late what waits is, a start does not know
	b.mu.Lock()
	b.awaits = false
	b.mu.Unlock()
	b.all(b.r)
	await(t, "nothing waits", func() bool { return s.Status().Waiting == 0 })
	s.stop()
	s = b.run(b.config())
	b.reads(journal.Leader, 1, recent(5*time.Second), 6, true)
	b.all(b.r)
	s.stop()
}

// TestIslandWaitsForFirstVisits: the first that a box with authority tells may be of one device or of half a one. What it reads next
// changes which readings of islands count.
func TestIslandWaitsForFirstVisits(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	first := recent(50 * time.Second)
	b.judges()
	s := b.run(b.config()) // waits 5 min, an eighth of it for the first visits
	b.reads(journal.Island, 2, first, 1, false)
	b.reads(journal.Leader, 1, first.Add(time.Second), 2, true)
	b.reads(journal.Leader, 1, first.Add(30*time.Second), 3, true)
	await(t, "what has authority is there", func() bool { return b.count() == 2 })
	b.reads(journal.Island, 3, first.Add(2*time.Second), 4, false)
	await(t, "both islands' wait", func() bool { return s.Status().Waiting == 2 })
	b.judges(first, first.Add(2*time.Second))
	b.reads(journal.Leader, 1, first.Add(45*time.Second), 5, true)
	await(t, "nothing waits", func() bool { return s.Status().Waiting == 0 })
	b.all(b.r)
	s.stop()
}

// TestIslandAlone: when nobody with authority is heard for long the readings of an island are written, and those that come then at once;
// another site is not held up meanwhile.
func TestIslandAlone(t *testing.T) {
	t.Parallel()
	b := newBeside(t)
	b.judges()
	c := b.config()
	c.WaitForAuthority(3 * time.Second)
	s := b.run(c)
	b.reads(journal.Island, 2, time.Now().Truncate(time.Millisecond), 1, true)
	await(t, "it waits", func() bool { return s.Status().Waiting == 1 })
	siteB := journal.ID{0xb}
	b.places[siteB] = remotewrite.Place{Site: "BER-1"}
	b.mode, b.origin = journal.Leader, journal.ID{3}
	b.report(siteB, hw.Report{Device: "sw-9", Started: recent(time.Second), Period: time.Minute, Read: []hw.Scope{{Section: "fast", Extent: hw.Complete}}, Samples: []hw.Sample{one("cpu/1", "busy_percent", 9)}})
	await(t, "another site is not held up", func() bool { return b.count() == 1 && s.Status().Waiting == 1 })
	b.all(b.r)
	b.reads(journal.Island, 2, time.Now().Truncate(time.Millisecond), 2, true)
	b.all(b.r)
	if s.Status().Waiting > 0 {
		t.Error("a box that is alone waits for another")
	}
	s.stop()
}
