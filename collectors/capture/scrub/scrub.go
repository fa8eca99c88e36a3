package scrub

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// The types of values that are looked into; the numbers are those of BER.
const (
	typeOctets    = 4
	typeOID       = 6
	typeIPAddress = 64
	typeOpaque    = 68
)

const maxMemo = 1 << 16 // texts whose pseudonym is remembered

// Object is one object of a walk. Value is octets for types 4 and 68, else decimal or dotted
// text.
type Object struct {
	OID   string // dotted, without a leading dot
	Type  byte   // BER
	Value []byte
}

// Counts tell what was done.
type Counts struct {
	Texts     int // texts and octets that were changed
	Names     int // different ones
	Learned   int // names, serial numbers and MAC addresses that were looked for everywhere
	Indexes   int // objects whose index was changed
	Collided  int // objects left out because their index became that of another
	Addresses int // IpAddress values that were changed
}

// Scrubber holds the pseudonyms of one capture. It is not safe for concurrent use.
type Scrubber struct {
	keyed
	addresses *addresses
	catalogue catalogue
	grammar   grammar

	seen    map[[4]byte]bool // IPv4 addresses that stood where only addresses stand
	macs    map[[6]byte]bool
	secrets []secret
	index   map[string]int   // of secrets
	begins  map[string][]int // secrets by their first letters
	short   []int            // secrets too short for that
	names   map[string]string
	taken   map[string]bool
	memo    map[string]string
	shapes  map[string]string
	models  map[string]bool
	ports   map[string]bool // ifIndexes
	fixed   map[string]int  // where the index of an object of an unknown table begins
	counts  Counts
}

// New returns a scrubber whose pseudonyms come from key, which has at least MinKey bytes.
// Each of secrets, such as the community of the walk, is replaced wherever it occurs.
func New(key []byte, secrets ...string) (*Scrubber, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("a key of %d bytes: use at least %d", len(key), MinKey)
	}
	k := keyed(bytes.Clone(key))
	s := &Scrubber{
		keyed: k, addresses: newAddresses(k), catalogue: newCatalogue(), grammar: newGrammar(),
		seen: map[[4]byte]bool{}, macs: map[[6]byte]bool{}, index: map[string]int{}, begins: map[string][]int{}, names: map[string]string{},
		taken: map[string]bool{}, memo: map[string]string{}, shapes: map[string]string{}, models: map[string]bool{}, ports: map[string]bool{}, fixed: map[string]int{},
	}
	for _, v := range secrets {
		if a, err := netip.ParseAddr(v); err == nil && a.Is4() {
			s.seen[a.As4()] = true
			continue
		}
		if v = strings.TrimSpace(v); v != "" && !s.grammar.common(v) {
			s.add(v, !distinctive(v), s.nameOf)
			s.learnName(v)
		}
	}
	return s, nil
}

// errOIDs refuses what is no walk.
var errOIDs = errors.New("an object without an OID")

// Scrub returns the objects with everything that identifies replaced, in the order given. It
// learns from all of them before it replaces in any.
func (s *Scrubber) Scrub(objects []Object) ([]Object, error) {
	for i := range objects {
		o := &objects[i]
		if o.OID == "" {
			return nil, errOIDs
		}
		if p, ok := strings.CutPrefix(o.OID, "1.3.6.1.2.1.2.2.1.1."); ok {
			s.ports[p] = true
		}
		s.learn(o)
	}
	s.settle()
	s.findIndexes(objects)
	out := make([]Object, 0, len(objects))
	had := make(map[string]bool, len(objects))
	for i := range objects {
		o := s.object(&objects[i])
		if had[o.OID] {
			s.counts.Collided++
			continue
		}
		had[o.OID] = true
		out = append(out, o)
	}
	return out, nil
}

// Text returns a text with all that was learned to identify replaced in it.
func (s *Scrubber) Text(v string) string { return s.text(v, trusted) }

// Counts returns what was done so far.
func (s *Scrubber) Counts() Counts {
	c := s.counts
	c.Names, c.Learned = len(s.names), len(s.secrets)+len(s.macs)
	return c
}

func (s *Scrubber) object(o *Object) Object {
	out := Object{OID: s.oid(o.OID), Type: o.Type, Value: o.Value}
	if out.OID != o.OID {
		s.counts.Indexes++
	}
	switch o.Type {
	case typeOID:
		out.Value = []byte(s.pointer(string(o.Value)))
	case typeIPAddress:
		if a, err := netip.ParseAddr(string(o.Value)); err == nil && a.Is4() {
			out.Value = []byte(netip.AddrFrom4(s.addresses.ipv4(a.As4())).String())
		}
		if !bytes.Equal(out.Value, o.Value) {
			s.counts.Addresses++
		}
		return out
	case typeOctets:
		out.Value = s.octets(o)
	case typeOpaque:
		out.Value = s.stream(len(o.Value), "opaque", o.Value)
	}
	if !bytes.Equal(out.Value, o.Value) {
		s.counts.Texts++
	}
	return out
}

