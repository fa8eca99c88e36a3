package journal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
)

// RawFact is a fact as every version can read it: the value is left as bytes. Its texts and
// bytes belong to whoever made it.
type RawFact struct {
	Kind      hw.FactKind
	Version   uint16
	Device    hw.DeviceID
	Component string
	Group     string
	Removed   bool
	AtMS      int64 // minus the batch's wall time
	Value     []byte
}

// valueVersion is the version of every value this program writes.
const valueVersion = 1

// AppendFact writes f as a record of a batch whose wall time is wallMS.
func AppendFact(body []byte, f hw.Fact, wallMS int64) ([]byte, error) {
	p, err := appendFactPayload(nil, f, wallMS)
	if err != nil {
		return nil, err
	}
	return appendRecord(body, TypeFact, p), nil
}

func appendFactPayload(p []byte, f hw.Fact, wallMS int64) ([]byte, error) {
	version, value, err := factValue(f)
	if err != nil {
		return nil, err
	}
	p = RawFact{Kind: f.Kind, Version: version, Device: f.Device, Component: f.Component, Group: f.Group}.AppendName(p)
	p = appendFlag(p, 6, f.Removed)
	p = appendIntField(p, 7, millis(f.At)-clampMS(wallMS))
	return appendBytesField(p, 8, value), nil
}

// AppendName writes what comes first in the payload of a fact: of which kind and version it is, and about what. The
// payload goes on with what is said.
func (r RawFact) AppendName(p []byte) []byte {
	p = appendUintField(p, 1, uint64(r.Kind))
	p = appendUintField(p, 2, uint64(r.Version))
	p = appendBytesField(p, 3, r.Device)
	p = appendBytesField(p, 4, r.Component)
	return appendBytesField(p, 5, r.Group)
}

// factValue returns the version and the bytes of what f says. A removed fact has no value.
func factValue(f hw.Fact) (version uint16, value []byte, err error) {
	if f.Kind == 0 {
		return 0, nil, fmt.Errorf("fact on %s %s has no kind", f.Device, f.Component)
	}
	if f.Removed {
		return max(f.Version, valueVersion), nil, nil
	}
	if f.Value == nil {
		return 0, nil, fmt.Errorf("fact of kind %d on %s %s has no value", f.Kind, f.Device, f.Component)
	}
	if f.Value.FactKind() != f.Kind {
		return 0, nil, fmt.Errorf("fact of kind %d has a value of kind %d", f.Kind, f.Value.FactKind())
	}
	if v, ok := f.Value.(hw.Opaque); ok {
		if f.Version == 0 {
			return 0, nil, fmt.Errorf("opaque fact of kind %d has no version", f.Kind)
		}
		return f.Version, v.Bytes, nil
	}
	return valueVersion, appendValue(nil, f.Value), nil
}

// ParseFact reads the payload of a fact, whatever its kind and version.
func ParseFact(payload []byte) (r RawFact, err error) { return RawFact{}.Said(payload) }

// Said returns r with what a payload says, or what of one follows the name of r.
func (r RawFact) Said(payload []byte) (RawFact, error) {
	err := fields(payload, func(f field) error {
		switch {
		case f.is(1, wireUint):
			r.Kind = hw.FactKind(f.num)
			if uint64(r.Kind) != f.num {
				return corrupt("fact kind %d", f.num)
			}
		case f.is(2, wireUint):
			r.Version = uint16(f.num)
			if uint64(r.Version) != f.num {
				return corrupt("value version %d", f.num)
			}
		case f.is(3, wireBytes):
			r.Device = hw.DeviceID(f.bytes)
		case f.is(4, wireBytes):
			r.Component = string(f.bytes)
		case f.is(5, wireBytes):
			r.Group = string(f.bytes)
		case f.is(6, wireUint):
			r.Removed = f.num == 1
		case f.is(7, wireInt):
			r.AtMS = f.int()
		case f.is(8, wireBytes):
			r.Value = f.bytes
		}
		return nil
	})
	if err == nil && (r.Kind == 0 || r.Version == 0) {
		err = corrupt("fact of kind %d, version %d", r.Kind, r.Version)
	}
	return r, err
}

// At returns the time of the observation. wallMS is the wall time of its batch.
func (r RawFact) At(wallMS int64) time.Time { return moment(after(wallMS, r.AtMS)) }

// Fact returns r with its value read, or as hw.Opaque when this program does not know its
// kind or version. wallMS is the wall time of its batch.
func (r RawFact) Fact(wallMS int64) (hw.Fact, error) {
	f := hw.Fact{Kind: r.Kind, Version: r.Version, Device: r.Device, Component: r.Component, Group: r.Group,
		Removed: r.Removed, At: r.At(wallMS)}
	if r.Removed {
		return f, nil
	}
	if r.Version != valueVersion {
		f.Value = hw.Opaque{Kind: r.Kind, Bytes: r.Value}
		return f, nil
	}
	v, err := parseValue(r.Kind, r.Value)
	if err != nil {
		return hw.Fact{}, fmt.Errorf("fact of kind %d on %s %s: %w", r.Kind, r.Device, r.Component, err)
	}
	f.Value = v
	return f, nil
}

// Shown returns r as Fact does, and with its value as bytes where it cannot be read: the fact
// still counts. The bytes belong to whoever made r.
func (r RawFact) Shown(wallMS int64) hw.Fact {
	f, err := r.Fact(wallMS)
	if err != nil {
		f = hw.Fact{Kind: r.Kind, Version: r.Version, Device: r.Device, Component: r.Component, Group: r.Group,
			At: r.At(wallMS), Value: hw.Opaque{Kind: r.Kind, Bytes: r.Value}}
	}
	return f
}

// Outline is Shown without what the State and Attrs of a component say, which are looked at and not kept: where a fact cannot be read both say so.
func (r RawFact) Outline(wallMS int64) hw.Fact {
	if r.Kind != hw.ComponentFact || r.Removed || r.Version != valueVersion {
		return r.Shown(wallMS)
	}
	v, err := outlineComponent(r.Value)
	if err != nil {
		return r.Shown(wallMS)
	}
	return hw.Fact{Kind: r.Kind, Version: r.Version, Device: r.Device, Component: r.Component, Group: r.Group, At: r.At(wallMS), Value: v}
}

// appendPairs writes pairs in order of key, whatever their order is; of two with one key the
// first.
func appendPairs(p []byte, number int, pairs hw.Attrs) []byte {
	for _, a := range inOrder(pairs) {
		p = appendBytesField(p, number, append(appendSized(nil, a.Key), a.Value...))
	}
	return p
}

func inOrder(pairs hw.Attrs) hw.Attrs {
	byKey := func(a, b hw.Attr) int { return strings.Compare(a.Key, b.Key) }
	strict := true
	for i := 1; i < len(pairs) && strict; i++ {
		strict = byKey(pairs[i-1], pairs[i]) < 0
	}
	if strict {
		return pairs
	}
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, byKey)
	return slices.CompactFunc(pairs, func(a, b hw.Attr) bool { return a.Key == b.Key })
}

func parsePair(a hw.Attrs, b []byte) (hw.Attrs, error) {
	key, text, err := sized(b)
	if err != nil {
		return nil, err
	}
	if n := len(a); n > 0 && strings.Compare(a[n-1].Key, string(key)) >= 0 {
		return nil, corrupt("pair %q after %q", key, a[n-1].Key)
	}
	return append(a, hw.Attr{Key: string(key), Value: string(text)}), nil
}

func appendFlag(p []byte, number int, v bool) []byte {
	if v {
		return appendUintField(p, number, 1)
	}
	return p
}
