package hw

import (
	"slices"
	"strings"
	"time"
)

// The forms of the values written here.
const factVersion = 1

// The texts of a missing component's state.
const (
	presence = "presence"
	missing  = "missing"
)

// visit is the judgement on one report. It reads the state and changes nothing in it.
type visit struct {
	s        *State
	r        *Report
	at       time.Time
	answered bool     // anything was read
	complete []string // the sections read completely

	facts   []Fact
	pending map[RegisterKey]int // where facts has the register's newest
	added   int                 // component registers not in s
	begun   int                 // gaps
	seen    []bool              // slots of s that r speaks of
	alike   []alike             // registers whose value stays and may share the memory of r
	judged  []judged            // what the alerts are judged by
	moved   []moved
	extra   []Gap            // found by the judgement itself
	fresh   map[string][]int // component path: its facts of this visit; made when wanted
	serial  string           // of the unit
	former  [2]string        // serials of units before it
	swapped bool             // this visit found another unit
}

// alike is the value of r that equals that of a slot.
type alike struct {
	slot  *slot
	value ComponentValue
}

// judged is a component register after the visit.
type judged struct {
	key   RegisterKey
	value ComponentValue
	wasUp bool // a port whose link was up before
	gone  bool // removed by this visit

	wasActive string // the unit of a pair that was active before, if it is another now
}

func judge(s State, r Report) *visit {
	v := &visit{s: &s, r: &r, at: stamp(r.Started)}
	v.extents()
	v.unit()
	v.restart()
	v.components()
	v.absent()
	v.alerts()
	v.gapsOf(r.Gaps)
	v.learned()
	return v
}

// extents sums up what was read. A section named twice counts as its lesser reading.
func (v *visit) extents() {
	v.answered = v.r.Unit != nil || len(v.r.Components) > 0
	for i, x := range v.r.Read {
		v.answered = v.answered || x.Extent != Failed
		lesser := func(y Scope) bool { return y.Section == x.Section && y.Extent != Complete }
		again := func(y Scope) bool { return y.Section == x.Section }
		if !slices.ContainsFunc(v.r.Read, lesser) && !slices.ContainsFunc(v.r.Read[:i], again) {
			v.complete = append(v.complete, x.Section)
		}
	}
}

func (v *visit) isComplete(section string) bool { return slices.Contains(v.complete, section) }

func (v *visit) put(kind FactKind, component, group string, x Value) {
	f := Fact{Kind: kind, Version: factVersion, Device: v.r.Device, Component: component, Group: group, At: v.at, Value: x}
	f.Removed = x == nil
	if v.pending == nil {
		v.pending = map[RegisterKey]int{}
	}
	v.pending[f.Register()] = len(v.facts)
	v.facts = append(v.facts, f)
}

// register returns the register under k as it is after the facts so far.
func (v *visit) register(k RegisterKey) (Fact, bool) {
	if i, ok := v.pending[k]; ok {
		return v.facts[i], !v.facts[i].Removed
	}
	return v.s.Get(k)
}

// components compares every component with its register. Of two with one path and section
// the first is taken.
func (v *visit) components() {
	v.seen = make([]bool, len(v.s.slots))
	next := 0
	for i := range v.r.Components {
		c := &v.r.Components[i]
		k := RegisterKey{ComponentFact, c.Path, c.Section}
		at, found := v.s.find(k, next)
		if !found {
			k.Component = clean(k.Component)
			at, found = v.s.find(k, next)
		}
		switch {
		case !found:
			v.newcomer(k, c)
		case !v.seen[at]:
			v.seen[at] = true
			v.known(&v.s.slots[at], c)
			next = at + 1
		}
	}
}

// find looks at the slot guess first: the components of two visits come in one order.
func (s *State) find(k RegisterKey, guess int) (int, bool) {
	if guess < len(s.slots) && s.slots[guess].is(k) {
		return guess, true
	}
	_, i, ok := s.where(k)
	return i, ok
}

func (v *visit) newcomer(k RegisterKey, c *Component) {
	if _, twice := v.pending[k]; twice {
		return
	}
	if v.s.parts+v.added >= MaxComponents {
		v.extra = append(v.extra, Gap{What: k.Group + "/components", Reason: TooMuch})
		return
	}
	v.added++
	v.change(reading{key: k, now: c.value()})
}

