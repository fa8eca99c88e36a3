package scrub_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/capture/scrub"
)

var key = bytes.Repeat([]byte("k"), scrub.MinKey)

// text is an OCTET STRING.
func text(oid, value string) scrub.Object {
	return scrub.Object{OID: oid, Type: 4, Value: []byte(value)}
}

func number(oid string) scrub.Object { return scrub.Object{OID: oid, Type: 2, Value: []byte("1")} }

func ip(oid, value string) scrub.Object {
	return scrub.Object{OID: oid, Type: 64, Value: []byte(value)}
}

func scrubbed(t *testing.T, objects ...scrub.Object) []scrub.Object {
	t.Helper()
	s, err := scrub.New(key)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Scrub(objects)
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(objects) {
		t.Fatalf("%d objects became %d", len(objects), len(out))
	}
	return out
}

const (
	sysDescr   = "1.3.6.1.2.1.1.1.0"
	sysContact = "1.3.6.1.2.1.1.4.0"
	sysName    = "1.3.6.1.2.1.1.5.0"
	ifDescr    = "1.3.6.1.2.1.2.2.1.2."
	ifPhys     = "1.3.6.1.2.1.2.2.1.6."
	ifName     = "1.3.6.1.2.1.31.1.1.1.1."
	ifAlias    = "1.3.6.1.2.1.31.1.1.1.18."
	entDescr   = "1.3.6.1.2.1.47.1.1.1.1.2."
	entSoft    = "1.3.6.1.2.1.47.1.1.1.1.10."
	entSerial  = "1.3.6.1.2.1.47.1.1.1.1.11."
	entAlias   = "1.3.6.1.2.1.47.1.1.1.1.14."
	vlanName   = "1.3.6.1.4.1.9.9.46.1.3.1.1.4.1."
	cdpAddress = "1.3.6.1.4.1.9.9.23.1.2.1.1.4.10101.1"
	cdpVersion = "1.3.6.1.4.1.9.9.23.1.2.1.1.5.10101.1"
	cdpDevice  = "1.3.6.1.4.1.9.9.23.1.2.1.1.6.10101.1"
	cdpPort    = "1.3.6.1.4.1.9.9.23.1.2.1.1.7.10101.1"
	rootBridge = "1.3.6.1.2.1.17.2.5.0"
	engineID   = "1.3.6.1.6.3.10.2.1.1.0"
	nobody     = "1.3.6.1.4.1.9.9.999.1.1.1.2." // an object of no MIB
)

// What says nothing of the owner stays as it is, byte for byte.
func TestKept(t *testing.T) {
	t.Parallel()
	in := []scrub.Object{
		text(sysDescr, "Cisco IOS Software, C3750 Software (C3750-IPSERVICESK9-M), Version 12.2(55)SE10, RELEASE SOFTWARE (fc2)\r\nCopyright"),
		{OID: "1.3.6.1.2.1.1.2.0", Type: 6, Value: []byte("1.3.6.1.4.1.9.12.3.1.9.23.73.10.1.1.5")},
		{OID: "1.3.6.1.2.1.1.3.0", Type: 67, Value: []byte("4294967295")},
		text(sysName, "Switch"),
		text(ifDescr+"1", "GigabitEthernet1/0/1.100"), text(ifDescr+"2", "Port-channel12"), text(ifDescr+"3", "StackSub-St3-2"),
		text(ifDescr+"4", "Adaptive Security Appliance 'outside' interface"), text(ifDescr+"5", "unrouted VLAN 60"),
		text(ifName+"1", "Gi1/0/1"), text(ifName+"2", "inside"), text(ifName+"3", "Internal-Data0/1"), text(ifName+"4", "Vl60"), text(ifName+"5", "VLAN-1002"),
		text(ifAlias+"1", ""), text(ifAlias+"2", "LAN/STATE Failover Interface"),
		text(entDescr+"1", "Switch 1 - WS-C3750-48P - Power Supply 0"), text(entDescr+"2", "ASA 5555-X with SW, 8 GE Data, 1 GE Mgmt"),
		text(entSoft+"1", "7.4.1.1"), text(entSoft+"2", "15.2(7)E4"), number("1.3.6.1.2.1.2.2.1.1.10101"), text(entAlias+"3", "10101"),
		text(vlanName+"1", "default"), text(vlanName+"60", "VLAN0060"), text(vlanName+"1002", "fddi-default"),
		text("1.3.6.1.4.1.9.9.46.1.6.1.1.4.10101", "\x7f"+strings.Repeat("\xff", 126)+"\x01"),
		text("1.3.6.1.4.1.9.9.13.1.5.1.2.1003", "Sw1, PS1 Normal, RPS NotExist"),
		text("1.3.6.1.4.1.9.9.147.1.2.1.1.1.4.6", "Active unit"), text("1.3.6.1.4.1.9.9.147.1.2.1.1.1.4.7", "Failover Off"),
		text("1.3.6.1.4.1.9.9.548.1.2.1.1.2.3", "\xc0"),
		ip("1.3.6.1.2.1.4.20.1.3.0.0.0.0", "255.255.252.0"), ip("1.3.6.1.4.1.9.2.1.6.0", "0.0.0.0"), ip("1.3.6.1.4.1.9.2.1.48.0", "127.0.0.1"),
		text(ifPhys+"9", "\x00\x00\x00\x00\x00\x00"), text(ifPhys+"10", "\x01\x80\xc2\x00\x00\x00"),
		text("1.3.6.1.4.1.9.9.23.1.2.1.1.9.10101.1", "\x00\x00\x00\x29"),
	}
	if diff := cmp.Diff(in, scrubbed(t, in...)); diff != "" {
		t.Errorf("changed (-in +out):\n%s", diff)
	}
}

