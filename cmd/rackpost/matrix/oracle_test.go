package matrix_test

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

// The switch numbers its readings in this sensor of this component.
const (
	numberedSensor = "rx_unicast_packets_total"
	numberedPort   = "port/Gi1/0/1"
)

var siteID = journal.ID{6: 0x40, 8: 0x80, 15: 4}

// reading is what one visit of the switch read.
type reading struct {
	visit
	number uint64 // 0: the numbered sensor was not read
	good   bool
}

// verdict is what the journals have in the end.
type verdict struct {
	told, visits, gaps int
	longest            time.Duration // without a good visit
}

// check is the oracle: it stops all members, joins what both journals hold, and fails unless everything that was durable
// is there once, nothing was read twice, and no time is without a visit or a gap.
func (p *pair) check() verdict {
	p.t.Helper()
	heal := time.Now()
	p.until("what was told before is at both boxes", func() bool { return time.Since(heal) > 2*time.Second && p.isWhole() && p.hq.has(heal) })
	for _, name := range []string{boxB, third, boxA} {
		p.member(name).stop()
	}
	names := maps.Clone(p.lost)
	for _, name := range []string{boxA, boxB} {
		_, origin, err := store.Identity(p.member(name).data())
		if err != nil {
			p.t.Fatal(err)
		}
		names[origin] = name
		var said bytes.Buffer
		if audit, err := store.Verify(p.t.Context(), p.member(name).data(), &said); err != nil || len(audit.Faults) > 0 {
			p.t.Errorf("the journal of %s: %v\n%s", name, err, &said)
		}
	}
	a, b := p.open(boxA), p.open(boxB)
	defer a.Close()
	defer b.Close()
	for _, s := range []*store.Store{a, b} { // each has what was told before the pair was whole
		p.checkTold(p.readings(s, names), heal, p.excused)
	}
	p.merge(a, b)
	readings := p.readings(a, names)
	v := verdict{visits: len(readings)}
	v.told = p.checkTold(readings, time.Now(), p.excused)
	p.checkNumbers(readings)
	v.gaps, v.longest = p.checkTimes(a, readings)
	if p.hq != nil {
		p.hq.check(a, names, heal)
	}
	p.t.Logf("%d visits told durable, %d in the journals, %d gaps; the longest time without a good visit %v", v.told, v.visits, v.gaps, v.longest)
	return v
}

