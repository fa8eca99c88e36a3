package web

import (
	"fmt"
	"time"
)

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

// Line is the uplink in a sentence.
func (u Uplink) Line() string {
	switch {
	case u.Refusal != "" && !u.Connected:
		return "headquarters is not reached: " + u.Refusal
	case !u.Sending:
		return "headquarters: the other box sends"
	case !u.Connected && !u.Backlog.Known:
		return "headquarters is not reached"
	case !u.Connected:
		return fmt.Sprintf("headquarters is not reached: %s behind%s; the journal keeps it", records(u.Backlog.Records), u.Backlog.since())
	case u.Backlog.Known && u.Backlog.Records > 0 && u.Backlog.Drain != nil:
		return fmt.Sprintf("headquarters is live; %s behind, there in %s", records(u.Backlog.Records), Ago(time.Duration(*u.Backlog.Drain*float64(time.Second))))
	case u.Backlog.Known && u.Backlog.Records > 0:
		return fmt.Sprintf("headquarters is live; %s behind", records(u.Backlog.Records))
	}
	return "headquarters is live and has everything"
}

// Down says whether records that headquarters lacks do not go there.
func (u Uplink) Down() bool { return u.Sending && !u.Connected }

func records(n uint64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

func (b UplinkBacklog) since() string {
	if b.Oldest.IsZero() {
		return ""
	}
	return ", since " + b.Oldest.UTC().Format("2006-01-02 15:04 MST")
}
