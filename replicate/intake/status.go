package intake

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
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
	Live   Lane       `json:"live"`            // of the box that sends, or sent last
	Behind Lane       `json:"behind"`          // of that too
	Boxes  []Box      `json:"boxes,omitempty"` // all that came, in order of origin

	LastHeard  time.Time `json:"last_heard,omitzero"`
	Silent     bool      `json:"silent"`
	LagMS      int64     `json:"lag_ms"` // from a record's writing to its fsync here, on the live lane, clock offset taken out
	Lacks      uint64    `json:"lacks"`  // batches that the site has still to send, by its word
	LacksBytes uint64    `json:"lacks_bytes"`
	LacksSince time.Time `json:"lacks_since,omitzero"` // when the oldest of them was written, by the site's clock

	Awaited uint64 `json:"awaited"` // batches that were written at the site and are not here: a box that is not connected may have them
	Lost    uint64 `json:"lost"`    // batches that no box of the site has any more

	BytesToday  int64             `json:"bytes_today"`            // of batches, since midnight UTC
	BytesStored int64             `json:"bytes_stored"`           // in the store
	Received    uint64            `json:"received"`               // batches taken
	Repeated    uint64            `json:"repeated"`               // of these, held before they came
	Refused     uint64            `json:"refused"`                // batches refused
	Conflicts   uint64            `json:"conflicts"`              // times other content came under a held key, since the store was opened
	Refusals    map[string]uint64 `json:"refusals,omitempty"`     // connections and batches refused, by reason
	LastRefusal string            `json:"last_refusal,omitempty"` // of a connection, until one is let in; else of a batch

	ClockOffsetMS int64     `json:"clock_offset_ms"` // the site's clock less ours, as far as its batches tell
	ClockKnown    bool      `json:"clock_known"`
	Pace          ship.Pace `json:"pace"`
	PaceReasons   []string  `json:"pace_reasons,omitempty"` // why, in words
}

// Box is one box of a site.
type Box struct {
	Origin journal.ID `json:"origin"` // as its requests name it; zero: they do not
	Live   Lane       `json:"live"`
	Behind Lane       `json:"behind"`
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
	TurnedAway  uint64 `json:"turned_away"`   // connections refused for want of room
	Strangers   uint64 `json:"strangers"`     // connections refused because of who they were
	Waiting     int    `json:"waiting_bytes"` // brought and not yet merged
	Merges      uint64 `json:"merges"`
	Batches     uint64 `json:"batches"`
	Bytes       uint64 `json:"bytes"`
	WaitMS      int64  `json:"wait_ms"`          // the longest that a batch waited for its merge, over the last seconds
	Failed      string `json:"failed,omitempty"` // why nothing can be stored
	Slowed      bool   `json:"slowed"`           // lanes of what is behind are slowed, because merging does not keep up
}

// Status returns how everything is.
func (in *Intake) Status() Status {
	st := Status{Since: in.now().Add(-in.age())}
	for _, s := range in.all() {
		row := s.status()
		st.Sites = append(st.Sites, row)
		t := &st.Totals
		t.Received += row.Received
		t.Refused += row.Refused
		if row.Live.Connected {
			t.Connected++
		}
		if row.Silent {
			t.Silent++
		}
	}
	slices.SortFunc(st.Sites, func(a, b SiteStatus) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Site[:], b.Site[:]))
	})
	load := in.commit.load()
	in.mu.Lock()
	defer in.mu.Unlock()
	t := &st.Totals
	t.Sites, t.Connections = len(st.Sites), in.pool.lanes
	t.TurnedAway, t.Strangers, t.Slowed = in.away, in.strange, in.brake.on
	t.Merges, t.Batches, t.Bytes = load.merges, load.batches, load.bytes
	t.Waiting, t.WaitMS = load.waiting, load.peak.Milliseconds()
	if load.failed != nil {
		t.Failed = load.failed.Error()
	}
	return st
}

// status returns the row of the site.
func (s *site) status() SiteStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SiteStatus{Site: s.id, Name: s.name, Silent: s.quiet.Load(), BytesStored: s.stored,
		Refused: s.refused, Refusals: maps.Clone(s.refusals), LastRefusal: cmp.Or(s.away, s.last),
		Pace: s.wishes.of(ship.Behind), PaceReasons: s.wishes.reasons(ship.Behind)}
	st.Awaited, st.Lost = s.absence.found.Awaited, s.absence.lost
	s.today.turn(s.in.now())
	st.BytesToday = s.today.bytes
	if at := s.voice.Load(); at > 0 {
		st.LastHeard = s.in.now().Add(time.Duration(at) - s.in.age())
	}
	sum := s.sum
	for l := range s.lanes() {
		if l.line == nil {
			continue
		}
		p := l.line.Progress()
		add(&sum, p)
		if !l.open {
			continue
		}
		st.Lacks += p.Lacks.Batches
		st.LacksBytes += p.Lacks.Bytes
		if o := p.Lacks.Oldest; !o.IsZero() && (st.LacksSince.IsZero() || o.Before(st.LacksSince)) {
			st.LacksSince = o
		}
	}
	st.Received, st.Repeated, st.Conflicts = sum.Received, sum.Repeated, s.in.cfg.Store.ConflictsOf(s.id)
	s.boxRows(&st)
	return st
}

// boxRows adds the boxes, and what only one of them tells. The caller holds mu.
func (s *site) boxRows(st *SiteStatus) {
	var sends *box
	for _, b := range s.boxes {
		st.Boxes = append(st.Boxes, Box{Origin: b.origin, Live: b.lanes[0].row(), Behind: b.lanes[1].row()})
		if sends == nil || b.before(sends) {
			sends = b
		}
	}
	slices.SortFunc(st.Boxes, func(a, b Box) int { return slices.Compare(a.Origin[:], b.Origin[:]) })
	if sends == nil {
		return
	}
	st.Live, st.Behind, st.LagMS = sends.lanes[0].row(), sends.lanes[1].row(), sends.lag.Milliseconds()
	best, known := sends.offset.best()
	st.ClockOffsetMS, st.ClockKnown = best.Milliseconds(), known
}

// before says whether b rather than o is the box that sends.
func (b *box) before(o *box) bool {
	if b.lanes[0].open != o.lanes[0].open {
		return b.lanes[0].open
	}
	return b.came.After(o.came)
}

func (l *lane) row() Lane {
	return Lane{Connected: l.open, Since: l.since, Address: l.address, Reason: l.reason}
}
