package hw

import (
	"slices"
	"strings"
	"time"
)

// The keys of an alert's params. A component's alert says which section raised it, so that
// another section's reading of the same path does not close it.
const (
	paramSection = "section"
	paramReason  = "reason" // why unreachable, and why closed when not by a good reading
	paramAlias   = "alias"
	paramOld     = "old" // serial
	paramNew     = "new"
	paramUntil   = "until" // when a verdict that may last for a while is overdue, RFC 3339 in UTC
	removed      = "removed"
)

// componentAlerts are the codes that end with their component.
var componentAlerts = [...]string{AlertHealth, AlertMissing, AlertLinkDown, AlertFlapping, AlertSwitchedOver}

func (v *visit) alert(component, code string) (AlertValue, bool) {
	f, _ := v.register(RegisterKey{AlertFact, component, code})
	a, ok := f.Value.(AlertValue)
	return a, ok && a.Open
}

// raise opens an alert, or rewrites the open one when its level or params differ.
func (v *visit) raise(component, code string, level Level, params Attrs) {
	a, open := v.alert(component, code)
	if open && a.Level == level && slices.Equal(a.Params, params) {
		return
	}
	since := v.at
	if open {
		since = a.Since
	}
	v.put(AlertFact, component, code, AlertValue{Open: true, Level: level, Since: since, Params: params})
}

