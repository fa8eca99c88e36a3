package journal

import (
	"encoding/binary"
	"fmt"
	"math"
)

// RecordType numbers the records. A number is never reused.
type RecordType uint64

// The record types.
const (
	TypeBegin     RecordType = 1
	TypeFact      RecordType = 2
	TypeVisit     RecordType = 3
	TypeLogLine   RecordType = 4
	TypeLogCursor RecordType = 5
	TypeTombstone RecordType = 6
)

// Record is one record of a body, unread. Its payload belongs to the body.
type Record struct {
	Type    RecordType
	Index   uint32 // place in the batch, from 0
	Payload []byte
}

// appendRecord frames a payload.
func appendRecord(body []byte, t RecordType, payload []byte) []byte {
	return appendSized(binary.AppendUvarint(body, uint64(t)), payload)
}

// Records calls fn for each record of a body. An error of fn ends it and is returned.
func Records(body []byte, fn func(Record) error) error {
	for i := uint32(0); len(body) > 0; i++ {
		if i >= MaxRecords {
			return corrupt("more than %d records", MaxRecords)
		}
		t, rest, err := uvarint(body)
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		payload, rest, err := sized(rest)
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if err := fn(Record{RecordType(t), i, payload}); err != nil {
			return err
		}
		body = rest
	}
	return nil
}

// Begin is the first record of an incarnation.
type Begin struct {
	Previous Incarnation // 0: the origin's first
	Last     []StreamSeq // what the store held of the previous one: a lower bound
	Version  string
	Clean    bool // the previous incarnation was closed in order
}

// StreamSeq is a place in a stream.
type StreamSeq struct {
	Stream Stream
	Seq    uint64
}

// AppendBegin writes b as a record.
func AppendBegin(body []byte, b Begin) []byte {
	var p []byte
	if b.Previous != 0 {
		p = appendBytesField(p, 1, binary.BigEndian.AppendUint64(nil, uint64(b.Previous)))
	}
	for _, l := range b.Last {
		p = appendBytesField(p, 2, binary.AppendUvarint([]byte{byte(l.Stream)}, l.Seq))
	}
	p = appendBytesField(p, 3, b.Version)
	return appendRecord(body, TypeBegin, appendFlag(p, 4, b.Clean))
}

// ParseBegin reads the payload of a begin record.
func ParseBegin(payload []byte) (b Begin, err error) {
	err = fields(payload, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			return readIncarnation(&b.Previous, f.bytes)
		case f.is(2, wireBytes):
			return b.readLast(f.bytes)
		case f.is(3, wireBytes):
			b.Version = string(f.bytes)
		case f.is(4, wireUint):
			b.Clean = f.num == 1
		}
		return nil
	})
	return b, err
}

func (b *Begin) readLast(p []byte) error {
	if len(p) < 2 {
		return corrupt("place in a stream cut short")
	}
	seq, rest, err := uvarint(p[1:])
	if err != nil {
		return err
	}
	if seq == 0 || seq > MaxSeq || len(rest) > 0 {
		return corrupt("place %d in stream %d, %d bytes after it", seq, p[0], len(rest))
	}
	b.Last = append(b.Last, StreamSeq{Stream(p[0]), seq})
	return nil
}

// Tombstone says what an origin dropped of its own.
type Tombstone struct {
	StreamKey
	Interval
	HadHQ  bool // HQ was known to hold it
	Reason string
}

// AppendTombstone writes t as a record.
func AppendTombstone(body []byte, t Tombstone) []byte {
	p := appendBytesField(nil, 1, t.Site[:])
	p = appendBytesField(p, 2, t.Origin[:])
	p = appendBytesField(p, 3, binary.BigEndian.AppendUint64(nil, uint64(t.Incarnation)))
	p = appendUintField(p, 4, uint64(t.Stream))
	p = appendUintField(p, 5, t.First)
	p = appendUintField(p, 6, t.Last)
	p = appendFlag(p, 7, t.HadHQ)
	return appendRecord(body, TypeTombstone, appendBytesField(p, 8, t.Reason))
}

// ParseTombstone reads the payload of a tombstone record.
func ParseTombstone(payload []byte) (t Tombstone, err error) {
	err = fields(payload, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			return readFixed(t.Site[:], f.bytes)
		case f.is(2, wireBytes):
			return readFixed(t.Origin[:], f.bytes)
		case f.is(3, wireBytes):
			return readIncarnation(&t.Incarnation, f.bytes)
		case f.is(4, wireUint):
			if f.num > math.MaxUint8 {
				return corrupt("stream %d", f.num)
			}
			t.Stream = Stream(f.num)
		case f.is(5, wireUint):
			t.First = f.num
		case f.is(6, wireUint):
			t.Last = f.num
		case f.is(7, wireUint):
			t.HadHQ = f.num == 1
		case f.is(8, wireBytes):
			t.Reason = string(f.bytes)
		}
		return nil
	})
	if err == nil && (t.First == 0 || t.First > t.Last || t.Last > MaxSeq) {
		err = corrupt("tombstone over %d..%d", t.First, t.Last)
	}
	return t, err
}

func readFixed(to, from []byte) error {
	if len(to) != len(from) {
		return corrupt("%d bytes, want %d", len(from), len(to))
	}
	copy(to, from)
	return nil
}

// String returns "stream seq".
func (s StreamSeq) String() string { return fmt.Sprintf("%s %d", s.Stream, s.Seq) }
