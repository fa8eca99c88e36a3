package intaketest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rackpost/collectors/sim/workload"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/intake/intaketest"
	"rackpost/replicate/ship"
	"rackpost/store"
)

func processor(b testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// resident returns the memory of this process, in bytes: now, or at most.
func resident(b testing.TB, line string) (n float64) {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), line+":")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024
}

func bytesOf(b testing.TB, dir, suffix string) (n float64) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range found {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		n += float64(info.Size())
	}
	return n
}

// BenchmarkTake: sites bring what they wrote, one flush a second, all at once, over TLS into the real store: how many
// samples a second headquarters takes, with and without turning them round for charts, and what they are on its disk. The processor's time is that of both ends.
func BenchmarkTake(b *testing.B) {
	sites, length := 16, 1800
	if testing.Short() {
		sites, length = 4, 120
	}
	r := intaketest.Record(b, b.TempDir(), seconds(workload.Site(), length))
	var tapes []*intaketest.Tape
	for n := range sites {
		tapes = append(tapes, r.As(b, siteID(n), originID(n)))
	}
	total := float64(r.Samples * sites)
	var took, cpu, sealed time.Duration
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		h := intaketest.Open(b, dir, func(o *store.Options, _ *intake.Config) { o.Budget = 64 << 30 })
		var boxes []*box
		for n, tape := range tapes {
			tape.Rewind()
			boxes = append(boxes, newBox(b, h, n, tape))
		}
		b.StartTimer()
		began, used := time.Now(), processor(b)
		for _, x := range boxes {
			x.connect(b, h)
		}
		until(b, "all is there", func() bool { return there(h, boxes) })
		took, cpu = took+time.Since(began), cpu+processor(b)-used
		b.StopTimer()
		st := h.Status().Totals
		b.ReportMetric(float64(st.Merges), "merges")
		sealing := time.Now()
		if err := h.Store.Seal(b.Context()); err != nil {
			b.Fatal(err)
		}
		sealed += time.Since(sealing)
		b.ReportMetric(bytesOf(b, dir+"/journal", ".sealed")/total, "journal-B/sample")
		b.ReportMetric(bytesOf(b, dir+"/journal", ".twin")/total, "twin-B/sample")
		h.Stop()
		b.StartTimer()
	}
	b.ReportMetric(total*float64(b.N)/took.Seconds(), "samples/s")
	b.ReportMetric(total*float64(b.N)/(took+sealed).Seconds(), "samples/s-with-twins")
	b.ReportMetric(cpu.Seconds()/(total*float64(b.N)/1e6), "CPU-s/Msample")
}

// BenchmarkReconnect: 1,000 sites connect at once, both lanes, with their certificates; who is told to wait does. It
// says after how long they were in and what was new of them was answered for, and of both ends together the memory, and the
// processor's time while nothing is sent.
func BenchmarkReconnect(b *testing.B) {
	sites, idle := 1000, 20*time.Second
	if testing.Short() {
		sites, idle = 100, 5*time.Second
	}
	r := intaketest.Record(b, b.TempDir(), seconds(workload.Options{Switches: 1}, 30))
	h := intaketest.OpenAt(b, b.TempDir(), inMemory(b), nil)
	var boxes []*box
	for n := range sites {
		boxes = append(boxes, newBox(b, h, n, r.As(b, siteID(n), originID(n))))
	}
	debug.FreeOSMemory()
	before := resident(b, "VmRSS")
	for b.Loop() {
		used := processor(b)
		cut, in, answered := storm(b, h, boxes)
		b.StopTimer()
		b.ReportMetric((processor(b) - used).Seconds(), "CPU-s")
		until(b, "all is there", func() bool { return there(h, boxes) })
		b.ReportMetric(resident(b, "VmRSS")/1e6, "MB-RSS")
		runtime.GC()
		debug.FreeOSMemory()
		b.ReportMetric((resident(b, "VmRSS")-before)/float64(2*sites)/1e3, "idle-KB/connection")
		if n := h.Status().Totals.Refused; n > 0 {
			b.Errorf("%d batches were refused", n)
		}
		rested := processor(b)
		time.Sleep(idle)
		b.ReportMetric(100*(processor(b)-rested).Seconds()/idle.Seconds(), "idle-core-%")
		b.ReportMetric(in[len(in)*99/100].Seconds(), "accept-p99-s")
		b.ReportMetric(in[len(in)-1].Seconds(), "accept-max-s")
		b.ReportMetric(answered[len(answered)*99/100].Seconds(), "answered-p99-s")
		cut()
		until(b, "all left", func() bool { return h.Status().Totals.Connections == 0 })
		b.StartTimer()
	}
	b.ReportMetric(resident(b, "VmHWM")/1e6, "MB-RSS-max")
}

