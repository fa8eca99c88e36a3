package web

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// RemoteWrite is how far the samples are in an engine that they are written to: GET /api/v1/status, remote_write.
type RemoteWrite struct {
	Name     string               `json:"name"`
	URL      string               `json:"url"`
	Writing  bool                 `json:"writing"`                 // this box is the one of its site that writes
	Protocol string               `json:"protocol"`                // that is spoken: 1.0 or 2.0
	Fallback string               `json:"fallback,omitempty"`      // why it is not the one that was asked for
	Accepted time.Time            `json:"last_accepted,omitzero"`  // when the receiver took something last
	Lag      *float64             `json:"live_lag_seconds"`        // since all that was new was written last; null: not since the start
	Behind   time.Time            `json:"behind_oldest,omitzero"`  // since when what is still to be written of an outage stands in the journal; left out: nothing is
	Waiting  int                  `json:"waiting_batches"`         // of islands, until it can be told which of their readings count
	Samples  uint64               `json:"samples_total"`           // written since the start
	Bytes    uint64               `json:"sent_bytes_total"`        // sent since the start
	Requests uint64               `json:"requests_total"`          // since the start
	OffsetMS *int64               `json:"receiver_clock_ahead_ms"` // null: not known
	Problem  string               `json:"problem,omitempty"`       // why nothing is written now, and what to do
	Since    time.Time            `json:"problem_since,omitzero"`
	Missing  []RemoteWriteMissing `json:"missing"` // what the receiver will never have
}

// RemoteWriteMissing are samples that the receiver did not take.
type RemoteWriteMissing struct {
	Reason  string    `json:"reason"`  // too-old, out-of-order, rejected, failing, beyond-window, future, trimmed
	Samples uint64    `json:"samples"` // 0: how many is not known
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	At      time.Time `json:"at"`              // when that was last found
	Words   string    `json:"words,omitempty"` // of the receiver
}

// Line is it in a sentence.
func (r RemoteWrite) Line(now time.Time) string {
	text := r.Name + ": "
	switch {
	case !r.Writing:
		return text + "the box that leads writes"
	case r.Problem != "":
		text += fmt.Sprintf("nothing is written for %s: %s", Ago(now.Sub(r.Since)), r.Problem)
	case r.Lag == nil:
		text += "begins"
	case *r.Lag < 10:
		text += "live"
	default:
		text += "live " + Ago(time.Duration(*r.Lag*float64(time.Second))) + " late"
	}
	if !r.Behind.IsZero() {
		text += fmt.Sprintf(", behind it what is %s old", Ago(now.Sub(r.Behind)))
	}
	if r.Fallback != "" {
		text += "; 1.0 is spoken: " + r.Fallback
	}
	return text
}

// missingWords are the reasons for people.
func missingWords() map[string]string {
	return map[string]string{
		"too-old":       "the receiver takes nothing so old: give it a longer out-of-order window",
		"out-of-order":  "the receiver takes nothing before what it has: give it an out-of-order window, or write order: time",
		"rejected":      "the receiver refuses them",
		"failing":       "the receiver fails at them again and again, and takes others",
		"beyond-window": "older than window: says",
		"future":        "their times are in the future: a clock was wrong when they were read",
		"trimmed":       "dropped here before they could be written: give the journal more budget",
	}
}

// MissingReasons are the reasons there are.
func MissingReasons() []string { return slices.Sorted(maps.Keys(missingWords())) }

// Line is it in a sentence.
func (m RemoteWriteMissing) Line() string {
	what := "samples"
	if m.Samples > 0 {
		what = fmt.Sprintf("%d samples", m.Samples)
	}
	when := "up to " + m.Last.UTC().Format(time.DateTime) + " UTC"
	if !m.First.IsZero() {
		when = "of " + m.First.UTC().Format(time.DateTime) + " to " + m.Last.UTC().Format(time.DateTime) + " UTC"
	}
	text := fmt.Sprintf("a gap at the receiver: %s %s: %s", what, when, missingWords()[m.Reason])
	if m.Words != "" {
		text += " (" + m.Words + ")"
	}
	return text
}
