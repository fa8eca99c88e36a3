package store_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/store"
	"rackpost/store/crashtest"
)

// TestKill kills a store that writes, seals, writes bases and makes twins all the time.
func TestKill(t *testing.T) {
	t.Parallel()
	crashtest.Loop(t, crashtest.Rounds(30, 1000), writer{}.child, verifyAll)
}

// TestKillWhileDropping does so with one that sheds too: of each device the oldest readings
// may be missing, but none between two that are there.
func TestKillWhileDropping(t *testing.T) {
	t.Parallel()
	crashtest.Loop(t, crashtest.Rounds(15, 1000), writer{shed: true}.child, verifyNewest)
}

// The devices a writer puts reports of, each from its own goroutine.
const crashDevices = 4

func crashDevice(i int) hw.DeviceID { return hw.DeviceID(fmt.Sprintf("sw-%d", i)) }

// writer is what the killed process runs. Its reports are numbered by a counter of theirs,
// and so are the acknowledgements.
type writer struct {
	shed bool // find the disk full now and then
}

func crashOptions(dir string, logs io.Writer) store.Options {
	return store.Options{Dir: dir, Site: testSite, Ballast: -1, FlushAge: time.Millisecond, MinFree: 1, SegmentBytes: 192 << 10,
		Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelError}))}
}

func (w writer) child(dir string, ack func(string)) {
	o := crashOptions(dir, os.Stderr)
	if w.shed {
		var asked atomic.Int64
		o.MinFree = 1 << 39
		o.Free = func(string) (int64, error) { // every answer below the mark drops one thing
			if asked.Add(1)%3 == 0 {
				return o.MinFree - 1, nil
			}
			return 1 << 40, nil
		}
	}
	s, err := store.Open(context.Background(), o)
	must(err)
	next, err := nextNumbers(s)
	must(err)
	go func() { must(s.Run(context.Background())) }()
	var g sync.WaitGroup
	for i := range crashDevices {
		g.Go(func() {
			for n := next[i]; ; n++ {
				must(s.Put(context.Background(), numbered(i, n)))
				ack(fmt.Sprintf("%d %d", i, n))
			}
		})
	}
	g.Go(func() {
		for n, _ := saidNumbers(s); ; {
			n++
			must(s.Say(context.Background(), saidOf(n)))
			ack(fmt.Sprintf("%d %d", crashDevices, n))
			time.Sleep(rand.N(5 * time.Millisecond))
		}
	})
	for {
		time.Sleep(rand.N(30 * time.Millisecond))
		must(s.Seal(context.Background()))
	}
}

// saidOf is the saying number n: an act and what is learned by it.
func saidOf(n uint64) []hw.Fact {
	act, pin := lit("drive/1", hw.ActDone, n%2 == 0), pinned(strconv.FormatUint(n, 10))
	act.Value = hw.ActValue{Phase: hw.ActDone, Detail: strconv.FormatUint(n, 10)}
	return []hw.Fact{act, pin}
}

// saidNumbers returns the number of the last saying by its act and by what was learned, 0 for none.
func saidNumbers(s *store.Store) (act, learned uint64) {
	for _, f := range s.Acts() {
		act, _ = strconv.ParseUint(f.Value.(hw.ActValue).Detail, 10, 64)
	}
	learned, _ = strconv.ParseUint(s.Learned("srv-1").Get("certificate"), 10, 64)
	return act, learned
}

// must ends the child, as the appliance ends at an I/O error.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// numbered is the report number n of device i, with some of everything in it.
func numbered(i int, n uint64) hw.Report {
	r := visit(crashDevice(i), start.Add(time.Duration(n)*time.Minute), n)
	if n%8 == 0 {
		r.Components[1].Health = hw.Critical
	}
	r.Log = []hw.LogLine{{Log: "syslog", Entry: strconv.FormatUint(n, 10), At: r.Started, Level: "warning",
		Text: strings.Repeat(fmt.Sprintf("line %d of %d; ", n, i), 10)}}
	r.Cursors = []hw.LogCursor{{Log: "syslog", Cursor: strconv.FormatUint(n, 10)}}
	return r
}

// numbers returns the numbers of the readings of device i, in order of time.
func numbers(s *store.Store, i int) (out []uint64, err error) {
	q := store.SeriesQuery{Device: crashDevice(i), Component: "port/Gi1/0/1", Sensor: "rx_bytes_total"}
	err = s.Series(context.Background(), q, func(p store.Point) error {
		out = append(out, p.Count)
		return nil
	})
	return out, err
}

