package journal

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

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

// Compare orders entries by component, sensor and type.
func (e Entry) Compare(o Entry) int {
	if c := strings.Compare(e.Component, o.Component); c != 0 {
		return c
	}
	if c := strings.Compare(e.Sensor, o.Sensor); c != 0 {
		return c
	}
	return cmp.Compare(e.Type, o.Type)
}

// Layout is a layout as bytes, under its name.
type Layout struct {
	ID    LayoutID
	Bytes []byte
}

// Limits of a layout: a writer exceeds none, a reader refuses more. Components share their
// beginnings, so what they take written out has its own.
const (
	layoutMagic   = "RPL\x01"
	maxEntries    = 1 << 20
	maxName       = 1 << 12  // bytes of a component or a sensor
	maxComponents = 64 << 20 // bytes of all components, written out
)

// NewLayout writes entries, which must be sorted and without repeats.
func (c *Compressor) NewLayout(entries []Entry) (Layout, error) {
	if err := checkEntries(entries); err != nil {
		return Layout{}, fmt.Errorf("layout of %d entries: %w", len(entries), err)
	}
	body := appendEntries(nil, entries)
	if len(body) > maxRaw {
		return Layout{}, fmt.Errorf("layout of %d bytes, the limit is %d", len(body), maxRaw)
	}
	return c.sealLayout(body)
}

func checkEntries(entries []Entry) error {
	if len(entries) > maxEntries {
		return fmt.Errorf("more than %d", maxEntries)
	}
	total := 0
	for i, e := range entries {
		if len(e.Component) > maxName || len(e.Sensor) > maxName || e.Type > hw.Counter {
			return fmt.Errorf("entry %d: names of %d and %d bytes, type %d", i, len(e.Component), len(e.Sensor), e.Type)
		}
		if i > 0 && entries[i-1].Compare(e) >= 0 {
			return fmt.Errorf("out of order at %s %s", e.Component, e.Sensor)
		}
		if i == 0 || entries[i-1].Component != e.Component {
			total += len(e.Component)
		}
	}
	if total > maxComponents {
		return fmt.Errorf("components of %d bytes, the limit is %d", total, maxComponents)
	}
	return nil
}

func appendEntries(body []byte, entries []Entry) []byte {
	components := uint64(0)
	for i, e := range entries {
		if i == 0 || entries[i-1].Component != e.Component {
			components++
		}
	}
	body = binary.AppendUvarint(body, components)
	last := ""
	for i := 0; i < len(entries); {
		j := i + 1
		for j < len(entries) && entries[j].Component == entries[i].Component {
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
	}
	return body
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

// entryReader reads the body of a layout in the one form appendEntries gives it.
type entryReader struct {
	out       []Entry
	component string
	total     int               // bytes of the components so far
	names     map[string]string // sensors repeat: one string each
}

func parseEntries(body []byte) ([]Entry, error) {
	n, body, err := uvarint(body)
	if err != nil {
		return nil, err
	}
	r := entryReader{names: map[string]string{}}
	for i := range n {
		var sensors uint64
		if sensors, body, err = r.readComponent(body, i == 0); err != nil {
			return nil, err
		}
		for range sensors {
			if body, err = r.readSensor(body); err != nil {
				return nil, err
			}
		}
	}
	if len(body) > 0 {
		return nil, corrupt("%d bytes after the layout", len(body))
	}
	return r.out, nil
}

// readComponent returns how many sensors of the component follow.
func (r *entryReader) readComponent(body []byte, first bool) (sensors uint64, rest []byte, err error) {
	shared, body, err := uvarint(body)
	if err != nil {
		return 0, nil, err
	}
	own, body, err := sized(body)
	if err != nil {
		return 0, nil, err
	}
	last := r.component
	if shared > uint64(len(last)) || shared+uint64(len(own)) > maxName {
		return 0, nil, corrupt("component shares %d of %d bytes and adds %d", shared, len(last), len(own))
	}
	r.component = last[:shared] + string(own)
	if !first && r.component <= last || sharedPrefix(last, r.component) != int(shared) {
		return 0, nil, corrupt("component %q after %q shares %d", r.component, last, shared)
	}
	if r.total += len(r.component); r.total > maxComponents {
		return 0, nil, corrupt("components over %d bytes", maxComponents)
	}
	if sensors, body, err = uvarint(body); err == nil && sensors == 0 {
		err = corrupt("component %q without a sensor", r.component)
	}
	return sensors, body, err
}

func (r *entryReader) readSensor(body []byte) (rest []byte, err error) {
	sensor, body, err := sized(body)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 || body[0] > byte(hw.Counter) || len(sensor) > maxName || len(r.out) >= maxEntries {
		return nil, corrupt("sensor %d of %q", len(r.out), r.component)
	}
	name, ok := r.names[string(sensor)]
	if !ok {
		name = string(sensor)
		r.names[name] = name
	}
	e := Entry{r.component, name, hw.SampleType(body[0])}
	if n := len(r.out); n > 0 && r.out[n-1].Compare(e) >= 0 {
		return nil, corrupt("layout out of order at %s %s", e.Component, e.Sensor)
	}
	r.out = append(r.out, e)
	return body[1:], nil
}
