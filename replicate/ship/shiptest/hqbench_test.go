package shiptest_test

import (
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// backlog is a box that told what the reference site does in so many seconds.
func backlog(b *testing.B, long, short int) *seconds {
	if testing.Short() {
		long = short
	}
	s := newSeconds(b, open(b, b.TempDir()))
	s.pass(b, long)
	if err := s.Seal(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkDrain is what is behind, sent to headquarters over a line without limit: to a real store, and
// to one that keeps nothing, which shows what it takes of the sender (cpu-s/M: processor seconds for a million
// samples, of the sender and an end that only answers). "most" is without the sender's own restraint.
func BenchmarkDrain(b *testing.B) {
	s := backlog(b, 3*3600, 300)
	for _, c := range []struct {
		name  string
		store bool
		share float64
	}{{"store", true, 0}, {"store-most", true, 1}, {"sink", false, 0}, {"sink-most", false, 1}} {
		b.Run(c.name, func(b *testing.B) {
			var took, cpu time.Duration
			for b.Loop() {
				b.StopTimer()
				k := &sink{held: journal.Vector{}, none: make(chan struct{})}
				var there ship.Store = k
				if c.store {
					hq := openHQ(b, b.TempDir())
					there = ship.NewSiteView(hq.Store, site, hq.Merge)
				}
				here := lineOf(s.Store, func(o *ship.Options) { o.Lane, o.Share = ship.Behind, c.share })
				line := ship.New(there, ship.Options{Site: site, Origin: journal.ID{9}, Logger: slog.New(slog.DiscardHandler), Lane: ship.Behind, Down: true})
				x, y := pipe(b, true)
				b.StartTimer()
				began, used := time.Now(), processor(b)
				cut := connect(here, line, x, y)
				until(b, "drained", func() bool { return there.Held().Covers(s.Held()) })
				took, cpu = took+time.Since(began), cpu+processor(b)-used
				b.StopTimer()
				cut()
				b.StartTimer()
			}
			samples := float64(s.samples) * float64(b.N)
			b.ReportMetric(samples/took.Seconds(), "samples/s")
			b.ReportMetric(cpu.Seconds()/samples*1e6, "cpu-s/M")
			b.ReportMetric(45e6/(samples/took.Seconds()), "s/24h")
		})
	}
}

// thin makes connections of a network namespace whose only line is one of so many bits a second, both ways together,
// with a queue of two seconds.
type thin struct {
	asks chan chan [2]net.Conn
}

func newThin(b *testing.B, rate string) *thin {
	if os.Getuid() != 0 {
		b.Skip("only root may make a thin line")
	}
	th := &thin{asks: make(chan chan [2]net.Conn)}
	ready := make(chan error, 1)
	var ended sync.WaitGroup
	ended.Go(func() {
		runtime.LockOSThread() // for ever: the thread ends with the namespace
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		for _, args := range [][]string{{"ip", "link", "set", "lo", "mtu", "1500", "up"},
			{"tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate, "burst", "16kb", "latency", "2s"}} {
			if err == nil {
				err = exec.Command(args[0], args[1:]...).Run()
			}
		}
		ready <- err
		if err != nil {
			return
		}
		for ask := range th.asks {
			x, y := pipe(b, true)
			ask <- [2]net.Conn{x, y}
		}
	})
	if err := <-ready; err != nil {
		b.Skipf("this machine makes no thin line: %v", err)
	}
	b.Cleanup(func() { close(th.asks); ended.Wait() })
	return th
}

// connection returns the ends of a connection; what goes one way arrives so much later.
func (th *thin) connection(b *testing.B, later time.Duration) (x, y net.Conn) {
	ask := make(chan [2]net.Conn)
	th.asks <- ask
	ends := <-ask
	return late(b, ends[0], later), late(b, ends[1], later)
}

// late returns the other end of a relay to c, which holds what comes from c back.
func late(b *testing.B, c net.Conn, by time.Duration) net.Conn {
	type piece struct {
		at    time.Time
		bytes []byte
	}
	near, far := pipe(b, true)
	queue := make(chan piece, 4096)
	var ended sync.WaitGroup
	ended.Go(func() {
		defer close(queue)
		for {
			buf := make([]byte, 16<<10)
			n, err := c.Read(buf)
			if n > 0 {
				queue <- piece{time.Now().Add(by), buf[:n]}
			}
			if err != nil {
				return
			}
		}
	})
	ended.Go(func() {
		defer far.Close()
		for p := range queue {
			time.Sleep(time.Until(p.at))
			if _, err := far.Write(p.bytes); err != nil {
				c.Close()
			}
		}
	})
	ended.Go(func() {
		defer c.Close()
		buf := make([]byte, 16<<10)
		for {
			n, err := far.Read(buf)
			if n > 0 {
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	b.Cleanup(func() { near.Close(); c.Close(); ended.Wait() })
	return near
}

// BenchmarkThinLine drains what is behind through a thin line (tbf) and 50 ms of round trip (held back by relays), while
// the site goes on being visited. s/24h is what 24 hours of it would take; lag-ms the longest that a record waited,
// from its Put's return until it stood at headquarters. RACKPOST_BENCH_OUTAGE says another outage than 4 hours, as 720h: a
// month takes 20 GB below TMPDIR and more than an hour.
func BenchmarkThinLine(b *testing.B) {
	long := 4 * time.Hour
	if text := os.Getenv("RACKPOST_BENCH_OUTAGE"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		rate        string
		long, short int
	}{{"10mbit", int(long.Seconds()), 1200}, {"128kbit", 900, 300}} {
		b.Run(c.rate, func(b *testing.B) { thinLine(b, c.rate, backlog(b, c.long, c.short)) })
	}
}

func thinLine(b *testing.B, rate string, s *seconds) {
	for b.Loop() {
		th := newThin(b, rate)
		hq := openHQ(b, b.TempDir())
		w := newWay(s.box, hq, nil)
		behind, samples := s.Held(), s.samples
		x0, y0 := th.connection(b, 25*time.Millisecond)
		defer connect(w.here[0], w.there[0], x0, y0)()
		x1, y1 := th.connection(b, 25*time.Millisecond)
		began, used := time.Now(), processor(b)
		defer connect(w.here[1], w.there[1], x1, y1)()
		time.Sleep(100 * time.Millisecond)

		var most, told time.Duration
		var seconds int
		for !hq.HeldOf(site).Covers(behind) {
			held := s.Held()
			s.pass(b, 1)
			seconds++
			put, fresh := time.Now(), s.Held().Minus(held)
			until(b, "what is new is there", func() bool { return hq.HeldOf(site).Covers(fresh) })
			most = max(most, time.Since(put))
			told = max(told, time.Duration(w.here[0].Progress().Lag*float64(time.Second)))
			time.Sleep(time.Until(began.Add(time.Duration(seconds) * time.Second)))
		}
		took := time.Since(began)
		p := w.here[1].Progress()
		b.ReportMetric(took.Seconds()*45e6/float64(samples), "s/24h")
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(float64(samples)/1e6, "Msamples")
		b.ReportMetric(float64(most.Milliseconds()), "lag-ms")
		b.ReportMetric(float64(told.Milliseconds()), "told-lag-ms")
		b.ReportMetric(float64(p.BytesOut)/float64(samples), "B/sample")
		b.ReportMetric((processor(b)-used).Seconds()/float64(samples)*1e6, "cpu-s/M")
	}
}
