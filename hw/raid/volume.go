package raid

import (
	"slices"
	"time"

	"rackpost/hw"
)

// How long what ends by itself may last.
const (
	batteryTime = 24 * time.Hour // a learn cycle or a charge takes hours
	rebuildTime = 24 * time.Hour // at least
	rebuildRate = 30e6           // bytes a second a rebuild makes under load
)

var (
	redundant = []string{Level1, Level1E, Level10, Level01, Level5, Level6, Level50, Level60, Level5Or6, Level50Or60}
	doubled   = []string{Level6, Level60} // survive two drives
	broken    = []string{StateFailed, StateOffline, StateForeign, StateBlocked, StateMissing, StateRemoved, StateUnusable, StateReadOnly}
)

func (a *audit) volume(x part, g *group) {
	a.level(x)
	a.writePolicy(x, g)
	a.diskCache(x)
	a.redundancy(x)
	a.hotSpare(x, g)
	a.operation(x)
	switch x.word(KeyBadBlocks) {
	case Yes:
		a.say(x, CodeBadBlocks, hw.LevelHigh)
	case "":
		a.unsure(x, CodeBadBlocks)
	}
}

func (a *audit) level(x part) {
	l, allowed := x.word(KeyLevel), func(l string) bool { return slices.Contains(a.policy.Levels, l) }
	either := map[string][2]string{Level5Or6: {Level5, Level6}, Level50Or60: {Level50, Level60}}
	two, open := either[l]
	switch {
	case l == "":
		a.say(x, CodeLevelUnproven, a.policy.Unproven.level(hw.LevelAverage))
		a.unsure(x, CodeLevel)
	case open && allowed(two[0]) != allowed(two[1]):
		a.say(x, CodeLevelUnproven, a.policy.Unproven.level(hw.LevelAverage), "level", l)
	case allowed(l) || open && allowed(two[0]):
	case !slices.Contains(redundant, l):
		a.say(x, CodeLevel, hw.LevelHigh, "level", l)
	default:
		a.say(x, CodeLevel, a.policy.OtherLevel.level(hw.LevelAverage), "level", l)
	}
}

func (a *audit) writePolicy(x part, g *group) {
	set, now := x.word(KeyWritePolicy), x.word(KeyWritePolicyNow)
	switch {
	case set == "" && now == "":
		a.unsure(x, CodeWriteBackForced, CodeWriteBackUnprotected, CodeWriteBackUnproven, CodeWriteBackFallback, CodeWriteCache, CodeWriteThrough)
		if g.text(KeyCacheBytes) == "0" {
			a.unsure(x, CodeWritePolicyUnproven)
			return
		}
		a.say(x, CodeWritePolicyUnproven, a.policy.Unproven.level(hw.LevelAverage))
	case set == WriteBackForced || now == WriteBackForced:
		a.say(x, CodeWriteBackForced, hw.LevelHigh)
	case set == WriteBack || now == WriteBack:
		a.writeBack(x, g, now)
	default:
		a.say(x, CodeWriteThrough, a.policy.WriteThrough.level(hw.LevelAverage))
		if set == "" {
			a.unsure(x, CodeWriteBackFallback)
		}
	}
}

// writeBack judges a volume whose writes are answered before they are on a drive. Each code has one
// witness: one that falls silent closes no alert another had nothing to do with.
func (a *audit) writeBack(x part, g *group, now string) {
	power, state := g.power()
	cache := x.word(KeyWriteCache)
	switch power {
	case powerBad:
		a.say(x, CodeWriteBackUnprotected, hw.LevelHigh, "battery", state)
	case powerUnknown:
		a.unsure(x, CodeWriteBackUnprotected)
		if cache != CacheProtected {
			a.say(x, CodeWriteBackUnproven, a.policy.Unproven.level(hw.LevelAverage))
		}
	}
	through := now == WriteThrough || now == WriteOff
	blind := a.partial && power == powerUnknown       // the battery may give the reason
	if power == powerReady || power == powerUnknown { // otherwise the battery says it
		switch {
		case through && !blind:
			a.say(x, CodeWriteBackFallback, hw.LevelWarning)
		case now == "" || through:
			a.unsure(x, CodeWriteBackFallback)
		}
	}
	switch {
	case cache == "", cache == CacheDegraded && blind:
		a.unsure(x, CodeWriteCache)
	case cache == CacheUnprotected && !through:
		a.say(x, CodeWriteCache, hw.LevelHigh, "cache", cache)
	case cache == CacheDegraded && power != powerBusy:
		a.say(x, CodeWriteCache, hw.LevelWarning, "cache", cache)
	}
}

