package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/store"
)

// registersOf returns the gaps that the view has of a device in a group.
func registersOf(s *store.Store, device hw.DeviceID, group string) (out []hw.GapValue) {
	for _, f := range s.Registers(device) {
		if g, ok := f.Value.(hw.GapValue); ok && f.Group == group {
			out = append(out, g)
		}
	}
	return out
}

// TestRegistersAreBounded: a device that tells of other things at every visit is remembered up
// to a bound. Beyond it, what is known goes on to change, a gap tells of the rest, and Stats count it.
func TestRegistersAreBounded(t *testing.T) {
	t.Parallel()
	const bound, each = 1 << 16, 8000
	w := newWorld(t, 7)
	a := w.join(nil)
	for n := range bound/each + 3 {
		r := visit("sw-1", a.o.Now(), uint64(n))
		for i := range each {
			r.Gaps = append(r.Gaps, hw.Gap{What: fmt.Sprintf("ports/%d.%d", n, i), Reason: hw.Garbage, From: r.Started, To: r.Started})
		}
		r.Components[1].Health = hw.Health(n % 4)
		a.put(r)
		w.pass(time.Second)
		want := hw.Health(n % 4)
		if got := a.healths("sw-1")["port/Gi1/0/2"]; got != want {
			t.Fatalf("visit %d: the port is %v, want %v", n, got, want)
		}
	}
	r := visit("sw-1", a.o.Now(), 0)
	r.Components, r.Samples, r.Unit = nil, nil, nil
	r.Read[0].Extent = hw.Failed
	for range 2 {
		a.put(r)
		w.pass(time.Minute)
	}
	facts := a.Registers("sw-1")
	st, err := a.Stats()
	require(t, err)
	if len(facts) < bound || len(facts) > bound+10 || st.Refused < each {
		t.Errorf("%d registers, %d facts were left out", len(facts), st.Refused)
	}
	if g := registersOf(a.Store, "sw-1", "registers"); len(g) != 1 || g[0].Reason != hw.TooMuch || !g[0].To.IsZero() {
		t.Errorf("gaps %+v", g)
	}
	if !slices.ContainsFunc(facts, func(f hw.Fact) bool {
		v, ok := f.Value.(hw.AlertValue)
		return ok && v.Open && f.Group == hw.AlertUnreachable
	}) {
		t.Error("no alert tells that the device is away")
	}
}

// TestDevicesAreBounded: a new device beyond the bound is left out, which a gap tells once; those
// known are recorded as before.
func TestDevicesAreBounded(t *testing.T) {
	t.Parallel()
	const bound = 10_000
	o := options(t)
	s, err := store.Open(t.Context(), o)
	require(t, err)
	var reports []hw.Report
	for i := range bound + 5 {
		reports = append(reports, hw.Report{Device: hw.DeviceID(fmt.Sprint("sw-", i)), Started: start, Read: []hw.Scope{{Section: "ports", Extent: hw.Complete}}})
	}
	require(t, s.PutTogether(reports[:bound-1]))
	require(t, s.PutTogether(reports[bound-1:]))
	require(t, s.PutTogether(reports[bound:]))
	require(t, s.PutTogether([]hw.Report{visit("one more", start, 1), visit("sw-7", start, 1)}))
	st, err := s.Stats()
	require(t, err)
	if n := len(s.Devices()); n != bound || st.Refused != 5+5+1 {
		t.Errorf("%d devices, %d reports were left out", n, st.Refused)
	}
	if d, ok := s.Device("sw-7"); !ok || len(d.Facts) == 0 {
		t.Errorf("a known device is recorded no more: %+v", d)
	}
	if g := registersOf(s, "", "devices"); len(g) != 1 || g[0].Reason != hw.TooMuch {
		t.Errorf("gaps %+v", g)
	}
	facts, err := s.Facts(t.Context(), store.FactQuery{})
	require(t, err)
	if n := len(slices.DeleteFunc(facts, func(f store.FactRecord) bool { return f.Group != "devices" })); n != 1 {
		t.Errorf("the gap was written %d times", n)
	}
	require(t, s.Close())
}