// inMemory returns a folder whose files are not written to a disk, where there is such: a thousand sites that join fsync their register
// a few thousand times, which takes minutes on a disk that others use.
func inMemory(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "rackpost-register-")
	if err != nil {
		return b.TempDir()
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// storm connects all boxes at once, both lanes. It returns how long each took until its live lane was let in, and until
// everything it had was answered for, sorted.
func storm(b testing.TB, h *intaketest.HQ, boxes []*box) (cut func(), in, answered []time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	in, answered = make([]time.Duration, len(boxes)), make([]time.Duration, len(boxes))
	began := time.Now()
	var running, done sync.WaitGroup
	cut = sync.OnceFunc(func() { cancel(); running.Wait() })
	b.Cleanup(cut)
	entering, end := context.WithTimeout(ctx, 2*time.Minute)
	defer end()
	for n, x := range boxes {
		x.Rewind()
		done.Add(1)
		running.Go(func() {
			defer done.Done()
			conn := enter(entering, b, h, x, ship.Live)
			in[n] = time.Since(began)
			running.Go(func() { x.keep(ctx, b, h, x.live, conn, ship.Live) })
			behind := enter(entering, b, h, x, ship.Behind)
			if conn == nil || behind == nil {
				b.Errorf("site %d was not let in: %+v", n, rowOf(h, x))
				return
			}
			running.Go(func() { x.keep(ctx, b, h, x.behind, behind, ship.Behind) })
			for !h.Store.HeldOf(x.Site).Covers(x.Held()) && ctx.Err() == nil {
				if time.Sleep(20 * time.Millisecond); time.Since(began) > time.Minute {
					b.Errorf("site %d: not all is there: it lacks %v; %+v; headquarters has %+v", n, x.Held().Minus(h.Store.HeldOf(x.Site)), x.behind.Progress(), rowOf(h, x))
					break
				}
			}
			answered[n] = time.Since(began)
		})
	}
	done.Wait()
	slices.Sort(in)
	slices.Sort(answered)
	return cut, in, answered
}

// keep serves a lane, and connects it again when it breaks.
func (x *box) keep(ctx context.Context, b testing.TB, h *intaketest.HQ, line *ship.Line, conn net.Conn, lane ship.Lane) {
	for ; conn != nil; conn = enter(ctx, b, h, x, lane) {
		err := line.Run(ctx, conn)
		if ctx.Err() != nil {
			return
		}
		b.Logf("a lane broke (%v): %v", lane, err)
		time.Sleep(time.Second)
	}
}

func rowOf(h *intaketest.HQ, x *box) (row intake.SiteStatus) {
	for _, s := range h.Status().Sites {
		if s.Site == x.Site {
			row = s
		}
	}
	return row
}

// enter connects, and waits as long as it is told to; nil: ctx ended.
func enter(ctx context.Context, b testing.TB, h *intaketest.HQ, x *box, lane ship.Lane) net.Conn {
	for {
		conn, err := h.Dial(ctx, x.holder, x.Origin, lane)
		if err == nil {
			return conn
		}
		if ctx.Err() != nil {
			return nil
		}
		wait := 100 * time.Millisecond
		if r := (*enroll.Refusal)(nil); errors.As(err, &r) {
			wait = r.After
		} else if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			b.Error(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// BenchmarkLive: a hundred sites write a record each, again and again, while twenty others bring half an hour of the
// reference site each: after how long what is new is durable at headquarters.
func BenchmarkLive(b *testing.B) {
	sites, loud, length := 100, 20, 1800
	if testing.Short() {
		sites, loud, length = 10, 4, 300
	}
	r := intaketest.Record(b, b.TempDir(), seconds(workload.Site(), length))
	small := intaketest.Record(b, b.TempDir(), seconds(workload.Options{Switches: 1}, 60))
	for b.Loop() {
		b.StopTimer()
		h := intaketest.Open(b, b.TempDir(), func(o *store.Options, _ *intake.Config) { o.Budget = 64 << 30 })
		var quiet, noisy []*box
		for n := range sites {
			x := newBox(b, h, n, intaketest.NewTape(siteID(n), originID(n), nil, small.Layouts))
			x.connect(b, h)
			quiet = append(quiet, x)
		}
		for n := sites; n < sites+loud; n++ {
			noisy = append(noisy, newBox(b, h, n, r.As(b, siteID(n), originID(n))))
		}
		until(b, "all are connected", func() bool { return h.Status().Totals.Connected == sites })
		b.StartTimer()
		for _, x := range noisy {
			x.connect(b, h)
		}
		took := whileNoisy(b, h, quiet, noisy, small)
		b.StopTimer()
		slices.Sort(took)
		b.ReportMetric(float64(len(took)), "records")
		b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
		b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "max-ms")
		h.Stop()
		b.StartTimer()
	}
}

// whileNoisy has the quiet ones write until the noisy ones are done, and returns how long each record took.
func whileNoisy(b *testing.B, h *intaketest.HQ, quiet, noisy []*box, r *intaketest.Recording) (took []time.Duration) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var mu sync.Mutex
	var writing sync.WaitGroup
	for n, x := range quiet {
		own := r.As(b, x.Site, x.Origin)
		batches, err := own.Page(b.Context(), nil, 1<<30)
		if err != nil {
			b.Fatal(err)
		}
		writing.Go(func() {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(len(quiet)))
			for _, batch := range batches {
				began := time.Now()
				x.Write(batch)
				for changed := h.Store.WatchOf(x.Site); !h.Store.Holds(batch.Key); changed = h.Store.WatchOf(x.Site) {
					if h.Store.Holds(batch.Key) {
						break
					}
					<-changed
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
				if ctx.Err() != nil {
					return
				}
				time.Sleep(250 * time.Millisecond)
			}
		})
	}
	until(b, "the noisy ones are done", func() bool { return there(h, noisy) })
	cancel()
	writing.Wait()
	return took
}