// known compares a component with its register; the texts are cleaned only when they differ.
func (v *visit) known(n *slot, c *Component) {
	was, ok := n.fact.Value.(ComponentValue)
	raw := ComponentValue{Health: c.Health, State: c.State, Attrs: c.Attrs, Expected: c.Expected}
	if ok && was.Flaps == 0 && raw.same(was) {
		if !raw.shares(was) {
			v.alike = append(v.alike, alike{n, raw})
		}
		v.unchanged(n, was)
		return
	}
	rd := reading{key: n.key(), had: ok, was: was, wasAt: n.fact.At, up: n.up, now: c.value()}
	switch {
	case was.Flaps > 0:
		v.flap(rd)
	case ok && rd.now.same(was):
		v.unchanged(n, was)
	default:
		v.change(rd)
	}
}

func (v *visit) unchanged(n *slot, x ComponentValue) {
	if x.Health > OK || v.s.open[n.fact.Component] > 0 {
		v.judged = append(v.judged, judged{key: n.key(), value: x, wasUp: n.up})
	}
}

// write sets or removes a component's register.
func (v *visit) write(rd reading, x ComponentValue, remove bool) {
	j := judged{key: rd.key, value: x, wasUp: rd.up, gone: remove, wasActive: rd.switched()}
	if remove {
		v.put(ComponentFact, rd.key.Component, rd.key.Group, nil)
	} else {
		v.put(ComponentFact, rd.key.Component, rd.key.Group, x)
	}
	v.judged = append(v.judged, j)
}

// absent takes every register that a complete reading of its section did not find.
func (v *visit) absent() {
	for _, i := range v.s.order {
		n := &v.s.slots[i]
		if n.fact.Kind > ComponentFact || len(v.complete) == 0 {
			return
		}
		if was, ok := n.fact.Value.(ComponentValue); ok && !v.seen[i] && v.isComplete(n.fact.Group) {
			v.lost(n, was)
		}
	}
}

// lost takes a register that was not found: an expected part is missing, another is gone. An
// expected part of a unit that was replaced is gone at once, even if it flapped.
func (v *visit) lost(n *slot, was ComponentValue) {
	rd := reading{key: n.key(), had: true, was: was, wasAt: n.fact.At, up: n.up, absent: !was.Expected}
	if was.Expected {
		base := was
		if w, ok := v.s.windows[n.key()]; ok && was.Flaps > 0 && w.known && !w.absent {
			base = w.seen
		}
		rd.now = base.missing()
	}
	switch {
	case was.Expected && v.ofFormerUnit(n.fact.Component):
		v.write(rd, was, true)
	case was.Flaps > 0:
		v.flap(rd)
	case !rd.absent && rd.now.same(was):
		v.judged = append(v.judged, judged{key: n.key(), value: was})
	default:
		v.change(rd)
	}
}

// ofFormerUnit says that a path names, by its serial, a unit that was replaced. Parts named
// by their position ("member/2", "psu/1") stay expected whatever unit stands there. In the
// visit that finds another unit this holds for every serial but its own: a stack has several.
func (v *visit) ofFormerUnit(path string) bool {
	serial, ok := strings.CutPrefix(path, "unit/")
	serial, _, _ = strings.Cut(serial, "/")
	return ok && serial != v.serial && (v.swapped || serial != "" && slices.Contains(v.former[:], serial))
}

func (c *Component) value() ComponentValue {
	x := ComponentValue{Health: c.Health, State: c.State.clean(), Attrs: c.Attrs.clean(), Expected: c.Expected}
	if x.Health > Critical {
		x.Health = Unknown
	}
	return x
}

func (x ComponentValue) missing() ComponentValue {
	x.Health, x.Expected, x.Missing, x.Flaps = Critical, true, true, 0
	x.State = slices.Clone(x.State).With(presence, missing)
	return x
}

// same compares all but the count of flaps.
func (x ComponentValue) same(y ComponentValue) bool {
	return x.Health == y.Health && x.Expected == y.Expected && x.Missing == y.Missing &&
		slices.Equal(x.State, y.State) && slices.Equal(x.Attrs, y.Attrs)
}

// shares says that x holds no memory that y does not.
func (x ComponentValue) shares(y ComponentValue) bool {
	one := func(a, b Attrs) bool { return len(a) == 0 || &a[0] == &b[0] }
	return one(x.State, y.State) && one(x.Attrs, y.Attrs)
}
