package web

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"rackpost/hw"
)

// Status is the appliance at a glance: GET /api/v1/status.
type Status struct {
	Name    string    `json:"name"` // of the box
	Version string    `json:"version"`
	Site    Site      `json:"site"`
	Time    time.Time `json:"time"`
	Started time.Time `json:"started"`
	Devices Counts    `json:"devices"`
	Journal Journal   `json:"journal"`
	Clock   *Clock    `json:"clock,omitempty"`  // absent: not judged yet
	Notices []string  `json:"notices"`          // what a person should know of the box itself
	Pair    *Pair     `json:"pair,omitempty"`   // absent: a lone box
	Uplink  *Uplink   `json:"uplink,omitempty"` // absent: there is no headquarters

	RemoteWrite []RemoteWrite `json:"remote_write,omitempty"` // the engines that samples are written to
}

// Site is the place the box stands in.
type Site struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Counts are numbers of devices by health. A stale device counts as unknown too.
type Counts struct {
	Total    int `json:"total"`
	OK       int `json:"ok"`
	Warning  int `json:"warning"`
	Critical int `json:"critical"`
	Unknown  int `json:"unknown"`
	Stale    int `json:"stale"`
}

// CountOf counts devices.
func CountOf(devices []Device) (c Counts) {
	c.Total = len(devices)
	for _, d := range devices {
		switch d.Health {
		case hw.OK:
			c.OK++
		case hw.Warning:
			c.Warning++
		case hw.Critical:
			c.Critical++
		default:
			c.Unknown++
		}
		if d.Stale {
			c.Stale++
		}
	}
	return c
}

// Add adds those of another site.
func (c *Counts) Add(o Counts) {
	c.Total += o.Total
	c.OK += o.OK
	c.Warning += o.Warning
	c.Critical += o.Critical
	c.Unknown += o.Unknown
	c.Stale += o.Stale
}

// Journal is the store at a glance.
type Journal struct {
	Origin      string    `json:"origin"`
	Incarnation string    `json:"incarnation"`
	Segments    int       `json:"segments"`
	Bytes       int64     `json:"bytes"`
	Budget      int64     `json:"budget_bytes"`
	Samples     uint64    `json:"samples_total"` // taken since the box started
	LastFlush   time.Time `json:"last_flush,omitzero"`
	Quarantined []string  `json:"quarantined"`   // files set aside as damaged
	Damaged     uint64    `json:"damaged_total"` // batches and rows passed over
	Shed        uint64    `json:"shed_total"`    // batches given up for want of space since the box started
	Full        bool      `json:"full"`          // the disk is full: reports wait, nothing is stored
}

// Clock is what is known of the box's clock.
type Clock struct {
	Trusted  bool   `json:"trusted"`
	Source   string `json:"source"`
	OffsetMS int64  `json:"offset_ms"`
}

// Device is one device as it was last seen. The list of devices leaves Components out.
type Device struct {
	ID         hw.DeviceID `json:"id"`
	Site       string      `json:"site,omitempty"` // id
	Kind       string      `json:"kind"`
	Name       string      `json:"name"`
	Address    string      `json:"address,omitempty"`
	Customer   string      `json:"customer,omitempty"`
	Rack       string      `json:"rack,omitempty"`
	Health     hw.Health   `json:"health"` // the worst component's; unknown while stale, or ok but for a section long unread or a part that must be there and does not tell
	Stale      bool        `json:"stale"`  // the last good reading is older than three periods, or there is none
	Configured bool        `json:"configured"`
	Unit       *Unit       `json:"unit,omitempty"`
	LastVisit  time.Time   `json:"last_visit,omitzero"`
	LastGood   time.Time   `json:"last_good,omitzero"`
	Age        *float64    `json:"age_seconds"` // of the last good reading; null: there is none
	Period     float64     `json:"period_seconds"`
	Requests   int         `json:"requests"` // of the last visit
	Took       float64     `json:"took_seconds"`
	Alerts     []Alert     `json:"alerts"`                     // the gravest first
	Gaps       []Gap       `json:"gaps"`                       // that last
	HasRaid    bool        `json:"has_raid,omitempty"`         // it is of a kind whose RAID sets are read
	RaidRead   time.Time   `json:"raid_read,omitzero"`         // when they were read last; not before the box started
	RaidAge    *float64    `json:"raid_age_seconds,omitempty"` // of RaidRead
	RaidStale  bool        `json:"raid_stale,omitempty"`       // they are older than three of their periods
	Acts       []Act       `json:"acts,omitempty"`             // what blinks now, or may
	Stopped    bool        `json:"logins_stopped,omitempty"`   // no login is tried any more: two were refused
	Components []Component `json:"components,omitempty"`
}

