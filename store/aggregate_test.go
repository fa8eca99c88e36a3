package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// reads is a report of a device with a gauge and a counter on each of two parts.
func reads(device hw.DeviceID, at time.Time, period time.Duration, gauge float64, count uint64) hw.Report {
	r := hw.Report{Device: device, Kind: "k", Started: at, Period: period, Shortest: period, Read: []hw.Scope{{Section: "s", Extent: hw.Complete}}}
	for i := range 2 {
		path := fmt.Sprintf("fan/%d", i+1)
		r.Components = append(r.Components, hw.Component{Path: path, Section: "s", Health: hw.OK})
		r.Samples = append(r.Samples, hw.Sample{Component: path, Sensor: "speed_rpm", Gauge: gauge + float64(i)},
			hw.Sample{Component: path, Sensor: "turns_total", Type: hw.Counter, Count: count * uint64(i+1), StartMS: 7})
	}
	return r
}

func (m *member) buckets(q store.AggregateQuery) (out []store.Bucket) {
	m.w.t.Helper()
	err := m.Aggregate(context.Background(), q, func(b store.Bucket) error { out = append(out, b); return nil })
	if err != nil {
		m.w.t.Fatal(err)
	}
	return out
}

// near says whether two numbers are the same, but for the last digits.
func near(a, b float64) bool {
	return a == b || (math.IsNaN(a) && math.IsNaN(b)) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

// TestAggregate: plain cases that can be counted by hand.
func TestAggregate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	for n := range 20 { // visits 8 to 11 are missing; at 15 the counter begins anew
		w.now.Store(minute(n).UnixMilli())
		if n >= 8 && n < 12 {
			continue
		}
		r := reads("a", minute(n), time.Minute, float64(n), uint64(60*n))
		if n >= 15 {
			for i := range r.Samples {
				r.Samples[i].StartMS, r.Samples[i].Count = r.Samples[i].StartMS/7*8, 1
			}
		}
		m.put(r)
		if n == 5 {
			m.seal()
		}
	}
	w.now.Store(minute(20).UnixMilli())
	q := store.AggregateQuery{Device: "a", Component: "fan/1", Sensor: "speed_rpm", Step: 5 * time.Minute, From: minute(0), To: minute(20)}
	gauge := m.buckets(q)
	q.Sensor = "*_total"
	counter := m.buckets(q)
	type want struct {
		min, max, mean, last float64
		count                int
		increase, complete   float64
	}
	check := func(got []store.Bucket, wants ...want) {
		t.Helper()
		if len(got) != len(wants) {
			t.Fatalf("%d buckets: %+v", len(got), got)
		}
		for i, b := range got {
			x := wants[i]
			if !near(b.Min, x.min) || !near(b.Max, x.max) || !near(b.Mean, x.mean) || !near(b.Last, x.last) || b.Count != x.count || !near(b.Increase, x.increase) ||
				!near(b.Completeness, x.complete) || b.Start != minute(5*i).UnixMilli() || b.End != minute(5*i+5).UnixMilli() || b.Series != 1 {
				t.Errorf("bucket %d is %+v, want %+v", i, b, x)
			}
		}
	}
	// Nothing was read before minute 0: a reading stands for the minute before it. The last one is a minute old and not late.
	check(gauge, want{0, 4, 2, 4, 5, 0, 1}, want{5, 7, 6, 7, 3, 0, 2. / 5}, want{12, 14, 13, 14, 3, 0, 4. / 5}, want{15, 19, 17, 19, 5, 0, 1})
	// One turn a second; from 7 to 12 too, though nobody looked; between 14 and 15 it is not known.
	check(counter, want{1, 1, 1, 1, 4, 300, 1}, want{1, 1, 1, 1, 3, 300, 2. / 5}, want{1, 1, 1, 1, 3, 240, 4. / 5},
		want{0, 0, 0, 0, 4, 0, 1})
}

