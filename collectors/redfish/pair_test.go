package redfish_test

import (
	"context"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/collectortest"
	"rackpost/collectors/redfish"
	idrac "rackpost/collectors/sim/bmc"
)

// pair is two boxes before one simulated iDRAC. Both come from one address, as behind a router that translates: nothing the device
// tells of a session says whose it is.
type pair struct {
	*testing.T
	bmc     *idrac.BMC
	address string
	clock   *collectortest.Clock
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{T: t, clock: collectortest.NewClock(fixed)}
	var err error
	if p.bmc, err = idrac.New("poweredge-r750", idrac.Options{Clock: p.clock.Now}); err != nil {
		t.Fatal(err)
	}
	server, err := idrac.Listen("127.0.0.1:0", p.bmc)
	if err != nil {
		t.Fatal(err)
	}
	p.address = server.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the iDRAC: %v", err)
		}
	})
	return p
}

var fixed = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// start is the client of a box that just started, with what it finds in its journal.
func (p *pair) start(box string, memory *collectors.Memory) *redfish.Client {
	p.Helper()
	user, password := p.bmc.Account()
	c, err := redfish.New(redfish.Config{
		Address: p.address, User: user, Password: password, Box: box, Pins: memory, Rate: 1e6, Burst: 1e6, Timeout: 10 * time.Second, Clock: p.clock.Now,
	})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = c.Close(context.WithoutCancel(p.Context())) })
	return c
}

// visit reads once over each client.
func (p *pair) visit(clients ...*redfish.Client) {
	p.Helper()
	for _, c := range clients {
		if _, err := c.Get(p.Context(), "/redfish/v1/Systems/System.Embedded.1", nil); err != nil {
			p.Fatal(err)
		}
	}
}

// visits goes on for a time, a visit each minute.
func (p *pair) visits(total time.Duration, clients ...*redfish.Client) {
	p.Helper()
	for range total / time.Minute {
		p.clock.Pass(time.Minute)
		p.visit(clients...)
	}
}

// want checks how many sessions are open, and how many logins there were.
func (p *pair) want(when string, open int, logins uint64) {
	p.Helper()
	if n := p.bmc.Counters(); n.Sessions != open || n.Logins != logins {
		p.Errorf("%s: %d sessions are open after %d logins, want %d after %d", when, n.Sessions, n.Logins, open, logins)
	}
}

// as returns what a box finds that shares the journal with another.
func as(m *collectors.Memory) *collectors.Memory { return collectors.NewMemory(m.Learned()) }

// Two boxes that are cut apart visit at once, one of them starting again and again: neither ends the session of the other.
func TestCutPairKeepsBothSessions(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	before := &collectors.Memory{}
	a := p.start("a", before)
	p.visit(a)
	beside := as(before) // what the journal told before the cut
	b := p.start("b", beside)
	p.visits(time.Hour, a, b)
	p.want("after an hour", 2, 2)

	p.visits(24*time.Hour, a, b)
	p.want("after a day, when each was renewed once", 2, 4)

	for range 5 { // the island comes and goes
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		b = p.start("b", beside)
		p.visits(5*time.Minute, a, b)
	}
	p.want("after five more starts of the island", 2, 9)
	if n := a.Counters().Logins; n != 2 {
		t.Errorf("%d logins of the box that stayed, want its first and the renewal", n)
	}
	if n := p.bmc.Counters().MostSessions; n != 2 {
		t.Errorf("%d sessions were open at once", n)
	}
}

// A box of a pair that crashed ends the session it left open, and not that of the other.
func TestRestartedBoxCleansItsOwn(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	journal := &collectors.Memory{}
	a := p.start("a", journal)
	p.visit(a)
	journal = as(journal)
	crashed := p.start("b", journal)
	p.visits(10*time.Minute, a, crashed)
	p.want("before the crash", 2, 2)

	b := p.start("b", as(journal))
	p.visits(10*time.Minute, a, b)
	p.want("after the crash", 2, 3)
	if n := a.Counters().Logins; n != 1 {
		t.Errorf("%d logins of the other box", n)
	}
}

// Boxes that take over from each other because the other died leave two sessions open at most, and after its life one.
func TestFailOversLeaveFewSessions(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	journal := &collectors.Memory{}
	p.visit(p.start("a", journal))
	for i := range 6 { // by turns, each dying without a farewell
		journal = as(journal)
		p.visits(3*time.Minute, p.start([]string{"b", "a"}[i%2], journal))
		p.want("after a fail-over", 2, uint64(i+2))
	}
	last := p.start("b", as(journal))
	p.visits(31*time.Minute, last)
	p.want("when the dead box's session timed out", 1, 8)
}

// What a lone box remembered is not taken for the session of a box of a pair, nor the other way round.
func TestSessionOfAnotherBox(t *testing.T) {
	t.Parallel()
	for name, boxes := range map[string][2]string{"two of a pair": {"a", "b"}, "a lone one, then a pair": {"", "b"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			journal := &collectors.Memory{}
			first := p.start(boxes[0], journal)
			p.visit(first)
			second := p.start(boxes[1], as(journal))
			p.visits(5*time.Minute, second, first)
			p.want("both", 2, 2)
		})
	}
}

func TestBoxHasAPlainName(t *testing.T) {
	t.Parallel()
	for _, box := range []string{"a b", "a=b", "/a"} {
		if _, err := redfish.New(redfish.Config{Address: "192.0.2.1", User: user, Password: password, Box: box}); err == nil {
			t.Errorf("the name %q is taken", box)
		}
	}
}
