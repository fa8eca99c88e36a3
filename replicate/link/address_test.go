package link_test

import (
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/replicate/link"
	"rackpost/replicate/netlab"
)

var families = []struct{ name, address string }{{"IPv4", virtual4}, {"IPv6", virtual6}}

func TestWhatCannotBeAVirtualAddress(t *testing.T) {
	t.Parallel()
	own := netip.MustParseAddr("192.0.2.1")
	for address, why := range map[string]string{
		"192.0.2.1": "own address", "0.0.0.0": "cannot be", "127.0.0.9": "cannot be", "::1": "cannot be", "::": "cannot be",
		"224.0.0.18": "cannot be", "ff02::12": "cannot be", "fe80::1": "one link", "169.254.0.1": "one link",
	} {
		_, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr(address), Beside: own})
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want an error with %q", address, err, why)
		}
	}
	if _, err := link.NewAddress(link.AddressConfig{Beside: own}); err == nil {
		t.Error("no address at all was taken")
	}
	if _, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr("192.0.2.9")}); err == nil {
		t.Error("an address without an interface was taken")
	}
}

// TestNeighboursFollowTheAddress is a fail-over as a neighbour sees it: it has the old holder in mind, and learns of the
// new one without asking.
func TestNeighboursFollowTheAddress(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b", "c")
		a, b, c := newHere(t, lab.Host("a")), lab.Host("b"), lab.Host("c")
		for _, f := range families {
			old := startBox(t, b, f.address)
			call(c, f.address)
			if got := believes(c, f.address); got != mac(t, b) {
				t.Fatalf("%s: c believes %q has the address, want b, which is %s", f.name, got, mac(t, b))
			}
			if err := old.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			stop := a.hold(t, a.address(t, f.address, nil))
			eventually(t, f.name+": c learns that a has the address", func() bool { return believes(c, f.address) == mac(t, a.Host) })
			stop()
			if has(a.Host, f.address) {
				t.Errorf("%s: a still has the address after it let go", f.name)
			}
		}
	})
}

// TestAddressIsLetGo: when Hold returns the address is gone, however often and however soon it was told to end.
func TestAddressIsLetGo(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a := newHere(t, lab.Host("a"))
		goroutines := runtime.NumGoroutine()
		var longest time.Duration
		for i := range 40 {
			f := families[i%2]
			stop := a.hold(t, a.address(t, f.address, func() bool { return i%4 == 3 }))
			if i%4 < 2 {
				eventually(t, "it is held", func() bool { return has(a.Host, f.address) })
			}
			began := time.Now()
			stop()
			longest = max(longest, time.Since(began))
			if has(a.Host, f.address) {
				t.Fatalf("round %d: it is still there", i)
			}
		}
		t.Logf("the longest of 40 ends lasted %s", longest)
		eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
	})
}

// TestAddressIsNeverASource: what the box sends bears its own address, or the peer and the devices would see it change.
func TestAddressIsNeverASource(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a, b := newHere(t, lab.Host("a")), lab.Host("b")
		for _, f := range families {
			held := a.address(t, f.address, nil)
			a.hold(t, held)
			eventually(t, f.name+" is held", func() bool { return has(a.Host, f.address) })
		}
		for _, to := range []netip.Addr{b.Address(netlab.LAN), b.Address6(netlab.LAN)} {
			if route := a.Run("ip", "route", "get", to.String()); strings.Contains(route, "100") {
				t.Errorf("the source towards %s: %s", to, route)
			}
		}
		for line := range strings.Lines(a.Run("ip", "-oneline", "address")) {
			if strings.Contains(line, ":vip") != strings.Contains(line, virtual4+"/32") {
				t.Errorf("the label: %s", line)
			}
			if strings.Contains(line, "::100/") && !strings.Contains(line, "/128 ") {
				t.Errorf("the address brings a network: %s", line)
			}
		}
	})
}

func TestAddressIsPutBack(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a := newHere(t, lab.Host("a"))
		var held []*link.Address
		for _, f := range families {
			h := a.address(t, f.address, nil)
			a.hold(t, h)
			held = append(held, h)
		}
		both := func() bool { return has(a.Host, virtual4) && has(a.Host, virtual6) }
		eventually(t, "both are held", both)
		eventually(t, "both are seen", func() bool {
			lan, _ := a.link(netlab.LAN)
			return lan.Carries(netip.MustParseAddr(virtual4)) && lan.Carries(netip.MustParseAddr(virtual6))
		})
		const byHand = "removed by hand"
		for _, step := range []struct {
			name, line string
		}{
			{byHand, "ip address del " + virtual4 + "/32 dev lan; ip address del " + virtual6 + "/128 dev lan"},
			{"down and up", "ip link set dev lan down; ip link set dev lan up"},
			{"flushed", "ip address flush dev lan; ip address add 10.77.0.1/24 dev lan"},
			{"renamed", "ip link set dev lan down; ip link set dev lan name uplink; ip link set dev uplink up"},
			{"moved", "ip link add name other type bridge; ip address flush dev uplink; ip link set dev uplink master other; ip address add 10.77.0.1/24 dev other; ip link set dev other up"},
		} {
			a.Run("sh", "-c", step.line)
			if step.name == byHand { // and not at the next renewal
				eventually(t, "both are put back", func() bool { return strings.Count(a.log.String(), "put back") >= 2 })
			}
			eventually(t, step.name+": both are back", both)
			for _, h := range held {
				eventually(t, step.name+": it is known where", func() bool {
					s := h.Status()
					return s.Held && strings.Contains(a.Run("ip", "-oneline", "address", "show", "to", s.Address.String()), " "+s.Interface+" ")
				})
			}
		}
	})
}

