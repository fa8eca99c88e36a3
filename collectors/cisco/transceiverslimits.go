package cisco

import (
	"math"
	"strconv"
	"strings"

	"rackpost/hw"
)

// The thresholds of a sensor, the gravest first on either side.
const (
	highMajor = iota
	highMinor
	lowMinor
	lowMajor
	limitCount
)

var limitWords = [limitCount]string{"high major", "high minor", "low minor", "low major"}

// The severities and relations of the thresholds that are judged by.
const (
	severityMinor = 10
	severityMajor = 20

	relationLess        = 1
	relationLessOrEqual = 2
	relationGreater     = 3
	relationAtLeast     = 4
)

// rawLimits are the thresholds of one sensor as the device writes them.
type rawLimits struct {
	value  [limitCount]int64
	set    [limitCount]bool
	strict [limitCount]bool // at the threshold is not beyond it
	unread bool             // one of them was not read whole
}

// limits are the thresholds of one sensor in its unit.
type limits struct {
	value  [limitCount]float64
	set    [limitCount]bool
	strict [limitCount]bool
	unread bool
}

// limitsOf gathers the thresholds by sensor: the index of one is its sensor's and a number.
// Of two of one sort the one that is passed last stays.
func limitsOf(g *grid) map[string]rawLimits {
	all := map[string]rawLimits{}
	for _, row := range g.rows() {
		index, _, _ := strings.Cut(g.index[row], ".")
		severity, a := g.number(row, limitSeverity)
		relation, b := g.number(row, limitRelation)
		value, d := g.signed(row, limitValue)
		sort := limitSort(severity, relation)
		r := all[index]
		if a != "" || b != "" || d != "" {
			r.unread = true
			all[index] = r
			continue
		}
		if sort < 0 || value < -maxSensorValue || value > maxSensorValue {
			continue
		}
		if r.set[sort] && (value > r.value[sort]) == (sort >= lowMinor) {
			continue
		}
		r.value[sort], r.set[sort] = value, true
		r.strict[sort] = relation == relationLess || relation == relationGreater
		all[index] = r
	}
	return all
}

// limitSort returns which threshold a severity and a relation make, or -1.
func limitSort(severity, relation uint64) int {
	major := severity == severityMajor
	if !major && severity != severityMinor {
		return -1
	}
	switch relation {
	case relationGreater, relationAtLeast:
		if major {
			return highMajor
		}
		return highMinor
	case relationLess, relationLessOrEqual:
		if major {
			return lowMajor
		}
		return lowMinor
	}
	return -1
}

// scaled returns the thresholds in the unit of a sensor whose values are to be multiplied by
// 10^power. A low threshold that is not below the high one of its severity voids both, and
// so does a major one that is passed before its minor one: the device was never told them,
// or means other things by them.
func (r rawLimits) scaled(power int) limits {
	l := limits{set: r.set, strict: r.strict, unread: r.unread}
	for _, pair := range [][2]int{{highMajor, lowMajor}, {highMinor, lowMinor}} {
		if r.set[pair[0]] && r.set[pair[1]] && r.value[pair[1]] >= r.value[pair[0]] {
			l.set[pair[0]], l.set[pair[1]] = false, false
		}
	}
	for _, pair := range [][2]int{{highMajor, highMinor}, {lowMinor, lowMajor}} {
		if r.set[pair[0]] && r.set[pair[1]] && r.value[pair[0]] < r.value[pair[1]] {
			l.set[pair[0]], l.set[pair[1]] = false, false
		}
	}
	for i, n := range r.value {
		l.value[i] = tens(float64(n), power)
	}
	return l.with(func(x float64) float64 { return x })
}

// with returns the thresholds in another unit, without those nobody believes.
func (l limits) with(unit func(float64) float64) limits {
	for i, x := range l.value {
		l.value[i] = unit(x)
		l.set[i] = l.set[i] && math.Abs(l.value[i]) <= maxScaled
	}
	return l
}

// beyond returns the gravest threshold x is beyond, if any.
func (l *limits) beyond(x float64) (limit int, ok bool) {
	for _, i := range []int{highMajor, lowMajor, highMinor, lowMinor} {
		y := l.value[i]
		past := x > y
		if i >= lowMinor {
			past = x < y
		}
		if l.set[i] && (past || x == y && !l.strict[i]) {
			return i, true
		}
	}
	return 0, false
}

// mark adds the thresholds to the attributes of a component.
func (l *limits) mark(a hw.Attrs, names *[limitCount]string) hw.Attrs {
	for i, x := range l.value {
		if l.set[i] {
			a = a.With(names[i], strconv.FormatFloat(x, 'f', -1, 64))
		}
	}
	return a
}
