package store_test

import (
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

func (m *member) as(mode journal.Mode) { m.mode.Store(uint32(mode)) }

// port puts a visit of sw-1 that finds its third port in the given health.
func (m *member) port(h hw.Health) {
	m.w.t.Helper()
	m.w.visit++
	r := visit("sw-1", m.o.Now(), m.w.visit)
	r.Components[2].Health = h
	m.put(r)
	m.w.put["sw-1"] = append(m.w.put["sw-1"], m.w.visit)
}

// leaderAndIsland returns a leader that found the port well and an island that knows of it.
func (w *world) leaderAndIsland() (leader, island *member, pair [2]*member) {
	w.t.Helper()
	leader, island = w.join(nil), w.join(nil)
	pair = [2]*member{leader, island}
	leader.as(journal.Leader)
	island.as(journal.Island)
	leader.port(hw.OK)
	w.settle(pair)
	return leader, island, pair
}

func (w *world) wantPort(want hw.Health, members ...*member) {
	w.t.Helper()
	for i, m := range members {
		if got := m.healths("sw-1")["port/Gi1/0/3"]; got != want {
			w.t.Fatalf("box %d shows the port %v, want %v", i, got, want)
		}
	}
}

// TestIslandYields: while a leader visited a device within three periods, its word stands
// against an island's later one; then the island's does; a leader's next visit settles it.
func TestIslandYields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a, b, pair := w.leaderAndIsland()
	w.pass(30 * time.Second)
	b.port(hw.Critical) // seen over a link of its own
	w.settle(pair)
	w.wantPort(hw.OK, a, b)
	w.pass(30 * time.Second)
	a.port(hw.OK)
	w.settle(pair)
	w.wantPort(hw.OK, a, b)

	// The leader is heard of no more, the island goes on: after three periods its word counts.
	for range 4 {
		w.pass(time.Minute)
		b.port(hw.Critical)
	}
	w.settle(pair)
	w.wantPort(hw.Critical, a, b)

	// The leader is back and finds what it had found before.
	w.pass(time.Minute)
	a.port(hw.OK)
	w.settle(pair)
	w.wantPort(hw.OK, a, b)
	w.same(a, b)
	a.reopen()
	b.reopen()
	w.wantPort(hw.OK, a, b)
}

// TestLeaderConfirmsIsland: what an island wrote and the leader then finds to be so stays
// so, though the leader's own last word, long before, was another.
func TestLeaderConfirmsIsland(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"running": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			a, b, pair := w.leaderAndIsland()
			for range 5 {
				w.pass(time.Minute)
				b.port(hw.Critical)
			}
			w.settle(pair)
			w.wantPort(hw.Critical, a, b)
			if restart {
				a.reopen()
			}
			for range 6 {
				w.pass(time.Minute)
				a.port(hw.Critical)
				w.settle(pair)
				w.wantPort(hw.Critical, a, b)
			}
			facts, err := a.Facts(t.Context(), store.FactQuery{Device: "sw-1"})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(slices.DeleteFunc(facts, func(f store.FactRecord) bool { return f.Component != "port/Gi1/0/3" || f.Kind != hw.ComponentFact })); n != 3 {
				t.Fatalf("%d facts on the port, want its first state, the island's, and the leader's own word on it", n)
			}
			w.same(a, b)
		})
	}
}

// TestLeaderConfirmsRemoval: a part that an island found gone, and the leader too, does not
// come back.
func TestLeaderConfirmsRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b, pair := w.leaderAndIsland()
	fewer := func(m *member) {
		w.visit++
		r := visit("sw-1", m.o.Now(), w.visit)
		r.Components = slices.Delete(r.Components, 2, 3)
		m.put(r)
		w.pass(time.Minute)
	}
	w.pass(time.Minute)
	for range 5 {
		fewer(b)
	}
	w.settle(pair)
	for range 3 {
		fewer(a)
		w.settle(pair)
		for _, m := range pair {
			if _, there := m.healths("sw-1")["port/Gi1/0/3"]; there {
				t.Fatal("a port that both found gone is shown")
			}
		}
	}
}

// TestModesInTurn: whatever modes two boxes have been through, what the box with authority
// found last is shown by both as soon as both know it.
func TestModesInTurn(t *testing.T) {
	seeds(t, 12, func(w *world) {
		a, b := w.join(nil), w.join(nil)
		pair := [2]*member{a, b}
		var ruler *member
		for range 12 {
			lead := w.r.IntN(2)
			pair[lead].as([]journal.Mode{journal.Leader, journal.Solo}[w.r.IntN(2)])
			pair[1-lead].as(journal.Island)
			ruler = pair[lead]
			for range w.r.IntN(4) { // apart
				pair[w.r.IntN(2)].port(hw.Health(w.r.IntN(3)))
				w.pass(time.Duration(w.r.IntN(5)) * time.Minute)
				if w.r.IntN(8) == 0 {
					pair[w.r.IntN(2)].reopen()
				}
			}
			w.settle(pair) // healed: the leader visits
			found := hw.Health(w.r.IntN(3))
			ruler.port(found)
			w.settle(pair)
			w.wantPort(found, a, b)
			w.pass(time.Duration(w.r.IntN(90)) * time.Second)
		}
		w.same(a, b)
	})
}

