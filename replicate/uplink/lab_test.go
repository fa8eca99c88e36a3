package uplink_test

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/link"
	"rackpost/replicate/netlab"
	"rackpost/replicate/ship"
	"rackpost/replicate/uplink"
)

const (
	hqVariable  = "RACKPOST_UPLINK_HQ"  // FOLDER ADDRESS: this process is a headquarters
	cutVariable = "RACKPOST_UPLINK_CUT" // how long the line is cut in TestFirstRecordAfterACut
)

// TestMain is the tests, or a headquarters on another host of the lab.
func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(hqVariable)); len(words) == 2 {
		if err := headquarters(words[0], words[1]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil { // these tests wait, they do not compute
		panic(err)
	}
	os.Exit(m.Run())
}

// headquarters says a token, and serves until its standard input ends.
func headquarters(folder, listen string) error {
	o, err := newOffice(folder, listen)
	if err != nil {
		return err
	}
	token, _, err := o.Invite("FRA-3", false)
	if err != nil {
		return err
	}
	fmt.Println(token.Text())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// lab is a box, which is the test itself, and a headquarters on another host, with a switch and a cable
// between them. Both lead to the one address of headquarters.
type lab struct {
	*world
	*netlab.Lab
	known *ship.Known
}

const hqPort = "8443"

func newLab(t *testing.T, ways []uplink.Way, timing uplink.Timing) *lab {
	t.Helper()
	n := netlab.NewHere(t, "box", "hq")
	n.Cable("box", "hq")
	box, hq := n.Host("box"), n.Host("hq")
	box.Run("sh", "-c", "for f in all lan direct; do echo 0 2>/dev/null >/proc/sys/net/ipv4/conf/$f/rp_filter; done; true")
	box.Run("ip", "route", "add", hq.Address(netlab.LAN).String(), "via", hq.Address(netlab.Direct).String(), "dev", netlab.Direct, "metric", "500")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := hq.Address(netlab.LAN).String() + ":" + hqPort
	cmd := hq.Command(self)
	cmd.Env = append(os.Environ(), hqVariable+"="+t.TempDir()+"/hq "+address)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	token, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(token, "error") {
		t.Fatalf("headquarters: %v %s", err, token)
	}
	c, err := enroll.Join(t.Context(), enroll.Joining{URL: address, Token: token, Site: site})
	if err != nil {
		t.Fatal(err)
	}
	monitor := link.NewMonitor(slog.New(slog.DiscardHandler))
	l := &lab{world: &world{t: t}, Lab: n, known: ship.NewKnown()}
	l.holds(c, func(cfg *uplink.Config) {
		cfg.Ways, cfg.Timing, cfg.Links, cfg.Ship.Known = ways, timing, monitor, l.known
	})
	runs(t, monitor.Run)
	l.run()
	return l
}

// seen waits until headquarters answered for a record, and returns how long it took.
func (l *lab) seen(k journal.Key) time.Duration {
	l.t.Helper()
	began := time.Now()
	l.eventually("headquarters answers for "+k.String(), func() bool { return l.known.Held().Has(k.StreamKey, k.Seq) })
	return time.Since(began)
}

var twoLines = []uplink.Way{{Name: "fibre", Interface: netlab.LAN}, {Name: "mobile", Interface: netlab.Direct}}

// TestTwoInterfaces: frames are lost on the better line, or its plug is pulled:
// both lanes move, and come back after the hold-down.
func TestTwoInterfaces(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		l := newLab(t, twoLines, uplink.Timing{HoldDown: 2 * time.Second, Probe: 500 * time.Millisecond})
		l.writing(200 * time.Millisecond)
		l.connected("fibre")
		for _, c := range []struct {
			name      string
			cut, heal func()
			most      time.Duration
		}{
			{"frames are lost", func() { l.Cut("box", "hq", netlab.LAN) }, l.Heal, 20 * time.Second},
			{"the plug is pulled", func() { l.Unplug("box") }, func() { l.Plug("box") }, 20 * time.Second},
		} {
			c.cut()
			cut := time.Now()
			l.connected("mobile")
			l.seen(l.write())
			took := time.Since(cut)
			t.Logf("%s: the first record over the other line after %v", c.name, took.Round(time.Millisecond))
			if took > c.most {
				t.Errorf("that is too long")
			}
			if h := l.Status().Ways[0]; h.Answers != uplink.No || h.Problem == "" {
				t.Errorf("health: %+v", h)
			}
			c.heal()
			healed := time.Now()
			l.connected("fibre")
			took = time.Since(healed)
			t.Logf("back %v after it was healed", took.Round(time.Millisecond))
			if took < 1900*time.Millisecond {
				t.Error("that is before the hold-down")
			}
			l.seen(l.write())
		}
	})
}

// TestFirstRecordAfterACut: however long all frames were lost, the first record is at headquarters soon
// after none is.
func TestFirstRecordAfterACut(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		long := 12 * time.Second
		if s := os.Getenv(cutVariable); s != "" {
			var err error
			if long, err = time.ParseDuration(s); err != nil {
				t.Fatal(err)
			}
		}
		l := newLab(t, []uplink.Way{{Name: "default"}}, uplink.Timing{})
		l.writing(time.Second)
		l.connected("default")
		l.seen(l.write())
		l.Cut("box", "hq")
		time.Sleep(long)
		if r := l.Report(); r.Connected || r.For < long/2 {
			t.Errorf("the other box is told %+v", r)
		}
		k := l.write()
		l.Heal()
		healed := time.Now()
		l.eventually("the lane is there again", func() bool { return l.Status().Connected })
		l.seen(k)
		took := time.Since(healed)
		t.Logf("cut for %v: the first record was there %v after the line was back", long, took.Round(time.Millisecond))
		if took > 10*time.Second { // 2 s is what is promised of a machine that does nothing else
			t.Error("that is too long")
		}
	})
}
