package scrub

import (
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"
)

// shortest is the least number of arcs up to a column: 1.3.6.1.2.1, group, table, entry, column.
const shortest = 10

// findIndexes finds out where the index of each object of a table that is not known begins: after
// the first arc in which it differs from another object and in nothing else, for that is the column.
// Too early is harmless: only what looks like an address or a text is replaced.
func (s *Scrubber) findIndexes(objects []Object) {
	var open []string
	siblings := map[uint64]int{}
	for i := range objects {
		oid := objects[i].OID
		if _, form := s.catalogue.indexOf(oid); form != "" || s.catalogue.isNumbered(oid) {
			continue
		}
		open = append(open, oid)
		eachArc(oid, func(_ int, hash uint64) bool { siblings[hash]++; return true })
	}
	for _, oid := range open {
		at := shortest
		eachArc(oid, func(end int, hash uint64) bool {
			if siblings[hash] > 1 {
				at = strings.Count(oid[:end], ".") + 1
				return false
			}
			return true
		})
		s.fixed[oid] = at
	}
}

// eachArc calls f for each arc that may be a column with where it ends and a hash of all but it.
func eachArc(oid string, f func(end int, hash uint64) bool) {
	start, n := 0, 0
	for start < len(oid) {
		end := strings.IndexByte(oid[start:], '.')
		if end < 0 {
			return // the last arc is of the index
		}
		end += start
		if n++; n >= shortest {
			h := fnv.New64a()
			_, _ = io.WriteString(h, oid[:start]) // a hash never fails
			_, _ = io.WriteString(h, "*"+strconv.Itoa(n))
			_, _ = io.WriteString(h, oid[end:])
			if !f(end, h.Sum64()) {
				return
			}
		}
		start = end + 1
	}
}

// oid replaces what identifies in the index of an object.
func (s *Scrubber) oid(oid string) string {
	if entry, form := s.catalogue.indexOf(oid); form != "" {
		return s.formed(oid, entry, form)
	}
	at, ok := s.fixed[oid]
	if !ok {
		return oid
	}
	arcs, ok := arcsOf(oid)
	if !ok || at >= len(arcs) {
		return oid
	}
	return join(append(arcs[:at:at], s.scan(arcs[at:])...))
}

// pointer replaces what identifies in an OID that is a value: the name of an object of this
// walk as there, and an address that was seen.
func (s *Scrubber) pointer(oid string) string {
	if to := s.oid(oid); to != oid {
		return to
	}
	arcs, ok := arcsOf(oid)
	if !ok || len(arcs) <= shortest+1 || s.catalogue.isNumbered(oid) {
		return oid
	}
	for i := shortest + 1; i+4 <= len(arcs); i++ {
		if in := arcs[i : i+4]; octetsOnly(in) && s.seen[[4]byte(bytesOf(in))] {
			copy(in, s.ipv4Arcs(in))
			i += 3
		}
	}
	return join(arcs)
}

// formed replaces what identifies in an index whose form is known. One that has another form is
// looked through.
func (s *Scrubber) formed(oid, entry, form string) string {
	arcs, ok := arcsOf(oid)
	first := strings.Count(entry, ".") + 2 // after the column
	if !ok || len(arcs) <= first {
		return oid
	}
	out, in := slices.Clone(arcs[:first]), arcs[first:]
	for _, f := range form {
		switch {
		case f == 'n' && len(in) >= 1:
			out, in = append(out, in[0]), in[1:]
		case f == '4' && len(in) >= 4 && octetsOnly(in[:4]):
			out, in = append(out, s.ipv4Arcs(in[:4])...), in[4:]
		case f == 'm' && len(in) >= 6 && octetsOnly(in[:6]):
			out, in = append(out, s.macArcs(in[:6])...), in[6:]
		}
	}
	return join(append(out, s.scan(in)...))
}

// maxArcs is the longest OID there can be (RFC 2578): a name that grew may lose its end.
const maxArcs = 128

// scan replaces addresses and texts in an index whose form is not known.
func (s *Scrubber) scan(index []uint32) []uint32 {
	var out []uint32
	for i := 0; i < len(index); {
		to, n := s.scanAt(index[i:])
		out = append(out, to...)
		i += n
	}
	return out
}

