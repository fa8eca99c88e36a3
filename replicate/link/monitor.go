package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	settle      = 20 * time.Millisecond // changes come in swarms: what follows one so soon is read with it
	swarm       = 4096                  // messages of one swarm at most
	resubscribe = 5 * time.Second
	listTries   = 3 // a list that changed while it was read is read again
)

// Link is one network interface as the kernel sees it.
type Link struct {
	Index     int
	Name      string
	MAC       net.HardwareAddr
	Up        bool // switched on
	Carrier   bool // switched on, and the other end is there
	Loopback  bool
	Addresses []netip.Prefix // sorted
}

// Carries says whether the address is one of the interface's own. One with a zone is so only on the interface of that name.
func (l Link) Carries(a netip.Addr) bool {
	if a.Zone() != "" && a.Zone() != l.Name {
		return false
	}
	a = a.WithZone("").Unmap()
	return slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// Monitor follows the kernel's links and addresses. What the kernel sends is only taken as a sign that something changed:
// the truth is read anew each time, so that a message lost in a full buffer costs nothing.
type Monitor struct {
	logger *slog.Logger

	mu      sync.Mutex
	links   []Link
	known   bool
	changed chan struct{}
}

// NewMonitor returns a monitor that knows nothing until it runs.
func NewMonitor(logger *slog.Logger) *Monitor {
	return &Monitor{logger: logger, changed: make(chan struct{})}
}

// Links returns the links sorted by index, and false while they are not known. The caller changes nothing in them.
func (m *Monitor) Links() ([]Link, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.links, m.known
}

// Watch returns a channel that is closed at the next change. Take it before Links, or a change between them is missed.
func (m *Monitor) Watch() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Run follows the kernel until ctx ends. Where it is not allowed to, the links stay unknown and it tries again.
func (m *Monitor) Run(ctx context.Context) error {
	told := ""
	for {
		err := m.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		m.publish(nil, false)
		if s := err.Error(); s != told {
			m.logger.Warn("the state of the links is not known", "error", s)
			told = s
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(resubscribe):
		}
	}
}

// follow reads the links after every swarm of messages until ctx ends or the socket fails.
func (m *Monitor) follow(ctx context.Context) error {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
	if err != nil {
		return fmt.Errorf("subscribe to link changes: %w", needsCapability(err))
	}
	var once sync.Once
	closed := func() { once.Do(socket.Close) }
	defer closed()
	defer context.AfterFunc(ctx, closed)()
	for {
		links, err := readLinks()
		if err != nil {
			return err
		}
		m.publish(links, true)
		if err := awaitSwarm(socket); err != nil {
			return err
		}
	}
}

// awaitSwarm returns when a message came and no further one followed at once.
func awaitSwarm(socket *nl.NetlinkSocket) error {
	forever, soon := unix.NsecToTimeval(0), unix.NsecToTimeval(settle.Nanoseconds())
	wait := &forever
	for range swarm {
		if err := socket.SetReceiveTimeout(wait); err != nil {
			return fmt.Errorf("wait for link changes: %w", err)
		}
		_, _, err := socket.Receive()
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS):
			return fmt.Errorf("wait for link changes: %w", err)
		}
		wait = &soon
	}
	return nil
}

func (m *Monitor) publish(links []Link, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == known && reflect.DeepEqual(m.links, links) {
		return
	}
	m.links, m.known = links, known
	close(m.changed)
	m.changed = make(chan struct{})
}

// readLinks asks the kernel for all links and their addresses.
func readLinks() ([]Link, error) {
	list, err := tried(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list the links: %w", needsCapability(err))
	}
	addresses, err := tried(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", needsCapability(err))
	}
	carried := map[int][]netip.Prefix{}
	for _, a := range addresses {
		if p, ok := prefixOf(a); ok {
			carried[a.LinkIndex] = append(carried[a.LinkIndex], p)
		}
	}
	links := make([]Link, 0, len(list))
	for _, l := range list {
		at := l.Attrs()
		slices.SortFunc(carried[at.Index], netip.Prefix.Compare)
		links = append(links, Link{
			Index: at.Index, Name: at.Name, MAC: at.HardwareAddr,
			Up:        at.RawFlags&unix.IFF_UP != 0,
			Carrier:   at.RawFlags&unix.IFF_UP != 0 && at.RawFlags&unix.IFF_LOWER_UP != 0,
			Loopback:  at.RawFlags&unix.IFF_LOOPBACK != 0,
			Addresses: carried[at.Index],
		})
	}
	slices.SortFunc(links, func(a, b Link) int { return a.Index - b.Index })
	return links, nil
}

// tried repeats a list that changed under the kernel's hands. After the last try what was read is taken: the change that
// broke it off is itself a message, and so a reason to read again.
func tried[T any](list func() ([]T, error)) ([]T, error) {
	for range listTries - 1 {
		if got, err := list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return got, err
		}
	}
	got, err := list()
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		return got, nil
	}
	return got, err
}

func prefixOf(a netlink.Addr) (netip.Prefix, bool) {
	if a.IPNet == nil {
		return netip.Prefix{}, false
	}
	ip, ok := netip.AddrFromSlice(a.IP)
	bits, _ := a.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits), ok
}
