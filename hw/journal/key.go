package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// ID names a site or an origin.
type ID [16]byte

// String returns the ID as a UUID is written.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// ParseID reads 32 hexadecimal digits, with or without hyphens.
func ParseID(s string) (ID, error) {
	var id ID
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("id %q: want 32 hexadecimal digits, as in a UUID", s)
	}
	return ID(b), nil
}

// Incarnation is one opening of a store.
type Incarnation uint64

// String returns 16 hexadecimal digits.
func (i Incarnation) String() string { return fmt.Sprintf("%016x", uint64(i)) }

// Stream is a sort of records with its own sequence.
type Stream uint8

// The streams of format 1. Others are held and shipped unread.
const (
	Facts   Stream = 1
	Samples Stream = 2
	Logs    Stream = 3
)

// String returns facts, samples, logs, or the number.
func (s Stream) String() string {
	switch s {
	case Facts:
		return "facts"
	case Samples:
		return "samples"
	case Logs:
		return "logs"
	}
	return fmt.Sprintf("stream-%d", uint8(s))
}

// StreamKey names one stream of one incarnation.
type StreamKey struct {
	Site, Origin ID
	Incarnation  Incarnation
	Stream       Stream
}

const streamKeySize = 16 + 16 + 8 + 1

// Compare orders keys by their bytes.
func (k StreamKey) Compare(o StreamKey) int {
	if c := bytes.Compare(k.Site[:], o.Site[:]); c != 0 {
		return c
	}
	if c := bytes.Compare(k.Origin[:], o.Origin[:]); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(k.Incarnation, o.Incarnation), cmp.Compare(k.Stream, o.Stream))
}

// String returns origin/incarnation/stream; the site is left to the reader.
func (k StreamKey) String() string {
	return fmt.Sprintf("%s/%s/%s", k.Origin, k.Incarnation, k.Stream)
}

func (k StreamKey) append(b []byte) []byte {
	b = append(b, k.Site[:]...)
	b = append(b, k.Origin[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Incarnation))
	return append(b, byte(k.Stream))
}

func (k *StreamKey) read(b []byte) {
	copy(k.Site[:], b)
	copy(k.Origin[:], b[16:])
	k.Incarnation = Incarnation(binary.BigEndian.Uint64(b[32:]))
	k.Stream = Stream(b[40])
}

// Key names a batch for ever.
type Key struct {
	StreamKey
	Seq uint64
}

// String returns origin/incarnation/stream/seq.
func (k Key) String() string { return fmt.Sprintf("%s/%d", k.StreamKey, k.Seq) }

// Order is the logical time of a fact: it decides which of two statements is the newer.
type Order struct {
	Turn        uint64
	Origin      ID
	Incarnation Incarnation
	Seq         uint64
	Index       uint32
}

// Compare returns -1, 0 or 1.
func (o Order) Compare(p Order) int {
	if c := cmp.Compare(o.Turn, p.Turn); c != 0 {
		return c
	}
	if c := bytes.Compare(o.Origin[:], p.Origin[:]); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(o.Incarnation, p.Incarnation), cmp.Compare(o.Seq, p.Seq), cmp.Compare(o.Index, p.Index))
}

// Bytes returns the key as the envelope has it.
func (k StreamKey) Bytes() []byte { return k.append(nil) }

// ParseStreamKey reads what Bytes returned.
func ParseStreamKey(b []byte) (k StreamKey, err error) {
	if len(b) != streamKeySize {
		return k, corrupt("stream key of %d bytes, want %d", len(b), streamKeySize)
	}
	k.read(b)
	return k, nil
}

// MarshalText implements encoding.TextMarshaler.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}
