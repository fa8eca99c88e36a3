package main

import (
	"math"
	"time"

	"rackpost/collectors"
)

// guardTime is how long the journal is to last: a headquarters that was cut off, or was put back from a copy, is sent that again.
const guardTime = 72 * time.Hour

// deviceBytesADay is about what a device brings at its kind's periods: a full rack, 122 of them, 124 MB (docs/hq.md).
const deviceBytesADay = 1.02e6

// noteGuard tells when the budget is too small for what the devices bring in guardTime.
func noteGuard(box boxConfig, devices []collectors.Watched, notes *problems) {
	bytes := 0.0
	for _, w := range devices {
		bytes += deviceBytesADay * pace(w)
	}
	bytes *= guardTime.Hours() / 24
	if bytes <= float64(box.budget) || box.budget <= 0 {
		return
	}
	notes.add(box.budgetAt, "budget: %.3gGB holds about %.0f h of what %s bring; %.0f h of it are sent again to a headquarters that was cut off or put back: write %.0fGB or more",
		float64(box.budget)/1e9, guardTime.Hours()*float64(box.budget)/bytes, deviceCount(len(devices)), guardTime.Hours(), math.Ceil(bytes/1e9))
}

// pace is how often a device is read, in times of what its kind has.
func pace(w collectors.Watched) float64 {
	usual, is := 0.0, 0.0
	for _, s := range w.Kind.Sections {
		if s.Period <= 0 { // off, unless it is switched on
			continue
		}
		usual += 1 / s.Period.Seconds()
		switch d, other := w.Periods[s.Name]; {
		case !other:
			is += 1 / s.Period.Seconds()
		case d > 0:
			is += 1 / d.Seconds()
		}
	}
	if usual == 0 {
		return 1
	}
	return is / usual
}
