package fold

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// FirstVisit is the group of what is learned of a device under a box's path: that box visited it and knew of no visit before. The text is
// when that was and the period, both in Unix ms, and a third word when it was said what lies before it.
const FirstVisit = "first_visit"

// First is a visit before which its box knew of none.
type First struct {
	Device  hw.DeviceID
	Origin  journal.ID
	Started time.Time
	Period  time.Duration // as configured
	Settled bool          // what lies before it was told, or there is nothing to tell
}

// Fact returns f as a register of its device.
func (f First) Fact(at time.Time) hw.Fact {
	text := fmt.Sprintf("%d %d", f.Started.UnixMilli(), f.Period.Milliseconds())
	if f.Settled {
		text += " settled"
	}
	return hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: f.Device, Component: BoxPath(f.Origin), Group: FirstVisit, At: at, Value: hw.LearnedValue{Value: text}}
}

// firstOf reads what Fact returned.
func firstOf(x hw.Fact) (f First, ok bool) {
	v, ok := x.Value.(hw.LearnedValue)
	path, isBox := strings.CutPrefix(x.Component, boxPrefix)
	if !ok || !isBox || x.Group != FirstVisit || x.Removed {
		return First{}, false
	}
	origin, err := journal.ParseID(path)
	words := strings.Fields(v.Value)
	if err != nil || len(words) < 2 {
		return First{}, false
	}
	started, err := strconv.ParseInt(words[0], 10, 64)
	period, err2 := strconv.ParseInt(words[1], 10, 64)
	if err != nil || err2 != nil || period < 0 || period > int64(time.Duration(1<<63-1)/time.Millisecond) {
		return First{}, false
	}
	return First{x.Device, origin, time.UnixMilli(started), time.Duration(period) * time.Millisecond, len(words) > 2}, true
}

// firsts returns those of one device.
func (f *Fold) firsts(device hw.DeviceID) (out []First) {
	if d := f.devices[device]; d == nil || !slices.ContainsFunc(d.list, func(r register) bool { return r.kind == hw.LearnedFact && r.name.group == FirstVisit }) {
		return nil
	}
	for _, x := range f.Of(device, hw.LearnedFact) {
		if first, ok := firstOf(x); ok {
			out = append(out, first)
		}
	}
	return out
}

// Chain is what is known of an origin's visits of a device: from the first to the last, with a visit or a gap for all the time between.
type Chain struct {
	Origin    journal.ID
	First     time.Time // zero: it told itself what lies before
	Last      time.Time
	Period    time.Duration // promised by the last
	Dismissed bool          // the device was taken out of its configuration
}

// chains returns those of a device.
func (f *Fold) chains(device hw.DeviceID, firsts []First) (out []Chain) {
	for _, v := range f.visits[device] {
		c := Chain{Origin: v.last.Origin, Last: v.last.Started, Period: v.last.Period, Dismissed: f.dismissed(device, v.last.Origin)}
		for _, x := range firsts {
			if x.Origin == c.Origin {
				c.First = x.Started
			}
		}
		out = append(out, c)
	}
	return out
}

// configured is the component under which a box tells how a device is configured.
const configured = "configuration"

// dismissed says whether an origin's word is that a device is not configured any more.
func (f *Fold) dismissed(device hw.DeviceID, origin journal.ID) bool {
	d := f.devices[device]
	if d == nil {
		return false
	}
	said := false
	for i := range d.list {
		r := &d.list[i]
		if r.kind != hw.LearnedFact || r.name.component != configured || r.batch.order.Origin != origin {
			continue
		}
		raw, err := journal.ParseFact(r.payload(device))
		if err != nil || !raw.Removed {
			return false
		}
		said = true
	}
	return said
}

