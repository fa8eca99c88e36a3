package chunk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The bounds of a row, for writing and for reading.
const (
	MaxVisits  = 4096     // visits of a chunk
	MaxColumns = 4096     // sensors of a component, or columns of a times row
	MaxPoints  = 1 << 18  // points of a row
	MaxName    = 1024     // bytes of a sensor's name or a reason
	MaxReasons = 256      // different reasons in a row
	maxHead    = 16 << 20 // more than the other bounds allow
)

const (
	version       = 1
	kindTimes     = 'T'
	kindComponent = 'C'
	packedHead    = 0x80 // in the kind: the head is compressed
	crcSize       = 4
)

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendRow appends to dst the row whose head and body the encoder holds.
func (e *Encoder) appendRow(dst []byte, kind byte) []byte {
	start := len(dst)
	head := e.head
	e.small = e.small[:0]
	if len(head) >= minPack {
		e.small = e.zstd.EncodeAll(head, e.small)
	}
	dst = append(dst, version, kind)
	dst = binary.AppendUvarint(dst, uint64(len(head)))
	if n := len(e.small); n > 0 && n+2 < len(head) {
		dst[start+1] |= packedHead
		dst = binary.AppendUvarint(dst, uint64(n))
		head = e.small
	}
	dst = append(dst, head...)
	dst = append(dst, e.body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], e.crc))
}

// minPack is the least size of a head that is worth a try at compressing: a zstd frame
// alone takes some 15 bytes.
const minPack = 48

// open checks a row and returns a reader at the beginning of its head.
func (d *Decoder) open(row []byte, kind byte) (*reader, error) {
	if len(row) < 3+crcSize {
		return nil, fmt.Errorf("%w: %d bytes", errCorrupt, len(row))
	}
	if row[0] != version {
		return nil, fmt.Errorf("row of version %d: this program reads version %d", row[0], version)
	}
	if row[1]&^packedHead != kind {
		return nil, fmt.Errorf("%w: kind %q where %q is expected", errCorrupt, row[1]&^packedHead, kind)
	}
	end := len(row) - crcSize
	if crc32.Checksum(row[:end], d.crc) != binary.LittleEndian.Uint32(row[end:]) {
		return nil, fmt.Errorf("%w: checksum does not match", errCorrupt)
	}
	in := reader{head: row[2:end]}
	size := in.count(maxHead)
	packed := size
	if row[1]&packedHead != 0 {
		packed = in.count(maxHead)
	}
	out := &reader{head: in.take(packed), body: in.head}
	if in.err != nil {
		return nil, in.err
	}
	if row[1]&packedHead != 0 {
		if err := d.inflate(out, size); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inflate replaces the head of r, which is compressed, by its size bytes.
func (d *Decoder) inflate(r *reader, size int) error {
	head, err := d.zstd.DecodeAll(r.head, d.head[:0])
	if err != nil {
		return fmt.Errorf("%w: head: %w", errCorrupt, err)
	}
	if len(head) != size {
		return fmt.Errorf("%w: head of %d bytes, not %d", errCorrupt, len(head), size)
	}
	d.head, r.head = head, head
	return nil
}

// reader reads a head and the body beside it. After its first error it gives zeros.
type reader struct {
	head, body []byte
	err        error
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errCorrupt
	}
	r.head, r.body = nil, nil
}

func (r *reader) byte() byte {
	if len(r.head) == 0 {
		r.fail()
		return 0
	}
	b := r.head[0]
	r.head = r.head[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.head)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.head = r.head[n:]
	return x
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// count reads a number that cannot be greater than limit.
func (r *reader) count(limit int) int {
	x := r.uvarint()
	if limit < 0 || x > uint64(limit) {
		r.fail()
		return 0
	}
	return int(x)
}

// take returns the next n bytes of the head.
func (r *reader) take(n int) []byte { return r.cut(&r.head, n) }

// packed returns the next n bytes of the body.
func (r *reader) packed(n int) []byte { return r.cut(&r.body, n) }

func (r *reader) cut(from *[]byte, n int) []byte {
	if n < 0 || n > len(*from) {
		r.fail()
		return nil
	}
	b := (*from)[:n]
	*from = (*from)[n:]
	return b
}

func (r *reader) text() string { return string(r.take(r.count(MaxName))) }

// done returns the error, or one when something is left over.
func (r *reader) done() error {
	if r.err == nil && len(r.head)+len(r.body) > 0 {
		r.fail()
	}
	return r.err
}
