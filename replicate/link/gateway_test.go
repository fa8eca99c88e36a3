package link

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

func TestMeans(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		name    string
		last    time.Time
		carrier bool
		want    Evidence
	}{
		{"never", time.Time{}, true, Unknown},
		{"never, and no link", time.Time{}, false, Unknown},
		{"a moment ago", now.Add(-time.Second), true, Connected},
		{"a moment ago, and the link went down", now.Add(-time.Second), false, Cut},
		{"three questions ago", now.Add(-silentAfter), true, Cut},
	} {
		if got := means(c.last, now, c.carrier); got != c.want {
			t.Errorf("answered %s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHopsOf(t *testing.T) {
	t.Parallel()
	one, two := net.IPv4(192, 0, 2, 1), net.ParseIP("fe80::1")
	for _, c := range []struct {
		name  string
		route netlink.Route
		want  []hop
	}{
		{"one", netlink.Route{LinkIndex: 2, Gw: one}, []hop{{2, netip.MustParseAddr("192.0.2.1")}}},
		{"several", netlink.Route{MultiPath: []*netlink.NexthopInfo{{LinkIndex: 2, Gw: one}, {LinkIndex: 3, Gw: two}, {LinkIndex: 4}}},
			[]hop{{2, netip.MustParseAddr("192.0.2.1")}, {3, netip.MustParseAddr("fe80::1")}}},
		{"without a gateway", netlink.Route{LinkIndex: 2}, nil},
	} {
		got := hopsOf(c.route)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	}
}

func TestOwnAddress(t *testing.T) {
	t.Parallel()
	l := Link{Addresses: []netip.Prefix{
		netip.MustParsePrefix("192.0.2.100/32"), netip.MustParsePrefix("192.0.2.5/24"), netip.MustParsePrefix("fe80::5/64"),
	}}
	for target, want := range map[string]string{"192.0.2.1": "192.0.2.5", "fe80::1": "fe80::5", "198.51.100.1": "", "2001:db8::1": "", "192.0.2.5": ""} {
		got, ok := ownAddress(l, netip.MustParseAddr(target))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%s is asked in the name of %s, want %s", target, got, want)
		}
	}
}

func TestCarries(t *testing.T) {
	t.Parallel()
	l := Link{Name: "eth1", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.5/24"), netip.MustParsePrefix("fe80::5/64")}}
	for address, want := range map[string]bool{
		"192.0.2.5": true, "::ffff:192.0.2.5": true, "192.0.2.6": false, "fe80::5%eth1": true, "fe80::5%eth0": false, "fe80::5": true,
	} {
		if got := l.Carries(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}