// Unit is the hardware found at a device's position.
type Unit struct {
	Serial  string    `json:"serial"`
	Model   string    `json:"model"`
	Version string    `json:"version"`
	Name    string    `json:"name"`
	Since   time.Time `json:"since,omitzero"`
}

// Component is a part of a device.
type Component struct {
	Path     string    `json:"path"`
	Section  string    `json:"section"` // that read it
	Health   hw.Health `json:"health"`
	State    hw.Attrs  `json:"state"`
	Attrs    hw.Attrs  `json:"attrs"`
	Expected bool      `json:"expected,omitempty"`
	Missing  bool      `json:"missing,omitempty"`
	Flaps    uint32    `json:"flaps,omitempty"` // changes in the last hour, when too many to write
}

// Merged makes one of components that have the same path: a server's system is read with the heartbeat and with the inventory. The
// order is that of the first ones; what stands in both is that of the one that has a health.
func Merged(components []Component) []Component {
	at := make(map[string]int, len(components))
	merged := make([]Component, 0, len(components))
	for _, c := range components {
		i, known := at[c.Path]
		if !known {
			at[c.Path] = len(merged)
			merged = append(merged, c)
			continue
		}
		a, b := merged[i], c
		if b.Health != hw.Unknown && a.Health == hw.Unknown {
			a, b = b, a
		}
		a.State, a.Attrs = union(a.State, b.State), union(a.Attrs, b.Attrs)
		a.Health, a.Flaps = max(a.Health, b.Health), max(a.Flaps, b.Flaps)
		a.Expected, a.Missing = a.Expected || b.Expected, a.Missing || b.Missing
		merged[i] = a
	}
	return merged
}

// union is a, and what only b has.
func union(a, b hw.Attrs) hw.Attrs {
	a = slices.Clone(a)
	for _, x := range b {
		if a.Get(x.Key) == "" {
			a = a.With(x.Key, x.Value)
		}
	}
	return a
}

// Alert is an open fault.
type Alert struct {
	Component string    `json:"component"`
	Name      string    `json:"name,omitempty"` // what the device, or who set it up, calls the component
	Code      string    `json:"code"`
	Level     string    `json:"level"`
	Since     time.Time `json:"since"`
	Params    hw.Attrs  `json:"params"`
	State     hw.Attrs  `json:"state"`          // of the component as it is now: what tells the cause
	Says      string    `json:"says,omitempty"` // of what an audit found: in words
	Do        string    `json:"do,omitempty"`   // what to do about it
	Until     time.Time `json:"until,omitzero"` // when it should have ended by itself
}

