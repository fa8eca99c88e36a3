package hw

import (
	"cmp"
	"slices"
	"time"
)

const unitGroup = "unit"

// unit writes the unit when it is first seen and when it or what it says of itself changes.
// A serial that stands at the position instead of another one is another unit.
func (v *visit) unit() {
	old, known := v.s.Unit()
	now := old
	if v.r.Unit != nil {
		now = old.next(*v.r.Unit, v.at)
	}
	v.swapped, v.serial = old.replacedBy(now), now.Serial
	if v.r.Unit != nil && (!known || now != old) {
		v.put(UnitFact, "", unitGroup, now)
	}
	a, open := v.alert("", AlertUnitChanged)
	first := old.Serial
	if open {
		first = a.Params.Get(paramOld)
	}
	v.former = [...]string{first, now.Previous}
	switch {
	case open && now.Serial == first:
		v.settle("", AlertUnitChanged, "")
	case v.swapped && !v.r.Unit.Pair:
		v.raise("", AlertUnitChanged, LevelAverage, Attrs{{paramNew, now.Serial}, {paramOld, first}})
	}
}

// next returns u after r was read. What was not read does not erase what is known.
func (u UnitValue) next(r Unit, at time.Time) UnitValue {
	n := UnitValue{Serial: clean(r.Serial), Model: clean(r.Model), Version: clean(r.Version), Name: clean(r.Name)}
	if u.replacedBy(n) {
		n.Since, n.Previous = at, u.Serial
		return n
	}
	n = UnitValue{
		Serial: cmp.Or(n.Serial, u.Serial), Model: cmp.Or(n.Model, u.Model), Version: cmp.Or(n.Version, u.Version),
		Name: cmp.Or(n.Name, u.Name), Since: u.Since, Previous: u.Previous,
	}
	if n.Serial != u.Serial || u.Since.IsZero() {
		n.Since = at
	}
	return n
}

func (u UnitValue) replacedBy(n UnitValue) bool {
	return u.Serial != "" && n.Serial != "" && n.Serial != u.Serial
}

// Normalise returns r as it has to be stored for a device in state s, before r is taken
// into s. The counters of a unit that replaced another begin when it was first seen, unless
// they began later: no rate crosses the change, in whatever visit they are read. Names are
// cleaned as Next cleans the paths of components. The samples are copied only when one has
// to change.
func Normalise(s State, r Report) Report {
	since := int64(0)
	u, _ := s.Unit()
	if r.Unit != nil {
		u = u.next(*r.Unit, stamp(r.Started))
	}
	if u.Previous != "" {
		since = u.Since.UnixMilli()
	}
	copied, name := false, ""
	for i, x := range r.Samples {
		if x.Component != name && isClean(x.Component) {
			name = x.Component
		}
		begun := x.Type != Counter || since == 0 || x.StartMS >= since
		if begun && x.Component == name && isClean(x.Sensor) {
			continue
		}
		if !copied {
			r.Samples, copied = slices.Clone(r.Samples), true
		}
		r.Samples[i].Component, r.Samples[i].Sensor = clean(x.Component), clean(x.Sensor)
		if !begun {
			r.Samples[i].StartMS = since
		}
	}
	return r
}
