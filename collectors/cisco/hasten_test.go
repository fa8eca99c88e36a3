package cisco_test

import (
	"fmt"
	"slices"
	"testing"

	"rackpost/collectors/sim"
)

// hastened wants the sections a report hastens.
func (r report) hastened(t *testing.T, what string, want ...string) {
	t.Helper()
	got := slices.Sorted(slices.Values(r.Hasten))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s hastens %q, want %q", what, got, want)
	}
}

func TestHasten(t *testing.T) {
	t.Parallel()
	v := visiting(t, catalyst, modelled(t, "catalyst-3750-48ps", sim.ModelOptions{}))
	v.all().hastened(t, "the first visit")
	v.fast().hastened(t, "a quiet visit")
	v.fault("member-lost", "2")
	v.fast().hastened(t, "a lost member", "inventory", "environment", "transceivers", "poe", "vlans", "neighbours")
	v.fast().hastened(t, "the visit after")
	v.fault("clear", "member-lost")
	v.fast().hastened(t, "the member back", "inventory", "environment", "transceivers", "poe", "vlans", "neighbours")
	var slow []string
	for _, s := range v.kind.Sections {
		if s.Period > v.kind.Sections[2].Period {
			slow = append(slow, s.Name)
		}
	}
	v.fault("reboot", "")
	v.fast().hastened(t, "a reboot", slow...)
	v.fault("other-unit", "")
	v.fast().hastened(t, "another unit", slow...)
}

func TestHastenOfAFirewall(t *testing.T) {
	t.Parallel()
	at := func(ticks int) *sim.Device {
		return join(entPart(1, 0, 3, "Chassis", "ASA 5525-X", "SIMCHASSIS1", "ASA5525"),
			script{fmt.Sprintf("1.3.6.1.2.1.47.1.4.1.0|67|%d", ticks), fmt.Sprintf("1.3.6.1.2.1.31.1.5.0|67|%d", ticks)}).device(t, asaHead)
	}
	v := visiting(t, asa, at(100))
	v.all()
	v.becomes(at(200))
	v.fast().hastened(t, "a firewall", "inventory", "environment")
}

// A configuration that is changed or saved is read soon. A time that moves at every visit is
// no news, until it stands still.
func TestHastenAfterConfiguration(t *testing.T) {
	t.Parallel()
	at := func(changed, saved int) *sim.Device {
		return script{fmt.Sprintf("1.3.6.1.4.1.9.9.43.1.1.1.0|67|%d", changed), fmt.Sprintf("1.3.6.1.4.1.9.9.43.1.1.2.0|67|%d", saved)}.device(t, iosHead)
	}
	v := visiting(t, catalyst, at(100, 100))
	v.all()
	v.becomes(at(200, 100))
	v.fast().hastened(t, "a change", "config", "vlans")
	v.becomes(at(200, 300))
	v.fast().hastened(t, "a save", "config", "vlans")
	v.fast().hastened(t, "neither")
	for n := range 8 {
		v.becomes(at(1000+n, 300))
		if r := v.fast(); n < 5 {
			r.hastened(t, fmt.Sprintf("change %d", n), "config", "vlans")
		} else {
			r.hastened(t, fmt.Sprintf("change %d", n))
		}
	}
	v.fast().hastened(t, "the end of the changes", "config", "vlans")
	v.fast().hastened(t, "rest")
}
