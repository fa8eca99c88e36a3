package store

import (
	"reflect"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// judge returns the facts that follow from r, which this box writes in the given mode.
//
// A visit writes what differs from the view, so a view that is right needs no word. An
// island's word is the exception: it is shown or held back as time goes by, and what a visit
// merely finds confirmed would be lost with it. So a box with authority says again in its own
// name what it leaves standing of an island's, and an island what it finds otherwise than
// the last word.
func (s *Store) judge(mode journal.Mode, r hw.Report) []hw.Fact {
	st := s.stateOf(r.Device)
	s.state.RLock()
	defer s.state.RUnlock()
	f := s.folds[s.id.site]
	islands := f.Islands(r.Device)
	if len(islands) == 0 {
		return st.Visit(r)
	}
	authority := mode != journal.Island && mode != journal.ModeUnknown
	if authority {
		for _, k := range islands {
			if fact, ok := f.Fact(k); ok {
				st.Set(fact)
			}
		}
	}
	facts := st.Visit(r)
	said := map[foldKey]struct{}{}
	for _, x := range facts {
		said[foldKey{Kind: x.Kind, Device: x.Device, Component: x.Component, Group: x.Group}] = struct{}{}
	}
	for _, k := range islands {
		if _, ok := said[k]; ok || k.Kind == hw.ActFact {
			continue // an act is no visit's to repeat
		}
		known, ok := st.Get(hw.RegisterKey{Kind: k.Kind, Component: k.Component, Group: k.Group})
		if !ok && k.Kind != hw.ComponentFact && k.Kind != hw.LearnedFact {
			continue // an old gap or alert: only parts and what was learned are ever removed
		}
		if !ok {
			known = hw.Fact{Kind: k.Kind, Device: k.Device, Component: k.Component, Group: k.Group, Removed: true, At: r.Started}
		}
		last, _ := f.Last(k)
		if authority || known.Removed != last.Removed || !reflect.DeepEqual(known.Value, last.Value) {
			facts = append(facts, known)
		}
	}
	return facts
}
