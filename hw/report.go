package hw

import "time"

// Extent says how much of a section a visit read.
type Extent uint8

// Only a complete reading may say that a component is gone.
const (
	Failed Extent = iota
	Partial
	Complete
)

var extentNames = [...]string{"failed", "partial", "complete"}

// String returns failed, partial or complete.
func (e Extent) String() string {
	if int(e) < len(extentNames) {
		return extentNames[e]
	}
	return extentNames[Failed]
}

// Scope is one section of a visit and how much of it was read.
type Scope struct {
	Section string
	Extent  Extent
}

// Report is all that one visit yielded, failures included. Components and samples come in
// the same order at every visit that finds the same parts.
type Report struct {
	Device     DeviceID
	Kind       string
	Started    time.Time
	Took       time.Duration
	Period     time.Duration // until the next visit is due; a tenth more than Shortest at most, unless visits fail
	Shortest   time.Duration // the shortest period of the device's sections, as configured. Not kept
	Unit       *Unit         // nil when the unit was not identified
	Read       []Scope
	Components []Component
	Verdicts   []Verdict // on what was read, of the sections read; at most MaxVerdicts. Not kept: their alerts are
	Samples    []Sample
	Log        []LogLine
	Cursors    []LogCursor
	Gaps       []Gap
	Requests   int
	Learned    Attrs    // what must not be forgotten of the device: a certificate, failed logins. All of it, every time; nil says nothing of it
	Hasten     []string // sections to read sooner than their period: what was read shows that what they hold changed. Not kept
}

// VisitGap is the What of a gap that covers the whole device.
const VisitGap = "visit"

// Gap is what could not be read or was dropped, from when to when, and why.
type Gap struct {
	What   string // VisitGap, a section, or "section/component or object"
	Reason Reason
	Detail string    // for people: what to do, or the words of the error
	From   time.Time // zero: since the last good reading
	To     time.Time // zero: not over
}

// LogLine is one line of a device's own log. Device, unit, log, entry and time together
// name it; a line read twice is one line.
type LogLine struct {
	Unit  string
	Log   string
	Entry string
	At    time.Time
	Level string
	Code  string
	Text  string
}

// LogCursor is how far a log was read; it is stored with the lines before it.
type LogCursor struct {
	Log    string
	Cursor string
}
