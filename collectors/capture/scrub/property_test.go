package scrub_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackpost/collectors/capture/scrub"
)

// planted are the identifiers of a made-up device.
type planted struct {
	names, serials []string
	macs           [][]byte
	addresses      [][]byte // of 4 octets
	six            [][]byte // of 16 octets
}

func plant(t *rapid.T) planted {
	var p planted
	for range rapid.IntRange(1, 3).Draw(t, "names") {
		p.names = append(p.names, rapid.StringMatching(`[a-z]{4}[a-z0-9]{2,8}[0-9][a-z]{2}`).Draw(t, "name"))
		p.serials = append(p.serials, rapid.StringMatching(`([A-Z]{3}[0-9]{4}[A-Z0-9]{4})|(FAS|ETH|GIG)[0-9]{8}`).Draw(t, "serial")) // some are like names of interfaces
		p.macs = append(p.macs, rapid.SliceOfN(rapid.ByteRange(3, 250), 6, 6).Draw(t, "mac"))
		p.addresses = append(p.addresses, append([]byte{rapid.SampledFrom([]byte{10, 172, 193, 89, 203}).Draw(t, "net")}, rapid.SliceOfN(rapid.ByteRange(32, 254), 3, 3).Draw(t, "ip")...))
		p.six = append(p.six, append([]byte{0x2a, 0x01}, rapid.SliceOfN(rapid.ByteRange(1, 255), 14, 14).Draw(t, "ip6")...))
	}
	return p
}

// objects tells the identifiers where a device tells them, and then again in places of all sorts.
func (p planted) objects(t *rapid.T) []scrub.Object {
	var out []scrub.Object
	add := func(o scrub.Object) {
		o.OID += fmt.Sprintf(".%d", 1000+len(out)) // every row is another one
		out = append(out, o)
	}
	for i, n := range p.names {
		add(text(cdpDevice, n+rapid.SampledFrom([]string{"", ".acme-widgets.example", "(" + p.serials[i] + ")"}).Draw(t, "form")))
		add(text(strings.TrimSuffix(entSerial, "."), p.serials[i]))
		add(text(strings.TrimSuffix(ifPhys, "."), string(p.macs[i])))
		add(scrub.Object{OID: "1.3.6.1.4.1.9.9.43.1.1.6.1.10", Type: 64, Value: []byte(dotted(p.addresses[i]))})
		add(text(cdpAddress, string(p.six[i])))
	}
	for range rapid.IntRange(0, 20).Draw(t, "rows") {
		p.repeat(t, add)
	}
	return out
}

// repeat adds an object of some MIB that repeats an identifier in some form.
func (p planted) repeat(t *rapid.T, add func(scrub.Object)) {
	i := rapid.IntRange(0, len(p.names)-1).Draw(t, "which")
	before := rapid.SampledFrom([]string{"", "to ", "x-", "Switch 1 - ", "\"", "(", "Cisco IOS Software, ", "="}).Draw(t, "before")
	after := rapid.SampledFrom([]string{"", " up", ".", "-x", ", Version 12.2(55)SE", ")", "\r\n", "\x00"}).Draw(t, "after")
	object := rapid.SampledFrom([]string{sysDescr, entDescr + "7", ifAlias + "7", ifDescr + "7", sysContact, nobody + "7", cdpVersion, cdpPort,
		"1.3.6.1.2.1.1.9.1.3.7", "1.3.6.1.4.1.9.9.25.1.1.1.2.7", "1.3.6.1.4.1.9.9.147.1.2.1.1.1.4.7"}).Draw(t, "object")
	mac, six := hex.EncodeToString(p.macs[i]), netip.AddrFrom16([16]byte(p.six[i]))
	said := rapid.SampledFrom([]string{
		p.names[i], strings.ToUpper(p.names[i]), p.serials[i], strings.ToLower(p.serials[i]), dotted(p.addresses[i]),
		mac, strings.ToUpper(mac), mac[:4] + "." + mac[4:8] + "." + mac[8:], strings.ReplaceAll(fmt.Sprintf("% x", p.macs[i]), " ", ":"),
		strings.ReplaceAll(fmt.Sprintf("% X", p.macs[i]), " ", "-"), six.String(), six.StringExpanded(),
	}).Draw(t, "said")
	table := rapid.SampledFrom([]string{"1.3.6.1.4.1.9.9.888.1.2.3.1.2", "1.3.6.1.4.1.9.9.171.1.2.2.1.6", "1.3.6.1.2.1.77.1.1.1.4"}).Draw(t, "table")
	sized := func(b []byte) string { return fmt.Sprintf(".%d.%s", len(b), dotted(b)) }
	switch rapid.IntRange(0, 3).Draw(t, "sort") {
	case 0, 1:
		add(text(object, before+said+after))
	case 2:
		add(text(nobody+"8", string(rapid.SampledFrom([][]byte{p.macs[i], p.addresses[i], p.six[i], append([]byte{0x80, 0}, p.macs[i]...)}).Draw(t, "octets"))))
	default:
		index := rapid.SampledFrom([]string{
			sized([]byte(p.names[i])), sized([]byte(p.serials[i])), sized(p.macs[i]), sized(p.addresses[i]), sized(p.six[i]), "." + dotted(p.macs[i]),
			"." + dotted(p.addresses[i]), "." + dotted(p.six[i]), ".1.4." + dotted(p.addresses[i]), sized([]byte(dotted(p.addresses[i]))),
		}).Draw(t, "index")
		add(number(table + index))
	}
}

