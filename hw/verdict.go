package hw

import (
	"cmp"
	"slices"
	"time"
)

// MaxVerdicts is how many verdicts of one report are taken. What lies beyond is not judged: a gap
// "<section>/verdicts" says so, and no verdict of that section is settled.
const MaxVerdicts = 1 << 14

// Verdict is what an audit says of a component. It opens an alert with its code, which the
// first complete reading of its section that no longer gives the verdict closes: a partial one closes
// none. A code must not be one of the Alert codes of this package.
type Verdict struct {
	Component string // empty: the device itself
	Section   string // that read the component
	Code      string
	// Level 0 says that it could not be judged: it opens nothing and closes nothing, as an
	// unknown health does.
	Level  Level
	Params Attrs // what a message in any language needs; "section", "until" and "reason" are set by Next
	// Within is how long this may last before it is as grave as Late; the alert's param "until" holds
	// the time. 0: for ever.
	Within time.Duration
	Late   Level
}

// ownAlerts are the codes Next raises by itself; every other code is a verdict's.
var ownAlerts = [...]string{AlertHealth, AlertMissing, AlertUnreachable, AlertLinkDown, AlertFlapping, AlertUnitChanged, AlertRestarted, AlertSwitchedOver}

// OwnAlert says that Next raises code by itself: no verdict may have it.
func OwnAlert(code string) bool { return slices.Contains(ownAlerts[:], code) }

// topic is what a verdict is about. An alert's has no section: it has one whoever speaks of it.
type topic struct{ component, code, section string }

// trial is what a report says of verdicts.
type trial struct {
	given map[topic]Verdict // without section: the gravest; with one: that it could not judge
	order []topic           // of the first, as the report has them
	cut   []string          // sections of which not all were taken
}

// verdicts raises what the audit found, and settles what a complete reading found no more.
func (v *visit) verdicts() {
	t := v.trial()
	for _, x := range t.order {
		v.pass(t.given[x])
	}
	for _, k := range v.openAlerts() {
		a, open := v.alert(k.Component, k.Group)
		section := a.Params.Get(paramSection)
		_, said := t.given[topic{k.Component, k.Group, ""}]
		_, undecided := t.given[topic{k.Component, k.Group, section}]
		if open && !said && !undecided && v.isComplete(section) && !slices.Contains(t.cut, section) && !OwnAlert(k.Group) {
			v.acquit(k, section)
		}
	}
}

// trial takes the gravest verdict on each topic; of equals the first.
func (v *visit) trial() (t trial) {
	if len(v.r.Verdicts) == 0 {
		return t
	}
	taken := v.r.Verdicts[:min(len(v.r.Verdicts), MaxVerdicts)]
	for _, x := range v.r.Verdicts[len(taken):] {
		if section := clean(x.Section); !slices.Contains(t.cut, section) && len(t.cut) < maxSections {
			t.cut = append(t.cut, section)
			v.extra = append(v.extra, Gap{What: section + "/verdicts", Reason: TooMuch})
		}
	}
	t.given = make(map[topic]Verdict, len(taken))
	for _, x := range taken {
		x.Component, x.Section, x.Code = clean(x.Component), clean(x.Section), clean(x.Code)
		if x.Section == "" || x.Code == "" || OwnAlert(x.Code) {
			continue
		}
		x.Level, x.Late = min(x.Level, LevelDisaster), min(x.Late, LevelDisaster)
		about := topic{x.Component, x.Code, ""}
		if x.Level == 0 {
			about.section = x.Section
		}
		was, twice := t.given[about]
		if !twice && x.Level > 0 {
			t.order = append(t.order, about)
		}
		if !twice || x.Level > was.Level {
			t.given[about] = x
		}
	}
	return t
}

// pass raises a verdict. An alert that another section raised is only made graver, unless that
// section was read completely and so does not say it any more, or less of it.
func (v *visit) pass(x Verdict) {
	a, open := v.alert(x.Component, x.Code)
	since := v.at
	if open {
		since = a.Since
	}
	params := x.Params.clean()
	params = slices.Clone(params[:min(len(params), maxAttrs-3)]).With(paramSection, x.Section).With(paramReason, "").With(paramUntil, "")
	if x.Within > 0 {
		until := since.Add(x.Within)
		params = params.With(paramUntil, until.UTC().Format(time.RFC3339))
		if !v.at.Before(until) {
			x.Level = max(x.Level, x.Late)
		}
	}
	owner := a.Params.Get(paramSection)
	if open && owner != x.Section && !v.isComplete(owner) && x.Level <= a.Level {
		return
	}
	v.raise(x.Component, x.Code, x.Level, params)
}

// acquit closes a verdict's alert that a complete reading of its section did not give again:
// as removed when the component is gone. While it flaps nothing is closed.
func (v *visit) acquit(k RegisterKey, section string) {
	f, ok := v.register(RegisterKey{ComponentFact, k.Component, section})
	part, isPart := f.Value.(ComponentValue)
	switch {
	case isPart && part.Flaps > 0:
	case k.Component != "" && (!ok || part.Missing):
		v.settle(k.Component, k.Group, removed)
	default:
		v.settle(k.Component, k.Group, "")
	}
}

// Compare orders verdicts for people: by component, the gravest first, by code.
func (x Verdict) Compare(y Verdict) int {
	return cmp.Or(cmp.Compare(x.Component, y.Component), cmp.Compare(y.Level, x.Level), cmp.Compare(x.Code, y.Code))
}