// TestIslandSeries: where a leader's readings are, an island's are left out; they fill only
// holes wider than one and a half periods. What a segment's twin gives is the same.
func TestIslandSeries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	a, b := w.join(nil), w.join(nil)
	a.as(journal.Leader)
	b.as(journal.Island)
	var want []int64
	for minute := range 60 {
		hole := minute >= 20 && minute < 30
		if !hole {
			want = append(want, a.o.Now().UnixMilli())
			a.plain("sw-1")
		}
		if minute%10 == 5 && !hole { // at the very time of the leader's
			b.plain("sw-1")
		}
		w.pass(30 * time.Second)
		if minute >= 10 && minute < 40 {
			b.plain("sw-1")
			if minute >= 19 && minute < 30 {
				want = append(want, b.o.Now().UnixMilli())
			}
		}
		w.pass(30 * time.Second)
	}
	w.settle([2]*member{a, b})
	check := func() {
		t.Helper()
		for i, m := range []*member{a, b} {
			var got []int64
			points(t, m.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total"}, func(p store.Point) { got = append(got, p.At) })
			if !slices.Equal(got, want) {
				t.Fatalf("box %d gives %d points %v, want %d %v", i, len(got), got, len(want), want)
			}
		}
	}
	check()
	a.seal()
	check()
	b.seal()
	check()
}

// TestIslandSeriesAtTheSameTime: at the time of a leader's reading an island's is left out,
// even behind a hole.
func TestIslandSeriesAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	a, b := w.join(nil), w.join(nil)
	a.as(journal.Leader)
	b.as(journal.Island)
	for range 4 {
		a.plain("sw-1")
		b.plain("sw-1")
		w.pass(time.Minute)
	}
	w.pass(10 * time.Minute)
	a.plain("sw-1")
	b.plain("sw-1")
	w.settle([2]*member{a, b})
	points(t, a.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total"}, func(p store.Point) {
		if p.Mode == journal.Island {
			t.Fatalf("an island's reading at %d is shown beside the leader's", p.At)
		}
	})
}

// TestIslandSeriesOfAnyTime: which of an island's readings count in a hole does not depend on how much before it is asked for, once that is
// enough to tell that it is one; so it is of the hole before the first reading of a leader.
func TestIslandSeriesOfAnyTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 7)
	a, b := w.join(nil), w.join(nil)
	a.as(journal.Leader)
	b.as(journal.Island)
	var leads, islands []int64
	for tick := range 16 * 60 {
		minute := tick / 60
		if leading := minute >= 4 && minute < 8 || minute >= 12; leading && tick%60 == 0 {
			leads = append(leads, a.o.Now().UnixMilli())
			a.plain("sw-1")
		} else if tick%60 == 59 && minute < 12 { // a second before the leader is due
			islands = append(islands, b.o.Now().UnixMilli())
			b.plain("sw-1")
		}
		w.pass(time.Second)
	}
	w.settle([2]*member{a, b})
	const width = 90_000
	first, last := leads[0], leads[4] // behind the hole
	for back := range 30 {
		from := last - int64(back+1)*30_000
		var got, want []int64
		for _, at := range islands {
			in := at >= from && (at < first && first-from > width || at > leads[3] && at < last && last-max(leads[3], from) > width)
			if in {
				want = append(want, at)
			}
		}
		points(t, a.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total", From: time.UnixMilli(from)}, func(p store.Point) {
			if p.Mode == journal.Island {
				got = append(got, p.At)
			}
		})
		if !slices.Equal(got, want) {
			t.Errorf("asked for %d s before the leader's return: %v, want %v", (last-from)/1000, got, want)
		}
		if back == 29 && len(want) < 8 {
			t.Errorf("only %d readings of the island count in the end: the test shows nothing", len(want))
		}
	}
}

// TestIslandAlone: without any reading of a leader's all of an island's are shown.
func TestIslandAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	b := w.join(nil)
	b.as(journal.Island)
	for range 5 {
		b.plain("sw-1")
		w.pass(time.Minute)
	}
	n := 0
	points(t, b.box, store.SeriesQuery{Device: "sw-1", Component: "port/Gi1/0/2", Sensor: "rx_bytes_total"}, func(store.Point) { n++ })
	if n != 5 {
		t.Fatalf("%d points of 5", n)
	}
}
