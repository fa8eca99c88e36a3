package intake

import (
	"time"

	"rackpost/hw/journal"
)

// Status is how the intake is.
type Status struct {
	Since  time.Time    `json:"since"`
	Sites  []SiteStatus `json:"sites"` // by name, then id
	Totals Totals       `json:"totals"`
}

// SiteStatus is how one site is. Counts are since the intake was made.
type SiteStatus struct {
	Site   journal.ID `json:"site"`
	Name   string     `json:"name"`
	Live   Lane       `json:"live"`
	Behind Lane       `json:"behind"`

	LastHeard  time.Time `json:"last_heard,omitzero"`
	Silent     bool      `json:"silent"`
	LagMS      int64     `json:"lag_ms"` // from a record's writing to its fsync here, on the live lane, clock offset taken out
	Lacks      uint64    `json:"lacks"`  // batches that the site has still to send, by its word
	LacksBytes uint64    `json:"lacks_bytes"`
	LacksSince time.Time `json:"lacks_since,omitzero"` // when the oldest of them was written, by the site's clock

	BytesToday  int64             `json:"bytes_today"`        // of batches, since midnight UTC
	BytesStored int64             `json:"bytes_stored"`       // in the store
	Received    uint64            `json:"received"`           // batches taken
	Repeated    uint64            `json:"repeated"`           // of these, held before they came
	Refused     uint64            `json:"refused"`            // batches refused
	Refusals    map[string]uint64 `json:"refusals,omitempty"` // connections and batches refused, by reason
	LastRefusal string            `json:"last_refusal,omitempty"`

	ClockOffsetMS int64    `json:"clock_offset_ms"` // the site's clock less ours, as far as its batches tell
	ClockKnown    bool     `json:"clock_known"`
	Pace          Pace     `json:"pace"`
	PaceReasons   []string `json:"pace_reasons,omitempty"` // why, in words
}

// Lane is one connection of a site.
type Lane struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"` // connected, or not
	Address   string    `json:"address,omitempty"`
	Reason    string    `json:"reason,omitempty"` // why the last connection ended
}

// Totals are of all sites together.
type Totals struct {
	Sites       int    `json:"sites"`
	Connected   int    `json:"connected"` // sites with a live lane
	Connections int    `json:"connections"`
	Silent      int    `json:"silent"`
	Received    uint64 `json:"received"`
	Refused     uint64 `json:"refused"`
	TurnedAway  uint64 `json:"turned_away"` // connections refused for want of room
	Strangers   uint64 `json:"strangers"`   // connections refused because of who they were
	Memory      int    `json:"memory_bytes"`
	Merges      uint64 `json:"merges"`
	Batches     uint64 `json:"batches"`
	Bytes       uint64 `json:"bytes"`
	WaitMS      int64  `json:"wait_ms"` // the longest that a batch waited for its merge, over the last seconds
	Slowed      bool   `json:"slowed"`  // lanes of what is behind are slowed, because merging does not keep up
}
