package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const longestFrame = 256 // what follows in a longer one says nothing of an address

// socket sends frames on one interface and hears those that speak of one address; the kernel passes over all others.
type socket struct {
	ip   netip.Addr
	mac  net.HardwareAddr
	file *os.File
	raw  syscall.RawConn
	buf  [longestFrame]byte
}

// listen opens a socket on an Ethernet interface. It needs CAP_NET_RAW.
func listen(l Link, ip netip.Addr) (*socket, error) {
	if len(l.MAC) != macSize || l.Loopback {
		return nil, fmt.Errorf("%s is no Ethernet interface", l.Name)
	}
	// Nothing is heard before the filter is there and the socket is bound to a protocol.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket on %s: %w", l.Name, needsCapability(err))
	}
	if err := prepare(fd, l.Index, ip); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen on %s: %w", l.Name, err)
	}
	s := &socket{ip: ip, mac: l.MAC, file: os.NewFile(uintptr(fd), "packet")}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		_ = s.file.Close()
		return nil, fmt.Errorf("listen on %s: %w", l.Name, err)
	}
	return s, nil
}

func prepare(fd, index int, ip netip.Addr) error {
	protocol := uint16(etherARP)
	if ip.Is6() {
		protocol = etherIPv6
		if err := joinGroup(fd, index, ip); err != nil {
			return fmt.Errorf("join the group of %s: %w", ip, err)
		}
	}
	filter := filterOf(ip)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return fmt.Errorf("attach a filter: %w", err)
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol>>8 | protocol<<8, Ifindex: index})
}

// joinGroup lets through what is said to the group of an address this box does not have yet.
func joinGroup(fd, index int, ip netip.Addr) error {
	m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_MULTICAST, Alen: macSize}
	copy(m.Address[:], toMulticast(solicited(ip)))
	return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m)
}

// send gives frames to the interface. One that is switched off loses them, which is no error: they are sent again when it
// comes back.
func (s *socket) send(frames ...[]byte) error {
	for _, f := range frames {
		var failed error
		err := s.raw.Write(func(fd uintptr) bool {
			_, failed = unix.Write(int(fd), f)
			return true // never wait: a full queue loses the frame as a wire would
		})
		if failed != nil && !isPassing(failed) {
			return fmt.Errorf("send a frame: %w", failed)
		}
		if err != nil {
			return fmt.Errorf("send a frame: %w", err)
		}
	}
	return nil
}

// next waits until somebody else speaks of the address, at the longest until the deadline (zero: for ever).
func (s *socket) next(deadline time.Time) (net.HardwareAddr, speech, error) {
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return nil, nothing, fmt.Errorf("wait for a frame: %w", err)
	}
	for {
		var n int
		var failed error
		err := s.raw.Read(func(fd uintptr) bool {
			n, failed = unix.Read(int(fd), s.buf[:])
			return !errors.Is(failed, unix.EAGAIN)
		})
		switch {
		case err != nil:
			return nil, nothing, fmt.Errorf("wait for a frame: %w", err)
		case failed != nil && isPassing(failed):
			continue
		case failed != nil:
			return nil, nothing, fmt.Errorf("wait for a frame: %w", failed)
		}
		if mac, says := heard(s.buf[:n], s.ip); says != nothing && mac.String() != s.mac.String() {
			return mac, says, nil
		}
	}
}

// close ends a next that waits.
func (s *socket) close() { _ = s.file.Close() }

// isPassing tells of errors that end by themselves: the interface is switched off, its queue is full.
func isPassing(err error) bool {
	return errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

// filterOf passes the frames that heard understands.
func filterOf(ip netip.Addr) []unix.SockFilter {
	if ip.Is4() {
		return filterARP(ip)
	}
	return filterNeighbour(ip)
}

// filterARP passes ARP whose sender or target is ip.
func filterARP(ip netip.Addr) []unix.SockFilter {
	b := ip.As4()
	want := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return []unix.SockFilter{
		load32(ethernetSize + 14),
		equal(want, 2, 0),
		load32(ethernetSize + 24),
		equal(want, 0, 1),
		verdict(longestFrame),
		verdict(0),
	}
}

// filterNeighbour passes solicitations and advertisements of ip.
func filterNeighbour(ip netip.Addr) []unix.SockFilter {
	const typeAt, targetAt = ethernetSize + ip6Size, ethernetSize + ip6Size + 8
	b := ip.As16()
	program := []unix.SockFilter{
		load8(ethernetSize + 6), equal(protocolICMPv6, 0, 12),
		load8(typeAt), equal(neighbourSolicit, 1, 0), equal(neighbourAdvert, 0, 9),
	}
	for i := range 4 {
		want := uint32(b[4*i])<<24 | uint32(b[4*i+1])<<16 | uint32(b[4*i+2])<<8 | uint32(b[4*i+3])
		program = append(program, load32(uint32(targetAt+4*i)), equal(want, 0, uint8(7-2*i)))
	}
	return append(program, verdict(longestFrame), verdict(0))
}

func load8(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: at}
}

func load32(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

// equal skips so many instructions.
func equal(k uint32, then, otherwise uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: then, Jf: otherwise}
}

func verdict(take uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: take}
}
