package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
	"rackpost/store/crashtest"
)

// The devices of a killed box number their readings: the sensor is the same in all of them.
const numberedSensor = "rx_unicast_packets_total"

// hastyMain is the appliance with a store that flushes every report by itself and seals a
// segment each second or so: what takes the usual one hours to come by.
func hastyMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt := store.Options{FlushAge: time.Millisecond, SegmentBytes: 192 << 10, Ballast: -1, MinFree: 1}
	if err := runStoring(ctx, terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[2:], opt); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
}

// TestKill kills the appliance with SIGKILL again and again while it starts, visits, flushes
// and seals, stops it in order now and then, and wants everything back that it ever showed.
// Each folder bears fifteen kills.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"rackpost", "hasty"} {
		for folder := range crashtest.Rounds(1, 34) {
			t.Run(fmt.Sprintf("%s/%d", program, folder+1), func(t *testing.T) {
				t.Parallel()
				b := newBox(t, program)
				for n := range 15 {
					b.live(syscall.SIGKILL)
					if n%2 == 1 {
						b.verify() // the other times the next start finds what the kill left
					}
					if n%7 == 6 {
						b.live(syscall.SIGTERM)
					}
				}
				b.finish()
			})
		}
	}
}

// TestStop stops the appliance by SIGTERM amid its writes: it ends in time, keeps what it
// showed, and its next start knows that nothing was lost.
func TestStop(t *testing.T) {
	t.Parallel()
	b := newBox(t, "rackpost")
	for range crashtest.Rounds(4, 40) {
		b.live(syscall.SIGTERM)
	}
	b.finish()
}

// finish lets the box visit every device once more, stops it, and compares what it keeps
// with what it showed and how it lived.
func (b *box) finish() {
	b.t.Helper()
	b.last = true
	b.live(syscall.SIGTERM)
	out, err := b.command("rackpost", "journal", "verify", b.data()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), ": sound\n") {
		b.t.Errorf("journal verify: %v\n%s", err, out)
	}
	s, err := store.Open(b.t.Context(), store.Options{Dir: b.data(), Site: b.site, Ballast: -1, MinFree: 1})
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	terms := b.terms(s)
	shown, kept, gaps := 0, 0, 0
	for _, d := range b.rack.Devices() {
		id := hw.DeviceID(d.Name)
		readings := b.kept(s, id)
		b.checkNumbers(id, terms, readings)
		shown, kept, gaps = shown+len(b.seen[id]), kept+len(readings), gaps+b.checkGaps(s, id, terms)
	}
	halfway := 0
	for _, l := range b.lives {
		if l.halfway {
			halfway++
		}
	}
	b.t.Logf("%d starts, %d of which wrote and %d ended amid a seal; %d readings shown, %d kept; %d gaps", len(b.lives), len(terms), halfway, shown, kept, gaps)
}

