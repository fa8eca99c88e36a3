package api

import (
	"testing"
	"time"

	"rackpost/hw/journal"
)

// Described is a route as the tests see it.
type Described struct {
	Method, Path, Name, Does, Scope, Form string
	People                                bool
	Params                                []DescribedParam
	Body, Answer                          any
	Lines                                 []any
}

// DescribedParam is a parameter as the tests see it.
type DescribedParam struct {
	Name, Does, Usual, Example, Type, Format string
	Words                                    []string
	Least, Most                              int
	Needed, InPath                           bool
}

// Describe returns the table of routes.
func (a *API) Describe() []Described {
	var out []Described
	for _, r := range a.routes() {
		if r.missing {
			continue
		}
		d := Described{Method: r.method, Path: r.path, Name: r.name, Does: r.does, Scope: string(r.scope), Form: r.form, People: r.people, Body: r.body, Answer: r.answer}
		if l, ok := r.answer.(lines); ok {
			d.Answer, d.Lines = nil, l
		}
		for _, p := range r.params {
			x := DescribedParam{Name: p.name, Does: p.does, Usual: p.usual, Example: p.example, Words: p.words, Least: p.least, Most: p.most, Needed: p.needed, InPath: p.inPath, Type: "string"}
			switch p.kind {
			case whole:
				x.Type = "integer"
			case words:
				x.Type = "array"
			case moment:
				x.Format = "date-time"
			case duration:
				x.Format = "duration, such as 90s, 30m, 1h, 7d"
			}
			d.Params = append(d.Params, x)
		}
		out = append(out, d)
	}
	return out
}

// Queue sets how long a request waits for its turn.
func (a *API) Queue(d time.Duration) { a.queue = d }

// ReadDuration is readDuration for its fuzzing.
var ReadDuration = readDuration

// MaxPlain is how much of lines an answer has.
const MaxPlain = maxPlain

// ReadPosition returns the text of a position that was read.
func ReadPosition(s string) (string, error) {
	p, err := readCursor(s)
	return p.String(), err
}

// PositionOf makes a position that tells what its reader has.
func PositionOf(place string, site journal.ID, streams []journal.Stream, whole journal.Vector, begun map[journal.Key]uint32) string {
	s := newSeen(site, streams, whole, nil)
	s.begun = begun
	return cursor{after: Position(place), seen: s}.String()
}

// Moved makes of a position the one of the same reader with the place of another box.
func Moved(t testing.TB, position string, place Position) string {
	t.Helper()
	p, err := readCursor(position)
	if err != nil || p.seen == nil {
		t.Fatalf("%q tells nothing of its reader: %v", position, err)
	}
	p.after = place
	return p.String()
}

// MaxPosition is the longest position.
const MaxPosition = maxPosition

// Pace sets how long an answer may last.
func (a *API) Pace(turn time.Duration, slowest int, longest time.Duration) {
	a.pace = pace{turn, slowest, longest}
}

// MaxSnapshots is how many snapshots are read at once.
const MaxSnapshots = maxSnapshots

// Like says whether a name is one of a pattern.
var Like = like