// TestAggregateOfTheSilent: a device that fell silent shortly before the time asked for lacks all of it, a part of it that was taken
// out before does not, and one whose next reading is not late yet lacks nothing.
func TestAggregateOfTheSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	for n := range 21 {
		w.now.Store(minute(n).UnixMilli())
		m.put(reads("lives", minute(n), time.Minute, 1, uint64(n)))
		if r := reads("dies", minute(n), time.Minute, 1, uint64(n)); n <= 8 {
			if n > 4 { // fan/2 is taken out
				r.Components, r.Samples = r.Components[:1], r.Samples[:2]
			}
			m.put(r)
		}
	}
	q := store.AggregateQuery{Sensor: "speed_rpm", From: minute(10), To: minute(20), By: store.ByDevice}
	got := m.buckets(q)
	if len(got) != 2 || got[0].Device != "dies" || got[0].Count != 0 || got[0].Completeness != 0 || got[0].Series != 1 || got[1].Completeness != 1 || got[1].Series != 2 {
		t.Errorf("by device: %+v", got)
	}
	q.By = store.BySite
	if got = m.buckets(q); len(got) != 1 || !near(got[0].Completeness, 2./3) || got[0].Series != 3 {
		t.Errorf("of the site: %+v, want two thirds of three series", got)
	}
	w.now.Store(minute(24).UnixMilli())
	m.put(reads("dies", minute(24), time.Minute, 1, 24)) // it lives again: how long it was silent is no period
	q.Device, q.From, q.To = "dies", minute(22), minute(24).Add(time.Second)
	w.now.Store(minute(24).Add(time.Second).UnixMilli())
	if got = m.buckets(q); len(got) != 1 || !near(got[0].Completeness, 2./3) {
		t.Errorf("back since now: %+v, want one of two minutes, and all of the part that is new", got)
	}
	q.Device, q.From, q.To = "lives", minute(20).Add(time.Second), minute(20).Add(time.Minute)
	w.now.Store(minute(20).Add(30 * time.Second).UnixMilli())
	if got = m.buckets(q); len(got) != 0 {
		t.Errorf("before the next reading is due: %+v", got)
	}
}

// TestAggregateOfTheLongSilent: a device that is to be read owes what it gave last, however long it has been silent and also when it
// came back since, from the time on since which it is to be read; one that is not to be read, or gives other things, owes nothing.
func TestAggregateOfTheLongSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	minute := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	for n := range 181 {
		w.now.Store(minute(n).UnixMilli())
		r := reads("lives", minute(n), time.Minute, 1, uint64(n))
		r.Samples[1].Sensor, r.Samples[3].Sensor = "lives_total", "lives_total"
		m.put(r)
		if n < 10 {
			m.put(reads("dies", minute(n), time.Minute, 1, uint64(n)))
			m.put(reads("taken-out", minute(n), time.Minute, 1, uint64(n)))
		} else if n%7 == 0 {
			m.put(hw.Report{Device: "dies", Kind: "k", Started: minute(n), Period: time.Minute, Shortest: time.Minute, Read: []hw.Scope{{Section: "s", Extent: hw.Failed}}})
		}
		if n == 90 || n == 150 {
			m.seal()
		}
	}
	due := func(v store.DeviceView) (d store.Due) {
		if v.ID != "taken-out" {
			d = store.Due{Since: start, Set: start, Periods: []time.Duration{time.Minute, time.Hour}}
		}
		return d
	}
	q := store.AggregateQuery{Sensor: "speed_rpm", From: minute(120), To: minute(180), By: store.BySite, Due: due}
	half := func(what string) {
		t.Helper()
		if got := m.buckets(q); len(got) != 1 || !near(got[0].Completeness, .5) || got[0].Series != 4 {
			t.Errorf("%s: %+v, want half of four series", what, got)
		}
	}
	half("while one of two is silent")
	q.AllSites = true
	half("of all sites")
	q.AllSites, q.By, q.Device, q.Step = false, store.ByDevice, "dies", time.Hour/2
	if got := m.buckets(q); len(got) != 2 || got[0].Count != 0 || got[0].Completeness != 0 || got[0].Series != 2 {
		t.Errorf("of the silent one: %+v", got)
	}
	q.Due = func(v store.DeviceView) store.Due { return store.Due{Since: minute(150)} }
	if got := m.buckets(q); len(got) != 1 || got[0].Start != minute(150).UnixMilli() {
		t.Errorf("to be read since then alone: %+v", got)
	}
	q.Due, q.Sensor = due, "lives_total"
	if got := m.buckets(q); len(got) != 0 {
		t.Errorf("what it never gave: %+v", got)
	}
	w.now.Store(minute(200).UnixMilli())
	m.put(reads("dies", minute(200), time.Minute, 1, 200))
	q = store.AggregateQuery{Sensor: "speed_rpm", From: minute(60), To: minute(120), By: store.BySite, Due: due}
	half("when it is back")
	q.Sensor, q.From, q.To = "turns_total", minute(60), minute(120)
	if got := m.buckets(q); len(got) != 1 || got[0].Completeness != 0 || got[0].Series != 2 {
		t.Errorf("what the living one does not give: %+v", got)
	}
}

