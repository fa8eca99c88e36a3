package api

import (
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// Line is one record: a line of GET /api/v1/changes, and of GET /api/v1/snapshot. Site, origin, incarnation, stream, seq and index
// name it for ever: whoever keeps lines under these six keeps each record once.
type Line struct {
	Site        string `json:"site"`        // id
	Origin      string `json:"origin"`      // id of the store that wrote it
	Incarnation string `json:"incarnation"` // of that store's openings
	Stream      string `json:"stream"`      // facts, samples, logs, or stream-N
	Seq         uint64 `json:"seq"`         // of the batch in its stream
	Index       uint32 `json:"index"`       // of the record in its batch
	Turn        uint64 `json:"turn"`        // logical time: of two facts about one thing the one with the greater (turn, origin, incarnation, seq, index) holds
	Mode        string `json:"mode"`        // what the writer was: lone, leader, solo, island
	Type        string `json:"type"`        // fact, visit, log, cursor, begin, tombstone, unread; of a snapshot: register

	At     time.Time   `json:"at,omitzero"` // when it was observed, by the clock of the writer
	Device hw.DeviceID `json:"device,omitempty"`

	// Of facts and registers.
	Kind      string         `json:"kind,omitempty"` // component, alert, gap, unit, clock, act, learned, or kind-N
	Component string         `json:"component,omitempty"`
	Group     string         `json:"group,omitempty"`   // component: the section; alert: the code; gap: what is missing
	Removed   bool           `json:"removed,omitempty"` // the thing is gone; there is no value
	Value     map[string]any `json:"value,omitempty"`
	Says      string         `json:"says,omitempty"`   // in words
	Yields    bool           `json:"yields,omitempty"` // of a register: another origin's word counts in place of it

	// Of visits.
	Took     *float64          `json:"took_seconds,omitempty"`
	Period   *float64          `json:"period_seconds,omitempty"` // until the next visit was due
	Requests *int              `json:"requests,omitempty"`
	Read     map[string]string `json:"read,omitempty"` // how much of each section was read: complete, partial, failed
	Samples  []LineSample      `json:"samples,omitempty"`

	// Of lines of a device's log, and of how far it was read.
	Unit   string `json:"unit,omitempty"`
	Log    string `json:"log,omitempty"`
	Entry  string `json:"entry,omitempty"`
	Level  string `json:"level,omitempty"`
	Code   string `json:"code,omitempty"`
	Text   string `json:"text,omitempty"`
	Cursor string `json:"cursor,omitempty"`

	// Of the beginning of an incarnation.
	Previous string `json:"previous,omitempty"` // incarnation
	Version  string `json:"version,omitempty"`  // of the program
	Clean    bool   `json:"clean,omitempty"`    // the previous one ended in order

	// Of what an origin dropped of its own.
	Dropped *LineDropped `json:"dropped,omitempty"`

	// Of what this program cannot read.
	Reason string `json:"reason,omitempty"`
	Bytes  []byte `json:"bytes,omitempty"`
}

// LineSample is one number of a visit, or the reason there is none.
type LineSample struct {
	Component string      `json:"component"`
	Sensor    string      `json:"sensor"`
	Type      string      `json:"type"` // gauge or counter
	Value     *web.Number `json:"value,omitempty"`
	Absent    hw.Reason   `json:"absent,omitempty"`
	Start     time.Time   `json:"start,omitzero"` // of a counter: no rate crosses a change of it; left out where not known
}

// LineDropped is a range of batches that nobody need wait for any more. Whoever has them keeps them.
type LineDropped struct {
	Origin      string `json:"origin"`
	Incarnation string `json:"incarnation"`
	Stream      string `json:"stream"`
	First       uint64 `json:"first_seq"`
	Last        uint64 `json:"last_seq"`
	HadHQ       bool   `json:"headquarters_had_it"`
	Reason      string `json:"reason"`
}

// Trailer is the last line of an answer of lines. An answer without one was cut off: ask again from the same position.
type Trailer struct {
	Next   Position `json:"next"`   // to go on from, here or at another box of the site
	Head   Position `json:"head"`   // behind the newest record, here alone; the same text as next where there is no more
	Oldest Position `json:"oldest"` // before the oldest record that is here
	More   bool     `json:"more"`   // there is more already: a bound of the answer was reached
}

// Gone is the body of the answer 410: what stood behind the position is not here.
type Gone struct {
	web.Problem
	Oldest   Position `json:"oldest"`   // before the oldest record that is here
	Snapshot string   `json:"snapshot"` // address of what to begin anew from
}

// lineOf begins the line of a record of b.
func lineOf(b *journal.Batch, index uint32, of string) Line {
	return Line{
		Site: b.Site.String(), Origin: b.Origin.String(), Incarnation: b.Incarnation.String(), Stream: b.Stream.String(),
		Seq: b.Seq, Index: index, Turn: b.Turn, Mode: b.Mode.String(), Type: of,
	}
}

// fact fills in what a fact says.
func (l *Line) fact(f hw.Fact) {
	x := web.FactOf(f, l.Turn)
	l.At, l.Device, l.Kind, l.Component, l.Group = x.At, x.Device, x.Kind, x.Component, x.Group
	l.Removed, l.Value, l.Says = x.Removed, x.Value, x.Says
}

// readLine reads a record; visits are written by visitLines.
func readLine(b *journal.Batch, r journal.Record) Line {
	var err error
	l := lineOf(b, r.Index, "")
	switch r.Type {
	case journal.TypeFact:
		var raw journal.RawFact
		if raw, err = journal.ParseFact(r.Payload); err == nil {
			l.Type = "fact"
			l.fact(raw.Shown(b.WallMS))
			return l
		}
	case journal.TypeLogLine:
		var x hw.LogLine
		if l.Device, x, err = journal.ParseLogLine(r.Payload); err == nil {
			l.Type, l.Unit, l.Log, l.Entry, l.At, l.Level, l.Code, l.Text = "log", x.Unit, x.Log, x.Entry, x.At, x.Level, x.Code, x.Text
			return l
		}
	case journal.TypeLogCursor:
		var x hw.LogCursor
		if l.Device, x, err = journal.ParseLogCursor(r.Payload); err == nil {
			l.Type, l.Log, l.Cursor = "cursor", x.Log, x.Cursor
			return l
		}
	case journal.TypeBegin:
		var x journal.Begin
		if x, err = journal.ParseBegin(r.Payload); err == nil {
			l.Type, l.Version, l.Clean, l.At = "begin", x.Version, x.Clean, time.UnixMilli(b.WallMS).UTC()
			if x.Previous != 0 {
				l.Previous = x.Previous.String()
			}
			return l
		}
	case journal.TypeTombstone:
		var x journal.Tombstone
		if x, err = journal.ParseTombstone(r.Payload); err == nil {
			l.Type, l.At = "tombstone", time.UnixMilli(b.WallMS).UTC()
			l.Dropped = &LineDropped{x.Origin.String(), x.Incarnation.String(), x.Stream.String(), x.First, x.Last, x.HadHQ, x.Reason}
			return l
		}
	}
	if err == nil {
		err = journal.ErrNewer
	}
	return unread(b, r, err)
}

// unread is the line of a record that cannot be read.
func unread(b *journal.Batch, r journal.Record, why error) Line {
	l := lineOf(b, r.Index, "unread")
	l.Reason, l.Bytes = why.Error(), r.Payload
	return l
}
