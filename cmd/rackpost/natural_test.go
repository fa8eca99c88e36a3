package main

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNamesAreOrderedAsPeopleCount(t *testing.T) {
	t.Parallel()
	want := []string{"", "cpu/1", "fan/2", "fan/10", "port/Gi1/0/1", "port/Gi1/0/2", "port/Gi1/0/10", "port/Gi1/0/10.5", "port/Gi2/0/1", "port/Te1/0/1", "port/Vlan9", "port/Vlan010", "port/Vlan00000000000000000000099999999999"}
	got := slices.Clone(want)
	slices.Sort(got)
	slices.SortFunc(got, compareNatural)
	if !slices.Equal(got, want) {
		t.Errorf("order %q", got)
	}
}

// It is an order: total, antisymmetric and transitive, and only equal names compare equal.
func TestNaturalOrderIsAnOrder(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a/0-2]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		if compareNatural(a, b) != -compareNatural(b, a) || (compareNatural(a, b) == 0) != (strings.Compare(a, b) == 0) {
			t.Fatalf("%q and %q: %d and %d", a, b, compareNatural(a, b), compareNatural(b, a))
		}
		if compareNatural(a, b) < 0 && compareNatural(b, c) < 0 && compareNatural(a, c) >= 0 {
			t.Fatalf("%q < %q < %q, and not %q < %q", a, b, c, a, c)
		}
	})
}