func (p *pair) open(name string) *store.Store {
	p.t.Helper()
	s, err := store.Open(p.t.Context(), store.Options{Dir: p.member(name).data(), Site: siteID, Ballast: -1, MinFree: 1})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// merge gives a what b holds.
func (p *pair) merge(a, b *store.Store) {
	p.t.Helper()
	for {
		lacking, err := b.Lacking(p.t.Context(), a.Held(), 8<<20)
		if err == nil && len(lacking) > 0 {
			err = a.Merge(p.t.Context(), lacking)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if len(lacking) == 0 {
			break
		}
	}
	if n := a.Conflicts() + b.Conflicts(); n > 0 {
		p.t.Errorf("%d records came with other content than the one that was held", n)
	}
}

// readings returns the visits since the pair began, in order of time.
func (p *pair) readings(s *store.Store, names map[journal.ID]string) (list []reading) {
	p.t.Helper()
	var pack journal.Compressor
	for at := (store.Position{}); ; {
		batches, next, err := s.Since(p.t.Context(), at, 1000)
		if err != nil {
			p.t.Fatal(err)
		}
		if at = next; len(batches) == 0 {
			break
		}
		for i := range batches {
			found, err := visitsOf(&pack, &batches[i])
			if err != nil {
				p.t.Fatalf("batch %s: %v", batches[i].Key, err)
			}
			for _, r := range found {
				r.box = names[batches[i].Origin]
				if r.at >= p.began.UnixMilli() && batches[i].Site == siteID {
					list = append(list, r)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b reading) int { return cmp.Compare(a.at, b.at) })
	return list
}

// visitsOf reads the visits of a batch.
func visitsOf(pack *journal.Compressor, b *journal.Batch) (list []reading, err error) {
	body, err := pack.Body(b)
	if err != nil {
		return nil, err
	}
	err = journal.Records(body, func(r journal.Record) error {
		if r.Type != journal.TypeVisit {
			return nil
		}
		v, err := journal.ParseVisit(r.Payload, b.WallMS)
		if err != nil {
			return err
		}
		found := reading{visit: visit{device: string(v.Device), at: v.Started.UnixMilli()}, good: v.Good()}
		if v.Layout < len(b.Uses) {
			found.number, err = numberOf(pack, b, &v)
		}
		list = append(list, found)
		return err
	})
	return list, err
}

// numberOf returns the number of a reading, 0 when it has none.
func numberOf(pack *journal.Compressor, b *journal.Batch, v *journal.Visit) (uint64, error) {
	i := slices.IndexFunc(b.Layouts, func(l journal.Layout) bool { return l.ID == b.Uses[v.Layout] })
	if i < 0 {
		return 0, nil
	}
	entries, err := pack.Entries(b.Layouts[i])
	if err != nil {
		return 0, err
	}
	samples, err := v.Samples(nil, entries)
	for _, s := range samples {
		if s.Component == numberedPort && s.Sensor == numberedSensor && s.Absent == "" {
			return s.Count, err
		}
	}
	return 0, err
}

// checkTold fails unless each visit that was told durable before a time is there once.
func (p *pair) checkTold(readings []reading, before time.Time, excused map[visit]bool) (count int) {
	p.t.Helper()
	there := map[visit]int{}
	for _, r := range readings {
		there[r.visit]++
	}
	for _, name := range []string{boxA, boxB} {
		for _, v := range p.member(name).durable() {
			if v.when.After(before) {
				continue
			}
			if count++; there[v.visit] != 1 && !excused[v.visit] {
				p.t.Errorf("the visit of %s by %s at %s was durable, and is there %d times", v.device, v.box, stamp(v.at), there[v.visit])
			}
		}
	}
	return count
}

// checkNumbers fails when one reading is in two visits.
func (p *pair) checkNumbers(readings []reading) {
	p.t.Helper()
	seen := map[uint64]reading{}
	for _, r := range readings {
		if r.device != "core" || r.number == 0 {
			continue
		}
		if before, twice := seen[r.number]; twice {
			p.t.Errorf("reading %d is in the visit of %s at %s and in that of %s at %s", r.number, before.box, stamp(before.at), r.box, stamp(r.at))
		}
		seen[r.number] = r
	}
	if len(seen) == 0 {
		p.t.Error("nothing was read: the row shows nothing")
	}
}

// always is a section that is due at every visit of the switch: one that was cut short after it had read a little tells of each section
// that it did not read.
const always = "health"

// untold is the longest that may go by without a visit or a gap: one and a half periods.
const untold = period * 3 / 2

// checkTimes fails when, between two good visits of the switch, more than that went by and no gap tells so.
func (p *pair) checkTimes(s *store.Store, readings []reading) (gaps int, longest time.Duration) {
	p.t.Helper()
	facts, err := s.Facts(p.t.Context(), store.FactQuery{Site: siteID, Device: "core", From: p.began, Limit: 1_000_000})
	if err != nil {
		p.t.Fatal(err)
	}
	var told []hw.GapValue
	for _, f := range facts {
		if g, ok := f.Value.(hw.GapValue); ok && !f.Removed && (strings.HasPrefix(f.Group, hw.VisitGap) || f.Group == always) {
			told = append(told, g)
		}
	}
	var last reading
	for _, r := range readings {
		if r.device != "core" || !r.good {
			continue
		}
		if silence := r.at - last.at; last.at != 0 && silence > untold.Milliseconds() {
			longest = max(longest, time.Duration(silence)*time.Millisecond)
			if !covered(told, last.at, r.at) {
				p.t.Errorf("no visit and no gap from %s by %s to %s by %s; gaps: %v", stamp(last.at), last.box, stamp(r.at), r.box, told)
			}
		}
		last = r
	}
	return len(told), longest
}

// covered says whether gaps tell that nothing was read between two times. A visit takes a moment, so a gap may begin with
// the failed visit after the good one.
func covered(gaps []hw.GapValue, from, to int64) bool {
	at := from
	for range gaps {
		for _, g := range gaps {
			begin, end := g.From.UnixMilli(), g.To.UnixMilli()
			if g.To.IsZero() {
				end = to
			}
			if begin <= at+untold.Milliseconds() && end > at {
				at = end
			}
		}
	}
	return at+untold.Milliseconds() >= to
}

func stamp(ms int64) string { return time.UnixMilli(ms).Format("15:04:05.000") }
