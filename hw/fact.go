package hw

import (
	"strconv"
	"time"
)

// FactKind numbers what a fact speaks of. The numbers are part of the journal's format.
type FactKind uint16

// The kinds. A number is never reused.
const (
	ComponentFact FactKind = 1
	AlertFact     FactKind = 2
	GapFact       FactKind = 3
	UnitFact      FactKind = 4
	ClockFact     FactKind = 5
	ActFact       FactKind = 6 // somebody did something or wants it done: locate, acknowledge, note, silence
	LearnedFact   FactKind = 7 // what a collector learned and must not forget: failed logins, a pin
)

// String returns the kind's word, or its number.
func (k FactKind) String() string {
	words := [...]string{"", "component", "alert", "gap", "unit", "clock", "act", "learned"}
	if k == 0 || int(k) >= len(words) {
		return "kind-" + strconv.Itoa(int(k))
	}
	return words[k]
}

// Fact is an absolute, timed statement. Everything but the value lies outside the kind, so
// that a version that does not know a kind can still keep its registers.
type Fact struct {
	Kind      FactKind
	Version   uint16 // of the value's form
	Device    DeviceID
	Component string
	Group     string
	Removed   bool
	At        time.Time // of the observation, by the origin's clock; for showing, never for ordering
	Value     Value     // nil when Removed
}

// Value is the part of a fact that its kind defines.
type Value interface{ FactKind() FactKind }

// ComponentValue is the state of a component as its section saw it. Group: the section.
type ComponentValue struct {
	Health   Health
	State    Attrs
	Attrs    Attrs
	Expected bool
	Missing  bool   // expected, and not found by a complete reading
	Flaps    uint32 // not zero: it changes too often to write each change; this many in the last hour
}

// AlertValue is an open or closed fault. Group: the code.
type AlertValue struct {
	Open   bool
	Level  Level
	Since  time.Time
	Closed time.Time // zero while open
	Params Attrs     // what a message in any language needs
}

// GapValue is a gap. Group: what is missing. Its To is zero while it lasts.
type GapValue struct {
	Reason   Reason
	Detail   string
	From, To time.Time
}

// UnitValue is the hardware at the device's position. Group: "unit".
type UnitValue struct {
	Serial, Model, Version, Name string
	Since                        time.Time
	Previous                     string // serial of the unit before it
}

// ClockValue is what is known of a box's own clock. Group: "clock", device empty, component
// "box/<origin>".
type ClockValue struct {
	Trusted  bool
	Source   string // "ntp", "none", "peer"
	OffsetMS int64
}

// Opaque is the value of a kind or version this program does not know.
type Opaque struct {
	Kind  FactKind
	Bytes []byte
}

// FactKind implements Value.
func (ComponentValue) FactKind() FactKind { return ComponentFact }

// FactKind implements Value.
func (AlertValue) FactKind() FactKind { return AlertFact }

// FactKind implements Value.
func (GapValue) FactKind() FactKind { return GapFact }

// FactKind implements Value.
func (UnitValue) FactKind() FactKind { return UnitFact }

// FactKind implements Value.
func (ClockValue) FactKind() FactKind { return ClockFact }

// FactKind implements Value.
func (o Opaque) FactKind() FactKind { return o.Kind }
