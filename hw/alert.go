package hw

// Level is the gravity of an alert.
type Level uint8

// The levels, rising.
const (
	LevelWarning Level = iota + 1
	LevelAverage
	LevelHigh
	LevelDisaster
)

var levelNames = [...]string{"", "warning", "average", "high", "disaster"}

// String returns warning, average, high or disaster.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return ""
}

// MarshalText writes the word.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// The codes of the alerts this program raises. A code is never reused for another meaning.
const (
	AlertHealth      = "health"       // the device calls a component faulty
	AlertMissing     = "missing"      // an expected component is gone
	AlertUnreachable = "unreachable"  // two visits in a row read nothing
	AlertLinkDown    = "link-down"    // a described port lost its link
	AlertFlapping    = "flapping"     // a component changes more than MaxFlaps times an hour
	AlertUnitChanged = "unit-changed" // another unit stands at the position
	AlertRestarted   = "restarted"    // the unit started within the last half hour

	AlertSwitchedOver = "switched-over" // another unit of a pair became the active one within the last half hour
)
