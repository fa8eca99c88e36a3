package hw_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

// toggle visits every step, n times, with a port that changes at each; it returns all facts
// and the time after the last visit.
func toggle(s *hw.State, from time.Duration, n int, step time.Duration) (facts []hw.Fact, next time.Duration) {
	for i := range n {
		oper := "up"
		if i%2 == 1 {
			oper = "down"
		}
		facts = append(facts, s.Visit(complete(from+time.Duration(i)*step, port("Gi1", "up", oper, "core")))...)
	}
	return facts, from + time.Duration(n)*step
}

func writes(facts []hw.Fact) (parts, alerts int) {
	for _, f := range facts {
		switch f.Kind {
		case hw.ComponentFact:
			parts++
		case hw.AlertFact:
			alerts++
		}
	}
	return parts, alerts
}

func TestTwentyChangesAnHourAreEachWritten(t *testing.T) {
	t.Parallel()
	var s hw.State
	facts, _ := toggle(&s, 0, 1+hw.MaxFlaps, minute)
	if parts, _ := writes(facts); parts != 1+hw.MaxFlaps || part(t, &s, "port/Gi1").Flaps != 0 {
		t.Errorf("%d facts, %+v", parts, part(t, &s, "port/Gi1"))
	}
	facts, _ = toggle(&s, 4*time.Hour, 100, 4*minute)
	if parts, _ := writes(facts); parts != 99 { // it was up before the first
		t.Errorf("slower than %d an hour: %d facts for 99 changes", hw.MaxFlaps, parts)
	}
}

func TestFlapping(t *testing.T) {
	t.Parallel()
	var s hw.State
	_, at := toggle(&s, 0, 1+hw.MaxFlaps, minute)
	wantWords(t, s.Visit(complete(at, port("Gi1", "up", "down", "core"))), "port/Gi1 fast unknown flapping", "port/Gi1 alert flapping warning")
	if got := part(t, &s, "port/Gi1").Flaps; got != hw.MaxFlaps+1 {
		t.Errorf("%d flaps", got)
	}

	facts, at := toggle(&s, at+minute, 120, minute)
	parts, alerts := writes(facts)
	if parts > 12+2 || alerts != 0 {
		t.Errorf("%d facts and %d alerts for 120 changes in two hours", parts, alerts)
	}
	if got := part(t, &s, "port/Gi1").Flaps; got < 50 || got > 60 {
		t.Errorf("%d flaps in the last hour", got)
	}

	down := port("Gi1", "up", "down", "core")
	s.Visit(complete(at+29*minute-30*time.Second, down))
	if part(t, &s, "port/Gi1").Flaps == 0 {
		t.Error("quiet too early")
	}
	wantWords(t, s.Visit(complete(at+30*minute, down)), "port/Gi1 fast unknown", "port/Gi1 alert flapping warning closed", "port/Gi1 alert link-down warning")
	want := hw.ComponentValue{State: down.State, Attrs: down.Attrs}
	if d := cmp.Diff(want, part(t, &s, "port/Gi1")); d != "" {
		t.Error(d)
	}
	wantWords(t, s.Visit(complete(at+31*minute, down)))
}

func TestFlappingShowsTheWorst(t *testing.T) {
	t.Parallel()
	var s hw.State
	at := time.Duration(0)
	for i := range 40 {
		h := hw.OK
		if i%2 == 1 {
			h = hw.Critical
		}
		s.Visit(complete(at, component("psu/1", h)))
		at += 30 * time.Second
	}
	if c := part(t, &s, "psu/1"); c.Flaps == 0 || c.Health != hw.Critical {
		t.Errorf("got %+v", c)
	}
	if !alert(&s, "psu/1", hw.AlertHealth).Open {
		t.Error("a fault that comes and goes raised nothing")
	}
	s.Visit(complete(at, component("psu/1", hw.OK)))
	if !alert(&s, "psu/1", hw.AlertHealth).Open {
		t.Error("the alert toggled")
	}
	s.Visit(complete(at+31*minute, component("psu/1", hw.OK)))
	if c := part(t, &s, "psu/1"); c.Flaps != 0 || c.Health != hw.OK {
		t.Errorf("got %+v", c)
	}
	for _, code := range []string{hw.AlertHealth, hw.AlertFlapping} {
		if alert(&s, "psu/1", code).Open {
			t.Errorf("%s is open still", code)
		}
	}
}

func TestFlappingBetweenOKAndUnknownIsUnknown(t *testing.T) {
	t.Parallel()
	var s hw.State
	for i := range 30 {
		s.Visit(complete(time.Duration(i)*minute, component("psu/1", hw.Health(i%2))))
	}
	if c := part(t, &s, "psu/1"); c.Flaps == 0 || c.Health != hw.Unknown {
		t.Errorf("got %+v", c)
	}
}

