package sim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// value is what a dynamic object says now: a number, or text for OCTET STRING.
type value struct {
	number uint64
	text   string
}

// entry is one object of a view. A static one is encoded once and for all.
type entry struct {
	name oid
	tag  byte
	enc  []byte // static: the whole varbind; dynamic: the name's TLV
	read func(*moment) value
}

// view is all that a device has to tell, in the order of the tree. It is never changed, so that
// devices can share it.
type view struct {
	entries  []entry
	contexts map[uint32]*vlanContext // by VLAN; nil without any
}

// vlanContext is what the agent shows of one VLAN when it is asked for with "public@60": everything, with another
// BRIDGE-MIB. It is put together when it is first asked for.
type vlanContext struct {
	own  []entry
	once sync.Once
	view *view
}

// bridgeMIB is the subtree that differs from VLAN to VLAN.
const bridgeMIB = "\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x11"

// in returns what the agent shows of a VLAN, or nil when there is no such context; 0 is none.
func (v *view) in(vlan uint32) *view {
	if vlan == 0 {
		return v
	}
	c := v.contexts[vlan]
	if c == nil {
		return nil
	}
	c.once.Do(func() {
		all := make([]entry, 0, len(v.entries)+len(c.own))
		for _, e := range v.entries {
			if !strings.HasPrefix(string(e.name), bridgeMIB) {
				all = append(all, e)
			}
		}
		c.view, _ = newView(append(all, c.own...))
	})
	return c.view
}

// newView sorts entries. It keeps the first of two with one name and returns how many others
// there were.
func newView(entries []entry) (*view, int) {
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.name, b.name) })
	n := len(entries)
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.name == b.name })
	return &view{entries: slices.Clip(entries)}, n - len(entries)
}

// find returns the place of the first entry at or after name, and whether it is name.
func (v *view) find(name []byte) (int, bool) {
	i := sort.Search(len(v.entries), func(i int) bool { return string(v.entries[i].name) >= string(name) })
	return i, i < len(v.entries) && string(v.entries[i].name) == string(name)
}

// hasColumn says whether another instance of name's object exists: name without its last arc.
func (v *view) hasColumn(name []byte) bool {
	if len(name) < 4 {
		return false
	}
	column := name[:len(name)-4]
	i, _ := v.find(column)
	return i < len(v.entries) && strings.HasPrefix(string(v.entries[i].name), string(column))
}

// appendVarbind writes entry e as it stands at m.
func (e *entry) appendVarbind(b []byte, m *moment) []byte {
	if e.read == nil {
		return append(b, e.enc...)
	}
	var content [16]byte
	v := e.read(m)
	c := content[:0]
	switch e.tag {
	case tagOctets, tagIPAddress:
		c = appendTLV(c, e.tag, []byte(v.text))
	case tagInteger:
		c = appendInt(c, e.tag, int64(v.number))
	case tagCounter64:
		c = appendUint(c, e.tag, v.number)
	default:
		c = appendUint(c, e.tag, uint64(uint32(v.number)))
	}
	b = appendHead(b, tagSequence, len(e.enc)+len(c))
	b = append(b, e.enc...)
	return append(b, c...)
}

// constant makes a static entry; content is the value's encoding.
func constant(name oid, tag byte, content []byte) entry {
	var buf [6 * maxArcs]byte
	head := appendOID(buf[:0], name)
	n := len(head) + headSize(len(content)) + len(content)
	b := appendHead(make([]byte, 0, headSize(n)+n), tagSequence, n)
	b = append(b, head...)
	return entry{name: name, tag: tag, enc: appendTLV(b, tag, content)}
}

// builder gathers the objects of a model. The bases are dotted text, known good: a mistake in
// one is the model's, and is returned by view.
type builder struct {
	entries []entry
	bases   map[string]oid
	vlans   map[uint32]*builder
	err     error
}

// context returns the builder of what one VLAN's context has of its own.
func (b *builder) context(vlan uint32) *builder {
	if b.vlans == nil {
		b.vlans = map[uint32]*builder{}
	}
	if b.vlans[vlan] == nil {
		b.vlans[vlan] = &builder{}
	}
	return b.vlans[vlan]
}

func (b *builder) name(base string, index []uint32) oid {
	o, ok := b.bases[base]
	if !ok {
		var err error
		if o, err = parseOID(base); err != nil && b.err == nil {
			b.err = err
		}
		if b.bases == nil {
			b.bases = map[string]oid{}
		}
		b.bases[base] = o
	}
	return o.with(index...)
}

func (b *builder) view() (*view, error) {
	v, repeats := newView(b.entries)
	if b.err == nil && repeats > 0 {
		b.err = fmt.Errorf("%d objects of the model have the name of another", repeats)
	}
	for vlan, own := range b.vlans {
		if v.contexts == nil {
			v.contexts = make(map[uint32]*vlanContext, len(b.vlans))
		}
		part, err := own.view()
		if b.err == nil {
			b.err = err
		}
		v.contexts[vlan] = &vlanContext{own: part.entries}
	}
	return v, b.err
}

func (b *builder) static(base string, tag byte, content []byte, index []uint32) {
	name := b.name(base, index)
	if b.err != nil {
		return
	}
	b.entries = append(b.entries, constant(name, tag, content))
}

// int adds an INTEGER.
func (b *builder) int(base string, v int64, index ...uint32) {
	b.static(base, tagInteger, appendInt(nil, tagInteger, v)[2:], index)
}

// uint adds an unsigned number of the given tag.
func (b *builder) uint(base string, tag byte, v uint64, index ...uint32) {
	b.static(base, tag, appendUint(nil, tag, v)[2:], index)
}

func (b *builder) gauge(base string, v uint64, index ...uint32) {
	b.uint(base, tagGauge32, v, index...)
}

func (b *builder) text(base, v string, index ...uint32) {
	b.static(base, tagOctets, []byte(v), index)
}

func (b *builder) oid(base, v string, index ...uint32) {
	o, err := parseOID(v)
	if err != nil {
		b.err = err
		return
	}
	var r reader
	r.b = appendOID(nil, o)
	_, content, _ := r.next()
	b.static(base, tagOID, content, index)
}

// ip adds an IpAddress.
func (b *builder) ip(base string, v uint32, index ...uint32) {
	b.static(base, tagIPAddress, binary.BigEndian.AppendUint32(nil, v), index)
}

// moving adds a number that depends on the moment.
func (b *builder) moving(base string, tag byte, f func(*moment) uint64, index ...uint32) {
	name := b.name(base, index)
	if b.err != nil {
		return
	}
	b.entries = append(b.entries, entry{name: name, tag: tag, enc: appendOID(nil, name),
		read: func(m *moment) value { return value{number: f(m)} }})
}

// named adds a text that depends on the device: a serial, a name, an address.
func (b *builder) named(base string, f func(*moment) string, index ...uint32) {
	name := b.name(base, index)
	if b.err != nil {
		return
	}
	b.entries = append(b.entries, entry{name: name, tag: tagOctets, enc: appendOID(nil, name),
		read: func(m *moment) value { return value{text: f(m)} }})
}
