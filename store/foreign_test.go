package store_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// foreign writes batches as another box would, field by field as docs/journal.md gives them,
// also such as this program does not write.
type foreign struct {
	site, origin journal.ID
	incarnation  journal.Incarnation
	turn         uint64
	wallMS       int64
	format       byte
	codec        byte
	mode         journal.Mode
	seq          map[journal.Stream]uint64
	previous     map[journal.Stream]uint32
}

func newForeign(site journal.ID) *foreign {
	return &foreign{site: site, origin: journal.ID{0xf0, 0x0e}, incarnation: 77, turn: uint64(start.UnixMilli()), wallMS: start.UnixMilli(),
		format: journal.Format, mode: journal.Lone, seq: map[journal.Stream]uint64{}, previous: map[journal.Stream]uint32{}}
}

// batch writes the next batch of a stream; the body is stored as it is.
func (f *foreign) batch(t testing.TB, stream journal.Stream, records int, body []byte, layouts ...journal.Layout) journal.Batch {
	t.Helper()
	f.seq[stream]++
	b := []byte{'R', 'P', 'J', f.format}
	b = append(b, journal.StreamKey{Site: f.site, Origin: f.origin, Incarnation: f.incarnation, Stream: stream}.Bytes()...)
	b = binary.AppendUvarint(b, f.seq[stream])
	b = binary.AppendUvarint(b, f.turn)
	b = binary.AppendVarint(b, f.wallMS-int64(f.turn))
	b = append(b, make([]byte, 8)...) // boot
	b = append(b, 0, byte(f.mode), 0) // since boot, mode, clock
	b = binary.BigEndian.AppendUint32(b, f.previous[stream])
	b = append(b, f.codec)
	b = binary.AppendUvarint(b, uint64(len(layouts)))
	for _, l := range layouts {
		b = append(b, l.ID[:]...)
	}
	b = append(b, f.extra()...)
	b = binary.AppendUvarint(b, uint64(records))
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, body...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	out, err := journal.ParseBatch(b)
	if err != nil {
		t.Fatal(err)
	}
	out.Layouts = layouts
	f.previous[stream] = out.Checksum()
	f.turn++
	return out
}

// extra is what a later version adds to the envelope.
func (f *foreign) extra() []byte {
	if f.format == journal.Format {
		return []byte{0}
	}
	return []byte("\x05extra")
}

// facts writes a batch of the given facts and of raw records of any type behind them.
func (f *foreign) facts(t testing.TB, facts []hw.Fact, raw ...[]byte) journal.Batch {
	t.Helper()
	var body []byte
	var err error
	for _, x := range facts {
		if body, err = journal.AppendFact(body, x, f.wallMS); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range raw {
		body = append(body, x...)
	}
	return f.batch(t, journal.Facts, len(facts)+len(raw), body)
}

// record frames a payload.
func record(kind uint64, payload []byte) []byte {
	b := binary.AppendUvarint(nil, kind)
	b = binary.AppendUvarint(b, uint64(len(payload)))
	return append(b, payload...)
}
