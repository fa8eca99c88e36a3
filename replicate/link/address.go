package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// lifetime is how long the kernel keeps the address when nobody renews it. So a box whose process was killed, stopped
	// or hangs lets go of it by itself, and a leftover is told from an address that somebody configured.
	lifetime = 6 * time.Second
	renewal  = 2 * time.Second

	labelMost = 15 // the longest name of an interface, and so of a label
)

// AddressConfig says which address is held, and where.
type AddressConfig struct {
	Address   netip.Addr // IPv4, or IPv6 of more than one link
	Interface string     // empty: the one that carries Beside
	Beside    netip.Addr // an address of this box's own on the same wire
	Monitor   *Monitor   // which somebody runs
	// GiveWay says whether this box has the power but no authority, as an island. It then asks before it takes the address,
	// and lets go as soon as anybody else claims it. Nil: never.
	GiveWay func() bool
	// Verify is asked before the address is taken, and again after this box stood still for so long that it lost it. Nil: the
	// context of Hold says enough.
	Verify func(context.Context) error
	Logger *slog.Logger
}

// Address is a virtual address: one of the boxes holds it, so that whoever looks for the pair finds the box that leads.
type Address struct {
	cfg AddressConfig

	mu     sync.Mutex
	status Status
}

// Status is where a virtual address is, as this box knows it.
type Status struct {
	Address   netip.Addr `json:"address"`
	Held      bool       `json:"held"`
	Interface string     `json:"interface,omitempty"`
	Problem   string     `json:"problem,omitempty"` // why it is not held, or who else claims it
}

// NewAddress checks what was configured.
func NewAddress(cfg AddressConfig) (*Address, error) {
	ip := cfg.Address.Unmap()
	switch {
	case !ip.IsValid() || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLoopback():
		return nil, fmt.Errorf("%s cannot be a virtual address: write one of the network that both boxes are in, which no machine has", ip)
	case ip.IsLinkLocalUnicast() || ip.Zone() != "":
		return nil, fmt.Errorf("%s cannot be a virtual address: it is of one link only", ip)
	case ip == cfg.Beside:
		return nil, fmt.Errorf("%s is this box's own address: a virtual address is a third one, which no machine has", ip)
	case cfg.Interface == "" && !cfg.Beside.IsValid():
		return nil, errors.New("a virtual address needs an interface")
	}
	if cfg.Verify == nil {
		cfg.Verify = func(context.Context) error { return nil }
	}
	if cfg.GiveWay == nil {
		cfg.GiveWay = func() bool { return false }
	}
	cfg.Address = ip
	return &Address{cfg: cfg, status: Status{Address: cfg.Address}}, nil
}

// Status returns where the address is.
func (a *Address) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

func (a *Address) setStatus(held bool, on, problem string) {
	a.mu.Lock()
	before := a.status
	a.status = Status{Address: a.cfg.Address, Held: held, Interface: on, Problem: problem}
	a.mu.Unlock()
	if problem != "" && problem != before.Problem {
		a.cfg.Logger.Warn("the virtual address", "address", a.cfg.Address, "held", held, "problem", problem)
	}
}

// Clean removes what an earlier run left, and fails when the box may not hold the address at all. Call it at the start,
// whether or not this box is to hold the address.
func (a *Address) Clean() error {
	left, err := a.find()
	if err != nil {
		return fmt.Errorf("look for the virtual address: %w", err)
	}
	for _, at := range left {
		if at.ValidLft > int(lifetime/time.Second) {
			return fmt.Errorf("%s is on this box already, and not by rackpost: take it out of the network configuration, or choose another virtual address", a.cfg.Address)
		}
		if err := a.remove(at.LinkIndex); err != nil {
			return err
		}
		a.cfg.Logger.Info("removed the virtual address that an earlier run left", "address", a.cfg.Address)
	}
	return a.allowed()
}

// allowed fails where the kernel would refuse the address: it removes one that is not there, and opens a socket.
func (a *Address) allowed() error {
	if err := a.remove(1); err != nil { // 1 is the loopback interface, in every namespace
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a packet socket: %w", needsCapability(err))
	}
	return unix.Close(fd)
}

// find returns where the address is, on any interface of this box.
func (a *Address) find() ([]netlink.Addr, error) {
	all, err := tried(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, needsCapability(err)
	}
	var found []netlink.Addr
	for _, at := range all {
		if p, ok := prefixOf(at); ok && p.Addr() == a.cfg.Address {
			found = append(found, at)
		}
	}
	return found, nil
}

// put adds the address to the link or renews it. It is one of its own, without a network: then no route hangs on it, it
// is never the source of what this box sends, and it does not go when another address of the interface goes.
func (a *Address) put(l Link) error {
	at := &netlink.Addr{
		IPNet: a.network(), LinkIndex: l.Index,
		ValidLft: int(lifetime / time.Second), // preferred for 0 s: not to be a source
		Flags:    unix.IFA_F_NOPREFIXROUTE,
	}
	if a.cfg.Address.Is6() {
		at.Flags |= unix.IFA_F_NODAD // who had to ask has asked
	} else if label := l.Name + ":vip"; len(label) <= labelMost {
		at.Label = label
	}
	err := netlink.AddrReplace(nil, at)
	switch {
	case errors.Is(err, unix.EACCES): // which is no lack of a capability
		return fmt.Errorf("put %s on %s: IPv6 is switched off there (sysctl net.ipv6.conf.%s.disable_ipv6)", a.cfg.Address, l.Name, l.Name)
	case err != nil:
		return fmt.Errorf("put %s on %s: %w", a.cfg.Address, l.Name, needsCapability(err))
	}
	return nil
}

// remove takes the address from the interface; that it is not there, or the interface or its IPv6 is not, is no error.
func (a *Address) remove(index int) error {
	err := netlink.AddrDel(nil, &netlink.Addr{IPNet: a.network(), LinkIndex: index})
	if err == nil || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil
	}
	return fmt.Errorf("remove the virtual address %s: %w", a.cfg.Address, needsCapability(err))
}

func (a *Address) network() *net.IPNet {
	bits := a.cfg.Address.BitLen()
	return &net.IPNet{IP: a.cfg.Address.AsSlice(), Mask: net.CIDRMask(bits, bits)}
}

// on returns the interface to hold the address on. One that was renamed while it carried the address stays it.
func (a *Address) on(held int) (Link, error) {
	links, known := a.cfg.Monitor.Links()
	if !known {
		return Link{}, errors.New("the interfaces of this box are not known yet")
	}
	for _, l := range links {
		if a.cfg.Interface == l.Name || a.cfg.Interface == "" && l.Carries(a.cfg.Beside) {
			return l, nil
		}
	}
	for _, l := range links {
		if l.Index == held {
			return l, nil
		}
	}
	if a.cfg.Interface != "" {
		return Link{}, fmt.Errorf("this box has no interface %s", a.cfg.Interface)
	}
	return Link{}, fmt.Errorf("no interface of this box carries %s", a.cfg.Beside)
}
