package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rackpost/hw"
)

// storyMeasured are the measured times, in seconds since the last fault, and counts.
type storyMeasured struct {
	FirstVisit   *float64 `json:"first_visit_seconds,omitempty"` // by who takes over
	OverdueP50   *float64 `json:"overdue_p50_seconds,omitempty"` // of the devices of a leader that died
	OverdueP99   *float64 `json:"overdue_p99_seconds,omitempty"`
	Heal         float64  `json:"heal_seconds"`                   // until the pair was whole, after the last fault was
	Acknowledged int      `json:"acknowledged"`                   // visits
	Batches      uint64   `json:"batches"`                        // in each journal
	FirstRecord  *float64 `json:"first_record_seconds,omitempty"` // at headquarters, after the line was whole

	lost, doubled  int
	liveLag, drain *float64
}

// verdict is what a story comes down to.
type verdict struct {
	Lost       int      `json:"lost"`                           // acknowledged visits that a journal does not have
	Doubled    int      `json:"doubled"`                        // visits that a journal has twice
	Unvisited  float64  `json:"seconds_without_visits"`         // that a device was overdue, at most
	VisitsMiss int      `json:"visits_missed_max"`              // of one device in a row, by its period
	OK         bool     `json:"ok"`                             // every promise was kept
	LiveLag    *float64 `json:"live_lag_seconds_max,omitempty"` // after the line was whole
	Drain      *float64 `json:"drain_seconds,omitempty"`        // until headquarters had everything
}

// storyTold is what -json prints.
type storyTold struct {
	Scenario string        `json:"scenario"`
	Witness  bool          `json:"witness"`
	Period   float64       `json:"period_seconds"`
	Timeline []storyLine   `json:"timeline"`
	Measured storyMeasured `json:"measured"`
	Promises []promise     `json:"promises"`
	Verdict  verdict       `json:"verdict"`
}

// judge holds the pair to its word. The members do not run any more.
func (s *story) judge(ctx context.Context) error {
	keepers := s.lab.boxes()
	if s.lab.hq != nil {
		keepers = append(keepers[:2:2], s.lab.hq)
	}
	for _, m := range keepers {
		rec, err := readRecord(ctx, m.data)
		if err != nil {
			return fmt.Errorf("read the journal of %s: %w", m.name, err)
		}
		lost, doubled := rec.lostAndDoubled(s.acks)
		s.promised(lost == 0 && doubled == 0, "the journal of "+m.name+" has every acknowledged visit exactly once", fmt.Sprintf("%d acknowledged, %d lost, %d doubled", len(s.acks), lost, doubled))
		untold := rec.untold(s.ready, s.lab.period)
		detail := ""
		if len(untold) > 0 {
			detail = fmt.Sprint(untold)
		}
		s.promised(len(untold) == 0, "and no time of more than 1.5 periods without a visit or a gap that says so", detail)
		s.measured.lost, s.measured.doubled = max(s.measured.lost, lost), max(s.measured.doubled, doubled)
	}
	s.measured.Acknowledged, s.measured.Batches = len(s.acks), s.vectors[s.lab.members[0]].Batches
	both := s.twoLeaders()
	s.promised(both <= seenLate, "never two with authority", fmt.Sprintf("two for %.2f s at most, by when they told so", both.Seconds()))
	if s.lights > 0 {
		lit := s.lab.rack.BMC(storyServer).Counters().Lit
		s.promised(lit <= uint64(s.lights), "no act is done twice", fmt.Sprintf("%d asked for, %d orders to blink reached %s", s.lights, lit, storyServer))
	}
	return nil
}

// seenLate is how late a member tells that it lost authority, on a busy machine.
const seenLate = 500 * time.Millisecond

// twoLeaders is for how long two members said at most that they have authority.
func (s *story) twoLeaders() time.Duration {
	has := map[*labMember]bool{}
	var since int64
	var most time.Duration
	history := slices.Clone(s.history)
	slices.SortStableFunc(history, func(a, b standAt) int { return int(min(max(a.at-b.at, -1), 1)) })
	for _, h := range history {
		if since != 0 {
			most = max(most, time.Duration(h.at-since))
		}
		has[h.member] = h.stand != nil && h.stand.Authority
		switch n := countTrue(has); {
		case n < 2:
			since = 0
		case since == 0:
			since = h.at
		}
	}
	return most
}

func countTrue(m map[*labMember]bool) (n int) {
	for _, is := range m {
		if is {
			n++
		}
	}
	return n
}

