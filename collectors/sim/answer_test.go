package sim_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden compares an exchange with bytes written by hand from X.690 and RFC 3416.
func TestGolden(t *testing.T) {
	t.Parallel()
	d := recorded(t, "1.3.6.1.2.1.1.5.0|4|abc\n")
	got := sim.Answer(d, unhex(t, `
		30 29 02 01 01 04 06 7075626c6963
		a0 1c 02 04 01020304 02 01 00 02 01 00
		30 0e 30 0c 06 08 2b06010201010500 05 00`), 1472)
	want := unhex(t, `
		30 2c 02 01 01 04 06 7075626c6963
		a2 1f 02 04 01020304 02 01 00 02 01 00
		30 11 30 0f 06 08 2b06010201010500 04 03 616263`)
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestGoldenValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ row, want string }{
		{"2|0", "020100"}, {"2|127", "02017f"}, {"2|128", "02020080"}, {"2|-1", "0201ff"}, {"2|-128", "020180"},
		{"2|-129", "0202ff7f"}, {"2|2147483647", "02047fffffff"}, {"2|-2147483648", "020480000000"},
		{"65|4294967295", "410500ffffffff"}, {"65|128", "41020080"}, {"66|255", "420200ff"}, {"67|0", "430100"},
		{"70|18446744073709551615", "460900ffffffffffffffff"}, {"70|9223372036854775807", "46087fffffffffffffff"},
		{"6|1.3.6.1.4.1.9999", "06072b06010401ce0f"}, {"6|0.0", "060100"}, {"6|2.999", "06028837"}, {"6|1.3.4294967295", "06062b8fffffff7f"},
		{"64|192.0.2.1", "4004c0000201"}, {"64x|c0000201", "4004c0000201"}, {"5|", "0500"}, {"68x|9f7804", "44039f7804"},
		{"4|" + strings.Repeat("a", 200), "0481c8" + strings.Repeat("61", 200)},
		{"4x|" + strings.Repeat("00", 300), "0482012c" + strings.Repeat("00", 300)},
	} {
		got := sim.Answer(recorded(t, "1.3.1|"+c.row), request(1, "public", 0xa0, 0, 0, "06022b01"), 1472)
		if !bytes.HasSuffix(got, unhex(t, c.want)) {
			t.Errorf("%s: got %x, want it to end in %s", c.row, got, c.want)
		}
	}
}

// request builds a message by hand; names are the TLVs of the names in hexadecimal.
func request(version byte, community string, pdu byte, first, second byte, names ...string) []byte {
	tlv := func(tag byte, parts ...[]byte) []byte {
		b := bytes.Join(parts, nil)
		return append([]byte{tag, 0x82, byte(len(b) >> 8), byte(len(b))}, b...)
	}
	var list [][]byte
	for _, n := range names {
		b, _ := hex.DecodeString(n)
		list = append(list, tlv(0x30, b, []byte{5, 0}))
	}
	body := tlv(pdu, []byte{2, 1, 9, 2, 1, first, 2, 1, second}, tlv(0x30, list...))
	return tlv(0x30, []byte{2, 1, version}, tlv(4, []byte(community)), body)
}

const table = `
1.3.6.1.2.1.1.1.0|4|first
1.3.6.1.2.1.1.3.0|67|100
1.3.6.1.2.1.2.2.1.1.1|2|1
1.3.6.1.2.1.2.2.1.1.2|2|2
1.3.6.1.2.1.2.2.1.10.1|65|11
1.3.6.1.2.1.2.2.1.10.2|65|12
1.3.6.1.2.1.31.1.1.1.6.1|70|21
1.3.6.1.2.1.31.1.1.1.6.2|70|22
1.3.6.1.2.1.31.1.1.1.15.1|66|1000
`

// shown is a response as text: the error and the variables.
func shown(p *gosnmp.SnmpPacket) string {
	s := fmt.Sprint(p.Error, " ", p.ErrorIndex)
	for _, v := range p.Variables {
		s += "; " + strings.TrimPrefix(v.Name, ".1.3.6.1.2.1.") + " " + text(v)
	}
	return s
}

