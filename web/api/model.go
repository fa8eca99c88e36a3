package api

import (
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// Site is one site as it is known here: GET /api/v1/sites.
type Site struct {
	ID        journal.ID `json:"-"`
	Name      string     `json:"name"`
	Connected bool       `json:"connected"`         // its box, or one of them, is connected now; always of a box's own
	Heard     time.Time  `json:"heard,omitzero"`    // when anything last came of it
	Silent    *float64   `json:"silent_seconds"`    // since then; null: never heard
	Newest    time.Time  `json:"newest,omitzero"`   // time of the newest record held
	Bytes     int64      `json:"bytes"`             // that its records take here
	Today     int64      `json:"bytes_today"`       // that came today
	Quota     int64      `json:"quota_bytes"`       // 0: none
	FactsOnly bool       `json:"facts_only"`        // no more than facts is taken of it now
	Refused   uint64     `json:"refused_total"`     // batches refused since the start
	Reason    string     `json:"reason,omitempty"`  // why something is refused, in words
	Missing   uint64     `json:"missing_batches"`   // known to have been written and not here yet
	OffsetMS  *int64     `json:"clock_offset_ms"`   // of its box's clock to the one here; null: not known
	Version   string     `json:"version,omitempty"` // of the program there
	Address   string     `json:"address,omitempty"` // that it is connected from
	Uplink    string     `json:"uplink,omitempty"`  // the way it is connected by
	Lag       *float64   `json:"live_lag_seconds"`  // between the writing of its newest live batch and its coming; null: not known
	Rate      float64    `json:"bytes_per_second"`  // that come of it now
}

// Aggregate is one group of readings in one step.
type Aggregate struct {
	Site      journal.ID
	Device    hw.DeviceID // empty where devices were drawn together
	Component string      // empty where components were drawn together
	From, To  time.Time   // of the step
	Min, Max  float64
	Mean      float64
	Last      float64 // of the newest reading
	Count     uint64  // readings with a value
	Absent    uint64  // readings without one
	Due       uint64  // readings that were due; 0: not known
}