func nextNumbers(s *store.Store) (next [crashDevices]uint64, err error) {
	for i := range next {
		have, err := numbers(s, i)
		if err != nil {
			return next, err
		}
		if len(have) > 0 {
			next[i] = have[len(have)-1]
		}
		next[i]++
	}
	return next, nil
}

// acknowledged returns the numbers acknowledged of device i.
func acknowledged(t *testing.T, acked []string, i int) (out []uint64) {
	t.Helper()
	for _, line := range acked {
		var device int
		var n uint64
		if _, err := fmt.Sscanf(line, "%d %d", &device, &n); err != nil {
			t.Fatalf("acknowledgement %q: %v", line, err)
		}
		if device == i {
			out = append(out, n)
		}
	}
	return out
}

func verifyAll(t *testing.T, dir string, acked []string) {
	verifySurvivor(t, dir, acked, func(t *testing.T, have, acked []uint64) {
		t.Helper()
		for n := range uint64(len(have)) {
			if have[n] != n+1 {
				t.Fatalf("reading %d has number %d", n+1, have[n])
			}
		}
		if len(acked) > 0 && slices.Max(acked) > uint64(len(have)) {
			t.Fatalf("number %d was acknowledged, %d are there", slices.Max(acked), len(have))
		}
	})
}

func verifyNewest(t *testing.T, dir string, acked []string) {
	verifySurvivor(t, dir, acked, func(t *testing.T, have, acked []uint64) {
		t.Helper()
		for i := range have {
			if have[i] != have[0]+uint64(i) {
				t.Fatalf("number %d follows number %d", have[i], have[i-1])
			}
		}
		if len(acked) > 0 && len(have) > 0 && slices.Max(acked) > have[len(have)-1] {
			t.Fatalf("number %d was acknowledged, the last one there is %d", slices.Max(acked), have[len(have)-1])
		}
	})
}

// verifySurvivor checks what a crash left: no fault, nothing set aside, the readings as check
// wants them, and a store that goes on.
func verifySurvivor(t *testing.T, dir string, acked []string, check func(t *testing.T, have, acked []uint64)) {
	t.Helper()
	var said bytes.Buffer
	if _, err := os.Stat(filepath.Join(dir, "origin")); err != nil && len(acked) == 0 {
		return // killed before there was a journal
	}
	audit, err := store.Verify(t.Context(), dir, &said)
	if err != nil || len(audit.Faults) > 0 {
		t.Errorf("verify: %v\n%s", err, &said)
	}
	s, err := store.Open(t.Context(), crashOptions(dir, &said))
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	st, err := s.Stats()
	if err != nil || len(st.Quarantined) > 0 || st.Damaged > 0 || st.Unreadable > 0 {
		t.Errorf("stats %+v: %v", st, err)
	}
	if held := s.Held(); len(audit.Vector.Minus(held)) > 0 {
		t.Errorf("standing there and not held: %v", audit.Vector.Minus(held))
	}
	for i := range crashDevices {
		have, err := numbers(s, i)
		if err != nil {
			t.Errorf("series: %v", err)
		}
		check(t, have, acknowledged(t, acked, i))
		if len(have) == 0 {
			continue
		}
		// The newest state is that of the newest visit.
		d, ok := s.Device(crashDevice(i))
		if n := have[len(have)-1]; !ok || !d.LastVisit.Equal(start.Add(time.Duration(n)*time.Minute)) || healthOf(d, "port/Gi1/0/2") != wantHealth(n) {
			t.Errorf("after number %d the device is %+v", n, d)
		}
	}
	act, learned := saidNumbers(s)
	if all := acknowledged(t, acked, crashDevices); act != learned || len(all) > 0 && slices.Max(all) > act {
		t.Errorf("%d sayings are acknowledged, the act is of number %d and what was learned of number %d", len(all), act, learned)
	}
	if rand.N(2) == 0 { // otherwise the next child finds the folder as the crash left it
		goOn(t, s)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if t.Failed() {
		t.Logf("the store said:\n%s", &said)
	}
}

func wantHealth(n uint64) hw.Health {
	if n%8 == 0 {
		return hw.Critical
	}
	return hw.OK
}

func healthOf(d store.DeviceView, path string) hw.Health {
	for _, f := range d.Facts {
		if c, ok := f.Value.(hw.ComponentValue); ok && f.Component == path {
			return c.Health
		}
	}
	return hw.Unknown
}

// goOn puts one more report and seals.
func goOn(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := s.Put(t.Context(), visit("after", start, 1)); err != nil {
		t.Errorf("put: %v", err)
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Errorf("seal: %v", err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

// sameState compares what is known of devices.
func sameState(t *testing.T, want, got []store.DeviceView) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("other state (-want +got):\n%s", diff)
	}
}