// TestAggregateOfManySilent: of more silent devices than are looked at together, each owes what it gave, and none more.
func TestAggregateOfManySilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	const devices = 150
	for n := range devices {
		at := start.Add(time.Duration(n) * 10 * time.Second)
		w.now.Store(at.UnixMilli())
		m.put(reads(hw.DeviceID(fmt.Sprintf("d-%03d", n)), at, time.Minute, 1, uint64(n)))
		if n == devices/2 {
			m.seal()
		}
	}
	w.now.Store(start.Add(3 * time.Hour).UnixMilli())
	q := store.AggregateQuery{Sensor: "speed_rpm", From: start.Add(2 * time.Hour), To: start.Add(3 * time.Hour), By: store.ByNone, AllSites: true,
		Due: func(store.DeviceView) store.Due {
			return store.Due{Since: start, Periods: []time.Duration{time.Minute}}
		}}
	if got := m.buckets(q); len(got) != 1 || got[0].Series != 2*devices || got[0].Count != 0 || got[0].Completeness != 0 {
		t.Errorf("%+v, want %d series that owe all", got, 2*devices)
	}
	q.By, q.Step, q.Limit = store.ByDevice, time.Minute, devices*60-1
	if err := m.Aggregate(t.Context(), q, func(store.Bucket) error { return nil }); !errors.Is(err, store.ErrTooMany) {
		t.Errorf("with more buckets than the limit: %v", err)
	}
}

// TestAggregateConfiguredPeriods: where every second visit fails, the period that was set tells, from when on it was set.
func TestAggregateConfiguredPeriods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	for n := range 41 {
		at := start.Add(time.Duration(n) * 30 * time.Second)
		w.now.Store(at.UnixMilli())
		if n%2 == 0 {
			m.put(reads("a", at, 30*time.Second, 1, uint64(n)))
		}
	}
	set := start.Add(-time.Hour)
	q := store.AggregateQuery{Sensor: "speed_rpm", Component: "fan/1", From: start, To: start.Add(20 * time.Minute),
		Due: func(store.DeviceView) store.Due {
			return store.Due{Since: set, Set: set, Periods: []time.Duration{5 * time.Minute, 30 * time.Second}}
		}}
	if got := m.buckets(q); len(got) != 1 || !near(got[0].Completeness, 0.5) {
		t.Errorf("%+v, want half", got)
	}
	set = start.Add(time.Minute)
	if got := m.buckets(q); len(got) != 1 || !near(got[0].Completeness, 1) {
		t.Errorf("set since: %+v, want what the readings tell", got)
	}
}

