package discovery

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// MaxAddresses are asked at most in one run.
const MaxAddresses = 4096

// maxHostBits is the part of an address that may vary within MaxAddresses.
const maxHostBits = 12

// errNoAddresses says how addresses are written.
var errNoAddresses = errors.New("write a network (192.0.2.0/24), a range (192.0.2.10-192.0.2.20) or one address")

// Expand returns the addresses that s means, in order: those of a network in CIDR notation
// without its network and broadcast address, those of a range first-last, or the one
// address. There are at most MaxAddresses.
func Expand(s string) ([]netip.Addr, error) {
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%.80q is no network: %w", s, errNoAddresses)
		}
		return network(p)
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	a, err := host(first)
	if err != nil {
		return nil, err
	}
	b, err := host(last)
	if err != nil {
		return nil, err
	}
	switch {
	case a.BitLen() != b.BitLen() || b.Less(a):
		return nil, fmt.Errorf("%.80q is no range: write the lower address first, and both of one IP version", s)
	default:
		return between(a, b, s)
	}
}

func host(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil {
		return a, fmt.Errorf("%.80q is no address: %w", s, errNoAddresses)
	}
	a = a.Unmap()
	if a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return a, fmt.Errorf("%s is the address of no single device", a)
	}
	return a, nil
}

func network(p netip.Prefix) ([]netip.Addr, error) {
	p = p.Masked()
	hostBits := p.Addr().BitLen() - p.Bits()
	if hostBits > maxHostBits {
		return nil, fmt.Errorf("%s has more than %d addresses: ask for a /%d at most, one after the other", p, MaxAddresses, p.Addr().BitLen()-maxHostBits)
	}
	if _, err := host(p.Addr().String()); err != nil && hostBits < 2 {
		return nil, err
	}
	if p.Addr().IsMulticast() {
		return nil, fmt.Errorf("%s is a network of no single devices", p)
	}
	var found []netip.Addr
	for a := p.Addr(); a.IsValid() && p.Contains(a); a = a.Next() {
		found = append(found, a)
	}
	switch {
	case hostBits < 2: // point to point, and single addresses
	case p.Addr().Is4():
		found = found[1 : len(found)-1]
	default:
		found = found[1:] // the anycast address of the subnet's routers
	}
	return found, nil
}

func between(a, b netip.Addr, s string) ([]netip.Addr, error) {
	var found []netip.Addr
	for ; a.IsValid() && !b.Less(a); a = a.Next() {
		if len(found) == MaxAddresses {
			return nil, fmt.Errorf("%.80q has more than %d addresses: ask for fewer, one range after the other", s, MaxAddresses)
		}
		found = append(found, a)
	}
	return found, nil
}

// SubnetOf returns what a is taken to share a wire and a device's attention with: its /24, or its
// /64 of IPv6.
func SubnetOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 64
	if a.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(a.WithZone(""), bits).Masked()
}
