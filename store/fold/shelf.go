package fold

import (
	"bytes"
	"cmp"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// shelf holds the registers that speak of one device, one for each thing and origin. None ever
// leaves it.
type shelf struct {
	list    []register
	order   []int32 // of list, by key and origin
	things  int     // of different keys
	islands int     // things whose last word is an island's
}

// register is a journal.Register in less memory: a box holds ten thousands of them, headquarters millions.
type register struct {
	kind    hw.FactKind
	version uint16 // of the payload that begins with its name, which is left out; 0: none is
	index   uint32 // in its batch
	name    *name
	batch   *batch
	said    string // the payload, or what of it follows the name
}

// name is a component and a group; registers of one name share it.
type name struct{ component, group string }

// batch is what registers know of the batch they came in; those of one share it.
type batch struct {
	order  journal.Order // less the index
	mode   journal.Mode
	wallMS int64
}

func (r *register) order() journal.Order {
	o := r.batch.order
	o.Index = r.index
	return o
}

// whole returns r, which is of a device.
func (r *register) whole(device hw.DeviceID) journal.Register {
	return journal.Register{Order: r.order(), Mode: r.batch.mode, WallMS: r.batch.wallMS, Payload: r.payload(device)}
}

// say takes a payload, which reads as raw.
func (r *register) say(payload []byte, raw *journal.RawFact) {
	var room [256]byte
	if rest, ok := bytes.CutPrefix(payload, raw.AppendName(room[:0])); ok {
		r.version, r.said = raw.Version, string(rest)
	} else {
		r.version, r.said = 0, string(payload)
	}
}

// payload returns the bytes that came.
func (r *register) payload(device hw.DeviceID) []byte {
	if r.version == 0 {
		return []byte(r.said)
	}
	named := journal.RawFact{Kind: r.kind, Version: r.version, Device: device, Component: r.name.component, Group: r.name.group}
	p := make([]byte, 0, len(device)+len(r.name.component)+len(r.name.group)+len(r.said)+24)
	return append(named.AppendName(p), r.said...)
}

// compare compares the key of r with k, whose device is r's.
func (r *register) compare(k Key) int {
	if c := cmp.Compare(r.kind, k.Kind); c != 0 {
		return c
	}
	if c := cmp.Compare(r.name.component, k.Component); c != 0 {
		return c
	}
	return cmp.Compare(r.name.group, k.Group)
}

// of returns the registers of k, in order of origin, as a part of s.order. s may be nil.
func (s *shelf) of(k Key) (from, to int) {
	if s == nil {
		return 0, 0
	}
	from, found := slices.BinarySearchFunc(s.order, k, func(i int32, k Key) int { return s.list[i].compare(k) })
	to = from
	for found && to < len(s.order) && s.list[s.order[to]].compare(k) == 0 {
		to++
	}
	return from, to
}

// put takes r as the register of k and its origin when it is newer than the one there is. It copies payload, which reads
// as raw.
func (s *shelf) put(k Key, r register, payload []byte, raw *journal.RawFact) bool {
	from, to := s.of(k)
	known, island := from < to, s.isIsland(from, to)
	at, found := slices.BinarySearchFunc(s.order[from:to], r.batch.order.Origin, func(i int32, o journal.ID) int {
		return bytes.Compare(s.list[i].batch.order.Origin[:], o[:])
	})
	at += from
	if found && s.list[s.order[at]].order().Compare(r.order()) >= 0 {
		return false
	}
	r.say(payload, raw)
	if found {
		s.list[s.order[at]] = r
	} else {
		s.add(at, r)
		to++
	}
	if !known {
		s.things++
	}
	s.islands += btoi(s.isIsland(from, to)) - btoi(island)
	return true
}

// add adds r, whose place in the order is at.
func (s *shelf) add(at int, r register) {
	if len(s.list) == cap(s.list) { // by an eighth, not by half
		s.list = append(make([]register, 0, len(s.list)+len(s.list)/8+8), s.list...)
	}
	s.order = slices.Insert(s.order, at, int32(len(s.list)))
	s.list = append(s.list, r)
}

// greatest returns the last word of a part of s.order, of those that are ok; nil is none.
func (s *shelf) greatest(from, to int, ok func(*register) bool) (best *register) {
	for ; from < to; from++ {
		if r := &s.list[s.order[from]]; ok(r) && (best == nil || best.order().Compare(r.order()) < 0) {
			best = r
		}
	}
	return best
}

func all(*register) bool { return true }

func (s *shelf) isIsland(from, to int) bool {
	last := s.greatest(from, to, all)
	return last != nil && last.batch.mode == journal.Island
}

// keys returns the keys for which is is true, in order. s may be nil.
func (s *shelf) keys(device hw.DeviceID, is func(from, to int) bool) []Key {
	if s == nil {
		return nil
	}
	var out []Key
	for from := 0; from < len(s.order); {
		r := &s.list[s.order[from]]
		k := Key{r.kind, device, r.name.component, r.name.group}
		to := from + 1
		for to < len(s.order) && s.list[s.order[to]].compare(k) == 0 {
			to++
		}
		if is(from, to) {
			out = append(out, k)
		}
		from = to
	}
	return out
}

// keysOf returns the keys of one kind, in order. s may be nil.
func (s *shelf) keysOf(device hw.DeviceID, kind hw.FactKind) []Key {
	if s == nil {
		return nil
	}
	var out []Key
	from, _ := slices.BinarySearchFunc(s.order, kind, func(i int32, kind hw.FactKind) int { return cmp.Compare(s.list[i].kind, kind) })
	for _, i := range s.order[from:] {
		r := &s.list[i]
		if r.kind != kind {
			break
		}
		if k := (Key{kind, device, r.name.component, r.name.group}); len(out) == 0 || out[len(out)-1] != k {
			out = append(out, k)
		}
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
