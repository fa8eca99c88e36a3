package hw

import "time"

// RestartShown is the uptime until which a device counts as just restarted: long enough that
// nobody who looks at what happened misses it, and that its links and neighbours are back.
const RestartShown = 30 * time.Minute

// restart raises the alert of a unit that has just started, since it started, and closes it
// when the unit has been up for a while. A device that is first seen says so too. A device
// that does not tell its uptime says nothing.
func (v *visit) restart() {
	u := v.r.Unit
	if u == nil || u.Uptime <= 0 {
		return
	}
	if u.Uptime >= RestartShown {
		v.settle("", AlertRestarted, "")
		return
	}
	began := v.at.Add(-u.Uptime)
	if a, open := v.alert("", AlertRestarted); open && began.Sub(a.Since) < restartJitter {
		return
	}
	v.put(AlertFact, "", AlertRestarted, AlertValue{Open: true, Level: LevelWarning, Since: stamp(began)})
}

// restartJitter is how far two readings of one start may lie apart.
const restartJitter = time.Minute
