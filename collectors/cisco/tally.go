package cisco

import (
	"maps"
	"math/bits"
)

// The places in a tally: the counters of portGroup come first, then those of linkGroup, then
// those of PoE.
const (
	tallyLinks       = portCounterCount
	tallyPoEDenied   = tallyLinks + 3
	tallyPoEOverload = tallyPoEDenied + 1
	tallySize        = tallyPoEOverload + 1
)

// tally is a series for each counter of a port. They nearly always have one life, so it is
// held once: a box holds two hundred thousand of these counters.
type tally struct {
	values [tallySize]uint64
	known  uint32 // those with a value, by bit
	life   life
	odd    map[uint8]life // of those that have another life
}

// life is the part of a series that counters share.
type life struct{ base, start int64 }

// observe is that of the series at place i.
func (t *tally) observe(i int, value uint64, base, now int64) (start int64) {
	s := t.series(i)
	start = s.observe(value, base, now)
	t.set(i, s)
	return start
}

// doubt is that of the series at place i.
func (t *tally) doubt(i int, now int64) (start int64) {
	s := t.series(i)
	start = s.doubt(now)
	t.set(i, s)
	return start
}

// moved reports whether the counter at place i had a value, and another one.
func (t *tally) moved(i int, value uint64) bool {
	return t.known&(1<<i) != 0 && t.values[i] != value
}

func (t *tally) series(i int) series {
	if t.known&(1<<i) == 0 {
		return series{}
	}
	l, odd := t.odd[uint8(i)]
	if !odd {
		l = t.life
	}
	return series{t.values[i], l.base, l.start}
}

func (t *tally) set(i int, s series) {
	t.known |= 1 << i
	t.values[i] = s.value
	l := life{s.base, s.start}
	if l == t.life {
		delete(t.odd, uint8(i))
	} else {
		if t.odd == nil {
			t.odd = map[uint8]life{}
		}
		t.odd[uint8(i)] = l
		t.rebase(l)
	}
	if len(t.odd) == 0 {
		t.odd = nil
	}
}

// rebase makes l the common life once most counters have it.
func (t *tally) rebase(l life) {
	same := 0
	for _, o := range t.odd {
		if o == l {
			same++
		}
	}
	if 2*same <= bits.OnesCount32(t.known) {
		return
	}
	for i := range uint8(tallySize) {
		if _, odd := t.odd[i]; !odd && t.known&(1<<i) != 0 {
			t.odd[i] = t.life
		}
	}
	t.life = l
	maps.DeleteFunc(t.odd, func(_ uint8, o life) bool { return o == l })
}