// TestKnown: a sensor is known as long as a reading of it is here.
func TestKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	m := w.join(nil)
	m.put(reads("a", start, time.Minute, 1, 1))
	m.seal()
	m.put(reads("b", start, time.Minute, 1, 1))
	for q, want := range map[[3]string]bool{
		{"a", "fan/1", "speed_rpm"}: true, {"b", "fan/*", "*_total"}: true, {"", "", "speed_rpm"}: true, {"", "fan/2", ""}: true,
		{"a", "fan/3", "speed_rpm"}: false, {"b", "fan/1", "spead_rpm"}: false, {"", "", "x*"}: false, {"c", "", "speed_rpm"}: false,
	} {
		got, err := m.Known(t.Context(), store.AggregateQuery{Device: hw.DeviceID(q[0]), Component: q[1], Sensor: q[2], AllSites: q[0] == ""})
		if err != nil || got != want {
			t.Errorf("%v: %t %v, want %t", q, got, err, want)
		}
	}
}

// TestAggregateGroups: what is put together.
func TestAggregateGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	hq, boxes := w.sitesAndHQ(2)
	for n := range 30 {
		for i, b := range boxes {
			for d := range 2 {
				r := reads(hw.DeviceID(fmt.Sprintf("d%d", d)), b.o.Now(), time.Minute, float64(100*i+10*d), uint64(n))
				if n < 10 && d == 1 { // the part comes later
					r.Components, r.Samples = r.Components[:1], r.Samples[:2]
				}
				if i == 1 {
					r.Samples[0] = hw.Sample{Component: "fan/1", Sensor: "speed_rpm", Absent: hw.NotSupported}
				}
				b.put(r)
			}
		}
		w.pass(time.Minute)
	}
	for _, b := range boxes {
		b.up(hq)
	}
	q := store.AggregateQuery{AllSites: true, Sensor: "speed_rpm", From: start, To: start.Add(25 * time.Minute)}
	for _, c := range []struct {
		by    store.Grouping
		count []int
	}{
		{store.ByNone, []int{4*25 - 10 + 2*25 - 10 - 0}},
		{store.BySite, []int{90, 40}},
		{store.ByDevice, []int{50, 40, 25, 15}},
		{store.ByComponent, []int{25, 25, 25, 15, 25, 15}},
	} {
		q.By = c.by
		got := hq.buckets(q)
		if len(got) != len(c.count) {
			t.Fatalf("by %d: %+v", c.by, got)
		}
		for i, b := range got {
			if b.Count != c.count[i] || b.Completeness != 1 {
				t.Errorf("by %d, group %d: %+v, want %d readings, all there", c.by, i, b, c.count[i])
			}
		}
	}
	q.By, q.Limit = store.ByComponent, 5
	if err := hq.Aggregate(t.Context(), q, func(store.Bucket) error { return nil }); !errors.Is(err, store.ErrTooMany) {
		t.Errorf("six buckets of five: %v", err)
	}
	q.From, q.To = q.To, q.From
	if err := hq.Aggregate(t.Context(), q, func(store.Bucket) error { return nil }); !errors.Is(err, store.ErrRange) {
		t.Errorf("a time backwards: %v", err)
	}
}

