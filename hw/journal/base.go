package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"rackpost/hw"
)

// Register is the last statement of one origin on one thing.
type Register struct {
	Order
	Mode    Mode
	WallMS  int64  // of its batch
	Payload []byte // the fact as received
}

// LastVisit is when an origin last visited a device, or last read anything of it.
type LastVisit struct {
	Origin      ID
	Incarnation Incarnation
	Device      hw.DeviceID
	Turn        uint64
	Started     time.Time
	Period      time.Duration
	Mode        Mode
	Good        bool
}

// Base is everything a site's facts amount to at a vector.
type Base struct {
	Site      ID
	Held      Vector
	Excused   Vector
	Known     Vector // 1 to the greatest seq heard of
	Registers []Register
	Visits    []LastVisit
	Turn      uint64 // the greatest seen
}

const (
	baseMagic = "RPB\x01"
	// maxBase bounds the body of a base: a million registers fit.
	maxBase      = 256 << 20
	maxRegisters = 1 << 22
	maxVisits    = 1 << 20
)

// MarshalBase writes b. Registers and visits must be in the order docs/journal.md gives,
// so that equal bases have equal contents.
func (c *Compressor) MarshalBase(b *Base) ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("write base of site %s: %w", b.Site, err)
	}
	p := appendBytesField(nil, 1, b.Site[:])
	p = appendBytesField(p, 2, b.Held.Marshal())
	p = appendBytesField(p, 3, b.Excused.Marshal())
	for i := range b.Registers {
		p = appendBytesField(p, 4, appendRegister(nil, &b.Registers[i]))
	}
	for i := range b.Visits {
		p = appendBytesField(p, 5, appendLastVisit(nil, &b.Visits[i]))
	}
	p = appendUintField(p, 6, b.Turn)
	p = appendBytesField(p, 7, b.Known.Marshal())
	if len(p) > maxBase {
		return nil, fmt.Errorf("base of site %s has %d bytes, the limit is %d", b.Site, len(p), maxBase)
	}
	codec, packed, err := c.pack(nil, p)
	if err != nil {
		return nil, err
	}
	out := append([]byte(baseMagic), codec)
	out = binary.AppendUvarint(out, uint64(len(p)))
	return seal(append(out, packed...)), nil
}

func appendRegister(p []byte, r *Register) []byte {
	p = appendBytesField(p, 1, r.Origin[:])
	p = appendBytesField(p, 2, binary.BigEndian.AppendUint64(nil, uint64(r.Incarnation)))
	p = appendUintField(p, 3, r.Turn)
	p = appendUintField(p, 4, r.Seq)
	p = appendUintField(p, 5, uint64(r.Index))
	p = appendUintField(p, 6, uint64(r.Mode))
	p = appendIntField(p, 7, r.WallMS)
	return appendBytesField(p, 8, r.Payload)
}

func appendLastVisit(p []byte, v *LastVisit) []byte {
	p = appendBytesField(p, 1, v.Origin[:])
	p = appendBytesField(p, 2, v.Device)
	p = appendUintField(p, 3, v.Turn)
	p = appendTime(p, 4, v.Started)
	p = appendUintField(p, 5, uint64(max(0, v.Period.Milliseconds())))
	p = appendUintField(p, 6, uint64(v.Mode))
	p = appendBytesField(p, 7, binary.BigEndian.AppendUint64(nil, uint64(v.Incarnation)))
	return appendFlag(p, 8, v.Good)
}

// BaseSize returns how many bytes UnmarshalBase unpacks of a base, as it says itself. It takes no more.
func BaseSize(b []byte) (uint64, error) {
	p, err := sealed(b, baseMagic)
	if err != nil {
		return 0, err
	}
	if len(p) < 2 {
		return 0, corrupt("base cut short")
	}
	raw, _, err := uvarint(p[1:])
	return raw, err
}

