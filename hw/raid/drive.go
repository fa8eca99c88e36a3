package raid

import (
	"slices"

	"rackpost/hw"
)

func (a *audit) drive(x part, g *group) {
	a.driveState(x)
	a.wear(x)
	a.driveCache(x, g)
	a.operation(x)
	a.ask(x, KeyPredicted, Yes, CodeDrivePredicted, hw.LevelHigh)
	a.ask(x, KeyMediaErrors, ErrorsRising, CodeMediaErrors, hw.LevelAverage)
}

// ask gives the verdict code when the word under key is bad, and is unsure when there is none.
func (a *audit) ask(x part, key, bad, code string, level hw.Level) {
	switch x.word(key) {
	case bad:
		a.say(x, code, level)
	case "":
		a.unsure(x, code)
	}
}

func (a *audit) driveState(x part) {
	state, security := x.word(KeyState), x.word(KeySecurity)
	switch {
	case state == StateForeign || security == SecurityForeign:
		a.say(x, CodeDriveForeign, hw.LevelAverage)
	case slices.Contains(broken, state):
		a.say(x, CodeDriveFailed, hw.LevelHigh, "state", state)
	case state == "":
		a.unsure(x, CodeDriveFailed, CodeDriveForeign)
	case security == "":
		a.unsure(x, CodeDriveForeign)
	}
	a.ask(x, KeySecurity, SecurityLocked, CodeDriveLocked, hw.LevelAverage)
}

// wear: only flash wears out.
func (a *audit) wear(x part) {
	switch x.word(KeyWear) {
	case WearSpent:
		a.say(x, CodeDriveWorn, hw.LevelAverage, "wear", WearSpent)
	case WearLow:
		a.say(x, CodeDriveWorn, hw.LevelWarning, "wear", WearLow)
	case "":
		if x.word(KeyMedia) != MediaHDD {
			a.unsure(x, CodeDriveWorn)
		}
	}
}

// driveCache judges the cache of a drive. One that holds no data is left alone; one of which it is
// not known whether it does is judged as a member.
func (a *audit) driveCache(x part, g *group) {
	state, volumes := x.word(KeyState), x.text(KeyVolumes)
	on := x.word(KeyWriteCache) == CacheOn || x.word(KeyDiskCache) == CacheOn
	idle := state == StateReady && volumes == "" && (g.word(KeyMode) == ModeRAID || x.in(KeySpare, SpareGlobal, SpareDedicated, SpareChassis))
	switch {
	case a.partial && on && state == StateReady && volumes == "" && g.word(KeyMode) == "": // idle or not is not known
		a.unsure(x, CodeDriveCacheOn)
	case idle || x.word(KeyPLP) == Yes:
	case !on && x.word(KeyWriteCache) == "" && !x.in(KeyDiskCache, CacheOff):
		a.unsure(x, CodeDriveCacheOn)
	case !on:
	case volumes == "" && (state == StateNonRAID || state == StateReady):
		a.say(x, CodeDriveCacheOn, a.policy.OutsideRAID.level(hw.LevelAverage), "media", x.word(KeyMedia))
	default:
		level := a.policy.DiskCache.level(hw.LevelHigh)
		if x.word(KeyMedia) == MediaSSD {
			level = min(level, hw.LevelAverage)
		}
		a.say(x, CodeDriveCacheOn, level, "media", x.word(KeyMedia))
	}
}

// firmware compares the drives of one model on one controller with what most of them run; of as
// many, with the last by name.
func (a *audit) firmware() {
	for _, g := range a.groups {
		models, blind := map[string][]part{}, a.strays[DrivePath]
		for _, d := range g.drives {
			if d.text(KeyModel) == "" {
				blind = true
			}
			models[d.text(KeyModel)] = append(models[d.text(KeyModel)], d)
		}
		for model, drives := range models {
			a.alike(model, drives, blind && len(g.drives) > 1)
		}
	}
	for _, d := range a.parts {
		if d.kind == DrivePath && d.text(KeyController) == "" {
			a.unsure(d, CodeDriveFirmware)
		}
	}
}

func (a *audit) alike(model string, drives []part, blind bool) {
	count, most := map[string]int{}, ""
	for _, d := range drives {
		count[d.text(KeyFirmware)]++
	}
	for version, n := range count {
		if version != "" && (most == "" || n > count[most] || n == count[most] && version > most) {
			most = version
		}
	}
	for _, d := range drives {
		version := d.text(KeyFirmware)
		switch {
		case model != "" && version != "" && version != most:
			a.say(d, CodeDriveFirmware, a.policy.Firmware.level(hw.LevelAverage), "firmware", version, "most", most)
		case blind || count[""] > 0 && len(drives) > 1:
			a.unsure(d, CodeDriveFirmware)
		}
	}
}