func (a *audit) diskCache(x part) {
	set, now := x.word(KeyDiskCache), x.word(KeyDiskCacheNow)
	d := a.membersOf(x)
	if set == "" {
		a.unsure(x, CodeDiskCacheOn)
	}
	switch {
	case set == CacheOn || now == CacheOn:
		a.diskCacheOn(x, d)
	case now == CacheOff || set == CacheOff || d.all(KeyWriteCache, CacheOff):
	default:
		level := a.policy.CacheDefault.level(hw.LevelAverage)
		if a.policy.DiskCache == Accept {
			level = 0
		}
		if level > 0 && d.media == MediaHDD && d.bus == BusSATA {
			level++ // this one is on as it comes
		}
		a.say(x, CodeDiskCacheUnproven, level, "media", d.media, "bus", d.bus, "policy", set)
	}
}

func (a *audit) diskCacheOn(x part, d members) {
	level := a.policy.DiskCache.level(hw.LevelHigh)
	switch {
	case a.partial && level > 0 && (d.media == "" || !d.whole && !slices.ContainsFunc(d.drives, notKept)):
		a.unsure(x, CodeDiskCacheOn) // how grave is not known
		return
	case d.all(KeyPLP, Yes):
		level = min(level, hw.LevelWarning)
	case d.media == MediaSSD:
		level = min(level, hw.LevelAverage)
	}
	a.say(x, CodeDiskCacheOn, level, "media", d.media, "bus", d.bus)
}

// members are the drives of a volume as far as they are known.
type members struct {
	drives     []part
	whole      bool   // these are all
	media, bus string // of all of them, "" when that is not known
}

func (a *audit) membersOf(x part) members {
	var d members
	d.drives, d.whole = a.drivesOf(x)
	alike := d.drives
	if a.partial && !d.whole { // the others may be of another kind
		alike = nil
	}
	d.media, d.bus = told(x, alike, KeyMedia), told(x, alike, KeyBus)
	return d
}

// all says that every drive, and these are all, has word under key.
func (d members) all(key, word string) bool {
	return d.whole && !slices.ContainsFunc(d.drives, func(x part) bool { return x.word(key) != word })
}

// notKept says that a drive is not known to keep its cache through a power cut.
func notKept(d part) bool { return d.word(KeyPLP) != Yes }

// told returns the word under key of a volume, or the one all its known drives have.
func told(x part, drives []part, key string) string {
	if s := x.word(key); s != "" || len(drives) == 0 {
		return s
	}
	s := drives[0].word(key)
	if slices.ContainsFunc(drives, func(d part) bool { return d.word(key) != s }) {
		return ""
	}
	return s
}

// drivesOf returns the known drives of a volume, and whether these are known to be all.
func (a *audit) drivesOf(x part) (drives []part, whole bool) {
	drives = a.members[ID(x.id)]
	n, ok := x.number(KeyDrives)
	paths := map[string]bool{}
	for _, d := range drives {
		paths[d.c.Path] = true
	}
	return drives, ok && n > 0 && uint64(len(paths)) >= n
}

func (a *audit) redundancy(x part) {
	state, level := x.word(KeyState), x.word(KeyLevel)
	left, ok := x.number(KeyRedundancyLeft)
	safe, known := slices.Contains(redundant, level), level != ""
	switch {
	case slices.Contains(broken, state):
		a.say(x, CodeVolumeFailed, hw.LevelDisaster, "state", state)
		return
	case state == "":
		a.unsure(x, CodeVolumeFailed)
	}
	switch {
	case state == StateDegraded && ok && left > 0, ok && left == 1 && slices.Contains(doubled, level):
		a.say(x, CodeVolumeDegraded, hw.LevelAverage, "left", x.text(KeyRedundancyLeft))
	case state == StateDegraded, ok && left == 0 && safe:
		a.say(x, CodeVolumeDegraded, hw.LevelHigh, "left", x.text(KeyRedundancyLeft))
	case state == "" && !ok, ok && left < 2 && !known:
		a.unsure(x, CodeVolumeDegraded)
	}
}

func (a *audit) operation(x part) {
	op := x.word(KeyOperation)
	switch op {
	case "", OperationOther:
		a.unsure(x, CodeRebuild)
	case OperationRebuild, OperationCopyback, OperationReconstruct, OperationResync:
		size, _ := x.number(KeySizeBytes)
		if op == OperationRebuild || op == OperationCopyback {
			size = a.rebuilt(x, size)
		}
		v := hw.Verdict{Component: x.c.Path, Section: x.c.Section, Code: CodeRebuild, Level: hw.LevelWarning, Late: hw.LevelAverage}
		v.Within = max(rebuildTime, time.Duration(min(float64(size)/rebuildRate, 60*86400))*time.Second)
		v.Params = x.params([]string{"operation", op})
		a.give(v)
	}
}

// rebuilt returns how much of a set is written anew when it rebuilds: one drive of it. Where no member is known it is all.
func (a *audit) rebuilt(x part, all uint64) uint64 {
	largest := uint64(0)
	for _, d := range a.members[ID(x.id)] {
		size, _ := d.number(KeySizeBytes)
		largest = max(largest, size)
	}
	if largest > 0 {
		return min(largest, all)
	}
	return all
}
