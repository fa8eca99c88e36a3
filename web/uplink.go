package web

import (
	"fmt"
	"math"
	"time"
)

// Uplink is the way to headquarters at a glance: GET /api/v1/status, uplink. rackpost uplink status -json tells all.
type Uplink struct {
	Sending   bool          `json:"sending"`                     // this box is the one of its site that sends
	Why       string        `json:"why,omitempty"`               // it does not
	Connected bool          `json:"connected"`                   // live records go there now
	Way       string        `json:"way,omitempty"`               // by which
	Ways      []UplinkWay   `json:"ways"`                        // in the order in which they are wanted
	Lag       *float64      `json:"live_lag_seconds"`            // from a record's writing to the answer of headquarters: it grows while there is none; null: not known
	Paused    bool          `json:"paused"`                      // headquarters takes nothing of this site now
	FactsOnly bool          `json:"facts_only"`                  // nothing but facts
	Slowed    uint64        `json:"slowed_to_bytes_per_second"`  // it takes what is behind no faster; 0: as fast as it comes
	HeldBack  string        `json:"held_back_because,omitempty"` // by whom and why, in words
	Backlog   UplinkBacklog `json:"backlog"`                     // what headquarters has not seen
	OffsetMS  *int64        `json:"clock_offset_ms"`             // how far headquarters' clock is ahead; null: not known
	Refused   uint64        `json:"refused_total"`               // batches that headquarters refused, since the start
	Refusal   string        `json:"refusal,omitempty"`           // why it refuses the box or a batch now, in words
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
	case u.Paused || u.FactsOnly:
		return fmt.Sprintf("headquarters %s: %s%s", u.Held(), waits(u.Backlog.Records), u.Backlog.since())
	case u.Backlog.Known && u.Backlog.Records > 0 && u.Backlog.Drain != nil:
		return fmt.Sprintf("headquarters is live; %s behind, there in %s%s", records(u.Backlog.Records), Ago(time.Duration(*u.Backlog.Drain*float64(time.Second))), u.slowly())
	case u.Backlog.Known && u.Backlog.Records > 0:
		return fmt.Sprintf("headquarters is live; %s behind%s", records(u.Backlog.Records), u.slowly())
	case !u.Backlog.Known:
		return "headquarters is reached, and has not said yet what it has"
	}
	return "headquarters is live and has everything"
}

// Held says how headquarters holds the site back, and why; empty: it does not.
func (u Uplink) Held() string {
	why := ""
	if u.HeldBack != "" {
		why = " (" + u.HeldBack + ")"
	}
	switch {
	case u.Paused:
		return "paused this site" + why
	case u.FactsOnly:
		return "takes nothing but facts of this site" + why
	case u.Slowed > 0:
		return fmt.Sprintf("takes what is behind no faster than %s a second%s", Bytes(int64(min(u.Slowed, math.MaxInt64))), why)
	}
	return ""
}

func (u Uplink) slowly() string {
	if u.Slowed == 0 {
		return ""
	}
	return ": headquarters " + u.Held()
}

// Down says whether records that headquarters lacks do not go there.
func (u Uplink) Down() bool { return u.Sending && (!u.Connected || u.Paused || u.FactsOnly) }

func records(n uint64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

func waits(n uint64) string {
	switch n {
	case 0:
		return "nothing waits yet"
	case 1:
		return "1 record waits"
	}
	return fmt.Sprintf("%d records wait", n)
}

func (b UplinkBacklog) since() string {
	if b.Oldest.IsZero() {
		return ""
	}
	return ", since " + b.Oldest.UTC().Format("2006-01-02 15:04 MST")
}