func TestProblemsAreTold(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a")
		a := newHere(t, lab.Host("a"))
		far := a.address(t, "192.0.2.100", nil)
		a.hold(t, far)
		eventually(t, "an address of another network", func() bool { s := far.Status(); return s.Held && strings.Contains(s.Problem, "no network of lan") })

		elsewhere, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr(virtual4), Interface: "uplink", Monitor: a.monitor, Logger: a.log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		a.hold(t, elsewhere)
		eventually(t, "no such interface", func() bool { return strings.Contains(elsewhere.Status().Problem, "no interface uplink") })

		a.Run("sh", "-c", "ip address flush dev lan; ip link add name uplink type bridge")
		eventually(t, "the path's address is gone while it is held", func() bool { return far.Status().Held && has(a.Host, "192.0.2.100") })
		eventually(t, "the interface came", func() bool { s := elsewhere.Status(); return s.Held && s.Interface == "uplink" })

		lo, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr(virtual4), Interface: "lo", Monitor: a.monitor, Logger: a.log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		a.hold(t, lo)
		eventually(t, "no Ethernet", func() bool { return strings.Contains(lo.Status().Problem, "no Ethernet") })
	})
}

func TestIPv6SwitchedOff(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a")
		a := newHere(t, lab.Host("a"))
		const file = "/proc/sys/net/ipv6/conf/lan/disable_ipv6"
		if err := os.WriteFile(file, []byte("1"), 0); err != nil {
			t.Skipf("%s cannot be written here: %v", file, err)
		}
		held := a.address(t, virtual6, nil)
		if err := held.Clean(); err != nil {
			t.Errorf("at the start: %v", err)
		}
		a.hold(t, held)
		eventually(t, "it is said", func() bool { return strings.Contains(held.Status().Problem, "disable_ipv6") })
		if err := os.WriteFile(file, []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is held once IPv6 is back", func() bool { return held.Status().Held })
	})
}

func TestAnIslandTakesOnlyWhatNobodyHas(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a, b := newHere(t, lab.Host("a")), lab.Host("b")
		for _, f := range families {
			startBox(t, b, f.address)
			var island atomic.Bool
			island.Store(true)
			held := a.address(t, f.address, island.Load)
			a.hold(t, held)
			eventually(t, f.name+": it is said who has the address", func() bool { return strings.Contains(held.Status().Problem, mac(t, b)) })
			if held.Status().Held || has(a.Host, f.address) {
				t.Errorf("%s: an island took the address that b has", f.name)
			}
			if !strings.Contains(a.log.String(), mac(t, b)) {
				t.Errorf("%s: the log does not say who has the address:\n%s", f.name, a.log)
			}
			island.Store(false)
			eventually(t, f.name+": it is taken once there is authority", func() bool { return held.Status().Held && has(a.Host, f.address) })
			eventually(t, f.name+": it is said who claims it too", func() bool { return strings.Contains(held.Status().Problem, mac(t, b)) })
		}
	})
}

func TestAnIslandGivesWay(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a, b := newHere(t, lab.Host("a")), lab.Host("b")
		for _, f := range families {
			held := a.address(t, f.address, func() bool { return true })
			stop := a.hold(t, held)
			eventually(t, f.name+": an island takes what nobody has", func() bool { return held.Status().Held && has(a.Host, f.address) })
			startBox(t, b, f.address)
			eventually(t, f.name+": it lets go for whoever claims it", func() bool { return !held.Status().Held && !has(a.Host, f.address) })
			stop()
		}
	})
}

func TestAnIslandThatNobodyHearsTakesNothing(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a := newHere(t, lab.Host("a"))
		held := a.address(t, virtual4, func() bool { return true })
		a.hold(t, held)
		eventually(t, "it is taken", func() bool { return held.Status().Held })
		lab.Unplug("a")
		eventually(t, "it is let go with the link", func() bool { return !has(a.Host, virtual4) && strings.Contains(held.Status().Problem, "is down") })
		lab.Plug("a")
		eventually(t, "it is taken again", func() bool { return held.Status().Held && has(a.Host, virtual4) })
	})
}

// TestIslandsAskAtOnce: of two that ask for an address at the same time one takes it in the end.
func TestIslandsAskAtOnce(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a, b := newHere(t, lab.Host("a")), lab.Host("b")
		start(t, box(t, b, "island", virtual4))
		a.hold(t, a.address(t, virtual4, func() bool { return true }))
		one := func() bool { return has(a.Host, virtual4) != has(b, virtual4) }
		eventually(t, "one of them has it", one)
		for range 10 {
			time.Sleep(50 * time.Millisecond)
			eventually(t, "only one of them has it", one)
		}
	})
}
