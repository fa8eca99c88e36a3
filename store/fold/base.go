package fold

import (
	"fmt"
	"maps"
	"slices"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Base returns everything the fold knows, as of held. It may be written while the fold goes on.
func (f *Fold) Base(held journal.Vector) *journal.Base {
	b := &journal.Base{Site: f.site, Held: held.Clone(), Excused: f.excused.Clone(), Known: f.known.Clone(), Turn: f.turn}
	f.each(func(k Key, rs []*register) {
		for _, r := range rs {
			b.Registers = append(b.Registers, r.whole(k.Device))
		}
	})
	for _, d := range slices.Sorted(maps.Keys(f.visits)) {
		b.Visits = append(b.Visits, f.Visits(d)...)
	}
	return b
}

// Registers calls fn for every register, in order of key and origin, and says whether the view shows it.
func (f *Fold) Registers(fn func(r journal.Register, shown bool)) {
	f.each(func(k Key, rs []*register) {
		shown := f.shown(k)
		for _, r := range rs {
			fn(r.whole(k.Device), r == shown)
		}
	})
}

// each calls fn with every key, in order, and its registers in order of origin.
func (f *Fold) each(fn func(Key, []*register)) {
	var keys []Key
	for d := range f.devices {
		keys = append(keys, f.Keys(d)...)
	}
	slices.SortFunc(keys, Key.Compare)
	var rs []*register
	for _, k := range keys {
		d := f.devices[k.Device]
		from, to := d.of(k)
		rs = rs[:0]
		for _, i := range d.order[from:to] {
			rs = append(rs, &d.list[i])
		}
		fn(k, rs)
	}
}

// Join takes every register of b that is newer than the fold's. It returns the keys that
// changed, and the first error of a register that cannot be read; the others are taken. What
// b holds is not held by that: a base speaks, it does not carry records.
func (f *Fold) Join(b *journal.Base) ([]Key, error) {
	if b.Site != f.site {
		return nil, fmt.Errorf("base of site %s joined to site %s", b.Site, f.site)
	}
	var changed []Key
	var bad error
	for i, r := range b.Registers {
		k, took, err := f.put(r)
		if err != nil && bad == nil {
			bad = fmt.Errorf("register %d of base: %w", i, err)
		}
		if took {
			changed = append(changed, k)
		}
	}
	for _, v := range b.Visits {
		f.Visited(v)
	}
	f.excused.Join(f.own(b.Excused))
	f.known.Join(f.own(b.Known))
	f.SawTurn(b.Turn)
	return changed, bad
}

// own returns the part of v that speaks of the fold's site.
func (f *Fold) own(v journal.Vector) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Site == f.site {
			out[k] = iv
		}
	}
	return out
}

// Awaited returns what is known to have been written, is neither held nor excused, and is not of an
// origin whose disk is lost.
func (f *Fold) Awaited(held journal.Vector) journal.Vector {
	v := f.known.Minus(held).Minus(f.excused)
	for k := range v {
		if _, retired := f.Retired(k.Origin); retired {
			delete(v, k)
		}
	}
	return v
}

// BoxPath is the component of the facts that a box tells of itself, under the empty device: the boxes
// of a site share their folds.
func BoxPath(origin journal.ID) string { return boxPrefix + origin.String() }

const boxPrefix = "box/"

// Retired returns who said when that the disk of origin is lost; ok is false when nobody did, or it
// was taken back.
func (f *Fold) Retired(origin journal.ID) (act hw.ActValue, ok bool) {
	x, _ := f.Fact(Key{Kind: hw.ActFact, Component: BoxPath(origin), Group: hw.ActRetire})
	act, ok = x.Value.(hw.ActValue)
	return act, ok && act.On && act.Phase == hw.ActDone
}
