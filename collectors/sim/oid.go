package sim

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxArcs is the longest object identifier SNMP allows (RFC 3416, 4.1).
const maxArcs = 128

// An oid is four bytes an arc, big endian, so that the order of the bytes is the order of the
// tree and a subtree is a prefix.
type oid string

// parseOID reads dotted text; a leading dot is allowed.
func parseOID(s string) (oid, error) {
	text := strings.TrimPrefix(s, ".")
	b := make([]byte, 0, 4*16)
	for n := 0; ; n++ {
		arc, rest, more := strings.Cut(text, ".")
		v, err := strconv.ParseUint(arc, 10, 32)
		if err != nil || n >= maxArcs {
			return "", fmt.Errorf("%q is not an object identifier: write up to %d numbers with dots between, as 1.3.6.1.2.1.1.3.0", s, maxArcs)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(v))
		if !more {
			break
		}
		text = rest
	}
	if o := oid(b); len(o) < 8 || o.arc(0) > 2 || o.arc(0) < 2 && o.arc(1) > 39 || o.arc(1) > math.MaxUint32-80 {
		return "", fmt.Errorf("%q is not an object identifier: it must begin with two arcs, 0.0 to 2.x", s)
	}
	return oid(b), nil
}

func (o oid) arcs() int { return len(o) / 4 }

func (o oid) arc(i int) uint32 { return binary.BigEndian.Uint32([]byte(o[4*i : 4*i+4])) }

// String returns the dotted text.
func (o oid) String() string {
	var b strings.Builder
	for i := range o.arcs() {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(o.arc(i)), 10))
	}
	return b.String()
}

// with returns o with further arcs.
func (o oid) with(arcs ...uint32) oid {
	b := append(make([]byte, 0, len(o)+4*len(arcs)), o...)
	for _, a := range arcs {
		b = binary.BigEndian.AppendUint32(b, a)
	}
	return oid(b)
}

// appendOID writes the TLV of o, which has at least two arcs.
func appendOID(b []byte, o oid) []byte {
	var content [5 * maxArcs]byte
	c := appendArc(content[:0], o.arc(0)*40+o.arc(1))
	for i := 2; i < o.arcs(); i++ {
		c = appendArc(c, o.arc(i))
	}
	return appendTLV(b, tagOID, c)
}

func appendArc(b []byte, v uint32) []byte {
	for shift := 28; shift > 0; shift -= 7 {
		if v>>shift != 0 {
			b = append(b, byte(v>>shift)|0x80)
		}
	}
	return append(b, byte(v&0x7f))
}

// decodeOID reads the content of an OBJECT IDENTIFIER into the form of an oid, reusing b.
func decodeOID(b, content []byte) ([]byte, bool) {
	b = b[:0]
	var v uint64
	whole := false
	for _, c := range content {
		v = v<<7 | uint64(c&0x7f)
		if v > math.MaxUint32 || len(b) >= 4*maxArcs {
			return b, false
		}
		if whole = c&0x80 == 0; !whole {
			continue
		}
		if len(b) == 0 {
			first := min(v/40, 2)
			b = binary.BigEndian.AppendUint32(b, uint32(first))
			v -= 40 * first
		}
		b = binary.BigEndian.AppendUint32(b, uint32(v))
		v = 0
	}
	return b, whole && len(b) <= 4*maxArcs
}
