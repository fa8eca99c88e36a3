package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
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

// TestStrangersAreBounded: what others say of a site makes no more registers than the store remembers; what is known
// goes on to change, other sites too, and a restart finds the same.
func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 8)
	hq := w.join(func(o *store.Options) { o.Site, o.ManySites, o.Registers = journal.ID{0xcc, 3}, true, 100 })
	f := newForeign(testSite)
	said := func(from, n int, h hw.Health) journal.Batch {
		var facts []hw.Fact
		for i := range n {
			facts = append(facts, hw.Fact{Kind: hw.ComponentFact, Device: "sw-1", Component: fmt.Sprint("port/", from+i), Group: "ports", At: start, Value: hw.ComponentValue{Health: h}})
		}
		return f.facts(t, facts)
	}
	refused := func(batches ...journal.Batch) {
		t.Helper()
		if err := hq.Merge(t.Context(), batches); !errors.Is(err, journal.ErrTooMuch) {
			t.Fatalf("%v, with %d registers", err, len(hq.RegistersOf(testSite, "sw-1")))
		}
		f.seq[journal.Facts] -= uint64(len(batches))
	}
	refused(said(0, 101, hw.OK))
	refused(said(0, 60, hw.OK), said(60, 60, hw.OK))
	hq.merge(said(0, 60, hw.OK), said(60, 40, hw.OK))
	refused(said(100, 1, hw.OK))
	hq.merge(said(0, 100, hw.Critical))
	hq.reopen()
	refused(said(99, 2, hw.OK))
	got := hq.RegistersOf(testSite, "sw-1")
	if len(got) != 100 || got[7].Value.(hw.ComponentValue).Health != hw.Critical {
		t.Errorf("%d registers, %+v", len(got), got[7])
	}
	other := newForeign(journal.ID{0xbb, 2})
	hq.merge(other.facts(t, []hw.Fact{{Kind: hw.ComponentFact, Device: "sw-1", Component: "port/1", Group: "ports", At: start, Value: hw.ComponentValue{}}}))

	// A base is no way around it, and a small one does not unpack to anything.
	a := w.join(nil)
	f.seq[journal.Facts] = 0
	a.merge(said(0, 101, hw.OK))
	raw, err := a.Base(testSite)
	require(t, err)
	if err := hq.Join(t.Context(), raw); !errors.Is(err, journal.ErrTooMuch) {
		t.Errorf("a base of 101 registers: %v", err)
	}
	var pack journal.Compressor
	bomb, err := pack.MarshalBase(&journal.Base{Site: testSite, Registers: []journal.Register{{Order: journal.Order{Turn: 1, Origin: journal.ID{1}, Incarnation: 1, Seq: 1}, Payload: make([]byte, 65<<20)}}})
	require(t, err)
	if err := hq.Join(t.Context(), bomb); !errors.Is(err, journal.ErrCorrupt) || !strings.Contains(err.Error(), "the limit is 67108864") {
		t.Errorf("%d bytes that unpack to 65 MB: %v", len(bomb), err)
	}
}
