package web

import "time"

// Uplink is the way to headquarters at a glance: GET /api/v1/status, uplink. rackpost uplink status -json tells all.
type Uplink struct {
	Sending   bool          `json:"sending"`           // this box is the one of its site that sends
	Why       string        `json:"why,omitempty"`     // it does not
	Connected bool          `json:"connected"`         // live records go there now
	Way       string        `json:"way,omitempty"`     // by which
	Ways      []UplinkWay   `json:"ways"`              // in the order in which they are wanted
	Lag       *float64      `json:"live_lag_seconds"`  // from a record's writing to the answer of headquarters; null: not known
	Backlog   UplinkBacklog `json:"backlog"`           // what headquarters has not seen
	OffsetMS  *int64        `json:"clock_offset_ms"`   // how far headquarters' clock is ahead; null: not known
	Refused   uint64        `json:"refused_total"`     // batches that headquarters refused, since the start
	Refusal   string        `json:"refusal,omitempty"` // why it refuses the box or a batch now, in words
}

// UplinkWay is one way to headquarters.
type UplinkWay struct {
	Name    string `json:"name"`
	InUse   bool   `json:"in_use"`
	Answers bool   `json:"answers"`
	Problem string `json:"problem,omitempty"`
}

// UplinkBacklog is what headquarters has still to get.
type UplinkBacklog struct {
	Known   bool      `json:"known"` // by headquarters' word
	Records uint64    `json:"records"`
	Bytes   uint64    `json:"bytes"`
	Oldest  time.Time `json:"oldest,omitzero"`
	Drain   *float64  `json:"drain_seconds"` // until all of it is there, at the pace of now; null: not known
}