// kept returns the readings that the store has of a device, and fails unless their numbers
// grow from one to the next and all that were shown are among them.
func (b *box) kept(s *store.Store, id hw.DeviceID) map[int64]uint64 {
	b.t.Helper()
	readings, last := map[int64]uint64{}, uint64(0)
	missing := len(b.seen[id])
	q := store.SeriesQuery{Device: id, Component: b.component(id), Sensor: numberedSensor}
	err := s.Series(b.t.Context(), q, func(p store.Point) error {
		if p.Absent == hw.Cancelled {
			return nil // SIGTERM cut the visit short
		}
		if p.Absent != "" || p.Count <= last {
			b.t.Errorf("%s: reading %d (absent %q) follows reading %d", id, p.Count, p.Absent, last)
		}
		if at, ok := b.seen[id][p.Count]; ok && at == p.At {
			missing--
		}
		last = p.Count
		readings[p.At] = p.Count
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if given := b.rack.Device(string(id)).Readings().Given; missing > 0 || last > given {
		b.t.Errorf("%s: of %d readings shown %d are lost; %d were given, the last kept is %d", id, len(b.seen[id]), missing, given, last)
	}
	return readings
}

// term is what one incarnation wrote.
type term struct {
	id     journal.Incarnation
	begin  journal.Begin
	at     time.Time // the begin was written
	life   int       // index of the start that wrote it
	visits map[hw.DeviceID][]time.Time
}

// terms reads the incarnations out of the journal and fails unless there is one, begun
// once, for each start that wrote.
func (b *box) terms(s *store.Store) []term {
	b.t.Helper()
	var terms []term
	for p := (store.Position{}); ; {
		batches, next, err := s.Since(b.t.Context(), p, 1000)
		if err != nil {
			b.t.Fatal(err)
		}
		if p = next; len(batches) == 0 {
			break
		}
		for i := range batches {
			b.addBatch(&terms, &batches[i])
		}
	}
	before := term{life: -1}
	for i := range terms {
		x := &terms[i]
		x.life = slices.IndexFunc(b.lives, func(l life) bool { return !x.at.Before(l.from) && !x.at.After(l.to) })
		if x.life <= before.life || x.begin.Previous != before.id {
			b.t.Fatalf("incarnation %s of start %d says it follows %s, and stands after %s of start %d", x.id, x.life, x.begin.Previous, before.id, before.life)
		}
		if clean := before.id != 0 && b.lives[before.life].stopped; x.begin.Clean != clean {
			b.t.Errorf("incarnation %s says that the one before it ended in order: %v, want %v", x.id, x.begin.Clean, clean)
		}
		before = *x
	}
	for i, l := range b.lives {
		wrote := slices.ContainsFunc(terms, func(x term) bool { return x.life == i })
		if l.showed && !wrote {
			b.t.Errorf("start %d showed readings of its own and began no incarnation", i)
		}
	}
	return terms
}

// addBatch adds what terms need of a batch.
func (b *box) addBatch(terms *[]term, batch *journal.Batch) {
	b.t.Helper()
	var pack journal.Compressor
	body, err := pack.Body(batch)
	if err != nil {
		b.t.Fatal(err)
	}
	if n := len(*terms); n == 0 || (*terms)[n-1].id != batch.Incarnation {
		*terms = append(*terms, term{id: batch.Incarnation, visits: map[hw.DeviceID][]time.Time{}})
	}
	x := &(*terms)[len(*terms)-1]
	err = journal.Records(body, func(r journal.Record) (err error) {
		first := batch.Stream == journal.Facts && batch.Seq == 1 && r.Index == 0
		switch {
		case first != (r.Type == journal.TypeBegin) || x.at.IsZero() != first:
			return fmt.Errorf("record %d of batch %s has type %d; an incarnation is begun once and first", r.Index, batch.Key, r.Type)
		case first:
			x.at = time.UnixMilli(batch.WallMS)
			x.begin, err = journal.ParseBegin(r.Payload)
		case r.Type == journal.TypeVisit:
			var v journal.Visit
			v, err = journal.ParseVisit(r.Payload, batch.WallMS)
			x.visits[v.Device] = append(x.visits[v.Device], v.Started)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// checkNumbers fails when a reading is missing between two of one incarnation: only its end
// may take some with it.
func (b *box) checkNumbers(id hw.DeviceID, terms []term, readings map[int64]uint64) {
	b.t.Helper()
	found := 0
	for _, x := range terms {
		last := uint64(0)
		for _, at := range x.visits[id] {
			n, ok := readings[at.UnixMilli()]
			if !ok {
				continue // it did not read the ports
			}
			if found++; last != 0 && n > last+b.steps[id] {
				b.t.Errorf("%s: in incarnation %s reading %d follows reading %d", id, x.id, n, last)
			}
			last = n
		}
	}
	if found != len(readings) {
		b.t.Errorf("%s: %d readings belong to a visit, %d are there", id, found, len(readings))
	}
}

// checkGaps fails unless the device has exactly one gap for each crash between two of its
// visits, from the one to the other, and returns how many that are.
func (b *box) checkGaps(s *store.Store, id hw.DeviceID, terms []term) int {
	b.t.Helper()
	var want, got [][2]int64
	var last time.Time
	for i, x := range terms {
		visits := x.visits[id]
		if len(visits) == 0 {
			continue
		}
		if !last.IsZero() && !b.lives[terms[i-1].life].stopped {
			want = append(want, [2]int64{last.UnixMilli(), visits[0].UnixMilli()})
		}
		last = visits[len(visits)-1]
	}
	facts, err := s.Facts(b.t.Context(), store.FactQuery{Device: id, From: b.began, Limit: 1_000_000})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range facts {
		g, ok := f.Value.(hw.GapValue)
		switch {
		case !ok || f.Removed || !strings.HasPrefix(f.Group, hw.VisitGap):
		case g.Reason == hw.ApplianceCrash:
			got = append(got, [2]int64{g.From.UnixMilli(), g.To.UnixMilli()})
		case g.Reason != hw.ApplianceDown && g.Reason != hw.Missed: // while a report waits for the flush, a visit may be due
			b.t.Errorf("%s: the gap %+v", id, g)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s: gaps of crashes (-want +got):\n%s", id, diff)
	}
	return len(got)
}