func TestSemantics(t *testing.T) {
	t.Parallel()
	addr := serve(t, recorded(t, table), sim.AgentOptions{})
	v1, v2 := client(t, addr, gosnmp.Version1), client(t, addr, gosnmp.Version2c)
	const mib = "1.3.6.1.2.1."
	for _, c := range []struct {
		what string
		ask  func() (*gosnmp.SnmpPacket, error)
		want string
	}{
		{"get", func() (*gosnmp.SnmpPacket, error) { return v2.Get([]string{mib + "1.1.0", mib + "1.3.0"}) }, `NoError 0; 1.1.0 OctetString "first"; 1.3.0 TimeTicks 100`},
		{"get no instance", func() (*gosnmp.SnmpPacket, error) { return v2.Get([]string{mib + "1.3.0", mib + "2.2.1.10.7"}) }, `NoError 0; 1.3.0 TimeTicks 100; 2.2.1.10.7 NoSuchInstance <nil>`},
		{"get no object", func() (*gosnmp.SnmpPacket, error) { return v2.Get([]string{mib + "9.9.0"}) }, `NoError 0; 9.9.0 NoSuchObject <nil>`},
		{"get v1 missing", func() (*gosnmp.SnmpPacket, error) { return v1.Get([]string{mib + "1.3.0", mib + "9.9.0"}) }, `NoSuchName 2; 1.3.0 Null <nil>; 9.9.0 Null <nil>`},
		{"get v1 counter64", func() (*gosnmp.SnmpPacket, error) { return v1.Get([]string{mib + "31.1.1.1.6.1"}) }, `NoSuchName 1; 31.1.1.1.6.1 Null <nil>`},
		{"next", func() (*gosnmp.SnmpPacket, error) { return v2.GetNext([]string{mib + "1", mib + "2.2.1.1.1"}) }, `NoError 0; 1.1.0 OctetString "first"; 2.2.1.1.2 Integer 2`},
		{"next v1 passes over counter64", func() (*gosnmp.SnmpPacket, error) { return v1.GetNext([]string{mib + "2.2.1.10.2"}) }, `NoError 0; 31.1.1.1.15.1 Gauge32 1000`},
		{"next at the end", func() (*gosnmp.SnmpPacket, error) { return v2.GetNext([]string{mib + "31.1.1.1.15.1"}) }, `NoError 0; 31.1.1.1.15.1 EndOfMibView <nil>`},
		{"next v1 at the end", func() (*gosnmp.SnmpPacket, error) { return v1.GetNext([]string{mib + "31.1.1.1.15.1"}) }, `NoSuchName 1; 31.1.1.1.15.1 Null <nil>`},
		{"bulk", func() (*gosnmp.SnmpPacket, error) {
			return v2.GetBulk([]string{mib + "1.1", mib + "2.2.1.1", mib + "2.2.1.10"}, 1, 2)
		}, `NoError 0; 1.1.0 OctetString "first"; 2.2.1.1.1 Integer 1; 2.2.1.10.1 Counter32 11; 2.2.1.1.2 Integer 2; 2.2.1.10.2 Counter32 12`},
		{"bulk over the end", func() (*gosnmp.SnmpPacket, error) {
			return v2.GetBulk([]string{mib + "31.1.1.1.6.2", mib + "31.1.1.1.6.1"}, 0, 9)
		}, `NoError 0; 31.1.1.1.15.1 Gauge32 1000; 31.1.1.1.6.2 Counter64 22; 31.1.1.1.15.1 EndOfMibView <nil>; 31.1.1.1.15.1 Gauge32 1000; ` +
			`31.1.1.1.15.1 EndOfMibView <nil>; 31.1.1.1.15.1 EndOfMibView <nil>`},
		{"bulk without repetitions", func() (*gosnmp.SnmpPacket, error) { return v2.GetBulk([]string{mib + "1.1", mib + "1.3"}, 1, 0) }, `NoError 0; 1.1.0 OctetString "first"`},
		{"set", func() (*gosnmp.SnmpPacket, error) {
			return v2.Set([]gosnmp.SnmpPDU{{Name: "." + mib + "1.3.0", Type: gosnmp.Integer, Value: 1}})
		}, `NoAccess 1; 1.3.0 Integer 1`},
		{"set v1", func() (*gosnmp.SnmpPacket, error) {
			return v1.Set([]gosnmp.SnmpPDU{{Name: "." + mib + "1.3.0", Type: gosnmp.Integer, Value: 1}})
		}, `NoSuchName 1; 1.3.0 Integer 1`},
	} {
		p, err := c.ask()
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if diff := cmp.Diff(c.want, shown(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

// TestCut checks that an answer is never longer than allowed, and stops only where the next object
// would not fit.
func TestCut(t *testing.T) {
	t.Parallel()
	var rec strings.Builder
	for i := range 400 {
		fmt.Fprintf(&rec, "1.3.6.1.2.1.2.2.1.2.%d|4|%s\n", i+1, strings.Repeat("x", i%90))
	}
	d := recorded(t, rec.String())
	ask := request(1, "public", 0xa5, 0, 100, "06082b06010201020201")
	full := sim.Answer(d, ask, 60_000)
	for size := 484; size < 3000; size += 7 {
		got, next := sim.Answer(d, ask, size), sim.Answer(d, ask, size+110)
		if len(got) > size || len(got)+110 < size || len(got) >= len(full) {
			t.Fatalf("an answer of at most %d bytes has %d", size, len(got))
		}
		if len(next) < len(got) {
			t.Fatalf("more room, a shorter answer: %d after %d", len(next), len(got))
		}
	}
}

func TestTooBig(t *testing.T) {
	t.Parallel()
	d := recorded(t, "1.3.1.1|4|"+strings.Repeat("x", 600)+"\n1.3.1.2|2|1\n")
	for _, c := range []struct {
		what   string
		packet []byte
		want   string
	}{
		{"get v2c", request(1, "public", 0xa0, 0, 0, "06032b0101"), "0201010201003000"},
		{"next v2c", request(1, "public", 0xa1, 0, 0, "06022b01"), "0201010201003000"},
		{"bulk v2c", request(1, "public", 0xa5, 0, 3, "06022b01"), "0201010201003000"},
		{"get v1", request(0, "public", 0xa0, 0, 0, "06032b0101"), "020101020100300b3082000706032b01010500"},
	} {
		if got := sim.Answer(d, c.packet, 484); !bytes.HasSuffix(got, unhex(t, c.want)) {
			t.Errorf("%s: got %x, want it to end in %s", c.what, got, c.want)
		}
	}
}

// TestNoAnswer lists what gets none.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	d := recorded(t, table)
	for what, packet := range map[string][]byte{
		"empty": {}, "v3": request(3, "public", 0xa0, 0, 0, "06022b01"), "bulk in v1": request(0, "public", 0xa5, 0, 3, "06022b01"),
		"a response": request(1, "public", 0xa2, 0, 0, "06022b01"), "a broken name": request(1, "public", 0xa0, 0, 0, "06022b81"),
		"a number for a name": request(1, "public", 0xa0, 0, 0, "02022b01"), "cut": request(1, "public", 0xa0, 0, 0, "06022b01")[:20],
		"an arc of 33 bits": request(1, "public", 0xa0, 0, 0, "06062b9fffffff7f"),
	} {
		if got := sim.Answer(d, packet, 1472); got != nil {
			t.Errorf("%s: answered with %x", what, got)
		}
	}
}

// TestErrorIndex checks that an index above 127 is written in full.
func TestErrorIndex(t *testing.T) {
	t.Parallel()
	names := make([]string, 200)
	for i := range names {
		names[i] = "06032b0102"
	}
	names[150] = "06032b0109"
	got := sim.Answer(recorded(t, "1.3.1.2|2|1"), request(0, "public", 0xa0, 0, 0, names...), 4000)
	if !bytes.Contains(got, unhex(t, "020109 020102 02020097")) {
		t.Errorf("no error noSuchName at 151 in %x", got[:40])
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(request(1, "public", 0xa0, 0, 0, "06082b06010201010500"))
	f.Add(request(1, "public", 0xa5, 1, 50, "06082b06010201010500", "06082b06010201020201", "06022b7f"))
	f.Add(request(0, "", 0xa1, 0, 0, "060100"))
	f.Add(request(1, "public", 0xa3, 0, 0, "06022b01"))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff})
	d, err := sim.NewModel("asa-5525-failover", sim.ModelOptions{})
	if err != nil {
		f.Fatal(err)
	}
	if err := d.Fault("garbage", ""); err != nil {
		f.Fatal(err)
	}
	good, err := sim.NewModel("asa-5525-failover", sim.ModelOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		sim.Answer(d, packet, 1472)
		reply := sim.Answer(good, packet, 1472)
		if len(reply) > max(1472, len(packet)+32) {
			t.Errorf("%d bytes in answer to %d", len(reply), len(packet))
		}
		if reply != nil && reply[0] != 0x30 {
			t.Errorf("answer %x is no message", reply)
		}
	})
}