// Before returns what lies before a first visit: the gap since the last visit of whoever visited before, or none, when somebody visited all
// the while, or nobody ever, or a visit was not due yet. waits are those of whom more might come that changes the answer.
func Before(first First, chains []Chain) (gap hw.GapValue, ok bool, waits []journal.ID) {
	var near Chain
	for _, c := range chains {
		switch {
		case c.Origin == first.Origin || !c.First.IsZero() && c.First.After(first.Started):
		case !c.Last.Before(first.Started) && (c.First.IsZero() || c.First.Before(first.Started)):
			return hw.GapValue{}, false, nil
		case c.Last.Before(first.Started):
			waits = append(waits, c.Origin)
			if near.Last.IsZero() || c.Last.After(near.Last) {
				near = c
			}
		}
	}
	// A visit that was due before the first one may have been made, and be lost with the disk.
	period := cmp.Or(near.Period, first.Period)
	if near.Last.IsZero() || near.Dismissed || first.Started.Sub(near.Last) <= period {
		return hw.GapValue{}, false, waits
	}
	return hw.GapValue{Reason: hw.Missed, Detail: "another box visited before; what it read last is not here", From: near.Last, To: first.Started}, true, waits
}

// sure says whether nobody but the boxes that are present, of which each has given all it has, can have records of origin.
func (f *Fold) sure(origin journal.ID, present []journal.ID) bool {
	switch {
	case len(present) == 0:
		return false
	case slices.Contains(present, origin), len(present) > 1: // a site has two boxes at most
		return true
	}
	if _, retired := f.Retired(origin); retired {
		return true
	}
	return f.alone(present[0])
}

// alone says whether a box was no member of a pair when it visited last.
func (f *Fold) alone(origin journal.ID) bool {
	var last journal.LastVisit
	for _, vs := range f.visits {
		if i, found := slices.BinarySearchFunc(vs, origin, visited.compare); found {
			last = newer(last, vs[i].last)
		}
	}
	return last.Turn > 0 && last.Mode == journal.Lone
}

// witnesses are the boxes of a site that are connected, each of which has given all it has. What may be on the disk of another is waited for.
type witnesses struct {
	fold    *Fold
	present []journal.ID
	sure    map[journal.ID]bool
}

// may says whether nobody else can have records of origin.
func (w *witnesses) may(origin journal.ID) bool {
	yes, known := w.sure[origin]
	if !known {
		yes = w.fold.sure(origin, w.present)
		w.sure[origin] = yes
	}
	return yes
}

func (f *Fold) witnesses(present []journal.ID) *witnesses {
	return &witnesses{f, present, map[journal.ID]bool{}}
}

// Lost returns what was written at the site and nobody has any more; present are all its boxes that are connected, each of which has given
// all it has. held is what is held here, own the origin of who asks: what that lost it tells itself. waits: there is more, which another box may have.
func (f *Fold) Lost(held journal.Vector, own journal.ID, present []journal.ID) (lost journal.Vector, waits bool) {
	lost = f.Awaited(held)
	w := f.witnesses(present)
	for k := range lost {
		if k.Origin == own || !w.may(k.Origin) {
			waits = waits || k.Origin != own
			delete(lost, k)
		}
	}
	return lost, waits
}

// Settle returns the gaps before first visits, and those visits, which are settled by them. waits: of others it is not known yet, because
// boxes are not present that may have visited before.
func (f *Fold) Settle(present []journal.ID) (gaps []hw.Fact, settled []First, waits bool) {
	w := f.witnesses(present)
	for _, device := range f.Devices() {
		firsts := f.firsts(device)
		if !slices.ContainsFunc(firsts, func(x First) bool { return !x.Settled }) {
			continue
		}
		chains := f.chains(device, firsts)
		for _, x := range firsts {
			if x.Settled {
				continue
			}
			gap, ok, before := Before(x, chains)
			if len(present) == 0 || slices.ContainsFunc(before, func(o journal.ID) bool { return !w.may(o) }) {
				waits = true
				continue
			}
			if x.Settled = true; ok {
				gaps = append(gaps, hw.Fact{Kind: hw.GapFact, Version: 1, Device: device, Group: hw.VisitGap + "#" + string(gap.Reason), Value: gap})
			}
			settled = append(settled, x)
		}
	}
	return gaps, settled, waits
}
