package uplink

import (
	"time"

	"rackpost/replicate/ship"
)

// Status is how the uplink is.
type Status struct {
	Sending bool        `json:"sending"` // this box is the one that sends
	Why     string      `json:"why,omitempty"`
	Site    string      `json:"site"`
	Name    string      `json:"name"` // of the site, as headquarters has it
	HQ      string      `json:"hq"`   // its id
	URL     string      `json:"url"`  // where it was reached last, or is tried
	Way     string      `json:"way,omitempty"`
	Since   time.Time   `json:"since,omitzero"` // on this way, or on none
	Ways    []WayHealth `json:"ways"`

	Connected bool     `json:"connected"`        // the live lane
	LiveLag   float64  `json:"live_lag_seconds"` // from the store's telling of a record to headquarters' answer; it grows while there is none
	Held      HeldBack `json:"held_back,omitzero"`
	Live      Lane     `json:"live"`
	Behind    Lane     `json:"behind"`
	Backlog   Backlog  `json:"backlog"`
	Unseen    []Unseen `json:"unseen,omitempty"` // what headquarters has not said it holds

	ClockOffset float64   `json:"clock_offset_seconds"` // headquarters' clock less this box's
	ClockKnown  bool      `json:"clock_known"`
	Certificate time.Time `json:"certificate_expires"`
	Refusal     *Refusal  `json:"refusal,omitempty"` // the last one, while it stands
}

// HeldBack is how headquarters holds this site back. The zero HeldBack is: it does not.
type HeldBack struct {
	ship.Pace           // what is new is paused, or facts alone are taken; or what is behind is slowed
	Since     time.Time `json:"since,omitzero"` // when the oldest was written of what waits here because of it
}

// WayHealth is how one way is.
type WayHealth struct {
	Name      string    `json:"name"`
	Interface string    `json:"interface,omitempty"`
	Proxy     string    `json:"proxy,omitempty"` // without a password
	InUse     bool      `json:"in_use"`
	Link      Tri       `json:"link"`
	Answers   Tri       `json:"answers"`
	Since     time.Time `json:"since,omitzero"` // it answers, or does not
	Problem   string    `json:"problem,omitempty"`
	Connect   float64   `json:"connect_seconds,omitempty"` // the last call that was answered took, handshake included
}

// Lane is how one of the two connections is.
type Lane struct {
	ship.Progress
	Way     string    `json:"way,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"` // headquarters asked to wait until then, or ended the last ones
}

// Backlog is what headquarters has still to get.
type Backlog struct {
	Known   bool      `json:"known"`                   // headquarters said what it holds since this box started; else all that is here counts
	Records uint64    `json:"records"`                 // estimated from what was sent
	Bytes   uint64    `json:"bytes"`                   // the same
	Oldest  time.Time `json:"oldest,omitzero"`         // of the first of it, while connected
	Drain   float64   `json:"drain_seconds,omitempty"` // 0: unknown, or nothing is behind
}

// Unseen is how much of one stream headquarters has not said it holds.
type Unseen struct {
	Stream  string `json:"stream"`
	Batches uint64 `json:"batches"`
}

// Refusal is a connection or a request that headquarters, or somebody on the way, refused.
type Refusal struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"` // a word of enroll, or "proxy"
	Error  string    `json:"error"`
	Advice string    `json:"advice,omitempty"`
	Until  time.Time `json:"until,omitzero"` // not tried again before
	Times  int       `json:"times"`          // in a row
}

// Tri is yes, no or unknown.
type Tri int8

// The values.
const (
	Unknown Tri = iota
	Yes
	No
)

// String returns the word.
func (t Tri) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// MarshalText implements encoding.TextMarshaler.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. A word of a later version is Unknown.
func (t *Tri) UnmarshalText(b []byte) error {
	*t = Unknown
	switch string(b) {
	case "yes":
		*t = Yes
	case "no":
		*t = No
	}
	return nil
}
