package journal_test

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"rackpost/hw/journal"
)

// The writers of this file follow docs/journal.md alone and share no code with the package,
// so that golden files are not only what one program thinks of itself. They also write what
// only a later version would.

type bookBatch struct {
	format, codec byte
	header        journal.Header
	extra         []byte
	raw           int
	stored        []byte
}

func (b bookBatch) bytes() []byte {
	h := &b.header
	p := append([]byte("RPJ"), b.format)
	p = append(p, h.Site[:]...)
	p = append(p, h.Origin[:]...)
	p = binary.BigEndian.AppendUint64(p, uint64(h.Incarnation))
	p = append(p, byte(h.Stream))
	p = binary.AppendUvarint(p, h.Seq)
	p = binary.AppendUvarint(p, h.Turn)
	p = binary.AppendVarint(p, h.WallMS-int64(h.Turn)) // Go's varint is zigzag
	p = append(p, h.Boot[:]...)
	p = binary.AppendUvarint(p, h.SinceBootMS)
	p = append(p, byte(h.Mode), byte(h.Clock))
	p = binary.BigEndian.AppendUint32(p, h.Previous)
	p = append(p, b.codec)
	p = binary.AppendUvarint(p, uint64(len(h.Uses)))
	for _, l := range h.Uses {
		p = append(p, l[:]...)
	}
	p = bookSized(p, b.extra)
	p = binary.AppendUvarint(p, uint64(h.Records))
	p = binary.AppendUvarint(p, uint64(b.raw))
	return bookSum(bookSized(p, b.stored))
}

func bookSum(p []byte) []byte {
	return binary.BigEndian.AppendUint32(p, crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
}

// resum returns b with the last four bytes replaced by the checksum of all before, so that a
// fuzzer gets past it.
func resum(b []byte) []byte {
	return bookSum(slices.Clone(b[:max(0, len(b)-4)]))
}

func bookSized[T ~string | ~[]byte](p []byte, s T) []byte {
	return append(binary.AppendUvarint(p, uint64(len(s))), s...)
}

func bookRecord(p []byte, kind uint64, fields ...[]byte) []byte {
	return bookSized(binary.AppendUvarint(p, kind), slices.Concat(fields...))
}

func bookUint(number, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, number<<2), v)
}

func bookInt(number uint64, v int64) []byte {
	return binary.AppendVarint(binary.AppendUvarint(nil, number<<2|2), v)
}

func bookText[T ~string | ~[]byte](number uint64, s T) []byte {
	return bookSized(binary.AppendUvarint(nil, number<<2|1), s)
}
