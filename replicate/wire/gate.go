package wire

import (
	"net/netip"
	"sync"
	"time"
)

// How many callers may be in a handshake at once, and how many strangers may begin one in a while.
// Those at a member's address have places of their own, so that strangers cannot keep a member out.
const (
	mostStrangers = 64
	mostAtAddress = 8
	mostAtMember  = 64
	strangerEvery = 50 * time.Millisecond
)

// gate counts who is in a handshake.
type gate struct {
	mu        sync.Mutex
	members   map[netip.Addr]bool
	at        map[netip.Addr]int
	strangers int
	free      time.Time // when strangers will have all their tries again
}

// know says which addresses are members'.
func (g *gate) know(members map[netip.Addr]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = members
}

// enter takes a place, if there is one; leave gives it back and may be called twice.
func (g *gate) enter(from netip.Addr, now time.Time) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at == nil {
		g.at = map[netip.Addr]int{}
	}
	member := g.members[from]
	if !member {
		from = machine(from)
	}
	switch {
	case member && g.at[from] >= mostAtMember:
		return nil, false
	case !member && (g.at[from] >= mostAtAddress || g.strangers >= mostStrangers || g.free.Sub(now) > mostStrangers*strangerEvery):
		return nil, false
	case !member:
		g.strangers++
		if g.free.Before(now) {
			g.free = now
		}
		g.free = g.free.Add(strangerEvery)
	}
	g.at[from]++
	return sync.OnceFunc(func() { g.leave(from, member) }), true
}

// machine is what one machine's addresses have in common: of IPv6 it may take any of a /64.
func machine(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, _ := a.Prefix(64)
	return p.Addr()
}

func (g *gate) leave(from netip.Addr, member bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.at[from]--; g.at[from] == 0 {
		delete(g.at, from)
	}
	if !member {
		g.strangers--
	}
}

// Joins that one address may try: some at once, then one in a while.
const (
	joinBurst     = 5
	joinEvery     = 2 * time.Second
	joinAddresses = 256
)

// pace lets each address do something only so often.
type pace struct {
	mu   sync.Mutex
	free map[netip.Addr]time.Time // when the address will have all its tries again
}

// try takes one of the address's tries, if it has one.
func (p *pace) try(from netip.Addr, now time.Time) bool {
	from = machine(from)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == nil {
		p.free = map[netip.Addr]time.Time{}
	}
	for a, at := range p.free {
		if !at.After(now) {
			delete(p.free, a)
		}
	}
	at, known := p.free[from]
	if !known {
		at = now
	}
	if !known && len(p.free) >= joinAddresses || at.Sub(now) > (joinBurst-1)*joinEvery {
		return false
	}
	p.free[from] = at.Add(joinEvery)
	return true
}
