package raid

import (
	"cmp"
	"slices"

	"rackpost/hw"
)

// Audit judges the RAID parts among components by p; what p leaves open is as Default has it. Its
// verdicts come in the order of hw.Verdict.Compare, one for each component and code, in the section that
// read the component. A verdict of level 0 says that the rule could not be judged, because what it is judged by is
// not told: it is shown, raises no alert and closes none. Other components are ignored.
//
// Audit looks at nothing but the words: what it does not know it takes neither for good nor for a fault.
func Audit(p Policy, components []hw.Component) []hw.Verdict { return run(p, components, false) }

// AuditPartial is Audit of a reading that lacks parts or properties: of a section that is not complete. What it
// lacks might be the spare, the battery, the word that proves: a verdict that this could overturn is undecided.
func AuditPartial(p Policy, components []hw.Component) []hw.Verdict { return run(p, components, true) }

func run(p Policy, components []hw.Component, partial bool) []hw.Verdict {
	a := audit{policy: Merge(p), partial: partial, parts: read(present(components)), groups: map[string]*group{}, found: map[[2]string]hw.Verdict{}}
	a.sort()
	for _, x := range a.parts {
		g := a.of(x)
		switch x.kind {
		case ControllerPath:
			a.controller(x, g)
		case BatteryPath:
			a.battery(x, g)
		case VolumePath:
			a.volume(x, g)
		case DrivePath:
			a.drive(x, g)
		}
	}
	a.firmware()
	verdicts := make([]hw.Verdict, 0, len(a.found))
	for _, v := range a.found {
		verdicts = append(verdicts, v)
	}
	slices.SortFunc(verdicts, hw.Verdict.Compare)
	return verdicts
}

// audit is one run. Parts whose controller is not told belong to no group: they may belong to any.
type audit struct {
	policy  Policy
	partial bool
	parts   []part
	groups  map[string]*group // by the controller's id
	members map[string][]part // volume id: its drives
	strays  map[string]bool   // kinds that have parts without a controller
	found   map[[2]string]hw.Verdict
}

// group is what belongs to one controller. nil: of a part whose controller is not told.
type group struct {
	controllers []part // one, as each section has it; none when it was not read
	batteries   []part
	volumes     []part
	drives      []part
}

func (a *audit) sort() {
	a.members, a.strays = map[string][]part{}, map[string]bool{VolumePath: a.partial, DrivePath: a.partial}
	for _, x := range a.parts {
		id := ID(x.id)
		if x.kind != ControllerPath {
			id = ID(x.text(KeyController))
		}
		if x.kind == DrivePath {
			for _, v := range Split(x.text(KeyVolumes)) {
				a.members[v] = append(a.members[v], x)
			}
		}
		if id == "" {
			a.strays[x.kind] = true
			continue
		}
		g := a.groups[id]
		if g == nil {
			g = &group{}
			a.groups[id] = g
		}
		switch x.kind {
		case ControllerPath:
			g.controllers = append(g.controllers, x)
		case BatteryPath:
			g.batteries = append(g.batteries, x)
		case VolumePath:
			g.volumes = append(g.volumes, x)
		case DrivePath:
			g.drives = append(g.drives, x)
		}
	}
}

func (a *audit) of(x part) *group {
	if x.kind == ControllerPath {
		return a.groups[ID(x.id)]
	}
	return a.groups[ID(x.text(KeyController))]
}

// word returns the word under key of the controller of g.
func (g *group) word(key string) string {
	if g == nil || len(g.controllers) == 0 {
		return ""
	}
	return g.controllers[0].word(key)
}

func (g *group) text(key string) string {
	if g == nil || len(g.controllers) == 0 {
		return ""
	}
	return g.controllers[0].text(key)
}

// say gives a verdict on x; params are keys and values. Level 0, of a policy that accepts, is none.
func (a *audit) say(x part, code string, level hw.Level, params ...string) {
	switch {
	case level == 0:
	case a.partial && slices.Contains(overturned, code):
		a.unsure(x, code)
	default:
		a.give(hw.Verdict{Component: x.c.Path, Section: x.c.Section, Code: code, Level: level, Params: x.params(params)})
	}
}

// overturned are the codes of verdicts that a part or property not read could take back.
var overturned = []string{CodeLevelUnproven, CodeWritePolicyUnproven, CodeWriteBackUnproven, CodeDiskCacheUnproven, CodeNoHotSpare, CodePatrolRead, CodeDriveFirmware}

// unsure says that nothing can be said: what was an alert stays one.
func (a *audit) unsure(x part, codes ...string) {
	for _, code := range codes {
		if j := a.judgement(code); j != nil && *j == Accept {
			continue
		}
		a.give(hw.Verdict{Component: x.c.Path, Section: x.c.Section, Code: code, Params: x.params(nil)})
	}
}

