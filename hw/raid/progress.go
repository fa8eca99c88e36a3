package raid

import "time"

// Point is how far an operation was at a time, in percent.
type Point struct {
	At      time.Time
	Percent float64
}

// Estimate returns when an operation will end, from points in order of time: a straight line from the
// first point of the newest run to the last. False when nothing can be said: less than
// two points, no progress, or a percent that is none. A percent that falls begins another run.
func Estimate(points []Point) (end time.Time, ok bool) {
	first := 0
	for i, p := range points {
		if !(p.Percent >= 0 && p.Percent <= 100) {
			return time.Time{}, false
		}
		if i > 0 && p.Percent < points[i-1].Percent {
			first = i
		}
	}
	if len(points)-first < 2 {
		return time.Time{}, false
	}
	a, b := points[first], points[len(points)-1]
	took, done := b.At.Sub(a.At), b.Percent-a.Percent
	if took <= 0 || done <= 0 {
		return time.Time{}, false
	}
	left := float64(took) * (100 - b.Percent) / done
	if left > float64(longest) {
		return time.Time{}, false
	}
	return b.At.Add(time.Duration(left)), true
}

// longest is an end too far to be told.
const longest = 60 * 24 * time.Hour

// errorsTime is how long after the last new error the errors of a drive count as rising.
const errorsTime = 7 * 24 * time.Hour

// Errors is what a collector keeps of a drive's error counters from visit to visit.
type Errors struct {
	Total uint64    // of all counters together
	Rose  time.Time // when it last grew; zero: not seen
	Known bool      // Total was read
}

// Count takes a reading of the counters and returns what to keep and the word for KeyMediaErrors. The first
// reading of a drive tells no rise. A total that falls is another drive, or was cleared.
func (e Errors) Count(total uint64, at time.Time) (Errors, string) {
	n := Errors{Total: total, Rose: e.Rose, Known: true}
	switch {
	case e.Known && total > e.Total:
		n.Rose = at
	case e.Known && total < e.Total:
		n.Rose = time.Time{}
	}
	switch {
	case total == 0:
		return n, ErrorsNone
	case !n.Rose.IsZero() && at.Sub(n.Rose).Abs() < errorsTime:
		return n, ErrorsRising
	}
	return n, ErrorsSome
}

// lowPercent is the life left at which a drive is to be replaced soon.
const lowPercent = 10

// WearOf returns the word for KeyWear of the rated writes that are left, "" for a percent that is
// none: SNMP says 255 where the drive has no such number.
func WearOf(percentLeft float64) string {
	switch {
	case !(percentLeft >= 0 && percentLeft <= 100):
		return ""
	case percentLeft < 1:
		return WearSpent
	case percentLeft <= lowPercent:
		return WearLow
	}
	return WearGood
}
