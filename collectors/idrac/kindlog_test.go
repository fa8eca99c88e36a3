package idrac_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rackpost/hw"
)

// lines are the lines of a log, in order.
func (r seen) lines(log string) (list []hw.LogLine) {
	for _, l := range r.Log {
		if l.Log == log {
			list = append(list, l)
		}
	}
	return list
}

func (r seen) cursor(log string) string {
	for _, c := range r.Cursors {
		if c.Log == log {
			return c.Cursor
		}
	}
	return ""
}

// The first visit takes the newest page, the next ones what came since, each line once; nobody reads a log to its end.
func TestRedfishLogByCursor(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r630"} {
		s := newServer(t, model)
		c := s.visited(redfishOnly)
		first := c.visit("log")
		if n := len(first.lines("lifecycle")); n == 0 || n > 50 || len(first.lines("sel")) == 0 || first.extent("log") != hw.Complete {
			t.Fatalf("%s: %d lines of the Lifecycle log, %d of the event log: %v", model, n, len(first.lines("sel")), first.Gaps)
		}
		if !slices.IsSortedFunc(first.lines("lifecycle"), byNumber) {
			t.Errorf("%s: the lines are not in order", model)
		}
		before := s.bmc.Counters().Total
		again := c.visit("log")
		if n := s.bmc.Counters().Total - before; len(again.Log) != 0 || n > 2 {
			t.Errorf("%s: nothing new, and %d lines in %d requests", model, len(again.Log), n)
		}
		s.fault("drive-failed 1")
		s.fault("psu-out 1")
		next := c.visit("log")
		if len(next.lines("lifecycle")) < 2 || number(next.cursor("lifecycle")) <= number(first.cursor("lifecycle")) {
			t.Errorf("%s: after two faults %+v, cursor %s", model, next.Log, next.cursor("lifecycle"))
		}
		for _, l := range next.Log {
			if l.At.IsZero() || l.Level == "" || l.Code == "" || l.Text == "" || l.Unit != next.Unit.Serial {
				t.Errorf("%s: the line %+v", model, l)
			}
			if slices.ContainsFunc(first.Log, func(o hw.LogLine) bool { return o.Log == l.Log && o.Entry == l.Entry }) {
				t.Errorf("%s: entry %s of %s was read before", model, l.Entry, l.Log)
			}
		}
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func byNumber(a, b hw.LogLine) int { return number(a.Entry) - number(b.Entry) }

// Our own logins are left out; those of others from another address are not.
func TestOwnLoginsAreNoNews(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	c.visit("log")
	s.fault("sessions-lost") // the next visit logs in anew
	r := c.visit("log")
	for _, l := range r.Log {
		if l.Code == "USR0030" && strings.Contains(l.Text, "127.0.0.1") {
			t.Errorf("our own login: %s", l.Text)
		}
	}
	first := newServer(t, "poweredge-r740").visited(redfishOnly).visit("log")
	if !slices.ContainsFunc(first.Log, func(l hw.LogLine) bool { return l.Code == "USR0030" }) {
		t.Error("the logins of others are left out")
	}
}

// A log of 500,000 entries costs a few pages, and says that the rest was left out.
func TestLogFlood(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	c.visit("log")
	s.fault("log-flood")
	for visit := range 3 {
		before := s.bmc.Counters().Total
		r := c.visit("log")
		if n := s.bmc.Counters().Total - before; n > 8 {
			t.Errorf("visit %d took %d requests", visit, n)
		}
		if g := r.gap("log/lifecycle"); visit == 0 && (g == nil || g.Reason != hw.TooMuch || r.extent("log") != hw.Partial || len(r.lines("lifecycle")) != 200) {
			t.Errorf("%d lines, the gap is %+v", len(r.lines("lifecycle")), g)
		} else if visit > 0 && (g != nil || len(r.lines("lifecycle")) > 0) {
			t.Errorf("visit %d: %d lines more, the gap is %+v", visit, len(r.lines("lifecycle")), g)
		}
	}
}

// What came faster than it is read is read at the next visits, downwards, each entry once.
func TestLogIsCaughtUp(t *testing.T) {
	t.Parallel()
	s := newServer(t, "poweredge-r740")
	c := s.visited(redfishOnly)
	first := c.visit("log")
	s.fault("log-flood 900")
	have := map[string]bool{}
	for visit := range 12 {
		r := c.visit("log")
		for _, l := range r.lines("lifecycle") {
			if have[l.Entry] {
				t.Errorf("entry %s twice", l.Entry)
			}
			have[l.Entry] = true
		}
		if visit == 0 && (r.extent("log") != hw.Partial || r.gap("log/lifecycle").Reason != hw.NotReady) {
			t.Errorf("the first visit: %v, %v", r.Read, r.Gaps)
		}
		if r.extent("log") == hw.Complete {
			break
		}
	}
	from := number(first.cursor("lifecycle"))
	for n := from + 1; n <= from+900; n++ {
		if !have[fmt.Sprint(n)] {
			t.Errorf("entry %d of %d..%d was not read", n, from+1, from+900)
			break
		}
	}
}

// The recorded log is read as it is.
func TestRecordedLog(t *testing.T) {
	t.Parallel()
	b := recordedBMC(t, "r750-idrac9-6.00")
	s := &rackServer{TB: t, memory: newServer(t, "poweredge-r750").memory}
	s.serving(b)
	r := s.visited(redfishOnly).visit("log")
	if len(r.lines("lifecycle")) == 0 || len(r.lines("sel")) == 0 || r.extent("log") != hw.Complete {
		t.Errorf("%d and %d lines: %v", len(r.lines("lifecycle")), len(r.lines("sel")), r.Gaps)
	}
}