// judgement returns what the policy says of a code, nil where it has no say.
func (a *audit) judgement(code string) *Judgement {
	switch code {
	case CodeLevelUnproven, CodeWritePolicyUnproven, CodeWriteBackUnproven:
		return &a.policy.Unproven
	case CodeWriteThrough:
		return &a.policy.WriteThrough
	case CodeDiskCacheOn:
		return &a.policy.DiskCache
	case CodeDiskCacheUnproven:
		return &a.policy.CacheDefault
	case CodeNoHotSpare:
		return &a.policy.NoHotSpare
	case CodePatrolRead:
		return &a.policy.PatrolRead
	case CodeDriveFirmware:
		return &a.policy.Firmware
	}
	return nil
}

// give keeps the gravest of what is said under one code.
func (a *audit) give(v hw.Verdict) {
	k := [2]string{v.Component, v.Code}
	if was, ok := a.found[k]; !ok || v.Level > was.Level {
		a.found[k] = v
	}
}

// params are what names a part to people, and what the verdict adds.
func (p part) params(more []string) hw.Attrs {
	keys := []string{KeyName}
	if p.kind == DrivePath {
		keys = []string{KeyName, KeyBay, KeyModel, KeySerial}
	}
	var out hw.Attrs
	for _, k := range keys {
		out = out.With(k, p.text(k))
	}
	for i := 0; i+1 < len(more); i += 2 {
		out = out.With(more[i], more[i+1])
	}
	return out
}

func (a *audit) controller(x part, g *group) {
	switch x.word(KeyPreservedCache) {
	case Yes:
		a.say(x, CodePreservedCache, hw.LevelHigh)
	case "":
		a.unsure(x, CodePreservedCache)
	}
	mode := x.word(KeyPatrolRead)
	switch {
	case mode == PatrolAutomatic || mode == PatrolNone:
	case mode == "" || len(g.volumes) == 0 && a.strays[VolumePath]:
		a.unsure(x, CodePatrolRead)
	case len(g.volumes) == 0:
	case g.flash() && a.strays[DrivePath]:
		a.unsure(x, CodePatrolRead)
	case !g.flash():
		a.say(x, CodePatrolRead, a.policy.PatrolRead.level(hw.LevelAverage), "mode", mode)
	}
}

// flash says that everything on the controller is known to be flash, which patrol read leaves alone.
func (g *group) flash() bool {
	all := g.drives
	if len(all) == 0 {
		all = g.volumes
	}
	return len(all) > 0 && !slices.ContainsFunc(all, func(x part) bool { return x.word(KeyMedia) != MediaSSD })
}

// The words of power: what a controller's batteries are good for together.
const (
	powerReady   = "ready"
	powerBusy    = "busy"
	powerBad     = "bad"
	powerUnknown = ""
)

var badBattery = []string{BatteryDegraded, BatteryFailed, BatteryMissing, BatteryBelowThreshold}

// power returns what keeps the cache of a controller, and the state of the battery that decides it.
func (g *group) power() (power, state string) {
	if g == nil {
		return powerUnknown, ""
	}
	if len(g.batteries) == 0 {
		if g.word(KeyBattery) == BatteryNone {
			return powerBad, BatteryNone
		}
		return powerUnknown, ""
	}
	power, state = powerReady, BatteryReady
	for _, b := range g.batteries {
		switch s := b.word(KeyState); {
		case slices.Contains(badBattery, s):
			return powerBad, s
		case s == "":
			power, state = powerUnknown, ""
		case s != BatteryReady && power == powerReady:
			power, state = powerBusy, s
		}
	}
	return power, state
}

func (a *audit) battery(x part, g *group) {
	state := x.word(KeyState)
	switch {
	case state == "":
		a.unsure(x, CodeBatteryBad, CodeBatteryBusy)
	case slices.Contains(badBattery, state):
		switch {
		case g != nil && slices.ContainsFunc(g.volumes, part.mayWriteBack):
			a.say(x, CodeBatteryBad, hw.LevelHigh, "state", state)
		case a.partial: // how grave is not known
			a.unsure(x, CodeBatteryBad)
		case g == nil || a.strays[VolumePath]:
			a.say(x, CodeBatteryBad, hw.LevelHigh, "state", state)
		default:
			a.say(x, CodeBatteryBad, hw.LevelAverage, "state", state)
		}
	case state != BatteryReady:
		v := hw.Verdict{Component: x.c.Path, Section: x.c.Section, Code: CodeBatteryBusy, Level: hw.LevelWarning, Within: batteryTime, Late: hw.LevelAverage}
		v.Params = x.params([]string{"state", state})
		a.give(v)
	}
}

// mayWriteBack says that a volume is not known to write through.
func (p part) mayWriteBack() bool {
	set, now := p.word(KeyWritePolicy), p.word(KeyWritePolicyNow)
	through := func(s string) bool { return s == "" || s == WriteThrough || s == WriteOff }
	return !through(set) || !through(now) || cmp.Or(set, now) == ""
}
