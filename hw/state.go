package hw

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// RegisterKey names a register within a device.
type RegisterKey struct {
	Kind      FactKind
	Component string
	Group     string
}

func (k RegisterKey) compare(o RegisterKey) int {
	if c := cmp.Compare(k.Kind, o.Kind); c != 0 {
		return c
	}
	if c := cmp.Compare(k.Component, o.Component); c != 0 {
		return c
	}
	return cmp.Compare(k.Group, o.Group)
}

// Register returns the key of the register f sets.
func (f Fact) Register() RegisterKey { return RegisterKey{f.Kind, f.Component, f.Group} }

// The bounds of one device's state.
const (
	// MaxComponents is how many component registers a device may have. New ones beyond it
	// are not written; a gap "<section>/components" says so.
	MaxComponents = 8192
	maxOpenGaps   = 1024 // beyond it a gap of an object is written as one of its section
	maxSettled    = 1024 // closed alerts and gaps kept; the oldest half is let go beyond it
	maxSections   = 256  // whose last good reading is remembered
)

// State is what is known of one device: the view of its registers, and the memory that
// flapping and gaps need, which is lost at a restart. The zero value knows nothing. A copy
// shares the memory of the original. A State is not safe for concurrent use, but any
// number of Next may read one at once.
//
// A removed register leaves the state: nothing is known of it, so nothing is removed twice.
// Closed alerts and finished gaps stay, up to a bound.
type State struct {
	slots   []slot
	order   []int32        // the slots by key
	open    map[string]int // component path: open alerts
	parts   int            // component registers
	gaps    int            // open gaps
	settled int            // closed alerts and finished gaps
	windows map[RegisterKey]*window
	good    map[string]time.Time // section, or VisitGap: when it was last read
}

type slot struct {
	fact Fact
	up   bool // a port: the last oper state that says up or down was up
}

func (n *slot) key() RegisterKey { return n.fact.Register() }

func (n *slot) is(k RegisterKey) bool {
	return n.fact.Component == k.Component && n.fact.Group == k.Group && n.fact.Kind == k.Kind
}

// Set takes f as the current register of the view: from the store at its start, after each
// own visit, after a merge. A removed fact ends the register.
func (s *State) Set(f Fact) {
	k := f.Register()
	at, i, found := s.where(k)
	switch {
	case f.Removed && found:
		s.drop(at)
	case f.Removed:
	case found:
		s.count(s.slots[i].fact, -1)
		s.slots[i].set(f)
		s.count(f, 1)
	default:
		s.add(at, f)
	}
	if s.settled > maxSettled {
		s.forget()
	}
}

// add takes f, whose place in the order is at.
func (s *State) add(at int, f Fact) {
	if s.open == nil {
		s.open = map[string]int{}
	}
	if len(s.slots) == cap(s.slots) { // by an eighth, not by half: a box holds ten thousands of these
		s.slots = append(make([]slot, 0, len(s.slots)+len(s.slots)/8+8), s.slots...)
	}
	n := slot{}
	n.set(f)
	s.order = slices.Insert(s.order, at, int32(len(s.slots)))
	s.slots = append(s.slots, n)
	s.count(f, 1)
}

// drop ends the register whose place in the order is at.
func (s *State) drop(at int) {
	i, last := s.order[at], int32(len(s.slots)-1)
	s.count(s.slots[i].fact, -1)
	s.order[s.rank(s.slots[last].key())] = i
	s.order = slices.Delete(s.order, at, at+1)
	s.slots[i] = s.slots[last]
	s.slots[last] = slot{}
	s.slots = s.slots[:last]
}

// where returns where k is or would be in s.order, and its slot.
func (s *State) where(k RegisterKey) (at, slot int, found bool) {
	at, found = slices.BinarySearchFunc(s.order, k, func(i int32, k RegisterKey) int {
		return s.slots[i].key().compare(k)
	})
	if !found {
		return at, 0, false
	}
	return at, int(s.order[at]), true
}

// rank returns where k is or would be in s.order.
func (s *State) rank(k RegisterKey) int {
	at, _, _ := s.where(k)
	return at
}

