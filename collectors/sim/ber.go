package sim

// The BER tags SNMP uses.
const (
	tagInteger     = 0x02
	tagOctets      = 0x04
	tagNull        = 0x05
	tagOID         = 0x06
	tagSequence    = 0x30
	tagIPAddress   = 0x40
	tagCounter32   = 0x41
	tagGauge32     = 0x42
	tagTimeTicks   = 0x43
	tagOpaque      = 0x44
	tagCounter64   = 0x46
	tagNoObject    = 0x80
	tagNoInstance  = 0x81
	tagEndOfView   = 0x82
	tagGet         = 0xa0
	tagGetNext     = 0xa1
	tagResponse    = 0xa2
	tagSet         = 0xa3
	tagGetBulk     = 0xa5
	maxLengthBytes = 4
)

// reader takes TLVs off the front of a BER encoding.
type reader struct{ b []byte }

// next returns the next TLV's tag and content; ok is false when there is no whole one.
func (r *reader) next() (tag byte, content []byte, ok bool) {
	if len(r.b) < 2 {
		return 0, nil, false
	}
	tag, size, head := r.b[0], int(r.b[1]), 2
	if size >= 0x80 {
		n := size & 0x7f
		if n == 0 || n > maxLengthBytes || len(r.b) < 2+n {
			return 0, nil, false
		}
		size = 0
		for _, c := range r.b[2 : 2+n] {
			size = size<<8 | int(c)
		}
		head += n
	}
	if size < 0 || size > len(r.b)-head {
		return 0, nil, false
	}
	content = r.b[head : head+size]
	r.b = r.b[head+size:]
	return tag, content, true
}

// expect returns the content of the next TLV when it has this tag.
func (r *reader) expect(tag byte) ([]byte, bool) {
	t, content, ok := r.next()
	return content, ok && t == tag
}

// parseInt reads the content of an INTEGER of at most 8 bytes.
func parseInt(c []byte) (int64, bool) {
	if len(c) == 0 || len(c) > 8 {
		return 0, false
	}
	v := int64(int8(c[0]))
	for _, x := range c[1:] {
		v = v<<8 | int64(x)
	}
	return v, true
}

// headSize is the size of the tag and length before a content of n bytes.
func headSize(n int) int {
	switch {
	case n < 0x80:
		return 2
	case n < 0x100:
		return 3
	case n < 0x10000:
		return 4
	}
	return 5
}

func appendHead(b []byte, tag byte, n int) []byte {
	switch headSize(n) {
	case 2:
		return append(b, tag, byte(n))
	case 3:
		return append(b, tag, 0x81, byte(n))
	case 4:
		return append(b, tag, 0x82, byte(n>>8), byte(n))
	}
	return append(b, tag, 0x83, byte(n>>16), byte(n>>8), byte(n))
}

func appendTLV(b []byte, tag byte, content []byte) []byte {
	return append(appendHead(b, tag, len(content)), content...)
}

// appendInt writes a signed number in as few bytes as hold it.
func appendInt(b []byte, tag byte, v int64) []byte {
	n := 1
	for x := v; x > 0x7f || x < -0x80; x >>= 8 {
		n++
	}
	b = append(b, tag, byte(n))
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

// appendUint writes an unsigned number: BER still has a sign bit, so the greatest need 9 bytes.
func appendUint(b []byte, tag byte, v uint64) []byte {
	n := 1
	for x := v; x > 0x7f; x >>= 8 {
		n++
	}
	b = append(b, tag, byte(n))
	for i := n - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i))) // a shift by 64 gives 0
	}
	return b
}