func TestFlappingPresence(t *testing.T) {
	t.Parallel()
	for _, exp := range []bool{false, true} {
		c := component("sfp/1", hw.OK)
		c.Expected = exp
		var s hw.State
		n := 0
		for i := range 60 {
			r := complete(time.Duration(i) * 30 * time.Second)
			if i%2 == 0 {
				r.Components = []hw.Component{c}
			}
			parts, _ := writes(s.Visit(r))
			n += parts
		}
		if n > 30 || part(t, &s, "sfp/1").Flaps == 0 {
			t.Errorf("expected %v: %d facts, %+v", exp, n, part(t, &s, "sfp/1"))
		}
		s.Visit(complete(2 * time.Hour))
		f, ok := s.Get(hw.RegisterKey{Kind: hw.ComponentFact, Component: "sfp/1", Group: "fast"})
		if ok != exp || exp && !f.Value.(hw.ComponentValue).Missing || alert(&s, "sfp/1", hw.AlertFlapping).Open {
			t.Errorf("expected %v: after a quiet hour %v %+v", exp, ok, f)
		}
	}
}

func TestFlappingOverARestart(t *testing.T) {
	t.Parallel()
	var before hw.State
	_, at := toggle(&before, 0, 60, 30*time.Second)
	var s hw.State
	for f := range before.All() {
		s.Set(f)
	}
	down := port("Gi1", "up", "down", "core")
	for range 59 {
		at += 30 * time.Second
		if facts := s.Visit(complete(at, down)); len(facts) > 0 && part(t, &s, "port/Gi1").Flaps == 0 {
			t.Fatalf("written as quiet too early: %v", words(facts))
		}
	}
	s.Visit(complete(at+2*minute, down))
	if c := part(t, &s, "port/Gi1"); c.Flaps != 0 || c.State.Get("oper") != "down" {
		t.Errorf("got %+v", c)
	}
	if !alert(&s, "port/Gi1", hw.AlertLinkDown).Open {
		t.Error("the link is down, and nothing says so")
	}
}

func TestFlappingWhileTheClockIsSet(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{-10 * minute, -87600 * time.Hour, 87600 * time.Hour} {
		var s hw.State
		_, at := toggle(&s, 0, 60, 30*time.Second)
		facts, at := toggle(&s, at+jump, 60, 30*time.Second)
		if parts, _ := writes(facts); parts > 30 || part(t, &s, "port/Gi1").Flaps == 0 {
			t.Errorf("jump %v: %d facts, %+v", jump, parts, part(t, &s, "port/Gi1"))
		}
		s.Visit(complete(at+minute, port("Gi1", "up", "up", "core")))
		s.Visit(complete(at+32*minute, port("Gi1", "up", "up", "core")))
		if c := part(t, &s, "port/Gi1"); c.Flaps != 0 || c.State.Get("oper") != "up" {
			t.Errorf("jump %v: got %+v", jump, c)
		}
	}
}

func TestFlappingIsQuietByTheClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	var s hw.State
	_, at := toggle(&s, 0, 120, 15*time.Second)
	at -= 20 * minute
	down := port("Gi1", "up", "down", "core")
	s.Visit(complete(at, down))
	s.Visit(complete(at+30*minute, down))
	if c := part(t, &s, "port/Gi1"); c.Flaps != 0 || c.State.Get("oper") != "down" {
		t.Errorf("got %+v", c)
	}
}

func TestMissingAfterFlappingKeepsTheLastReading(t *testing.T) {
	t.Parallel()
	var s hw.State
	at, last := time.Duration(0), ""
	for i := range 50 {
		last = fmt.Sprint(i, " volts")
		s.Visit(complete(at, expected(component("psu/1", hw.OK, "output", last))))
		at += 30 * time.Second
	}
	if c := part(t, &s, "psu/1"); c.Flaps == 0 || c.State.Get("output") == last {
		t.Fatalf("want a register that is behind the last reading: %+v", c)
	}
	s.Visit(complete(at))
	s.Visit(complete(at + 30*minute))
	want := attrs("output", last, "presence", "missing")
	if c := part(t, &s, "psu/1"); c.Flaps != 0 || !c.Missing || !cmp.Equal(c.State, want) {
		t.Errorf("got %+v", c)
	}
}

func TestAReplacedUnitsPartIsGoneEvenIfItFlapped(t *testing.T) {
	t.Parallel()
	var s hw.State
	for i := range 50 {
		r := complete(time.Duration(i)*minute, expected(component("unit/A/fan", hw.OK, "speed", fmt.Sprint(i))))
		s.Visit(withUnit(r, hw.Unit{Serial: "A"}))
	}
	wantWords(t, s.Visit(withUnit(complete(50*minute), hw.Unit{Serial: "B"})),
		" unit", " alert unit-changed average", "unit/A/fan fast removed", "unit/A/fan alert flapping warning closed")
}