// scanAt returns what the beginning of an index becomes, and how many arcs of it are done.
func (s *Scrubber) scanAt(in []uint32) ([]uint32, int) {
	n := s.sized(in)
	switch {
	case n == 4 && (!textual(in[1:5]) || s.seen[[4]byte(bytesOf(in[1:5]))]):
		return append([]uint32{4}, s.ipv4Arcs(in[1:5])...), 5
	case n == 16 && !textual(in[1:17]):
		a := s.addresses.ipv6([16]byte(bytesOf(in[1:17])))
		return append([]uint32{16}, arcsFrom(a[:])...), 17
	case n == 6 && !textual(in[1:7]):
		return append([]uint32{6}, s.macArcs(in[1:7])...), 7
	case n > 0:
		t := s.textAs(string(bytesOf(in[1:1+n])), unknown, "")
		return append([]uint32{uint32(len(t))}, arcsFrom([]byte(t))...), 1 + n
	case len(in) >= 16 && isIPv6(in[:16]):
		a := s.addresses.ipv6([16]byte(bytesOf(in[:16])))
		return arcsFrom(a[:]), 16
	case len(in) >= 6 && octetsOnly(in[:6]) && s.macs[[6]byte(bytesOf(in[:6]))]:
		return s.macArcs(in[:6]), 6
	case len(in) >= 4 && octetsOnly(in[:4]) && s.address(in[:4], false) && !s.betterSoon(in):
		return s.ipv4Arcs(in[:4]), 4
	case len(in) >= 4 && octetsOnly(in) && textual(in):
		return arcsFrom([]byte(s.textAs(string(bytesOf(in)), unknown, ""))), len(in)
	}
	return in[:1], 1
}

// sized returns the length of the address or text that begins an index with its length before
// it, or 0.
func (s *Scrubber) sized(in []uint32) int {
	n := int(min(in[0], maxArcs))
	if n <= 2 || len(in) <= n || !octetsOnly(in[1:1+n]) || len(in) > 16 && isIPv6(in[1:17]) && n != 16 {
		return 0
	}
	body := in[1 : 1+n]
	great := slices.ContainsFunc(body, func(v uint32) bool { return v > 31 })
	if n == 4 && s.address(body, true) || (n == 16 || n == 6) && great || textual(body) {
		return n
	}
	return 0
}

// betterSoon reports whether something of known length, or an address that was seen, begins
// within the first four arcs, so that they are no address themselves.
func (s *Scrubber) betterSoon(in []uint32) bool {
	if s.seen[[4]byte(bytesOf(in[:4]))] {
		return false
	}
	for i := 1; i < 4; i++ {
		rest := in[i:]
		if s.sized(rest) > 0 || len(rest) >= 16 && isIPv6(rest[:16]) || len(rest) >= 6 && octetsOnly(rest[:6]) && s.macs[[6]byte(bytesOf(rest[:6]))] ||
			len(rest) >= 4 && octetsOnly(rest[:4]) && s.seen[[4]byte(bytesOf(rest[:4]))] {
			return true
		}
	}
	return false
}

// address reports whether four arcs are an address and no numbers: one that was seen, one of
// a private network, or one with great numbers in it. Where their length stands before them,
// one great number is enough.
func (s *Scrubber) address(in []uint32, sized bool) bool {
	a := [4]byte(bytesOf(in))
	if plainIPv4(a) {
		return false
	}
	great := 0
	for _, v := range a {
		if v > 31 {
			great++
		}
	}
	return s.seen[a] || a[0] == 10 || a[0] == 192 && a[1] == 168 || a[0] == 172 && a[1]&0xf0 == 16 || great > 1 || sized && great > 0
}

// isIPv6 reports whether sixteen arcs are an address by how they begin: global, unique local or
// link-local.
func isIPv6(in []uint32) bool {
	global := in[0]&^31 == 32 && in[0] < 64
	local := in[0]&^1 == 0xfc || in[0] == 0xfe && in[1]&^63 == 0x80
	return octetsOnly(in) && (global && !textual(in) || local)
}

// textual reports whether octets are a text that may name something: printable, with letters or
// as an address is written.
func textual(in []uint32) bool {
	letters, digits := 0, 0
	for _, v := range in {
		switch {
		case v < ' ' || v > '~':
			return false
		case isAlnum(byte(v)) && v > '9':
			letters++
		case v == '.' || v >= '0' && v <= '9':
			digits++
		}
	}
	return letters > 1 || digits == len(in) && len(in) > 4
}

func octetsOnly(in []uint32) bool {
	return !slices.ContainsFunc(in, func(v uint32) bool { return v > 255 })
}

func (s *Scrubber) ipv4Arcs(in []uint32) []uint32 {
	a := s.addresses.ipv4([4]byte(bytesOf(in)))
	return arcsFrom(a[:])
}

func (s *Scrubber) macArcs(in []uint32) []uint32 {
	a := s.addresses.mac([6]byte(bytesOf(in)))
	return arcsFrom(a[:])
}

func bytesOf(in []uint32) []byte {
	b := make([]byte, len(in))
	for i, v := range in {
		b[i] = byte(v)
	}
	return b
}

func arcsFrom(b []byte) []uint32 {
	arcs := make([]uint32, len(b))
	for i, v := range b {
		arcs[i] = uint32(v)
	}
	return arcs
}

func arcsOf(oid string) ([]uint32, bool) {
	var arcs []uint32
	for _, f := range strings.Split(oid, ".") {
		v, err := strconv.ParseUint(f, 10, 32)
		if err != nil || len(arcs) > maxArcs {
			return nil, false
		}
		arcs = append(arcs, uint32(v))
	}
	return arcs, true
}

func join(arcs []uint32) string {
	var b strings.Builder
	for i, a := range arcs[:min(len(arcs), maxArcs)] {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(a), 10))
	}
	return b.String()
}