// TestAggregateOracle: whatever stands in twins or tails, and however little is read at once, the sums are those of the
// readings that Series gives.
func TestAggregateOracle(t *testing.T) {
	seeds(t, 4, func(w *world) {
		hq := w.joinHQ(nil)
		boxes := []*member{w.join(nil), w.join(nil)} // of one site
		count := uint64(0)
		for range 60 {
			b := boxes[w.r.IntN(2)]
			b.mode.Store(uint32(journal.Leader))
			if b == boxes[1] {
				b.mode.Store(uint32(journal.Island))
			}
			for range 1 + w.r.IntN(9) {
				count += uint64(w.r.IntN(1000))
				r := reads(hw.DeviceID(fmt.Sprintf("d%d", w.r.IntN(3))), b.o.Now(), time.Minute, float64(w.r.IntN(1000)), count)
				if w.r.IntN(9) == 0 {
					r.Samples[w.r.IntN(4)].Absent = hw.NoAnswer
				}
				b.put(r)
				w.pass(time.Duration(20+w.r.IntN(60)) * time.Second)
			}
			if w.r.IntN(3) == 0 {
				b.up(hq)
			}
			if w.r.IntN(12) == 0 {
				hq.seal()
			}
		}
		for _, b := range boxes {
			b.up(hq)
		}
		for range 6 {
			from := start.Add(time.Duration(w.r.IntN(100)) * time.Minute)
			q := store.AggregateQuery{Site: testSite, Device: hw.DeviceID(fmt.Sprintf("d%d", w.r.IntN(3))), Component: "fan/2", Sensor: "speed_rpm",
				From: from, To: from.Add(time.Duration(1+w.r.IntN(200)) * time.Minute), Step: time.Duration(w.r.IntN(20)) * time.Minute}
			if w.r.IntN(2) == 0 {
				q.Sensor = "turns_*"
			}
			compareWithSeries(w, hq, q)
		}
	})
}

func compareWithSeries(w *world, m *member, q store.AggregateQuery) {
	w.t.Helper()
	var points []store.Point
	margin := 15 * time.Minute
	sensor := map[string]string{"speed_rpm": "speed_rpm", "turns_*": "turns_total"}[q.Sensor]
	all := store.SeriesQuery{Site: q.Site, Device: q.Device, Component: q.Component, Sensor: sensor, From: q.From.Add(-margin), To: q.To.Add(margin)}
	err := m.Series(context.Background(), all, func(p store.Point) error { points = append(points, p); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	for _, readings := range []int{1_000_000, 40 + rand.IntN(100)} {
		var count int
		var increase float64
		complete := true
		err := m.AggregateIn(context.Background(), q, readings, func(b store.Bucket) error {
			count += b.Count
			increase += b.Increase
			complete = complete && (math.IsNaN(b.Completeness) || (b.Completeness >= 0 && b.Completeness <= 1))
			return nil
		})
		if errors.Is(err, store.ErrTooMany) && readings < 1_000_000 {
			continue // they lie too close together to be taken apart
		}
		if err != nil {
			w.t.Fatal(err)
		}
		wantCount, wantIncrease := sumOf(points, q)
		if readings < 1_000_000 { // whose word counts is judged by less
			if math.Abs(float64(count-wantCount)) > 0.1*float64(wantCount)+3 {
				w.t.Fatalf("%+v gives %d readings, want about %d", q, count, wantCount)
			}
			continue
		}
		if count != wantCount || !near(increase, wantIncrease) || !complete {
			w.t.Fatalf("%+v gives %d readings and %v more, complete %v, want %d and %v", q, count, increase, complete, wantCount, wantIncrease)
		}
	}
}

// sumOf counts what an aggregate of points has to count.
func sumOf(points []store.Point, q store.AggregateQuery) (count int, increase float64) {
	from, to := q.From.UnixMilli(), q.To.UnixMilli()
	var last *store.Point
	for i := range points {
		p := &points[i]
		if p.Absent != "" {
			continue
		}
		inside := p.At >= from && p.At < to
		switch {
		case p.Type != hw.Counter && inside:
			count++
		case p.Type == hw.Counter && last != nil && last.Origin == p.Origin && last.StartMS == p.StartMS && p.Count >= last.Count && p.At > last.At:
			if inside {
				count++
			}
			if part := min(p.At, to) - max(last.At, from); part > 0 {
				increase += float64(p.Count-last.Count) * float64(part) / float64(p.At-last.At)
			}
		}
		last = p
	}
	return count, increase
}
