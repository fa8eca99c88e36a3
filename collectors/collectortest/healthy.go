package collectortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

func wellFormed(b *bench) {
	k := b.suite.Kind
	if k.Name == "" || k.Name != strings.ToLower(k.Name) || strings.ContainsAny(k.Name, " /_") {
		b.Errorf("the kind's name is %q, want lower case with hyphens", k.Name)
	}
	if len(k.Sections) == 0 || k.New == nil {
		b.Fatal("the kind has no section or makes no collector")
	}
	names := map[string]bool{}
	for _, s := range k.Sections {
		if s.Name == "" || names[s.Name] || s.Period < 0 {
			b.Errorf("section %q every %v: no name, twice, or a period below zero", s.Name, s.Period)
		}
		names[s.Name] = true
	}
}

// newAsksNothing: New of a thousand devices must cost nothing.
func newAsksNothing(b *bench) {
	b.need(b.device.Silence != nil || b.device.Sessions != nil, "Silence or Sessions")
	if b.device.Silence != nil {
		b.device.Silence()
	}
	b.open()
	if b.device.Sessions != nil && b.device.Sessions() != 0 {
		b.Errorf("%d sessions before the first visit", b.device.Sessions())
	}
	b.close()
}

func everySection(b *bench) {
	r := b.baseline()
	switch {
	case r.Unit == nil:
		b.Error("the unit was not identified")
	case r.Unit.Serial == "":
		b.Error("the unit has no serial")
	}
	if len(r.Components) == 0 || len(r.Samples) == 0 {
		b.Errorf("%d components and %d samples", len(r.Components), len(r.Samples))
	}
	if r.Requests <= 0 {
		b.Errorf("%d requests were counted", r.Requests)
	}
	units := append(Units(), b.suite.Units...)
	for _, sensor := range slices.Sorted(maps.Keys(sensors(r))) {
		if !endsInUnit(sensor, units) {
			b.Errorf("sensor %q does not end in a unit", sensor)
		}
	}
	for _, s := range r.Samples {
		if s.Type == hw.Counter && !strings.HasSuffix(s.Sensor, "_total") {
			b.Errorf("counter %q does not end in _total", s.Sensor)
		}
	}
}

func sensors(r hw.Report) map[string]bool {
	all := map[string]bool{}
	for _, s := range r.Samples {
		all[s.Sensor] = true
	}
	return all
}

// eachAlone: a complete section may remove components, so it must find the same ones
// whatever else is due.
func eachAlone(b *bench) {
	whole := b.baseline()
	for _, s := range b.sections() {
		r, err := b.collect(context.Background(), []collectors.Section{s})
		if err != nil {
			b.Errorf("visit of %s alone: %v", s.Name, err)
			continue
		}
		if want, got := parts(whole, s.Name), parts(r, s.Name); !slices.Equal(want, got) {
			b.Errorf("section %s alone: %s", s.Name, difference(want, got))
		}
	}
}

// parts are the sorted paths of a section's components.
func parts(r hw.Report, section string) []string {
	var paths []string
	for _, c := range r.Components {
		if c.Section == section {
			paths = append(paths, c.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// difference names the first few entries that are not in both.
func difference(want, got []string) string {
	const few = 5
	missing := without(want, got)
	added := without(got, want)
	return fmt.Sprintf("%d missing %q, %d added %q",
		len(missing), missing[:min(few, len(missing))], len(added), added[:min(few, len(added))])
}

func without(a, b []string) []string {
	in := map[string]bool{}
	for _, x := range b {
		in[x] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return in[x] })
}

// sameOrder: the journal writes the names once as long as their order stays.
func sameOrder(b *bench) {
	first, second := b.baseline(), b.baseline()
	if want, got := order(first), order(second); !slices.Equal(want, got) {
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				b.Fatalf("entry %d was %s, then %s", i, want[i], got[i])
			}
		}
		b.Errorf("%d entries, then %d", len(want), len(got))
	}
}

// order is the row of names a report has, values left out.
func order(r hw.Report) []string {
	var names []string
	for _, c := range r.Components {
		names = append(names, "component "+c.Path+" of "+c.Section)
	}
	for _, s := range r.Samples {
		names = append(names, "sample "+s.Component+" "+s.Sensor+" "+s.Type.String())
	}
	return names
}

func slowIsNotDead(b *bench) {
	b.need(b.device.Slow != nil, "Slow")
	want := order(b.baseline())
	b.device.Slow(10 * time.Millisecond)
	if got := order(b.baseline()); !slices.Equal(want, got) {
		b.Errorf("a slow device: %s", difference(want, got))
	}
}

func anotherUnit(b *bench) {
	b.need(b.device.Swap != nil, "Swap")
	before := b.baseline()
	b.device.Swap()
	after, err := b.collect(context.Background(), b.sections())
	if err != nil {
		// A session of the unit before may have to be given up first.
		after, err = b.collect(context.Background(), b.sections())
	}
	switch {
	case err != nil:
		b.Errorf("two visits after the swap read nothing: %v", err)
	case before.Unit == nil || after.Unit == nil:
		b.Error("the unit was not identified")
	case before.Unit.Serial == after.Unit.Serial:
		b.Errorf("the serial is %q before and after the swap", after.Unit.Serial)
	}
}

func oneRequest(b *bench) {
	b.need(b.device.InFlight != nil, "InFlight")
	b.baseline()
	if n := b.device.InFlight(); n > 1 {
		b.Errorf("%d requests at once", n)
	}
}

// leavesNothing: after Close no session and no goroutine stays, and a new collector finds
// what the old one learned.
func leavesNothing(b *bench) {
	want := order(b.baseline())
	for _, fault := range []func(){b.device.Silence, b.device.Half} {
		if fault != nil && b.device.Heal != nil {
			fault()
			b.attempt()
			b.device.Heal()
		}
	}
	b.attempt()
	b.close()
	if b.device.Sessions != nil {
		if left := b.eventually(func() string {
			if n := b.device.Sessions(); n != 0 {
				return fmt.Sprint(n)
			}
			return ""
		}); left != "" {
			b.Errorf("%s sessions left after Close", left)
		}
	}
	if left := b.eventually(b.leftovers); left != "" {
		b.Errorf("goroutines left after Close:\n%s", left)
	}
	if got := order(b.baseline()); !slices.Equal(want, got) {
		b.Errorf("a second collector with the same memory: %s", difference(want, got))
	}
}

// attempt makes a visit whose outcome does not matter.
func (b *bench) attempt() {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), b.suite.Patience/2)
	defer cancel()
	_, _ = b.collect(ctx, b.sections())
}

func closeSilent(b *bench) {
	b.need(b.device.Silence != nil, "Silence")
	b.baseline()
	b.device.Silence()
	b.close()
	if left := b.eventually(b.leftovers); left != "" {
		b.Errorf("goroutines left after Close:\n%s", left)
	}
}
