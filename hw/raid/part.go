package raid

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw"
)

// part is a component with its id, read through the vocabulary.
type part struct {
	c     *hw.Component
	kind  string // its path's prefix
	id    string
	twins []*hw.Component // the same path as other sections read it: they fill what this one leaves out
}

// kinds are the prefixes of RAID parts.
var kinds = [...]string{ControllerPath, BatteryPath, VolumePath, DrivePath, EnclosurePath}

// split returns the prefix and the id of a RAID part's path, or two empty texts.
func split(path string) (kind, id string) {
	for _, k := range kinds {
		if id, ok := strings.CutPrefix(path, k); ok && id != "" {
			return k, id
		}
	}
	return "", ""
}

// present leaves out what hw calls missing: what is told of it is old.
func present(components []hw.Component) []hw.Component {
	gone := func(c hw.Component) bool { return c.State.Get(KeyPresence) == PresenceMissing }
	if !slices.ContainsFunc(components, gone) {
		return components
	}
	return slices.DeleteFunc(slices.Clone(components), gone)
}

// read takes the RAID parts of a device in an order that does not depend on theirs.
func read(components []hw.Component) []part {
	var parts []part
	for i := range components {
		if kind, id := split(components[i].Path); kind != "" {
			parts = append(parts, part{c: &components[i], kind: kind, id: id})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return compare(a.c, b.c) })
	for first := 0; first < len(parts); {
		end := first + 1
		for end < len(parts) && parts[end].c.Path == parts[first].c.Path {
			end++
		}
		if end-first > 1 && end-first <= maxTwins {
			for i := first; i < end; i++ {
				for j := first; j < end; j++ {
					if i != j {
						parts[i].twins = append(parts[i].twins, parts[j].c)
					}
				}
			}
		}
		first = end
	}
	return parts
}

// maxTwins bounds how many sections may tell of one part.
const maxTwins = 8

func compare(a, b *hw.Component) int {
	attrs := func(x, y hw.Attr) int { return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Value, y.Value)) }
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Section, b.Section), cmp.Compare(a.Health, b.Health),
		slices.CompareFunc(a.State, b.State, attrs), slices.CompareFunc(a.Attrs, b.Attrs, attrs))
}

// text returns what is told under key, "" when nothing is.
func (p part) text(key string) string {
	if s := own(p.c, key); s != "" {
		return s
	}
	for _, t := range p.twins {
		if s := own(t, key); s != "" {
			return s
		}
	}
	return ""
}

func own(c *hw.Component, key string) string { return cmp.Or(c.State.Get(key), c.Attrs.Get(key)) }

// word returns the word under key, "" when it is none of the vocabulary: not known.
func (p part) word(key string) string {
	s := p.text(key)
	if s == "" || !slices.Contains(Words(p.kind, key), s) {
		return ""
	}
	return s
}

// number returns the decimal number under key, false when there is none.
func (p part) number(key string) (uint64, bool) {
	n, err := strconv.ParseUint(p.text(key), 10, 64)
	return n, err == nil
}

// in says that the word under key is one of words.
func (p part) in(key string, words ...string) bool {
	s := p.word(key)
	return s != "" && slices.Contains(words, s)
}

// Words returns the words a key of a part may hold, by the prefix of its path; nil for a key that
// holds free text, a number or a list.
func Words(kind, key string) []string {
	switch kind {
	case ControllerPath:
		return controllerWords(key)
	case BatteryPath:
		if key == KeyState {
			return []string{BatteryReady, BatteryLearning, BatteryCharging, BatteryDegraded, BatteryFailed, BatteryMissing, BatteryBelowThreshold}
		}
	case VolumePath:
		return volumeWords(key)
	case DrivePath:
		return driveWords(key)
	}
	return commonWords(key)
}

func commonWords(key string) []string {
	switch key {
	case KeyState:
		return []string{StateOnline, StateReady, StateNonRAID, StateDegraded, StateFailed, StateOffline, StateForeign, StateBlocked, StateMissing, StateRemoved, StateReadOnly, StateUnusable}
	case KeyOperation:
		return []string{OperationNone, OperationRebuild, OperationCopyback, OperationReconstruct, OperationResync, OperationInitialise, OperationCheck, OperationErase, OperationOther}
	case KeyDiskCache:
		return []string{CacheDefault, CacheOn, CacheOff}
	case KeySecurity:
		return []string{SecurityNone, SecurityUnlocked, SecurityLocked, SecurityForeign}
	case KeyMedia:
		return []string{MediaHDD, MediaSSD}
	case KeyBus:
		return []string{BusSAS, BusSATA, BusNVMe}
	case KeySource:
		return []string{SourceRedfish, SourceSNMP}
	}
	return nil
}

func controllerWords(key string) []string {
	switch key {
	case KeyMode:
		return []string{ModeRAID, ModeHBA, ModeEnhancedHBA}
	case KeyPatrolRead:
		return []string{PatrolAutomatic, PatrolManual, PatrolOff, PatrolNone}
	case KeyPatrolReadNow:
		return []string{RunRunning, RunStopped}
	case KeyLearnMode:
		return []string{LearnAutomatic, LearnWarnOnly, LearnOff}
	case KeyPreservedCache:
		return []string{Yes, No}
	case KeyBattery:
		return []string{BatteryNone, BatteryPresent}
	case KeyHotSpares:
		return []string{Unsupported}
	case KeyConsistency:
		return []string{ConsistencyNormal, ConsistencyStop}
	case KeyCopyback:
		return []string{CopybackOn, CopybackSMART, CopybackOff}
	}
	return commonWords(key)
}

func volumeWords(key string) []string {
	switch key {
	case KeyLevel:
		return []string{LevelNone, Level0, Level1, Level1E, Level10, Level01, Level5, Level6, Level50, Level60, Level5Or6, Level50Or60}
	case KeyWritePolicy, KeyWritePolicyNow:
		return []string{WriteThrough, WriteBack, WriteBackForced, WriteOff}
	case KeyReadPolicy, KeyReadPolicyNow:
		return []string{ReadNone, ReadAhead, ReadAdaptive}
	case KeyWriteCache:
		return []string{CacheProtected, CacheUnprotected, CacheDegraded}
	case KeyDiskCacheNow:
		return []string{CacheOn, CacheOff}
	case KeyBadBlocks, KeyPending:
		return []string{Yes, No}
	}
	return commonWords(key)
}

func driveWords(key string) []string {
	switch key {
	case KeyWriteCache:
		return []string{CacheOn, CacheOff}
	case KeySpare:
		return []string{SpareNone, SpareGlobal, SpareDedicated, SpareChassis}
	case KeyPredicted, KeyPLP, KeyCertified:
		return []string{Yes, No}
	case KeyMediaErrors:
		return []string{ErrorsNone, ErrorsSome, ErrorsRising}
	case KeyWear:
		return []string{WearGood, WearLow, WearSpent}
	case KeyPower:
		return []string{PowerOn, PowerSpunDown}
	}
	return commonWords(key)
}
