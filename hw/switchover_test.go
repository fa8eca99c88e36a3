package hw_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

// Another unit of a pair that took over is told, once, for half an hour; the word for no
// unit or two is no take-over.
func TestSwitchover(t *testing.T) {
	t.Parallel()
	pair := func(active string) hw.Component { return component("failover/pair", hw.OK, "active", active) }
	s := after(complete(0, pair("primary")))
	fact, raised := "failover/pair fast ok", "failover/pair alert switched-over warning"
	wantWords(t, s.Visit(complete(1*minute, pair("primary"))))
	wantWords(t, s.Visit(complete(2*minute, pair("secondary"))), fact, raised)
	if got := alert(s, "failover/pair", hw.AlertSwitchedOver); !cmp.Equal(got.Params, attrs("new", "secondary", "old", "primary", "section", "fast")) {
		t.Errorf("got %+v", got)
	}
	wantWords(t, s.Visit(complete(3*minute, pair("secondary"))))
	wantWords(t, s.Visit(complete(4*minute, pair("none"))), fact)
	wantWords(t, s.Visit(complete(5*minute, pair("primary"))), fact, raised)
	if got := alert(s, "failover/pair", hw.AlertSwitchedOver); !got.Since.Equal(noon.Add(5 * minute)) {
		t.Errorf("the second one is told since %v", got.Since)
	}
	wantWords(t, s.Visit(complete(34*minute, pair("primary"))))
	wantWords(t, s.Visit(complete(5*minute+hw.RestartShown, pair("primary"))), raised+" closed")
	wantWords(t, s.Visit(complete(time.Hour)), "failover/pair fast removed")
}

// A stack member that is lost is one fault: its parts are missing with it, and missed on
// their own only when it is back without them.
func TestPartsOfALostMember(t *testing.T) {
	t.Parallel()
	member := component("member/2", hw.OK, "state", "ready")
	psu := component("psu/2003", hw.OK, "state", "normal")
	psu.Attrs = attrs("member", "2")
	other := component("psu/1003", hw.OK, "state", "normal")
	other.Attrs = attrs("member", "1")
	member.Expected, psu.Expected, other.Expected = true, true, true
	s := after(complete(0, member, psu, other))
	wantWords(t, s.Visit(complete(1*minute, psu, other)), "member/2 fast critical missing", "member/2 alert missing high")
	wantWords(t, s.Visit(complete(2*minute, other)), "psu/2003 fast critical missing")
	wantWords(t, s.Visit(complete(3*minute)), "psu/1003 fast critical missing", "psu/1003 alert missing high")
	wantWords(t, s.Visit(complete(4*minute, member, other)),
		"member/2 fast ok", "psu/1003 fast ok", "member/2 alert missing high closed", "psu/1003 alert missing high closed", "psu/2003 alert missing high")
	wantWords(t, s.Visit(complete(5*minute, other)), "member/2 fast critical missing", "member/2 alert missing high", "psu/2003 alert missing high closed")
	wantWords(t, s.Visit(complete(6*minute, member, psu, other)), "member/2 fast ok", "psu/2003 fast ok", "member/2 alert missing high closed")
}

// A port that the switch shut has one alert. If its link stays lost when it is no longer
// faulty, that is told then.
func TestLinkOfAFaultyPort(t *testing.T) {
	t.Parallel()
	port := func(health hw.Health, oper string) hw.Component {
		c := component("port/Gi1/0/1", health, "admin", "up", "oper", oper)
		c.Attrs = attrs("alias", "server 1")
		return c
	}
	s := after(complete(0, port(hw.OK, "up")))
	fact := "port/Gi1/0/1 fast"
	wantWords(t, s.Visit(complete(1*minute, port(hw.Critical, "down"))), fact+" critical", "port/Gi1/0/1 alert health high")
	wantWords(t, s.Visit(complete(2*minute, port(hw.OK, "down"))), fact+" ok", "port/Gi1/0/1 alert health high closed", "port/Gi1/0/1 alert link-down warning")
	wantWords(t, s.Visit(complete(3*minute, port(hw.OK, "up"))), fact+" ok", "port/Gi1/0/1 alert link-down warning closed")
}
