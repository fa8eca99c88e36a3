// Package collectortest is the conformance suite that every kind of collector passes: what
// the poller, the judgements and the journal rely on, tried against a simulated device that
// is healthy, silent, refusing, slow, halved, huge, garbled or another one.
package collectortest

import (
	"cmp"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// Fault is a control of a simulated device after which a visit reads nothing.
type Fault string

// The faults whose reasons a kind may name in Suite.Expect.
const (
	Silence  Fault = "silence"
	Refuse   Fault = "refuse"
	BadLogin Fault = "bad login"
)

// Suite is a kind and how to simulate one of its devices.
type Suite struct {
	Kind collectors.Kind
	// Start makes a healthy device. It ends with tb's Cleanup. It is called once a check.
	Start func(tb testing.TB) Device
	// Expect are the reasons allowed for a fault where the protocol does not allow the usual
	// one: SNMP v2c answers a wrong community with silence.
	Expect map[Fault][]hw.Reason
	// MaxRequests bounds a visit of a device that answers without end. 0 is 5,000.
	MaxRequests int
	// Patience is how long a call may take before it is called stuck. It is no measure of
	// speed. 0 is 20 s.
	Patience time.Duration
	// Units are unit suffixes of sensors beyond those of Units.
	Units []string
	// Seldom says of a sample that its parts are read in turns, some at a visit: it is checked, but
	// two visits need not both have it. Nil: none is.
	Seldom func(hw.Sample) bool
}

// Device is a simulated device and its controls. A control that is nil is a thing the
// protocol or the simulation cannot do: its checks are skipped.
type Device struct {
	// Target is how to reach it. Timeout is short, so that silence is noticed in a second or
	// so. Memory and Logger may be nil.
	Target   collectors.Target
	Heal     func()                // undo every control but Swap
	Silence  func()                // no request is answered
	Refuse   func()                // nobody listens
	BadLogin func()                // the credentials of Target are wrong
	Slow     func(d time.Duration) // each answer comes after d
	Half     func()                // answers stop or break off half way
	Huge     func()                // answers without end
	Garbage  func()                // answers that are not what was asked; each call other ones
	Swap     func()                // another unit stands at the address
	Sessions func() int            // sessions open on the device
	InFlight func() int            // the most requests that ever waited for an answer at once
}

// check is one promise of a collector.
type check struct {
	name string
	run  func(*bench)
}

func checks() []check {
	return []check{
		{"the kind is well formed", wellFormed},
		{"new asks nothing", newAsksNothing},
		{"every section", everySection},
		{"each section alone", eachAlone},
		{"same order twice", sameOrder},
		{"slow is not dead", slowIsNotDead},
		{"cancelled before", cancelledBefore},
		{"cancelled during", cancelledDuring},
		{"out of time", outOfTime},
		{"silent", func(b *bench) { b.readsNothing(Silence, b.device.Silence, hw.NoAnswer) }},
		{"refused", func(b *bench) { b.readsNothing(Refuse, b.device.Refuse, hw.Refused) }},
		{"bad login", badLogin},
		{"half an answer", half},
		{"huge", huge},
		{"garbage", garbage},
		{"another unit", anotherUnit},
		{"works again", worksAgain},
		{"one request at a time", oneRequest},
		{"leaves nothing", leavesNothing},
		{"close of a silent device", closeSilent},
	}
}

// Run runs every check as a subtest.
func Run(t *testing.T, s Suite) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.against(t, s) })
	}
}

func (c check) against(tb testing.TB, s Suite) {
	s.MaxRequests = cmp.Or(s.MaxRequests, 5000)
	s.Patience = cmp.Or(s.Patience, 20*time.Second)
	b := &bench{TB: tb, suite: s, device: s.Start(tb)}
	if b.device.Target.Memory == nil {
		b.device.Target.Memory = &collectors.Memory{}
	}
	tb.Cleanup(b.close)
	c.run(b)
}
