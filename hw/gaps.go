package hw

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The marks that may follow the What of a gap in the group of its register. They are
// replaced in a What itself.
const (
	finishedMark = "#" // a gap that was over when it was reported: What#Reason
	besideMark   = "|" // an open gap while What has another open one: What|Reason
)

var unmarked = strings.NewReplacer(finishedMark, "_", besideMark, "_")

// gapsOf takes the gaps of the report: finished ones always, unless the register is just
// that; open ones once, until their section is read completely without them.
func (v *visit) gapsOf(reported []Gap) {
	listed := map[string]bool{}
	reported = v.whole(slices.Concat(reported, v.extra))
	var fresh []Gap
	for _, g := range reported {
		switch {
		case !g.To.IsZero():
			v.finished(g)
		case !v.lasts(g, listed):
			fresh = append(fresh, g)
		}
	}
	v.reachable(reported)
	for _, g := range fresh {
		v.begin(g, listed)
	}
	v.closeGaps(listed)
}

// whole returns the gaps with clean texts and, when a visit read nothing, one of the whole
// device, unless the reasons given show that it answered.
func (v *visit) whole(reported []Gap) []Gap {
	silent, reason := !v.answered && len(v.r.Read) > 0, Reason("")
	for i := range reported {
		g := &reported[i]
		g.What, g.Detail, g.Reason = unmarked.Replace(clean(g.What)), clean(g.Detail), Reason(clean(string(g.Reason)))
		if g.What == "" {
			g.What = VisitGap
		}
		if g.To.IsZero() {
			silent = silent && g.What != VisitGap && g.Reason.Mute()
			reason = cmp.Or(reason, g.Reason)
		}
	}
	if silent {
		reported = append(reported, Gap{What: VisitGap, Reason: cmp.Or(reason, DeviceError)})
	}
	return reported
}

// Mute says that a device which gives this reason for one section gives nothing else.
func (r Reason) Mute() bool {
	switch r {
	case NoAnswer, Refused, Unreachable, OutOfTime, AuthFailed, UnknownUser, WrongAuthKey, WrongPrivKey, WrongKind, LockedOut, CertChanged:
		return true
	}
	return r.ours()
}

func (v *visit) gap(group string) (GapValue, bool) {
	f, _ := v.register(RegisterKey{GapFact, "", group})
	g, ok := f.Value.(GapValue)
	return g, ok
}

func (v *visit) openGap(group string) (GapValue, bool) {
	g, ok := v.gap(group)
	return g, ok && g.To.IsZero()
}

func (v *visit) finished(g Gap) {
	from, to := stamp(g.From), stamp(g.To)
	if g.From.IsZero() {
		from = v.lastGood(g.What)
		if from.After(to) {
			from = to
		}
	}
	x := GapValue{Reason: g.Reason, Detail: g.Detail, From: from, To: later(to, from)}
	group := g.What + finishedMark + string(g.Reason)
	if was, ok := v.gap(group); !ok || was.Detail != x.Detail || !was.From.Equal(x.From) && !g.From.IsZero() || !was.To.Equal(x.To) {
		v.put(GapFact, "", group, x)
	}
}

// lasts notes that g is open already.
func (v *visit) lasts(g Gap, listed map[string]bool) bool {
	was, open := v.openGap(g.What)
	if open && was.Reason == g.Reason {
		listed[g.What] = true
		return true
	}
	beside := g.What + besideMark + string(g.Reason)
	if _, open := v.openGap(beside); open {
		listed[beside] = true
		return true
	}
	return false
}

// begin opens a gap: in the register of its What, where an open gap that is no longer listed
// has changed its reason and ends; beside it when the report lists that one too.
func (v *visit) begin(g Gap, listed map[string]bool) {
	if v.lasts(g, listed) {
		return
	}
	if section, _, ok := strings.Cut(g.What, "/"); ok && v.s.gaps+v.begun >= maxOpenGaps {
		g.What = section
		if v.lasts(g, listed) {
			return
		}
	}
	from := stamp(g.From)
	was, open := v.openGap(g.What)
	group := g.What
	switch {
	case open && listed[group]:
		group += besideMark + string(g.Reason)
	case open:
		v.end(group, was)
	}
	if g.From.IsZero() && open && group == g.What {
		from = later(v.at, was.From)
	} else if g.From.IsZero() {
		from = v.lastGood(g.What)
	}
	listed[group] = true
	v.begun++
	v.put(GapFact, "", group, GapValue{Reason: g.Reason, Detail: g.Detail, From: from})
}

func (v *visit) end(group string, g GapValue) {
	g.To = later(v.at, g.From)
	v.put(GapFact, "", group, g)
}

// lastGood returns when what was last read, but not later than this visit.
func (v *visit) lastGood(what string) time.Time {
	if t, ok := v.s.good[sectionOf(what)]; ok && t.Before(v.at) {
		return t
	}
	return v.at
}

func sectionOf(what string) string {
	if i := strings.IndexAny(what, "/"+finishedMark+besideMark); i >= 0 {
		return what[:i]
	}
	return what
}

// closeGaps ends the open gaps this visit shows to be over.
func (v *visit) closeGaps(listed map[string]bool) {
	if v.s.gaps == 0 {
		return
	}
	for _, i := range v.s.order[v.s.rank(RegisterKey{Kind: GapFact}):] {
		k := v.s.slots[i].key()
		if k.Kind != GapFact {
			return
		}
		section := sectionOf(k.Group)
		over := v.isComplete(section) || section == VisitGap && v.answered
		if g, open := v.openGap(k.Group); over && open && !listed[k.Group] {
			v.end(k.Group, g)
		}
	}
}

// reachable raises the alert at the second visit in a row that read nothing, and closes it
// at the first that read anything. What we did ourselves is no fault of the device.
func (v *visit) reachable(reported []Gap) {
	if v.answered {
		v.settle("", AlertUnreachable, "")
		return
	}
	was, before := v.openGap(VisitGap)
	i := slices.IndexFunc(reported, func(g Gap) bool { return g.What == VisitGap && g.To.IsZero() })
	if i < 0 || !before || was.Reason.ours() || reported[i].Reason.ours() {
		return
	}
	if _, open := v.alert("", AlertUnreachable); !open {
		v.raise("", AlertUnreachable, LevelHigh, Attrs{{paramReason, string(reported[i].Reason)}})
	}
}

// ours says that the reason lies with this box, not with the device.
func (r Reason) ours() bool {
	switch r {
	case Cancelled, ApplianceDown, ApplianceCrash, Missed, Dropped, Damaged:
		return true
	}
	return false
}