// Gap is what could not be read, since when, and why.
type Gap struct {
	What   string    `json:"what"`
	Reason hw.Reason `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	Do     string    `json:"do,omitempty"` // what to do about it
	From   time.Time `json:"from,omitzero"`
}

// SeriesQuery asks for the samples of one sensor, from From to To, both included.
type SeriesQuery struct {
	Device    hw.DeviceID
	Component string
	Sensor    string
	From, To  time.Time
}

// Series is the answer to a SeriesQuery.
type Series struct {
	Site      string      `json:"site,omitempty"` // id
	Device    hw.DeviceID `json:"device"`
	Component string      `json:"component"`
	Sensor    string      `json:"sensor"`
	From      time.Time   `json:"from"`
	To        time.Time   `json:"to"`
	Points    []Point     `json:"points"`
	Truncated bool        `json:"truncated"` // there is more: ask again from the last point's time
}

// Point is one reading of one sensor: a number, or the reason there is none.
type Point struct {
	At     time.Time `json:"at"`
	Value  *Number   `json:"value,omitempty"`
	Absent hw.Reason `json:"absent,omitempty"`
	Start  time.Time `json:"start,omitzero"` // of a counter: no rate crosses a change of it; left out where not known
}

// Latest is the last reading of every sensor of a device.
type Latest struct {
	Site     string      `json:"site,omitempty"` // id
	Device   hw.DeviceID `json:"device"`
	Readings []Reading   `json:"readings"`
}

// Reading is a point with the sensor it is of.
type Reading struct {
	Component string `json:"component"`
	Sensor    string `json:"sensor"`
	Point
}

// Number is a gauge or a counter. A counter is written as the whole number it is, never
// through a float.
type Number struct {
	Type  hw.SampleType
	Gauge float64
	Count uint64
}

// NumberOf returns the number of a sample, or the reason there is none. A gauge that no JSON
// number can hold is out of range.
func NumberOf(s hw.Sample) (*Number, hw.Reason) {
	switch {
	case s.Absent != "":
		return nil, s.Absent
	case s.Type == hw.Gauge && (math.IsNaN(s.Gauge) || math.IsInf(s.Gauge, 0)):
		return nil, hw.OutOfRange
	}
	return &Number{s.Type, s.Gauge, s.Count}, ""
}

// Float returns the number as a float.
func (n Number) Float() float64 {
	if n.Type == hw.Counter {
		return float64(n.Count)
	}
	return n.Gauge
}

// String writes the number as MarshalJSON does.
func (n Number) String() string {
	b, err := n.MarshalJSON()
	if err != nil {
		return strconv.FormatFloat(n.Gauge, 'g', -1, 64)
	}
	return string(b)
}

// MarshalJSON writes a plain JSON number.
func (n Number) MarshalJSON() ([]byte, error) {
	if n.Type == hw.Counter {
		return strconv.AppendUint(nil, n.Count, 10), nil
	}
	return json.Marshal(n.Gauge)
}

// UnmarshalJSON reads a JSON number; a whole one is a counter.
func (n *Number) UnmarshalJSON(b []byte) error {
	if c, err := strconv.ParseUint(string(b), 10, 64); err == nil {
		*n = Number{Type: hw.Counter, Count: c}
		return nil
	}
	*n = Number{}
	return json.Unmarshal(b, &n.Gauge)
}

// FactQuery asks for the facts of one device, or of all if Device is empty, of one kind, or of all if Kind is zero.
type FactQuery struct {
	Device   hw.DeviceID
	Kind     hw.FactKind
	From, To time.Time
	Limit    int
}

// Fact is one statement of the journal.
type Fact struct {
	Site      string         `json:"site,omitempty"` // id; in an answer of many sites
	At        time.Time      `json:"at"`
	Turn      uint64         `json:"turn"`
	Kind      string         `json:"kind"` // component, alert, gap, unit, clock, act, learned, or kind-N
	Device    hw.DeviceID    `json:"device"`
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group"`
	Removed   bool           `json:"removed,omitempty"`
	Value     map[string]any `json:"value,omitempty"`
	Says      string         `json:"says,omitempty"` // in words, of acts, what was learned, and what an audit found
}

// Facts is the answer to a FactQuery, oldest first.
type Facts struct {
	Site      string `json:"site,omitempty"` // id; left out where many sites were asked for
	Facts     []Fact `json:"facts"`
	Truncated bool   `json:"truncated"` // there are older ones: ask for a time before the first
}

// Problem is the body of every answer that is not a success.
type Problem struct {
	Error string `json:"error"`
	Hint  string `json:"advice,omitempty"` // what to do
}

// ErrUnknownDevice is returned by a Source or a History that has no such device, ErrTooMany
// by a History for more than it can hold at once.
var (
	ErrUnknownDevice = errors.New("unknown device")
	ErrTooMany       = errors.New("too many readings")
)