// UnmarshalBase reads what MarshalBase wrote. Nothing of b is kept.
func (c *Compressor) UnmarshalBase(b []byte) (*Base, error) {
	p, err := sealed(b, baseMagic)
	if err != nil {
		return nil, err
	}
	if len(p) < 2 {
		return nil, corrupt("base cut short")
	}
	raw, packed, err := uvarint(p[1:])
	if err != nil {
		return nil, err
	}
	body, err := c.unpackLimit(p[0], packed, raw, maxBase)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	if p[0] == codecPlain {
		body = bytes.Clone(body) // the payloads stay in it
	}
	out := &Base{Held: Vector{}, Excused: Vector{}, Known: Vector{}}
	err = fields(body, func(f field) (err error) {
		switch {
		case f.is(1, wireBytes):
			return readFixed(out.Site[:], f.bytes)
		case f.is(2, wireBytes):
			out.Held, err = UnmarshalVector(f.bytes)
		case f.is(3, wireBytes):
			out.Excused, err = UnmarshalVector(f.bytes)
		case f.is(4, wireBytes):
			var r Register
			r, err = parseRegister(f.bytes)
			out.Registers = append(out.Registers, r)
			if len(out.Registers) > maxRegisters {
				return corrupt("more than %d registers", maxRegisters)
			}
		case f.is(5, wireBytes):
			var v LastVisit
			v, err = parseLastVisit(f.bytes)
			out.Visits = append(out.Visits, v)
			if len(out.Visits) > maxVisits {
				return corrupt("more than %d visits", maxVisits)
			}
		case f.is(6, wireUint):
			out.Turn = f.num
		case f.is(7, wireBytes):
			out.Known, err = UnmarshalVector(f.bytes)
		}
		return err
	})
	if err == nil && out.Turn > MaxTurn {
		err = corrupt("turn %d", out.Turn)
	}
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	return out, nil
}

func parseRegister(b []byte) (r Register, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			return readFixed(r.Origin[:], f.bytes)
		case f.is(2, wireBytes):
			return readIncarnation(&r.Incarnation, f.bytes)
		case f.is(3, wireUint):
			r.Turn = f.num
		case f.is(4, wireUint):
			r.Seq = f.num
		case f.is(5, wireUint):
			r.Index = uint32(min(f.num, MaxRecords))
		case f.is(6, wireUint):
			return readMode(&r.Mode, f.num)
		case f.is(7, wireInt):
			r.WallMS = clampMS(f.int())
		case f.is(8, wireBytes):
			r.Payload = f.bytes[:len(f.bytes):len(f.bytes)]
		}
		return nil
	})
	if err == nil {
		err = r.check()
	}
	return r, err
}

// check says what no base may hold; it stands before the writer and behind the reader.
func (r *Register) check() error {
	if r.Turn == 0 || r.Turn > MaxTurn || r.Seq == 0 || r.Seq > MaxSeq || r.Index >= MaxRecords || len(r.Payload) == 0 {
		return corrupt("register at turn %d, seq %d, index %d with %d bytes", r.Turn, r.Seq, r.Index, len(r.Payload))
	}
	return nil
}

func (v *LastVisit) check() error {
	if v.Turn == 0 || v.Turn > MaxTurn {
		return corrupt("visit at turn %d", v.Turn)
	}
	return nil
}

func (b *Base) check() error {
	if len(b.Registers) > maxRegisters || len(b.Visits) > maxVisits || b.Turn > MaxTurn {
		return corrupt("%d registers of at most %d, %d visits of at most %d, turn %d", len(b.Registers), maxRegisters, len(b.Visits), maxVisits, b.Turn)
	}
	for i := range b.Registers {
		if err := b.Registers[i].check(); err != nil {
			return err
		}
	}
	for i := range b.Visits {
		if err := b.Visits[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func readMode(to *Mode, n uint64) error {
	if n > math.MaxUint8 {
		return corrupt("mode %d", n)
	}
	*to = Mode(n)
	return nil
}

func parseLastVisit(b []byte) (v LastVisit, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, wireBytes):
			return readFixed(v.Origin[:], f.bytes)
		case f.is(2, wireBytes):
			v.Device = hw.DeviceID(f.bytes)
		case f.is(3, wireUint):
			v.Turn = f.num
		case f.is(4, wireInt):
			v.Started = f.time()
		case f.is(5, wireUint):
			v.Period = milliseconds(f.num)
		case f.is(6, wireUint):
			return readMode(&v.Mode, f.num)
		case f.is(7, wireBytes):
			return readIncarnation(&v.Incarnation, f.bytes)
		case f.is(8, wireUint):
			v.Good = f.num == 1
		}
		return nil
	})
	if err == nil {
		err = v.check()
	}
	return v, err
}

func readIncarnation(to *Incarnation, b []byte) error {
	var x [8]byte
	err := readFixed(x[:], b)
	*to = Incarnation(binary.BigEndian.Uint64(x[:]))
	return err
}