// settle closes an alert if it is open.
func (v *visit) settle(component, code, reason string) {
	a, open := v.alert(component, code)
	if !open {
		return
	}
	a.Open, a.Closed = false, later(v.at, a.Since)
	a.Params = slices.Clone(a.Params)
	if reason != "" {
		a.Params = a.Params.With(paramReason, reason)
	}
	v.put(AlertFact, component, code, a)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// alerts judges every component register that changed, is not well or has an open alert.
func (v *visit) alerts() {
	for _, j := range v.judged {
		switch {
		case j.gone:
			v.gone(j.key)
		case j.value.Flaps > 0:
			v.flaps(j)
		default:
			v.ifFlapping(j)
			v.ifMissing(j)
			if !j.sum() {
				v.health(j)
			}
			v.link(j)
			v.switchover(j)
		}
	}
	v.orphans()
	v.verdicts()
	v.sums()
}

// flaps raises what is to be said of a register that flaps; nothing is closed meanwhile.
func (v *visit) flaps(j judged) {
	path := j.key.Component
	if _, open := v.alert(path, AlertFlapping); !open {
		v.raise(path, AlertFlapping, LevelWarning, j.params())
	}
	a, open := v.alert(path, AlertHealth)
	if level := j.level(); level > 0 && (!open || level > a.Level) {
		v.raise(path, AlertHealth, level, j.params())
	}
}

func (v *visit) ifFlapping(j judged) {
	if _, open := v.alert(j.key.Component, AlertFlapping); open && !slices.ContainsFunc(v.others(j.key), judged.flapping) {
		v.settle(j.key.Component, AlertFlapping, "")
	}
}

func (v *visit) ifMissing(j judged) {
	_, open := v.alert(j.key.Component, AlertMissing)
	switch {
	case j.value.Missing && v.wentWithMember(j):
		v.settle(j.key.Component, AlertMissing, missingMember)
	case j.value.Missing && !open:
		v.raise(j.key.Component, AlertMissing, LevelHigh, j.params())
	case !j.value.Missing && open && !slices.ContainsFunc(v.others(j.key), judged.missing):
		v.settle(j.key.Component, AlertMissing, "")
	}
}

// The attribute that says which member of a stack a part belongs to, the path of a member,
// and the reason a part's own alert is closed with when its member is missing.
const (
	paramMember   = "member"
	memberPath    = "member/"
	missingMember = "member-missing"
)

// wentWithMember says that a missing part belongs to a stack member that is missing itself:
// one lost member is one fault.
func (v *visit) wentWithMember(j judged) bool {
	member := j.value.Attrs.Get(paramMember)
	path := memberPath + member
	return member != "" && path != j.key.Component && slices.ContainsFunc(v.parts(path), judged.missing)
}

// health raises what the device calls faulty. Only the section that raised an alert lowers
// or closes it, and closes it with OK only; a fault seen by another section keeps it open.
func (v *visit) health(j judged) {
	if j.value.Missing {
		return
	}
	path, level := j.key.Component, j.level()
	a, open := v.alert(path, AlertHealth)
	switch {
	case level > 0 && (!open || level > a.Level):
		v.raise(path, AlertHealth, level, j.params())
	case level > 0 && v.owns(j.key, a):
		worst := v.worst(j)
		v.raise(path, AlertHealth, worst.level(), worst.params())
	case j.value.Health == OK && open && v.owns(j.key, a):
		v.release(j.key, "")
	}
}

// release closes a health alert, or hands it to another section that sees a fault.
func (v *visit) release(k RegisterKey, reason string) {
	if worst := v.worst(judged{key: k}); worst.level() > 0 {
		v.raise(k.Component, AlertHealth, worst.level(), worst.params())
		return
	}
	v.settle(k.Component, AlertHealth, reason)
}

// worst returns the gravest of j and what the other sections say; j when none is graver.
func (v *visit) worst(j judged) judged {
	worst := j
	for _, o := range v.others(j.key) {
		if o.level() > worst.level() {
			worst = o
		}
	}
	return worst
}

// owns says that the section of k raised a, or that the one that did sees the part no more.
func (v *visit) owns(k RegisterKey, a AlertValue) bool {
	section := a.Params.Get(paramSection)
	if section == "" || section == k.Group {
		return true
	}
	_, ok := v.register(RegisterKey{ComponentFact, k.Component, section})
	return !ok
}

// link raises a described port that was up and lost its link while it should be up. A port
// that is faulty has an alert already: its lost link is told if it stays lost after that.
func (v *visit) link(j judged) {
	path, x := j.key.Component, j.value
	oper, admin := x.State.Get("oper"), x.State.Get("admin")
	if oper == "" || x.Missing {
		return
	}
	a, open := v.alert(path, AlertLinkDown)
	if open && v.owns(j.key, a) && (oper == "up" || admin == "down") {
		v.settle(path, AlertLinkDown, "")
		return
	}
	if open || !j.wasUp || x.Health > OK || admin != "up" || !linkLost(oper) || !strings.HasPrefix(path, "port/") {
		return
	}
	if alias := v.alias(j); alias != "" {
		v.raise(path, AlertLinkDown, LevelWarning, Attrs{{paramAlias, alias}, {paramSection, j.key.Group}})
	}
}

// linkLost says that an IF-MIB ifOperStatus is a lost link. Testing, dormant and unknown are
// neither up nor down.
func linkLost(oper string) bool {
	return oper == "down" || oper == "lowerLayerDown" || oper == "notPresent"
}

func (v *visit) alias(j judged) string {
	if alias := j.value.Attrs.Get(paramAlias); alias != "" {
		return alias
	}
	for _, o := range v.others(j.key) {
		if alias := o.value.Attrs.Get(paramAlias); alias != "" {
			return alias
		}
	}
	return ""
}

// gone closes what was open of a removed register, unless another section still says it.
func (v *visit) gone(k RegisterKey) {
	others := v.others(k)
	for _, code := range componentAlerts {
		a, open := v.alert(k.Component, code)
		switch {
		case !open || len(others) > 0 && !v.owns(k, a):
		case code == AlertHealth:
			v.release(k, removed)
		case code == AlertMissing && slices.ContainsFunc(others, judged.missing):
		case code == AlertFlapping && slices.ContainsFunc(others, judged.flapping):
		default:
			v.settle(k.Component, code, removed)
		}
	}
}

// orphans closes the alerts of components that have no register left: a merge or a person
// removed it. Only a complete reading of the section that raised it does so.
func (v *visit) orphans() {
	for _, k := range v.openAlerts() {
		if !slices.Contains(componentAlerts[:], k.Group) {
			continue
		}
		a, open := v.alert(k.Component, k.Group)
		section := a.Params.Get(paramSection)
		if open && (section == "" || v.isComplete(section)) && len(v.parts(k.Component)) == 0 {
			v.settle(k.Component, k.Group, removed)
		}
	}
}

// openAlerts returns the alerts that were open before this visit; none when no section was
// read completely, for then nobody may close one for what was not there.
func (v *visit) openAlerts() []RegisterKey {
	if len(v.s.open) == 0 || len(v.complete) == 0 {
		return nil
	}
	var keys []RegisterKey
	for _, i := range v.s.order[v.s.rank(RegisterKey{Kind: AlertFact}):] {
		f := &v.s.slots[i].fact
		if f.Kind != AlertFact {
			break
		}
		if a, ok := f.Value.(AlertValue); ok && a.Open {
			keys = append(keys, f.Register())
		}
	}
	return keys
}

// others returns what the other sections say of the component of k after this visit.
func (v *visit) others(k RegisterKey) []judged {
	return slices.DeleteFunc(v.parts(k.Component), func(j judged) bool { return j.key == k })
}

// parts returns the registers of a path, one a section, as they are after this visit.
func (v *visit) parts(path string) []judged {
	var all []judged
	add := func(k RegisterKey) {
		f, ok := v.register(k)
		if x, isPart := f.Value.(ComponentValue); ok && isPart {
			all = append(all, judged{key: k, value: x})
		}
	}
	for _, i := range v.s.order[v.s.rank(RegisterKey{ComponentFact, path, ""}):] {
		k := v.s.slots[i].key()
		if k.Kind != ComponentFact || k.Component != path {
			break
		}
		add(k)
	}
	for _, i := range v.newcomers()[path] {
		add(v.facts[i].Register())
	}
	return all
}

// newcomers returns the component facts of this visit that s has no register for.
func (v *visit) newcomers() map[string][]int {
	if v.fresh != nil {
		return v.fresh
	}
	v.fresh = map[string][]int{}
	for i, f := range v.facts {
		if f.Kind != ComponentFact {
			continue
		}
		if _, ok := v.s.Get(f.Register()); !ok {
			v.fresh[f.Component] = append(v.fresh[f.Component], i)
		}
	}
	return v.fresh
}

func (j judged) flapping() bool { return j.value.Flaps > 0 }

func (j judged) missing() bool { return j.value.Missing }

func (j judged) params() Attrs { return Attrs{{paramSection, j.key.Group}} }

// level returns the level of the health alert a register calls for: 0 is none. A missing part
// has an alert of its own; one that flaps has had its worst health within the hour.
func (j judged) level() Level {
	switch {
	case j.value.Missing && j.value.Flaps == 0:
		return 0
	case j.value.Health == Critical:
		return LevelHigh
	case j.value.Health == Warning:
		return LevelAverage
	}
	return 0
}
