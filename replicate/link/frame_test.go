package link

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
)

var (
	mac4 = net.HardwareAddr{2, 0, 0, 0, 0, 0xa}
	ip4  = netip.MustParseAddr("192.0.2.100")
	ip6  = netip.MustParseAddr("2001:db8::1:2:100")
)

// The frames as RFC 826, RFC 5227, RFC 4861 and RFC 4862 draw them, written down by hand but for the checksums, which
// TestChecksum proves.
func TestFrames(t *testing.T) {
	t.Parallel()
	a4, a6 := announcements(mac4, ip4), announcements(mac4, ip6)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"announcement as a request", a4[0], "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000264 000000000000 c0000264"},
		{"announcement as a reply", a4[1], "ffffffffffff 02000000000a 0806 0001 0800 06 04 0002 02000000000a c0000264 02000000000a c0000264"},
		{"probe", question(mac4, ip4), "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a 00000000 000000000000 c0000264"},
		{"call", call(mac4, netip.MustParseAddr("192.0.2.1"), nil, ip4), "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000201 000000000000 c0000264"},
		{"advertisement", a6[0], "333300000001 02000000000a 86dd 60000000 0020 3a ff 20010db8000000000000000100020100 ff020000000000000000000000000001 " +
			"88 00 CCCC 20000000 20010db8000000000000000100020100 02 01 02000000000a"},
		{"solicitation", question(mac4, ip6), "3333ff020100 02000000000a 86dd 60000000 0018 3a ff 00000000000000000000000000000000 ff0200000000000000000001ff020100 " +
			"87 00 CCCC 00000000 20010db8000000000000000100020100"},
		{"call of IPv6", call(mac4, netip.MustParseAddr("fe80::1"), net.HardwareAddr{2, 0, 0, 0, 0, 0xb}, ip6), "02000000000b 02000000000a 86dd 60000000 0020 3a ff fe800000000000000000000000000001 20010db8000000000000000100020100 " +
			"87 00 CCCC 00000000 20010db8000000000000000100020100 01 01 02000000000a"},
	} {
		want := strings.ReplaceAll(c.want, " ", "")
		got := hex.EncodeToString(c.got)
		if at := strings.Index(want, "CCCC"); at >= 0 && len(got) > at+4 {
			want = want[:at] + got[at:at+4] + want[at+4:]
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
		}
	}
}

// TestChecksum: with its checksum in place a message sums up to zero, as whoever receives it will verify.
func TestChecksum(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string][]byte{"advertisement": announcements(mac4, ip6)[0], "solicitation": question(mac4, ip6)} {
		from, dst := netip.AddrFrom16([16]byte(frame[22:38])), netip.AddrFrom16([16]byte(frame[38:54]))
		if sum := checksum(from, dst, frame[54:]); sum != 0 {
			t.Errorf("%s: %#x is left", name, sum)
		}
	}
}

func TestHeard(t *testing.T) {
	t.Parallel()
	other4, other6 := netip.MustParseAddr("192.0.2.101"), netip.MustParseAddr("2001:db8::1:2:101")
	for _, c := range []struct {
		name  string
		frame []byte
		of    netip.Addr
		want  speech
	}{
		{"announcement", announcements(mac4, ip4)[0], ip4, claims},
		{"announcement as a reply", announcements(mac4, ip4)[1], ip4, claims},
		{"announcement of another", announcements(mac4, other4)[0], ip4, nothing},
		{"probe", question(mac4, ip4), ip4, asks},
		{"probe of another", question(mac4, other4), ip4, nothing},
		{"a neighbour calls it", call(mac4, other4, nil, ip4), ip4, nothing},
		{"its owner calls a neighbour", call(mac4, ip4, nil, other4), ip4, claims},
		{"advertisement", announcements(mac4, ip6)[0], ip6, claims},
		{"advertisement of another", announcements(mac4, other6)[0], ip6, nothing},
		{"solicitation", question(mac4, ip6), ip6, asks},
		{"a neighbour calls it by IPv6", call(mac4, other6, nil, ip6), ip6, nothing},
		{"the other family", announcements(mac4, ip4)[0], ip6, nothing},
		{"a routed advertisement", routed(announcements(mac4, ip6)[0]), ip6, nothing},
		{"nothing", nil, ip4, nothing},
	} {
		mac, got := heard(c.frame, c.of)
		if got != c.want || got != nothing && mac.String() != mac4.String() {
			t.Errorf("%s: %d of %s, want %d", c.name, got, mac, c.want)
		}
		for n := range c.frame {
			if _, got := heard(c.frame[:n], c.of); got != nothing && n < len(c.frame)-8 {
				t.Errorf("%s: %d bytes of it say %d", c.name, n, got)
			}
		}
	}
}

func routed(frame []byte) []byte {
	frame[ethernetSize+7] = 254
	return frame
}

// FuzzHeard: whatever is on the wire, nothing panics, and only a frame with the address in it says anything of it.
func FuzzHeard(f *testing.F) {
	for _, frame := range append(append(announcements(mac4, ip4), announcements(mac4, ip6)...), question(mac4, ip4), question(mac4, ip6)) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, ip := range []netip.Addr{ip4, ip6} {
			if mac, says := heard(frame, ip); says != nothing && (len(mac) != macSize || !strings.Contains(string(frame), string(ip.AsSlice()))) {
				t.Errorf("%d of %s by %s", says, ip, mac)
			}
		}
	})
}

// TestFilters runs the programs the kernel runs: they pass what heard understands, and nothing of another address.
func TestFilters(t *testing.T) {
	t.Parallel()
	for _, ip := range []netip.Addr{ip4, ip6} {
		next := ip.Next()
		for _, frame := range append(announcements(mac4, ip), question(mac4, ip)) {
			if !passes(t, filterOf(ip), frame) {
				t.Errorf("a frame of %s is not passed: %x", ip, frame)
			}
			if passes(t, filterOf(next), frame) {
				t.Errorf("a frame of %s is passed to who listens for %s: %x", ip, next, frame)
			}
		}
	}
	if passes(t, filterOf(ip6), make([]byte, 100)) {
		t.Error("zeroes are passed")
	}
}