// startsOf are the beginnings of the good visits of each device, by CLOCK_MONOTONIC, in order.
func (s *story) startsOf() map[hw.DeviceID][]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[hw.DeviceID][]int64{}
	for _, a := range s.acks {
		if a.Good {
			out[a.Device] = append(out[a.Device], a.Began)
		}
	}
	for _, starts := range out {
		slices.Sort(starts)
	}
	return out
}

// untilTold is how long after its beginning a visit is told of at most: it takes a while, and the flush comes after it.
const untilTold = 1500 * time.Millisecond

// overdue is for how long each device was overdue at most since a moment, in order. One that is still waiting counts too.
func (s *story) overdue(at int64) []time.Duration {
	var out []time.Duration
	for _, starts := range s.startsOf() {
		worst := time.Duration(0)
		last := int64(0)
		for _, x := range append(starts, monotonic()-untilTold.Nanoseconds()) {
			if last != 0 && x > at {
				due := max(last+s.lab.period.Nanoseconds(), at)
				worst = max(worst, time.Duration(x-due))
			}
			last = x
		}
		out = append(out, worst)
	}
	slices.Sort(out)
	return out
}

// longestWait is for how long any device was overdue between two visits since the first fault.
func (s *story) longestWait() time.Duration {
	most := time.Duration(0)
	for _, starts := range s.startsOf() {
		for i := 1; i < len(starts); i++ {
			if starts[i] > s.fault {
				most = max(most, time.Duration(starts[i]-starts[i-1])-s.lab.period)
			}
		}
	}
	return most
}

// slack is how much later than due a visit may begin and count as made.
const slack = 250 * time.Millisecond

// missed is how many visits of one device in a row were not made since the pair stood.
func (s *story) missed() int {
	most := 0
	for _, starts := range s.startsOf() {
		for i := 1; i < len(starts); i++ {
			if starts[i] > s.fault {
				most = max(most, int((starts[i]-starts[i-1]-slack.Nanoseconds())/s.lab.period.Nanoseconds())-1)
			}
		}
	}
	return most
}

// visitedBy says whether a box visited every device since a moment; nil: whoever. The caller holds mu.
func (s *story) visitedBy(m *labMember, at int64) bool {
	seen := map[hw.DeviceID]bool{}
	for _, a := range s.acks {
		if a.Began > at && a.Good && (m == nil || a.member == m) {
			seen[a.Device] = true
		}
	}
	return len(seen) == len(s.lab.rack.Devices())
}

// firstVisit is how long after a moment a box began the first visit that it finished.
func (s *story) firstVisit(m *labMember, at int64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := time.Hour
	for _, a := range s.acks {
		if a.member == m && a.Good && a.Began > at {
			first = min(first, time.Duration(a.Began-at))
		}
	}
	return first
}

// print tells the verdict.
func (s *story) print(w io.Writer) error {
	v := verdict{Lost: s.measured.lost, Doubled: s.measured.doubled, OK: true, LiveLag: s.measured.liveLag, Drain: s.measured.drain}
	if s.fault != 0 {
		v.Unvisited, v.VisitsMiss = s.longestWait().Seconds(), s.missed()
	}
	for _, p := range s.promises {
		v.OK = v.OK && p.OK
	}
	var err error
	if s.flags.json {
		err = printJSON(w, storyTold{Scenario: s.plot.name, Witness: s.flags.witness, Period: s.lab.period.Seconds(), Timeline: s.lines, Measured: s.measured, Promises: s.promises, Verdict: v})
	} else {
		err = s.printWords(w, v)
	}
	if err == nil && !v.OK {
		return errSilent
	}
	return err
}

func (s *story) printWords(w io.Writer, v verdict) error {
	fmt.Fprintln(w)
	for _, p := range s.promises {
		word := "kept  "
		if !p.OK {
			word = "BROKEN"
		}
		fmt.Fprintf(w, "  %s  %s%s\n", word, p.Text, within(": ", p.Detail))
	}
	said := "every promise was kept"
	if !v.OK {
		said = "a promise was broken"
	}
	_, err := fmt.Fprintf(w, "\n%d lost, %d doubled; a device was overdue for %.1f s at most, and missed %d %s in a row; %s\n", v.Lost, v.Doubled, v.Unvisited, v.VisitsMiss, plural(v.VisitsMiss, "visit", "visits"), said)
	return err
}
