package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The wires of a field: how its value is written.
const (
	wireUint  = 0
	wireBytes = 1
	wireInt   = 2
)

// ErrCorrupt is in every error about bytes that cannot be what they should be.
var ErrCorrupt = errors.New("corrupt")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// uvarint reads the shortest form only, so that equal values have equal bytes.
func uvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, corrupt("number cut short or over 64 bits")
	}
	if n > 1 && b[n-1] == 0 {
		return 0, nil, corrupt("number not in its shortest form")
	}
	return v, b[n:], nil
}

// sized reads a uvarint length and so many bytes.
func sized(b []byte) (data, rest []byte, err error) {
	n, b, err := uvarint(b)
	if err != nil {
		return nil, nil, err
	}
	if n > uint64(len(b)) {
		return nil, nil, corrupt("%d bytes announced, %d there", n, len(b))
	}
	return b[:n], b[n:], nil
}

func appendSized[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendUintField(b []byte, number int, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(number)<<2|wireUint)
	return binary.AppendUvarint(b, v)
}

func appendIntField(b []byte, number int, v int64) []byte {
	if v == 0 {
		return b
	}
	return appendIntPresent(b, number, v)
}

// appendIntPresent writes zero too: for fields whose absence says something else.
func appendIntPresent(b []byte, number int, v int64) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<2|wireInt)
	return binary.AppendUvarint(b, zigzag(v))
}

func appendBytesField[T ~string | ~[]byte](b []byte, number int, v T) []byte {
	if len(v) == 0 {
		return b
	}
	return appendSized(binary.AppendUvarint(b, uint64(number)<<2|wireBytes), v)
}

// field is one field as read: by its wire, num or bytes holds.
type field struct {
	number int
	wire   int
	num    uint64
	bytes  []byte
}

func (f field) int() int64 { return unzigzag(f.num) }

// is says whether this is the field asked for, in the wire it must have. A known number in
// another wire is skipped like an unknown one: a later version may have changed its mind.
func (f field) is(number, wire int) bool { return f.number == number && f.wire == wire }

// fields calls fn for each field of payload. The bytes of a field belong to payload.
func fields(payload []byte, fn func(field) error) error {
	last := 0
	for len(payload) > 0 {
		tag, rest, err := uvarint(payload)
		if err != nil {
			return err
		}
		if tag>>2 > 1<<28 || tag>>2 == 0 {
			return corrupt("field number %d", tag>>2)
		}
		f := field{number: int(tag >> 2), wire: int(tag & 3)}
		if f.number < last {
			return corrupt("field %d after field %d", f.number, last)
		}
		last = f.number
		switch f.wire {
		case wireUint, wireInt:
			f.num, rest, err = uvarint(rest)
		case wireBytes:
			f.bytes, rest, err = sized(rest)
		default:
			return corrupt("field %d has wire 3", f.number)
		}
		if err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
		if err := fn(f); err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
		payload = rest
	}
	return nil
}
