package link

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
)

// Offsets and sizes of the frames this package reads and writes: Ethernet II, ARP for IPv4 over Ethernet (RFC 826), and
// neighbour discovery (RFC 4861).
const (
	ethernetSize = 14
	arpSize      = 28
	ip6Size      = 40
	ndSize       = 24
	macSize      = 6

	etherARP  = 0x0806
	etherIPv6 = 0x86dd

	arpRequest = 1
	arpReply   = 2

	protocolICMPv6    = 58
	neighbourSolicit  = 135
	neighbourAdvert   = 136
	optionSourceMAC   = 1
	optionTargetMAC   = 2
	neverRouted       = 255 // the hop limit that proves a frame was not routed
	overrideNeighbour = 0x20
)

var (
	toEverybody    = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	nobody         = make(net.HardwareAddr, macSize)
	allNodes       = netip.MustParseAddr("ff02::1")
	unspecifiedOf4 = netip.IPv4Unspecified()
)

// announcements returns the frames that tell every neighbour that ip is at mac: for IPv4 a gratuitous ARP in both forms,
// because some devices heed only one of them, for IPv6 an unsolicited advertisement.
func announcements(mac net.HardwareAddr, ip netip.Addr) [][]byte {
	if ip.Is4() {
		return [][]byte{
			arp(arpRequest, toEverybody, mac, ip, nobody, ip),
			arp(arpReply, toEverybody, mac, ip, mac, ip),
		}
	}
	return [][]byte{neighbour(neighbourAdvert, toMulticast(allNodes), mac, ip, allNodes, ip)}
}

// question asks who has ip without claiming any address: an ARP probe (RFC 5227), or what IPv6 sends before it takes an
// address (RFC 4862).
func question(mac net.HardwareAddr, ip netip.Addr) []byte {
	if ip.Is4() {
		return arp(arpRequest, toEverybody, mac, unspecifiedOf4, nobody, ip)
	}
	group := solicited(ip)
	return neighbour(neighbourSolicit, toMulticast(group), mac, netip.IPv6Unspecified(), group, ip)
}

// call asks a neighbour for an answer in the name of our own address. With at nil everybody is asked.
func call(mac net.HardwareAddr, own netip.Addr, at net.HardwareAddr, ip netip.Addr) []byte {
	if ip.Is4() {
		if at == nil {
			at = toEverybody
		}
		return arp(arpRequest, at, mac, own, nobody, ip)
	}
	group := solicited(ip)
	if at == nil {
		return neighbour(neighbourSolicit, toMulticast(group), mac, own, group, ip)
	}
	return neighbour(neighbourSolicit, at, mac, own, ip, ip)
}

func ethernet(to, from net.HardwareAddr, kind uint16, size int) []byte {
	b := make([]byte, 0, ethernetSize+size)
	b = append(append(b, to...), from...)
	return binary.BigEndian.AppendUint16(b, kind)
}

func arp(operation uint16, to, senderMAC net.HardwareAddr, sender netip.Addr, targetMAC net.HardwareAddr, target netip.Addr) []byte {
	b := ethernet(to, senderMAC, etherARP, arpSize)
	b = append(b, 0, 1, 8, 0, macSize, 4) // Ethernet, IPv4
	b = binary.BigEndian.AppendUint16(b, operation)
	b = append(append(b, senderMAC...), sender.AsSlice()...)
	return append(append(b, targetMAC...), target.AsSlice()...)
}

// neighbour builds a solicitation or an advertisement of target. One sent from the unspecified address carries no option.
func neighbour(kind byte, to, mac net.HardwareAddr, from, dst, target netip.Addr) []byte {
	body := make([]byte, 0, ndSize+2+macSize)
	option, flags := byte(optionSourceMAC), byte(0)
	if kind == neighbourAdvert {
		option, flags = optionTargetMAC, overrideNeighbour
	}
	body = append(body, kind, 0, 0, 0, flags, 0, 0, 0)
	body = append(body, target.AsSlice()...)
	if !from.IsUnspecified() {
		body = append(append(body, option, 1), mac...)
	}
	binary.BigEndian.PutUint16(body[2:], checksum(from, dst, body))

	b := ethernet(to, mac, etherIPv6, ip6Size+len(body))
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, protocolICMPv6, neverRouted)
	b = append(append(b, from.AsSlice()...), dst.AsSlice()...)
	return append(b, body...)
}

// checksum is that of ICMPv6: over the pseudo-header and the message, whose own field is zero. The message is of even length.
func checksum(from, dst netip.Addr, body []byte) uint16 {
	sum := uint32(len(body)) + protocolICMPv6
	for _, part := range [][]byte{from.AsSlice(), dst.AsSlice(), body} {
		for ; len(part) >= 2; part = part[2:] {
			sum += uint32(binary.BigEndian.Uint16(part))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// solicited is the group in which whoever has ip listens.
func solicited(ip netip.Addr) netip.Addr {
	b := ip.As16()
	return netip.AddrFrom16([16]byte{0xff, 0x02, 11: 0x01, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

func toMulticast(group netip.Addr) net.HardwareAddr {
	b := group.As16()
	return net.HardwareAddr{0x33, 0x33, b[12], b[13], b[14], b[15]}
}

// speech is what a frame says of an address.
type speech uint8

const (
	nothing speech = iota
	claims         // its sender has the address
	asks           // its sender is about to take the address
)

// heard reads a frame: who says what of ip. A frame that is cut short or of another kind says nothing.
func heard(frame []byte, ip netip.Addr) (net.HardwareAddr, speech) {
	if len(frame) < ethernetSize {
		return nil, nothing
	}
	kind, body := binary.BigEndian.Uint16(frame[12:]), frame[ethernetSize:]
	switch {
	case kind == etherARP && ip.Is4():
		return heardARP(body, ip)
	case kind == etherIPv6 && ip.Is6():
		return net.HardwareAddr(bytes.Clone(frame[6:12])), heardNeighbour(body, ip)
	}
	return nil, nothing
}

func heardARP(b []byte, ip netip.Addr) (net.HardwareAddr, speech) {
	if len(b) < arpSize || !bytes.Equal(b[:6], []byte{0, 1, 8, 0, macSize, 4}) {
		return nil, nothing
	}
	mac := net.HardwareAddr(bytes.Clone(b[8:14]))
	sender, target := netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	switch {
	case sender == ip:
		return mac, claims
	case sender.IsUnspecified() && target == ip && binary.BigEndian.Uint16(b[6:]) == arpRequest:
		return mac, asks
	}
	return nil, nothing
}

func heardNeighbour(b []byte, ip netip.Addr) speech {
	if len(b) < ip6Size+ndSize || b[0]>>4 != 6 || b[6] != protocolICMPv6 || b[7] != neverRouted {
		return nothing
	}
	from, target := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[ip6Size+8:ip6Size+24]))
	switch kind := b[ip6Size]; {
	case target != ip:
		return nothing
	case kind == neighbourAdvert:
		return claims
	case kind == neighbourSolicit && from.IsUnspecified():
		return asks
	}
	return nothing
}
