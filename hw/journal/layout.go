package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"rackpost/hw"
)

// LayoutID names a layout by its content.
type LayoutID [16]byte

// String returns 32 hexadecimal digits.
func (id LayoutID) String() string { return hex.EncodeToString(id[:]) }

// Entry is one place of a layout: the sample that stands there.
type Entry struct {
	Component, Sensor string
	Type              hw.SampleType
}

// Less orders entries by component, sensor and type.
func (e Entry) Less(o Entry) bool {
	if e.Component != o.Component {
		return e.Component < o.Component
	}
	if e.Sensor != o.Sensor {
		return e.Sensor < o.Sensor
	}
	return e.Type < o.Type
}

// Layout is a layout as bytes, under its name.
type Layout struct {
	ID    LayoutID
	Bytes []byte
}

const (
	layoutMagic  = "RPL\x01"
	maxEntries   = 1 << 20
	maxTextBytes = 1 << 16
)

// NewLayout writes entries, which must be sorted and without repeats.
func (c *Compressor) NewLayout(entries []Entry) (Layout, error) {
	if len(entries) > maxEntries {
		return Layout{}, fmt.Errorf("layout of %d entries, the limit is %d", len(entries), maxEntries)
	}
	var body []byte
	components := uint64(0)
	last := ""
	for i := 0; i < len(entries); {
		if i > 0 && !entries[i-1].Less(entries[i]) {
			return Layout{}, fmt.Errorf("layout out of order at %s %s", entries[i].Component, entries[i].Sensor)
		}
		j := i + 1
		for j < len(entries) && entries[j].Component == entries[i].Component && entries[j-1].Less(entries[j]) {
			j++
		}
		shared := sharedPrefix(last, entries[i].Component)
		last = entries[i].Component
		body = binary.AppendUvarint(body, uint64(shared))
		body = appendSized(body, last[shared:])
		body = binary.AppendUvarint(body, uint64(j-i))
		for ; i < j; i++ {
			body = append(appendSized(body, entries[i].Sensor), byte(entries[i].Type))
		}
		components++
	}
	return c.sealLayout(append(binary.AppendUvarint(nil, components), body...))
}

func (c *Compressor) sealLayout(body []byte) (Layout, error) {
	codec, packed, err := c.pack(nil, body)
	if err != nil {
		return Layout{}, err
	}
	b := append([]byte(layoutMagic), codec)
	b = binary.AppendUvarint(b, uint64(len(body)))
	b = append(b, packed...)
	return Layout{ID: LayoutName(b), Bytes: b}, nil
}

// LayoutName returns the name of a layout's bytes.
func LayoutName(b []byte) LayoutID {
	sum := sha256.Sum256(b)
	return LayoutID(sum[:len(LayoutID{})])
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Entries reads a layout and checks its name.
func (c *Compressor) Entries(l Layout) ([]Entry, error) {
	b := l.Bytes
	if LayoutName(b) != l.ID {
		return nil, corrupt("layout %s has other bytes than its name says", l.ID)
	}
	if len(b) < len(layoutMagic)+2 || string(b[:3]) != layoutMagic[:3] {
		return nil, corrupt("not a layout")
	}
	if b[3] != layoutMagic[3] {
		return nil, fmt.Errorf("layout version %d: %w", b[3], ErrNewer)
	}
	raw, packed, err := uvarint(b[5:])
	if err != nil {
		return nil, err
	}
	body, err := c.unpack(b[4], packed, raw)
	if err != nil {
		return nil, fmt.Errorf("layout %s: %w", l.ID, err)
	}
	return parseEntries(body)
}

func parseEntries(body []byte) ([]Entry, error) {
	n, body, err := uvarint(body)
	if err != nil {
		return nil, err
	}
	var out []Entry
	names := map[string]string{} // sensors repeat: one string each
	component := ""
	for range n {
		var shared, sensors uint64
		var rest []byte
		if shared, body, err = uvarint(body); err != nil {
			return nil, err
		}
		if rest, body, err = sized(body); err != nil {
			return nil, err
		}
		if shared > uint64(len(component)) || len(rest) > maxTextBytes {
			return nil, corrupt("component shares %d of %d bytes", shared, len(component))
		}
		component = component[:shared] + string(rest)
		if sensors, body, err = uvarint(body); err != nil {
			return nil, err
		}
		for range sensors {
			var sensor []byte
			if sensor, body, err = sized(body); err != nil {
				return nil, err
			}
			if len(body) == 0 || body[0] > byte(hw.Counter) || len(out) >= maxEntries {
				return nil, corrupt("sensor %q of %q", sensor, component)
			}
			name, ok := names[string(sensor)]
			if !ok {
				name = string(sensor)
				names[name] = name
			}
			e := Entry{component, name, hw.SampleType(body[0])}
			if len(out) > 0 && !out[len(out)-1].Less(e) {
				return nil, corrupt("layout out of order at %s %s", e.Component, e.Sensor)
			}
			out = append(out, e)
			body = body[1:]
		}
	}
	if len(body) > 0 {
		return nil, corrupt("%d bytes after the layout", len(body))
	}
	return out, nil
}