func dotted(b []byte) string {
	var s []string
	for _, c := range b {
		s = append(s, strconv.Itoa(int(c)))
	}
	return strings.Join(s, ".")
}

// leak returns a form in which an identifier still stands in the objects, or "".
func (p planted) leak(objects []scrub.Object) string {
	var octets [][]byte
	var texts []string
	for i := range p.names {
		octets = append(octets, p.macs[i], p.addresses[i], p.six[i], []byte(p.names[i]), []byte(p.serials[i]))
		mac := hex.EncodeToString(p.macs[i])
		texts = append(texts, p.names[i], strings.ToLower(p.serials[i]), mac, mac[:4]+"."+mac[4:8]+"."+mac[8:], mac[:2]+":"+mac[2:4]+":"+mac[4:6], mac[:2]+"-"+mac[2:4]+"-"+mac[4:6],
			netip.AddrFrom16([16]byte(p.six[i])).String(), netip.AddrFrom16([16]byte(p.six[i])).StringExpanded(), "acme-widgets")
	}
	for _, o := range objects {
		low := strings.ToLower(string(o.Value))
		for _, b := range octets {
			if bytes.Contains(o.Value, b) || strings.Contains("."+o.OID+".", "."+dotted(b)+".") || len(b) == 4 && strings.Contains("."+low+".", dotted(b)+".") {
				return fmt.Sprintf("%x (%q) in %s %q", b, b, o.OID, o.Value)
			}
		}
		for _, s := range texts {
			if strings.Contains(low, s) {
				return fmt.Sprintf("%q in %s %q", s, o.OID, o.Value)
			}
		}
	}
	return ""
}

// No identifier is left in any form, no object is lost or changes its type, and what was one
// thing stays one and what was two stays two.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := plant(t)
		in := p.objects(t)
		s, err := scrub.New(key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Scrub(in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != len(in) {
			t.Fatalf("%d objects became %d", len(in), len(out))
		}
		if found := p.leak(out); found != "" {
			t.Fatalf("left: %s", found)
		}
		to, from := map[string]string{}, map[string]string{}
		for i := range in {
			if in[i].Type != out[i].Type {
				t.Fatalf("%s: type %d became %d", in[i].OID, in[i].Type, out[i].Type)
			}
			class := in[i].OID[:strings.LastIndexByte(in[i].OID, '.')]
			a, b := class+string(in[i].Value), class+string(out[i].Value)
			if had, ok := to[a]; ok && had != b {
				t.Fatalf("%q became %q and %q", in[i].Value, had, b)
			}
			if had, ok := from[b]; ok && had != a && strings.HasPrefix(had, class) && !strings.EqualFold(had, a) {
				t.Fatalf("%q and %q became %q", had, a, out[i].Value)
			}
			to[a], from[b] = b, a
		}
	})
}

// A text is replaced one to one: letters by letters of their case, digits by digits.
func TestTextsStayDifferent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9]{1,12}`), 2, 30, strings.ToLower).Draw(t, "words")
		var in []scrub.Object
		for i, w := range words {
			in = append(in, text(entSerial+strconv.Itoa(i+1), w))
		}
		s, err := scrub.New(key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Scrub(in)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for i, o := range out {
			low := strings.ToLower(string(o.Value))
			if had, ok := seen[low]; ok {
				t.Fatalf("%q and %q became %q", had, words[i], o.Value)
			}
			seen[low] = words[i]
			if form(words[i]) != form(string(o.Value)) {
				t.Fatalf("%q became %q", words[i], o.Value)
			}
		}
	})
}

func form(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '0'
		case r >= 'a' && r <= 'z':
			return 'a'
		case r >= 'A' && r <= 'Z':
			return 'A'
		}
		return r
	}, s)
}

// Whatever a device says, nothing panics and every object is one of the same type.
func FuzzScrub(f *testing.F) {
	f.Add("1.3.6.1.2.1.1.5.0", byte(4), []byte("core"))
	f.Add("1.3.6.1.4.1.9.9.171.1.2.2.1.2.1.8.49.48", byte(6), []byte("1.3.6.1.4.1.9"))
	f.Add("1.3.6.1.2.1.4.20.1.2.10.1.2.3", byte(64), []byte("10.1.2.3"))
	f.Add("1..3", byte(68), []byte{0, 1, 2})
	f.Fuzz(func(t *testing.T, oid string, kind byte, value []byte) {
		s, err := scrub.New(key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Scrub([]scrub.Object{{OID: oid, Type: kind, Value: value}, text(sysName, string(value))})
		if oid == "" {
			if err == nil {
				t.Fatal("an object without OID is taken")
			}
			return
		}
		if err != nil || len(out) == 0 || out[0].Type != kind {
			t.Fatalf("%s %d %q: %v, %v", oid, kind, value, out, err)
		}
	})
}
