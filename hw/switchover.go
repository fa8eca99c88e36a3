package hw

// stateActive is the state that says which unit of a pair is the active one.
const stateActive = "active"

// The words for a pair of which not one unit is active.
const (
	noneActive = "none"
	bothActive = "both"
)

// switched returns the unit that was active before, if another one is now, or "".
func (rd reading) switched() string {
	was, now := rd.was.State.Get(stateActive), rd.now.State.Get(stateActive)
	if !rd.had || was == "" || now == "" || was == now || now == noneActive || now == bothActive {
		return ""
	}
	return was
}

// switchover raises that another unit of a pair took over, for as long as a restart is
// shown: the pair may be well again, and somebody has to know all the same.
func (v *visit) switchover(j judged) {
	path := j.key.Component
	a, open := v.alert(path, AlertSwitchedOver)
	switch {
	case j.wasActive != "":
		v.put(AlertFact, path, AlertSwitchedOver, AlertValue{
			Open: true, Level: LevelWarning, Since: v.at,
			Params: Attrs{{paramNew, j.value.State.Get(stateActive)}, {paramOld, j.wasActive}, {paramSection, j.key.Group}},
		})
	case open && v.owns(j.key, a) && v.at.Sub(a.Since) >= RestartShown:
		v.settle(path, AlertSwitchedOver, "")
	}
}
