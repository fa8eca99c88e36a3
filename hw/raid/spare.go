package raid

import (
	"slices"

	"rackpost/hw"
)

// answer is yes, no, or not known.
type answer int8

const (
	unknown answer = iota
	no
	yes
)

func (a *audit) hotSpare(x part, g *group) {
	level := x.word(KeyLevel)
	switch {
	case a.policy.NoHotSpare == Accept || g.word(KeyHotSpares) == Unsupported:
		return
	case level != "" && !slices.Contains(redundant, level):
		return
	case level == "" || g == nil || len(g.drives) == 0:
		a.unsure(x, CodeNoHotSpare)
		return
	}
	best := no
	if a.strays[DrivePath] {
		best = unknown
	}
	need := needs(x, a.membersOf(x))
	for _, d := range g.drives {
		switch d.helps(x, need) {
		case yes:
			return
		case unknown:
			best = unknown
		}
	}
	if best == unknown {
		a.unsure(x, CodeNoHotSpare)
		return
	}
	a.say(x, CodeNoHotSpare, a.policy.NoHotSpare.level(hw.LevelAverage), "level", level)
}

// need is what a spare of a volume must be.
type need struct {
	media, bus string
	size       uint64 // of the smallest drive
	sized      answer // whether size is known; no: no drive of it is, and nothing is asked
}

func needs(x part, m members) need {
	n := need{media: m.media, bus: m.bus, sized: no}
	if _, counted := x.number(KeyDrives); counted && !m.whole {
		n.sized = unknown
	} else if len(m.drives) > 0 {
		n.sized = yes
	}
	for _, d := range m.drives {
		size, ok := d.number(KeySizeBytes)
		switch {
		case !ok:
			n.sized = unknown
		case n.size == 0 || size < n.size:
			n.size = size
		}
	}
	return n
}

// helps says whether a drive is a spare that can take the place of one of v's.
func (p part) helps(v part, n need) answer {
	all := yes
	for _, x := range []answer{p.sparesFor(v), p.sound(), same(p.word(KeyMedia), n.media), same(p.word(KeyBus), n.bus), p.fits(n)} {
		switch x {
		case no:
			return no
		case unknown:
			all = unknown
		}
	}
	return all
}

func (p part) sparesFor(v part) answer {
	switch p.word(KeySpare) {
	case SpareNone:
		return no
	case SpareGlobal, SpareChassis:
		return yes
	case SpareDedicated:
		list := Split(p.text(KeySpareFor))
		switch {
		case len(list) == 0:
			return unknown
		case slices.Contains(list, ID(v.id)):
			return yes
		}
		return no
	}
	if p.text(KeyVolumes) != "" {
		return no
	}
	return unknown
}

// sound says that a drive works as far as is told.
func (p part) sound() answer {
	if slices.Contains(broken, p.word(KeyState)) || p.word(KeyPredicted) == Yes {
		return no
	}
	if p.word(KeyState) == "" || p.word(KeyPredicted) == "" {
		return unknown
	}
	return yes
}

func same(a, b string) answer {
	switch {
	case a == "" || b == "":
		return unknown
	case a == b:
		return yes
	}
	return no
}

func (p part) fits(n need) answer {
	size, ok := p.number(KeySizeBytes)
	switch {
	case n.sized == no:
		return yes
	case !ok || n.size == 0:
		return unknown
	case size >= n.size && n.sized == yes:
		return yes
	case size >= n.size || n.sized == unknown:
		return unknown
	}
	return no
}
