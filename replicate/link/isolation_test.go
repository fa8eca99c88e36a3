package link_test

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/replicate/link"
	"rackpost/replicate/netlab"
)

func TestSigns(t *testing.T) {
	t.Parallel()
	const u, y, n = link.Unknown, link.Connected, link.Cut
	for _, c := range []struct {
		name  string
		signs link.Signs
		want  bool
	}{
		{"nothing is known", link.Signs{}, false},
		{"no link", link.Signs{Links: n}, true},
		{"no link, the rest silent", link.Signs{Links: n, Gateway: n, Devices: n}, true},
		{"no link of a path, but devices by another way", link.Signs{Links: n, Gateway: u, Devices: y}, false},
		{"no link of a path, but the gateway by another way", link.Signs{Links: n, Gateway: y, Devices: u}, false},
		{"links, but nobody behind them", link.Signs{Links: y, Gateway: n, Devices: n}, true},
		{"the gateway is away", link.Signs{Links: y, Gateway: n, Devices: y}, false},
		{"the gateway is away, nobody was asked yet", link.Signs{Links: y, Gateway: n, Devices: u}, false},
		{"the rack is off", link.Signs{Links: y, Gateway: y, Devices: n}, false},
		{"the rack is off, there is no gateway", link.Signs{Links: y, Gateway: u, Devices: n}, false},
		{"all silent, links unknown", link.Signs{Links: u, Gateway: n, Devices: n}, true},
	} {
		if got := c.signs.Isolated(); got != c.want {
			t.Errorf("%s: isolated %v, want %v", c.name, got, c.want)
		}
	}
}

// TestUnknownNeverIsolates: to know less never makes a box isolated that was not, and to see somebody always frees it.
func TestUnknownNeverIsolates(t *testing.T) {
	t.Parallel()
	evidence := rapid.SampledFrom([]link.Evidence{link.Unknown, link.Connected, link.Cut})
	rapid.Check(t, func(t *rapid.T) {
		s := link.Signs{Links: evidence.Draw(t, "links"), Gateway: evidence.Draw(t, "gateway"), Devices: evidence.Draw(t, "devices")}
		if (s.Gateway == link.Connected || s.Devices == link.Connected) && s.Isolated() {
			t.Fatalf("%+v is isolated", s)
		}
		for _, less := range []link.Signs{
			{Gateway: s.Gateway, Devices: s.Devices},
			{Links: s.Links, Gateway: forget(s.Gateway), Devices: s.Devices},
			{Links: s.Links, Gateway: s.Gateway, Devices: forget(s.Devices)},
		} {
			if less.Isolated() && !s.Isolated() {
				t.Fatalf("%+v is isolated, and with more known, %+v, it is not", less, s)
			}
		}
	})
}

// forget makes silence unknown. Who is there stays: not to see who is there is a loss of news, not of knowledge.
func forget(e link.Evidence) link.Evidence {
	if e == link.Cut {
		return link.Unknown
	}
	return e
}

func TestIsolation(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b", "gateway")
		lab.Cable("a", "b")
		a := newHere(t, lab.Host("a"))
		a.Run("ip", "route", "add", "default", "via", lab.Host("gateway").Address(netlab.LAN).String())
		var answered, asked atomic.Int64
		var since atomic.Value
		answered.Store(1)
		asked.Store(10)
		i := link.NewIsolation(link.IsolationConfig{
			Paths:   []netip.Addr{a.Address(netlab.LAN), a.Address(netlab.Direct)},
			Monitor: a.monitor, Logger: a.log.logger(),
			Devices: func(t time.Time) (int, int) {
				since.Store(t)
				return int(answered.Load()), int(asked.Load())
			},
		})
		if i.Isolated() || i.Signs() != (link.Signs{}) {
			t.Errorf("before it ran it knows %+v", i.Signs())
		}
		run(t, i.Run)
		all := func(links, gateway, devices link.Evidence) func() bool {
			return func() bool { return i.Signs() == link.Signs{Links: links, Gateway: gateway, Devices: devices} }
		}
		const u, y, n = link.Unknown, link.Connected, link.Cut
		eventually(t, "all is well", all(y, y, y))

		muted := time.Now()
		lab.Mute("a")
		eventually(t, "the gateway is silent", all(y, n, y))
		if counted := since.Load().(time.Time); muted.Sub(counted) > 100*time.Millisecond {
			t.Errorf("visits of %s before the gateway fell silent count", muted.Sub(counted))
		}
		answered.Store(0)
		eventually(t, "the devices too", all(y, n, n))
		if !i.Isolated() {
			t.Error("with all silent it is not isolated")
		}
		asked.Store(0)
		eventually(t, "no device was asked", all(y, n, u))
		if i.Isolated() {
			t.Error("without devices it is isolated")
		}
		lab.Heal()
		eventually(t, "the gateway answers again", all(y, y, u))

		lab.Unplug("a")
		eventually(t, "one of two links is down", all(y, n, u))
		lab.Host("b").Run("ip", "link", "set", "dev", netlab.Direct, "down")
		eventually(t, "both links are down", all(n, n, u))
		if !i.Isolated() {
			t.Error("without a link it is not isolated")
		}
		lab.Plug("a")
		eventually(t, "a link is up", all(y, y, u))
	})
}

// TestIsolationOfWhatIsNotKnown: no gateway, a gateway that never answered, an address no interface has, no devices.
func TestIsolationOfWhatIsNotKnown(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a")
		a := newHere(t, lab.Host("a"))
		i := link.NewIsolation(link.IsolationConfig{
			Paths: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")}, Monitor: a.monitor, Logger: a.log.logger(),
		})
		a.Run("ip", "route", "add", "default", "via", "10.77.0.99")
		run(t, i.Run)
		lab.Unplug("a")
		eventually(t, "the link is seen to be down", func() bool { l, _ := a.link(netlab.LAN); return !l.Carrier })
		for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if s := i.Signs(); s != (link.Signs{}) || i.Isolated() {
				t.Fatalf("it says %+v", s)
			}
		}
	})
}
