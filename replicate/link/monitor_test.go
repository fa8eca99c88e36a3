package link_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/link"
	"rackpost/replicate/netlab"
)

func (h *here) link(name string) (link.Link, bool) {
	links, _ := h.monitor.Links()
	at := slices.IndexFunc(links, func(l link.Link) bool { return l.Name == name })
	if at < 0 {
		return link.Link{}, false
	}
	return links[at], true
}

func TestMonitorFollowsTheLinks(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		a := newHere(t, lab.Host("a"))
		lan, _ := a.link(netlab.LAN)
		if !lan.Up || !lan.Carrier || lan.Loopback || lan.MAC.String() != mac(t, a.Host) || !lan.Carries(a.Address(netlab.LAN)) || !lan.Carries(a.Address6(netlab.LAN)) {
			t.Errorf("the LAN's link: %+v", lan)
		}
		if lo, ok := a.link("lo"); !ok || !lo.Loopback {
			t.Errorf("the loopback interface: %+v", lo)
		}
		extra := netip.MustParseAddr("192.0.2.7")
		for _, step := range []struct {
			name  string
			do    func()
			holds func(l link.Link, there bool) bool
		}{
			{"a cable is pulled", func() { lab.Unplug("a") }, func(l link.Link, _ bool) bool { return l.Up && !l.Carrier }},
			{"and put back", func() { lab.Plug("a") }, func(l link.Link, _ bool) bool { return l.Carrier }},
			{"switched off", func() { a.Run("ip", "link", "set", "dev", "lan", "down") }, func(l link.Link, _ bool) bool { return !l.Up && !l.Carrier }},
			{"switched on", func() { a.Run("ip", "link", "set", "dev", "lan", "up") }, func(l link.Link, _ bool) bool { return l.Up && l.Carrier }},
			{"an address more", func() { a.Run("ip", "address", "add", extra.String()+"/24", "dev", "lan") }, func(l link.Link, _ bool) bool { return l.Carries(extra) }},
			{"and less", func() { a.Run("ip", "address", "del", extra.String()+"/24", "dev", "lan") }, func(l link.Link, there bool) bool { return there && !l.Carries(extra) }},
			{"gone", func() { a.Run("ip", "link", "del", "dev", "lan") }, func(_ link.Link, there bool) bool { return !there }},
		} {
			changed := a.monitor.Watch()
			step.do()
			eventually(t, step.name, func() bool { return step.holds(a.link(netlab.LAN)) })
			select {
			case <-changed:
			case <-time.After(patience):
				t.Errorf("%s: nobody was told", step.name)
			}
		}
	})
}

// TestMonitorAfterASwarm: more changes at once than the kernel keeps for a reader that is slow.
func TestMonitorAfterASwarm(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a")
		a := newHere(t, lab.Host("a"))
		var add, remove strings.Builder
		const many = 2000
		for i := range many {
			address := fmt.Sprintf("172.16.%d.%d/32 dev lan\n", i/250, i%250+1)
			add.WriteString("address add " + address)
			remove.WriteString("address del " + address)
		}
		for _, step := range []struct {
			lines string
			want  int
		}{{add.String(), many}, {remove.String(), 0}} {
			batch := a.Command("ip", "-batch", "-")
			batch.Stdin = strings.NewReader(step.lines)
			if out, err := batch.CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			eventually(t, fmt.Sprintf("%d addresses are seen", step.want), func() bool {
				lan, _ := a.link(netlab.LAN)
				n := 0
				for _, p := range lan.Addresses {
					if p.Addr().Is4() && p.Addr().As4()[0] == 172 {
						n++
					}
				}
				return n == step.want
			})
		}
	})
}
