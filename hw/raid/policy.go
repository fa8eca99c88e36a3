package raid

import (
	"fmt"
	"slices"
	"strings"

	"rackpost/hw"
)

// Judgement is what a policy makes of something that is safe in one place and a fault in another.
// The zero value is not set.
type Judgement string

// The judgements.
const (
	Accept Judgement = "accept" // nothing is said
	Notice Judgement = "notice" // a warning
	Fault  Judgement = "fault"  // as grave as docs/raid.md says of the rule, at least average
)

// UnmarshalText reads accept, notice or fault.
func (j *Judgement) UnmarshalText(b []byte) error {
	switch x := Judgement(b); x {
	case Accept, Notice, Fault:
		*j = x
		return nil
	}
	return fmt.Errorf("judgement %.40q: want accept, notice or fault", b)
}

// Policy is what is wanted of RAID sets. A field that is not set is taken from the policy it is
// merged with. What no policy changes: write-back forced, a battery that is bad, a failed, predicted,
// foreign or worn drive, a degraded or failed set, preserved cache and bad blocks are always told.
type Policy struct {
	Levels       []string  // Level words that are allowed; nil is not set
	OtherLevel   Judgement // a redundant level that is not allowed; one without redundancy is at least a fault unless allowed
	Unproven     Judgement // level, write policy or the battery of a write-back set cannot be read
	WriteThrough Judgement // write-through configured: safe, and slow
	DiskCache    Judgement // the cache of the drives of a set is on; accept accepts CacheDefault too
	CacheDefault Judgement // it is as the drives came, or cannot be read: not proven off
	OutsideRAID  Judgement // the cache of a drive outside RAID is on and not known to survive a power cut
	NoHotSpare   Judgement // a redundant set that no spare can help
	PatrolRead   Judgement // patrol read is off or only by hand
	Firmware     Judgement // like drives with different firmware
}

// Default is the policy where nobody set another.
func Default() Policy {
	return Policy{
		Levels:       []string{Level1, Level10},
		OtherLevel:   Fault,
		Unproven:     Notice,
		WriteThrough: Accept,
		DiskCache:    Fault,
		CacheDefault: Notice,
		OutsideRAID:  Notice,
		NoHotSpare:   Notice,
		PatrolRead:   Notice,
		Firmware:     Notice,
	}
}

// Merge returns the policy in force: each field from the first of layers that sets it (device,
// customer, site), else from Default.
func Merge(layers ...Policy) Policy {
	var p Policy
	for _, l := range append(slices.Clip(layers), Default()) {
		if p.Levels == nil && l.Levels != nil {
			p.Levels = slices.Clone(l.Levels)
		}
		from := l.judgements()
		for i, j := range p.judgements() {
			if *j.value == "" {
				*j.value = *from[i].value
			}
		}
	}
	return p
}

// Equal says whether both set the same.
func (p Policy) Equal(o Policy) bool {
	same := slices.Equal(p.Levels, o.Levels) && (p.Levels == nil) == (o.Levels == nil)
	from := o.judgements()
	for i, j := range p.judgements() {
		same = same && *j.value == *from[i].value
	}
	return same
}

// Check says what is wrong with a policy as a person wrote it, nil when nothing is.
func (p Policy) Check() error {
	if p.Levels != nil && len(p.Levels) == 0 {
		return fmt.Errorf("raid policy: no level is allowed: name at least one of %s", strings.Join(levels[:], ", "))
	}
	for _, l := range p.Levels {
		if !slices.Contains(levels[:], l) {
			return fmt.Errorf("raid policy: level %.40q: want one of %s", l, strings.Join(levels[:], ", "))
		}
	}
	for _, j := range p.judgements() {
		switch *j.value {
		case "", Accept, Notice, Fault:
		default:
			return fmt.Errorf("raid policy: %s %.40q: want accept, notice or fault", j.name, *j.value)
		}
	}
	return nil
}

// levels are those a policy may allow.
var levels = [...]string{LevelNone, Level0, Level1, Level1E, Level10, Level01, Level5, Level6, Level50, Level60}

type judgement struct {
	name  string
	value *Judgement
}

func (p *Policy) judgements() []judgement {
	return []judgement{
		{"other level", &p.OtherLevel}, {"unproven", &p.Unproven}, {"write-through", &p.WriteThrough},
		{"disk cache", &p.DiskCache}, {"disk cache default", &p.CacheDefault}, {"cache outside raid", &p.OutsideRAID},
		{"no hot spare", &p.NoHotSpare}, {"patrol read", &p.PatrolRead}, {"firmware", &p.Firmware},
	}
}

// level is the level of a verdict the policy judges so; fault is that of a fault. 0: nothing is said.
func (j Judgement) level(fault hw.Level) hw.Level {
	switch j {
	case Accept:
		return 0
	case Notice:
		return hw.LevelWarning
	}
	return fault
}
