package scrub

import (
	"encoding/binary"
	"net/netip"
)

// maxTries bounds how often a pseudonym that is taken is made anew.
const maxTries = 64

// addresses gives addresses their pseudonyms. Networks and makers keep together: two IPv4
// addresses of one /24 stay in one, two MAC addresses of one maker stay of one.
type addresses struct {
	keyed
	nets     map[[3]byte][3]byte // of IPv4
	netTaken map[[3]byte]bool
	hosts    map[[3]byte]*[256]byte
	makers   map[[3]byte][3]byte // of MAC addresses
	taken    map[[3]byte]bool
	six      map[[8]byte]uint32
	sixTaken map[uint32]bool
}

func newAddresses(k keyed) *addresses {
	return &addresses{
		keyed: k, nets: map[[3]byte][3]byte{}, netTaken: map[[3]byte]bool{}, hosts: map[[3]byte]*[256]byte{},
		makers: map[[3]byte][3]byte{}, taken: map[[3]byte]bool{}, six: map[[8]byte]uint32{}, sixTaken: map[uint32]bool{},
	}
}

// plainIPv4 reports whether an address is nobody's: unspecified, loopback, a mask, or local
// multicast.
func plainIPv4(a [4]byte) bool {
	v := binary.BigEndian.Uint32(a[:])
	mask := a[0] == 255 && ^v&(^v+1) == 0
	return a[0] == 0 || a[0] == 127 || mask || a[0] == 224 && a[1] == 0 && a[2] == 0
}

// ipv4 returns the pseudonym of an address: one of 240.0.0.0/5, which nobody has.
func (x *addresses) ipv4(a [4]byte) [4]byte {
	if plainIPv4(a) {
		return a
	}
	net := [3]byte(a[:3])
	to, ok := x.nets[net]
	if !ok {
		for try := byte(0); try < maxTries; try++ {
			sum := x.sum("ipv4", net[:], []byte{try})
			to = [3]byte{240 | sum[0]&7, sum[1], sum[2]}
			if !x.netTaken[to] {
				break
			}
		}
		x.nets[net], x.netTaken[to] = to, true
		x.hosts[net] = x.shuffle(net)
	}
	return [4]byte{to[0], to[1], to[2], x.hosts[net][a[3]]}
}

// shuffle is a permutation of the hosts of a network that leaves its first and its last
// address where they are.
func (x *addresses) shuffle(net [3]byte) *[256]byte {
	var p [256]byte
	for i := range p {
		p[i] = byte(i)
	}
	random := x.stream(512, "host", net[:])
	for i := 254; i > 1; i-- {
		j := 1 + int(binary.BigEndian.Uint16(random[2*i:]))%i
		p[i], p[j] = p[j], p[i]
	}
	return &p
}

// mac returns the pseudonym of a MAC address: locally administered, and a group address if it
// is one. The groups of the protocols of a bridge keep theirs.
func (x *addresses) mac(a [6]byte) [6]byte {
	if plainMAC(a) {
		return a
	}
	maker := [3]byte(a[:3])
	to, ok := x.makers[maker]
	if !ok {
		for try := byte(0); try < maxTries; try++ {
			sum := x.sum("maker", maker[:], []byte{try})
			to = [3]byte{sum[0]&^3 | 2 | a[0]&1, sum[1], sum[2]}
			if !x.taken[to] {
				break
			}
		}
		x.makers[maker], x.taken[to] = to, true
	}
	digits, radix := make([]int, 6), []int{16, 16, 16, 16, 16, 16}
	for i := range digits {
		digits[i] = int(a[3+i/2]>>(4-i%2*4)) & 15
	}
	x.permute(digits, radix, append([]byte("mac"), maker[:]...))
	out := [6]byte{to[0], to[1], to[2]}
	for i := range 3 {
		out[3+i] = byte(digits[2*i]<<4 | digits[2*i+1])
	}
	return out
}

func plainMAC(a [6]byte) bool {
	switch [3]byte(a[:3]) {
	case [3]byte{0x01, 0x80, 0xc2}, [3]byte{0x01, 0x00, 0x0c}, [3]byte{0x01, 0x00, 0x5e}:
		return true
	}
	return a == [6]byte{} || a == [6]byte{255, 255, 255, 255, 255, 255}
}

// ipv6 returns the pseudonym of an address: one of 2001:db8::/32, with one /64 for each /64. A
// link-local one keeps its prefix. The interface identifier, which may hold a MAC address, is
// replaced.
func (x *addresses) ipv6(a [16]byte) [16]byte {
	addr := netip.AddrFrom16(a)
	switch {
	case addr.Is4In6():
		v4 := x.ipv4([4]byte(a[12:]))
		copy(a[12:], v4[:])
		return a
	case addr.IsUnspecified(), addr.IsLoopback(), addr.IsLinkLocalMulticast() && a[2] == 0 && a[8] == 0, addr.IsInterfaceLocalMulticast():
		return a
	}
	net := [8]byte(a[:8])
	to := [8]byte{0xfe, 0x80}
	if !addr.IsLinkLocalUnicast() {
		to = [8]byte{0x20, 0x01, 0x0d, 0xb8}
		binary.BigEndian.PutUint32(to[4:], x.network(net))
	}
	sum := x.sum("ipv6 host", a[:])
	return [16]byte(append(to[:], sum[:8]...))
}

func (x *addresses) network(net [8]byte) uint32 {
	to, ok := x.six[net]
	if !ok {
		for try := byte(0); try < maxTries; try++ {
			sum := x.sum("ipv6", net[:], []byte{try})
			if to = binary.BigEndian.Uint32(sum[:]); !x.sixTaken[to] {
				break
			}
		}
		x.six[net], x.sixTaken[to] = to, true
	}
	return to
}