// octets replaces what identifies in an OCTET STRING.
func (s *Scrubber) octets(o *Object) []byte {
	v, what := o.Value, s.catalogue.of(o.OID)
	switch {
	case len(v) == 0 || what == raw && len(v) <= maxRaw:
		return v
	case what == mac && len(v) == 6, what == bridge && len(v) == 8:
		return s.macAtEnd(v)
	case what == engine:
		return s.engineID(v)
	case what == address, what == unknown && !s.isText(v), what != unknown && !mostlyText(v):
		return s.binary(v)
	}
	t := textOf(v)
	return append([]byte(s.textAs(t, what, o.OID)), v[len(t):]...) // with the NULs some agents add
}

// textAs replaces what identifies in the text of an object.
func (s *Scrubber) textAs(t string, what class, oid string) string {
	switch what {
	case vendor, model:
		return s.text(t, trusted)
	case release:
		return s.text(t, versioned)
	case software:
		if strings.HasPrefix(t, "Cisco ") {
			return s.text(t, trusted)
		}
	case name:
		return s.nameText(t)
	case domain:
		return s.domainOf(strings.TrimSpace(t))
	case vlan:
		if s.grammar.defaultVLAN.MatchString(t) {
			return t
		}
		return s.nameText(t)
	case serial, tag:
		if v := strings.TrimSpace(t); !s.grammar.noSerial(v) {
			return strings.Replace(t, v, s.shape(v), 1)
		}
		return t
	case alias:
		if s.ports[t] {
			return t
		}
	}
	return s.text(t, denied)
}

// nameText is the pseudonym of a text that is a name as a whole.
func (s *Scrubber) nameText(t string) string {
	v := strings.TrimSpace(t)
	if m := s.grammar.serial.FindStringSubmatch(v); m != nil {
		return s.nameText(m[1]) + "(" + s.shape(m[2]) + ")"
	}
	if _, err := netip.ParseAddr(v); err == nil || v == "" || s.grammar.mac.FindString(v) == v {
		return s.text(t, denied)
	}
	if s.grammar.common(v) {
		return t
	}
	return s.hostName(v)
}

const maxRaw = 1024 // octets of flags: more is no bitmap

// binary replaces octets of which nothing is known but that they are no text: as an address if
// they are as long as one. One or two octets, and those that are all the same zeros or ones, are
// flags.
func (s *Scrubber) binary(v []byte) []byte {
	switch n := len(v); {
	case n <= 2 || uniform(v):
		return v
	case n == 4:
		a := s.addresses.ipv4([4]byte(v))
		return a[:]
	case n == 5 && v[0] == 1: // IANA address family and address, as LLDP has it
		a := s.addresses.ipv4([4]byte(v[1:]))
		return append([]byte{1}, a[:]...)
	case n == 6:
		return s.macAtEnd(v)
	case n == 8 && s.macs[[6]byte(v[2:])]:
		return s.macAtEnd(v)
	case n == 16:
		a := s.addresses.ipv6([16]byte(v))
		return a[:]
	}
	return s.stream(len(v), "octets", v)
}

func uniform(v []byte) bool {
	return bytes.Count(v, v[:1]) == len(v) && (v[0] == 0 || v[0] == 255)
}

// macAtEnd replaces the MAC address that ends v and keeps what is before it.
func (s *Scrubber) macAtEnd(v []byte) []byte {
	n := len(v) - 6
	a := s.addresses.mac([6]byte(v[n:]))
	return append(bytes.Clone(v[:n]), a[:]...)
}

// engineID keeps the maker and the form of an SNMP engine ID (RFC 3411).
func (s *Scrubber) engineID(v []byte) []byte {
	switch n := len(v); {
	case n >= 11 && s.macs[[6]byte(v[n-6:])]:
		return s.macAtEnd(v)
	case n > 5:
		return append(bytes.Clone(v[:5]), s.binary(v[5:])...)
	}
	return v
}

// textOf returns the octets as text without the NULs at their end.
func textOf(v []byte) string { return string(bytes.TrimRight(v, "\x00")) }

// isText reports whether octets of an unknown object are text. As many as an address has are
// text only where every one of them is a letter, a digit or a common mark: 10.10.10.10 is four
// line feeds.
func (s *Scrubber) isText(v []byte) bool {
	t := textOf(v)
	if t == "" || !utf8.ValidString(t) {
		return false
	}
	strict := len(v) <= 8 || len(v) == 16
	letters := 0
	for _, r := range t {
		switch {
		case r < utf8.RuneSelf && isAlnum(byte(r)):
			letters++
		case strict && !strings.ContainsRune("._-/ ", r), r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			return false
		}
	}
	return letters > 0
}

// mostlyText reports whether octets of an object known to be text are text, though in a
// character set of their own.
func mostlyText(v []byte) bool {
	odd := 0
	for _, c := range v {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			odd++
		}
	}
	return odd*10 <= len(v)
}
