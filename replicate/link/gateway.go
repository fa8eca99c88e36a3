package link

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	routesEvery  = 10 * time.Second // how often the routes are read
	gatewaysMost = 4
	silentAfter  = 3500 * time.Millisecond // three questions without an answer
	notSooner    = 500 * time.Millisecond  // between two questions, however often the links change
)

// hop is a default gateway and the interface it is reached by.
type hop struct {
	index int
	ip    netip.Addr
}

// gateways asks the default gateways whether they are there, once a look.
type gateways struct {
	logger *slog.Logger
	told   bool
	read   time.Time // when the routes were
	asked  map[hop]*neighbourAsked
}

func newGateways(logger *slog.Logger) *gateways {
	return &gateways{logger: logger, asked: map[hop]*neighbourAsked{}}
}

// look asks every gateway and says what their answers to earlier questions mean.
func (g *gateways) look(now time.Time, links []Link, known bool) Evidence {
	if !known {
		return Unknown
	}
	if g.read.IsZero() || now.Sub(g.read) >= routesEvery {
		g.read = now
		g.follow(defaultHops(), links)
	}
	all := Cut
	for h, asked := range g.asked {
		var link Link // without a carrier where the interface is gone
		if at := slices.IndexFunc(links, func(l Link) bool { return l.Index == h.index }); at >= 0 {
			link = links[at]
		}
		switch asked.look(now, link) {
		case Connected:
			return Connected
		case Unknown:
			all = Unknown
		}
	}
	if len(g.asked) == 0 {
		return Unknown
	}
	return all
}

// silent returns since when no gateway answers: what was heard later was heard in spite of that.
func (g *gateways) silent() time.Time {
	var since time.Time
	for _, asked := range g.asked {
		since = latest(since, asked.silent())
	}
	return since
}

// follow begins with the gateways that are new. One that is no longer a gateway is given up only when there is another:
// a link that goes down takes its routes with it.
func (g *gateways) follow(hops []hop, links []Link) {
	if len(hops) == 0 {
		return
	}
	for h, asked := range g.asked {
		if !slices.Contains(hops, h) {
			asked.close()
			delete(g.asked, h)
		}
	}
	for _, h := range hops {
		at := slices.IndexFunc(links, func(l Link) bool { return l.Index == h.index })
		if g.asked[h] != nil || at < 0 || len(g.asked) == gatewaysMost {
			continue
		}
		asked, err := newNeighbourAsked(links[at], h.ip)
		if err == nil {
			g.asked[h] = asked
		} else if !g.told {
			g.told = true
			g.logger.Info("whether the gateway answers is not known", "gateway", h.ip, "error", err)
		}
	}
}

func (g *gateways) close() {
	for _, asked := range g.asked {
		asked.close()
	}
}

// defaultHops reads the default routes; one that cannot be read is none.
func defaultHops() []hop {
	var hops []hop
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			continue
		}
		for _, r := range routes {
			if isDefault(r.Dst) {
				hops = append(hops, hopsOf(r)...)
			}
		}
	}
	return hops
}

func hopsOf(r netlink.Route) []hop {
	var hops []hop
	if ip, ok := netip.AddrFromSlice(r.Gw); ok {
		hops = append(hops, hop{r.LinkIndex, ip.Unmap()})
	}
	for _, n := range r.MultiPath {
		if ip, ok := netip.AddrFromSlice(n.Gw); ok {
			hops = append(hops, hop{n.LinkIndex, ip.Unmap()})
		}
	}
	return hops
}

func isDefault(dst *net.IPNet) bool {
	if dst == nil {
		return true
	}
	ones, _ := dst.Mask.Size()
	return ones == 0
}

// neighbourAsked is a machine on the wire that is asked again and again whether it is there.
type neighbourAsked struct {
	socket *socket
	done   chan struct{}
	asked  time.Time
	first  time.Time // the first question after the last answer

	mu   sync.Mutex
	last time.Time // the last answer
	mac  net.HardwareAddr
}

func newNeighbourAsked(l Link, ip netip.Addr) (*neighbourAsked, error) {
	s, err := listen(l, ip)
	if err != nil {
		return nil, err
	}
	n := &neighbourAsked{socket: s, done: make(chan struct{})}
	go n.hear()
	return n, nil
}

func (n *neighbourAsked) hear() {
	defer close(n.done)
	for {
		mac, says, err := n.socket.next(time.Time{})
		if err != nil {
			return
		}
		if says == claims {
			n.mu.Lock()
			n.last, n.mac = time.Now(), mac
			n.mu.Unlock()
		}
	}
}

// silent returns when the first question was asked that has no answer; where all have one, when the last came.
func (n *neighbourAsked) silent() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last.IsZero() {
		return n.last
	}
	return latest(n.first, n.last)
}

// look asks once more. Who answers is asked alone, which is less noise than asking everybody.
func (n *neighbourAsked) look(now time.Time, l Link) Evidence {
	n.mu.Lock()
	last, mac := n.last, n.mac
	n.mu.Unlock()
	says := means(last, now, l.Carrier)
	if says != Connected {
		mac = nil
	}
	if own, ok := ownAddress(l, n.socket.ip); ok && now.Sub(n.asked) >= notSooner {
		if n.asked = now; n.first.IsZero() || last.After(n.first) {
			n.first = now
		}
		_ = n.socket.send(call(n.socket.mac, own, mac, n.socket.ip)) // one that is lost is a question without an answer
	}
	return says
}

// means says what the time of the last answer means. A machine that never answered is unknown: the route may be wrong. One
// behind a link without a carrier is cut off at once.
func means(last, now time.Time, carrier bool) Evidence {
	switch {
	case last.IsZero():
		return Unknown
	case carrier && now.Sub(last) < silentAfter:
		return Connected
	}
	return Cut
}

func (n *neighbourAsked) close() {
	n.socket.close()
	<-n.done
}

// ownAddress returns the address of the interface to ask in the name of.
func ownAddress(l Link, target netip.Addr) (netip.Addr, bool) {
	for _, p := range l.Addresses {
		sameNetwork := p.Contains(target) && p.Addr() != target
		if sameNetwork && p.Addr().Is4() == target.Is4() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}