// Each sort of identifier has a pseudonym of a form of its own.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		in   scrub.Object
		want string // of the value
	}{
		"host":            {text(sysName, "paris-core-1"), `^name-[0-9a-f]{8}$`},
		"host of domain":  {text(sysName, "sw1.dc.acme.example"), `^name-[0-9a-f]{8}\.domain-[0-9a-f]{8}$`},
		"address as name": {text(cdpDevice, "192.168.7.9"), `^24[0-7]\.\d+\.\d+\.\d+$`},
		"name and serial": {text(cdpDevice, "core(FOX1234ABCD)"), `^core\([A-Z]{3}\d{4}[A-Z]{4}\)$`},
		"phone":           {text(cdpDevice, "SEP001122334455"), `^name-[0-9a-f]{8}$`},
		"serial":          {text(entSerial+"1", "FOC1234X5YZ"), `^[A-Z]{3}\d{4}[A-Z]\d[A-Z]{2}$`},
		"serial, blanks":  {text(entSerial+"1", "FOC1234X5YZ  \x00"), `^[A-Z]{3}\d{4}[A-Z]\d[A-Z]{2}  \x00$`},
		"contact":         {text(sysContact, "Ann Smith <ann@acme.example>, +33 1 23"), `^[A-Z][a-z]{2} [A-Z][a-z]{4} <[a-z]{3}@[a-z]{4}\.[a-z]{7}>, \+\d\d \d \d\d$`},
		"not ASCII":       {text(sysContact, "Zürich"), `^name-[0-9a-f]{8}$`},
		"Latin-1":         {text(sysContact, "Z\xfcrich"), `^name-[0-9a-f]{8}$`},
		"alias":           {text(ifAlias+"1", "uplink to acme Gi1/0/7"), `^uplink to [a-z]{4} Gi1/0/7$`},
		"nameif":          {text(ifName+"1", "acme-lan"), `^name-[0-9a-f]{8}$`},
		"VLAN":            {text(vlanName+"60", "acme-guests"), `^name-[0-9a-f]{8}$`},
		"ipv4":            {ip("1.3.6.1.4.1.9.2.1.5.0", "10.1.2.3"), `^24[0-7]\.\d+\.\d+\.\d+$`},
		"ipv4 in text":    {text(sysDescr, "at 10.1.2.3, port"), `^at 24[0-7]\.\d+\.\d+\.\d+, port$`},
		"padded ipv4":     {text(sysDescr, "at 010.001.002.003"), `^at 24[0-7]\.\d+\.\d+\.\d+$`},
		"ipv6 in text":    {text(sysDescr, "at 2a01:cb00::12 x"), `^at 2001:db8:[0-9a-f:]+ x$`},
		"mac in text":     {text(sysDescr, "MAC 00:1A:2B:3c:4d:5e"), `^MAC [0-9a-f]{2}(:[0-9a-f]{2}){5}$`},
		"dotted mac":      {text(sysDescr, "MAC 001a.2b3c.4d5e"), `^MAC [0-9a-f]{4}(\.[0-9a-f]{4}){2}$`},
		"unknown text":    {text(nobody+"1", "secret stuff 42"), `^[a-z]{6} [a-z]{5} \d\d$`},
		"neighbour's":     {text(cdpVersion, "Linux ann 5.10"), `^[A-Za-z]{5} [a-z]{3} \d\.\d\d$`},
		"port of a host":  {text(cdpPort, "eth0"), `^eth0$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := string(scrubbed(t, x.in)[0].Value)
			if !regexp.MustCompile(x.want).MatchString(got) || got == string(x.in.Value) && name != "port of a host" {
				t.Errorf("%q became %q, want %s", x.in.Value, got, x.want)
			}
		})
	}
}

// The same identifier has the same pseudonym in every form and every object.
func TestConsistent(t *testing.T) {
	t.Parallel()
	mac := "\x00\x1a\x2b\x3c\x4d\x5e"
	out := scrubbed(t,
		text(ifPhys+"1", mac), text(rootBridge, "\x80\x01"+mac), text(engineID, "\x80\x00\x00\x09\x03\x00"+mac), text(sysDescr, "00:1a:2b:3c:4d:5e 001A.2B3C.4D5E 001a2b3c4d5e"),
		number("1.3.6.1.2.1.17.4.3.1.3.0.26.43.60.77.94"),
		text(cdpAddress, "\x0a\x01\x02\x03"), ip("1.3.6.1.4.1.9.2.1.5.0", "10.1.2.3"), number("1.3.6.1.2.1.4.20.1.2.10.1.2.3"), text(ifAlias+"1", "10.1.2.3"),
		number("1.0.8802.1.1.2.1.4.2.1.3.0.6.16.1.4.10.1.2.3"), text("1.3.6.1.4.1.9.9.171.1.2.2.1.2.1.8.49.48.46.49.46.50.46.51.1.4.10.1.2.3.7", "10.1.2.3"),
		text(entSerial+"1", "FOC1234X5YZ"), text(cdpDevice, "edge7(FOC1234X5YZ)"), text(ifAlias+"2", "rma foc1234x5yz"), text(entDescr+"1", "UDI SN:FOC1234X5YZ"),
		text(sysName, "edge7.acme.example"), text(ifAlias+"3", "to EDGE7"), text("1.3.6.1.4.1.9.2.1.4.0", "acme.example"), number("1.3.6.1.4.1.9.9.392.1.3.21.1.5.5.101.100.103.101.55.9"),
	)
	value := func(i int) string { return string(out[i].Value) }
	index := func(i int, prefix string) string { return strings.TrimPrefix(out[i].OID, prefix) }
	dotted := func(b string) string {
		a := make([]string, len(b))
		for i := range a {
			a[i] = netip.AddrFrom4([4]byte{0, 0, 0, b[i]}).String()[len("0.0.0."):]
		}
		return strings.Join(a, ".")
	}
	m := value(0)
	h := hex.EncodeToString([]byte(m))
	colons := h[:2] + ":" + h[2:4] + ":" + h[4:6] + ":" + h[6:8] + ":" + h[8:10] + ":" + h[10:]
	upper := strings.ToUpper(h[:4] + "." + h[4:8] + "." + h[8:])
	a := dotted(value(5))
	host, domain, _ := strings.Cut(value(15), ".")
	for name, x := range map[string][2]string{
		"bridge":         {value(1), "\x80\x01" + m},
		"engine":         {value(2), "\x80\x00\x00\x09\x03\x00" + m},
		"mac in text":    {value(3), colons + " " + upper + " " + h},
		"mac in index":   {index(4, "1.3.6.1.2.1.17.4.3.1.3."), dotted(m)},
		"IpAddress":      {value(6), a},
		"ipAddrTable":    {index(7, "1.3.6.1.2.1.4.20.1.2."), a},
		"in a text":      {value(8), a},
		"LLDP index":     {index(9, "1.0.8802.1.1.2.1.4.2.1.3."), "0.6.16.1.4." + a},
		"IKE value":      {value(10), a},
		"IKE index":      {index(10, "1.3.6.1.4.1.9.9.171.1.2.2.1.2."), "1." + dotted(string([]byte{byte(len(a))})) + "." + dotted(a) + ".1.4." + a + ".7"},
		"name(serial)":   {value(12), host + "(" + value(11) + ")"},
		"serial, lower":  {value(13), strings.Fields(value(13))[0] + " " + strings.ToLower(value(11))},
		"serial of UDI":  {value(14), "UDI SN:" + value(11)},
		"host elsewhere": {value(16), "to " + host},
		"domain":         {value(17), domain},
		"name in index":  {index(18, "1.3.6.1.4.1.9.9.392.1.3.21.1.5."), dotted(string([]byte{byte(len(host))})) + "." + dotted(host) + ".9"},
	} {
		if x[0] != x[1] {
			t.Errorf("%s: %q, want %q", name, x[0], x[1])
		}
	}
	if m[0]&3 != 2 {
		t.Errorf("% x is no locally administered single address", m)
	}
}

// Addresses that read as text or as control characters are addresses all the same.
func TestOctetsThatLookLikeText(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"\x0a\x0a\x0a\x0a", "\x0a\x2d\x20\x09", "ABCD", "\x20\x20\x2d\x2e"} {
		for _, oid := range []string{cdpAddress, nobody + "1"} {
			if got := scrubbed(t, text(oid, v))[0].Value; string(got) == v || len(got) != 4 {
				t.Errorf("%s: %q became %q", oid, v, got)
			}
		}
	}
	if got := scrubbed(t, text(ifPhys+"1", "Bz9Az9"))[0].Value; got[0]&3 != 2 || len(got) != 6 {
		t.Errorf("a MAC address of letters became %q", got)
	}
}

// The addresses of one network stay in one, and its ends stay its ends.
func TestNetworks(t *testing.T) {
	t.Parallel()
	var in []scrub.Object
	for _, a := range []string{"10.1.2.0", "10.1.2.1", "10.1.2.254", "10.1.2.255", "10.1.3.1"} {
		in = append(in, ip("1.3.6.1.4.1.9.2.1.5."+a, a))
	}
	var got []netip.Addr
	for _, o := range scrubbed(t, in...) {
		got = append(got, netip.MustParseAddr(string(o.Value)))
	}
	net := netip.PrefixFrom(got[0], 24)
	if !net.Contains(got[1]) || !net.Contains(got[2]) || !net.Contains(got[3]) || net.Contains(got[4]) || got[0].As4()[3] != 0 || got[3].As4()[3] != 255 {
		t.Errorf("networks are not kept: %v", got)
	}
}

// A learned name does not spoil the words of the maker.
func TestWordsOfTheMaker(t *testing.T) {
	t.Parallel()
	descr := "Cisco IOS Software, C3560 Software, Version 12.2(55)SE3"
	out := scrubbed(t, text(sysDescr, descr), text(sysName, "C3560"), text(cdpDevice, "WS-C3560-24PS-X1"), text("1.3.6.1.2.1.47.1.1.1.1.13.1", "WS-C3560-24PS-X1"), text(vlanName+"7", "software"))
	if got := string(out[0].Value); got != descr {
		t.Errorf("sysDescr became %q", got)
	}
	if got := string(out[3].Value); got != "WS-C3560-24PS-X1" {
		t.Errorf("the model became %q", got)
	}
}

// A version is no address, unless that address was seen.
func TestVersionsAreNoAddresses(t *testing.T) {
	t.Parallel()
	out := scrubbed(t, text(sysDescr, "Cisco Firepower Threat Defense, Version 7.4.1.1 (Build 7)"), text(entSoft+"1", "7.4.1.2"), text(entSoft+"2", "10.9.8.7"), ip("1.3.6.1.4.1.9.2.1.5.0", "10.9.8.7"))
	if got := string(out[0].Value) + string(out[1].Value); got != "Cisco Firepower Threat Defense, Version 7.4.1.1 (Build 7)7.4.1.2" {
		t.Errorf("versions became %q", got)
	}
	if string(out[2].Value) != string(out[3].Value) {
		t.Errorf("an address in a version stayed %q", out[2].Value)
	}
}

// What we know ourselves, the community above all, is replaced wherever the device repeats it.
func TestSecrets(t *testing.T) {
	t.Parallel()
	s, err := scrub.New(key, "", "public", "s3cr3t-Comm", "192.0.2.77")
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Scrub([]scrub.Object{text(entDescr+"1", "s3cr3t-comm@60 of public, Version 192.0.2.77")})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out[0].Value); !regexp.MustCompile(`^name-[0-9a-f]{8}@60 of public, Version 24\d\.`).MatchString(got) {
		t.Errorf("became %q", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	if _, err := scrub.New(key[:scrub.MinKey-1]); err == nil {
		t.Error("a short key is taken")
	}
	in := []scrub.Object{text(sysName, "paris-core-1"), text(entSerial+"1", "FOC1234X5YZ"), text(ifPhys+"1", "\x00\x1a\x2b\x3c\x4d\x5e"), ip("1.3.6.1.4.1.9.2.1.5.0", "10.1.2.3")}
	first := scrubbed(t, in...)
	again := slices.Clone(in)
	slices.Reverse(again) // another order, another capture, the same key
	more := scrubbed(t, append(again, text(vlanName+"9", "other-things"))...)
	other, err := scrub.New(bytes.Repeat([]byte("o"), scrub.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Scrub(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		if !bytes.Equal(first[i].Value, more[len(in)-1-i].Value) {
			t.Errorf("%q became %q, and %q under the same key", in[i].Value, first[i].Value, more[len(in)-1-i].Value)
		}
		if bytes.Equal(first[i].Value, foreign[i].Value) {
			t.Errorf("%q became %q under two keys", in[i].Value, first[i].Value)
		}
	}
}