func (s *State) count(f Fact, by int) {
	if f.Kind == ComponentFact {
		s.parts += by
	}
	switch x := f.Value.(type) {
	case AlertValue:
		if !x.Open {
			s.settled += by
		} else if s.open[f.Component] += by; s.open[f.Component] == 0 {
			delete(s.open, f.Component)
		}
	case GapValue:
		if x.To.IsZero() {
			s.gaps += by
		} else {
			s.settled += by
		}
	}
}

func (f Fact) settled() bool {
	switch x := f.Value.(type) {
	case AlertValue:
		return !x.Open
	case GapValue:
		return !x.To.IsZero()
	}
	return false
}

// forget lets go of the older half of the closed alerts and finished gaps.
func (s *State) forget() {
	old := make([]Fact, 0, s.settled)
	for f := range s.All() {
		if f.settled() {
			old = append(old, f)
		}
	}
	slices.SortStableFunc(old, func(a, b Fact) int { return a.At.Compare(b.At) })
	for _, f := range old[:len(old)/2] {
		s.drop(s.rank(f.Register()))
	}
}

// set also keeps the last decisive link state: up, a reading without one, down is a link
// lost too. A flapping register says nothing of it, but a port that flaps was up; nor does
// one that is faulty.
func (n *slot) set(f Fact) {
	fresh := n.fact.Kind == 0
	n.fact = f
	c, ok := f.Value.(ComponentValue)
	if !ok {
		return
	}
	oper := c.State.Get("oper")
	switch {
	case c.Flaps > 0:
		n.up = n.up || fresh && oper != ""
	case oper == "up":
		n.up = true
	case linkLost(oper) && c.Health <= OK:
		n.up = false
	}
}

// Get returns the register under k. It is false for a register that was removed.
func (s State) Get(k RegisterKey) (Fact, bool) {
	_, i, ok := s.where(k)
	if !ok {
		return Fact{}, false
	}
	return s.slots[i].fact, true
}

// All yields the registers in order of kind, component and group.
func (s State) All() iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		for _, i := range s.order {
			if !yield(s.slots[i].fact) {
				return
			}
		}
	}
}

// of yields the registers of a kind, in order of component and group.
func (s *State) of(kind FactKind) iter.Seq[Fact] {
	return func(yield func(Fact) bool) {
		for _, i := range s.order[s.rank(RegisterKey{Kind: kind}):] {
			if f := s.slots[i].fact; f.Kind != kind || !yield(f) {
				return
			}
		}
	}
}

// Unit returns the unit at the device's position.
func (s State) Unit() (UnitValue, bool) {
	f, _ := s.Get(RegisterKey{UnitFact, "", unitGroup})
	u, ok := f.Value.(UnitValue)
	return u, ok
}

// SetRead notes when a section was last read completely, or with VisitGap when anything was
// last read: a gap that does not say its start begins there. Visit does it by itself; the
// store does it at its start for the last durable visit.
func (s *State) SetRead(section string, at time.Time) {
	if s.good == nil {
		s.good = map[string]time.Time{}
	}
	if _, known := s.good[section]; known || len(s.good) < maxSections {
		s.good[section] = stamp(at)
	}
}

// Visit returns the facts that follow from r and takes them, with the memory of r, into s:
// the attributes of its components must not change afterwards.
func (s *State) Visit(r Report) []Fact {
	v := judge(*s, r)
	// After a restart the state holds what the store told: a second copy of what the collector
	// holds and tells at each visit.
	for _, a := range v.alike {
		a.slot.fact.Value = a.value
	}
	for _, f := range v.facts {
		s.Set(f)
	}
	for _, m := range v.moved {
		if s.windows == nil {
			s.windows = map[RegisterKey]*window{}
		}
		s.windows[m.key] = m.window
	}
	for k, w := range s.windows {
		if w.over(v.at) {
			delete(s.windows, k)
		}
	}
	for _, section := range v.complete {
		s.SetRead(section, v.at)
	}
	if v.answered {
		s.SetRead(VisitGap, v.at)
	}
	return v.facts
}

// Next returns the facts that follow from r for a device in state s. It changes neither,
// reads no clock, and gives the same facts in the same order for the same arguments.
func Next(s State, r Report) []Fact { return judge(s, r).facts }

// stamp makes a time what the journal keeps of it: milliseconds, UTC, no monotonic part.
func stamp(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
