package collectors

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rackpost/hw"
)

// checkAll returns the sections of each device with their periods, or what is wrong.
func checkAll(devices []Watched) ([][]Section, error) {
	var errs []error
	sections := make([][]Section, len(devices))
	seen := make(map[hw.DeviceID]bool, len(devices))
	for i, w := range devices {
		id := w.Target.Device.ID
		if seen[id] {
			errs = append(errs, fmt.Errorf("device %q is configured twice", id))
		}
		seen[id] = true
		var err error
		if sections[i], err = w.check(); err != nil {
			errs = append(errs, fmt.Errorf("device %q: %w", id, err))
		}
	}
	return sections, errors.Join(errs...)
}

// check returns the sections of w that are on, with w's periods.
func (w Watched) check() ([]Section, error) {
	switch {
	case w.Target.Device.ID == "":
		return nil, errors.New("no id")
	case w.Kind.New == nil:
		return nil, fmt.Errorf("kind %q makes no collector", w.Kind.Name)
	case w.Budget < 0:
		return nil, fmt.Errorf("budget %v is below zero", w.Budget)
	}
	for name := range w.Periods {
		if !w.Kind.has(name) {
			return nil, fmt.Errorf("kind %q has no section %q", w.Kind.Name, name)
		}
	}
	on := w.Sections()
	for _, s := range on {
		if s.Period < minPeriod {
			return nil, fmt.Errorf("section %q: period %v, at least %v", s.Name, s.Period, minPeriod)
		}
	}
	if len(on) == 0 {
		return nil, errors.New("every section is switched off")
	}
	return on, nil
}

// Sections returns the sections that are on, with the periods they are read at.
func (w Watched) Sections() []Section {
	var on []Section
	for _, s := range w.Kind.Sections {
		if period, set := w.Periods[s.Name]; set {
			s.Period = period
		}
		if s.Period != 0 {
			on = append(on, s)
		}
	}
	return on
}

// same says whether two configurations of a device can share one session.
func (w Watched) same(o Watched) bool {
	a, b := w.Target, o.Target
	return w.Kind.Name == o.Kind.Name && slices.Equal(w.Kind.Sections, o.Kind.Sections) &&
		a.Device.ID == b.Device.ID && a.Device.Address == b.Device.Address && a.Device.Standby == b.Device.Standby &&
		a.Timeout == b.Timeout && a.Credentials.same(b.Credentials) && a.SNMP == b.SNMP && a.LegacyTLS == b.LegacyTLS && a.Once == b.Once && a.Policy.Equal(b.Policy)
}

func (c Credentials) same(o Credentials) bool {
	if (c.V3 == nil) != (o.V3 == nil) || c.V3 != nil && *c.V3 != *o.V3 {
		return false
	}
	return c.Community == o.Community && c.User == o.User && c.Password == o.Password
}

// budget returns how long a visit of a device may take whose shortest period is shortest: a
// visit of slow sections alone does not keep the fast ones waiting. Of it spent was used up by the
// visit that it follows.
func (w Watched) budget(shortest, spent time.Duration) time.Duration {
	whole := cmp.Or(w.Budget, max(shortest-shortest/10, minBudget))
	return max(whole-spent, min(whole, minBudget))
}

// equal says whether nothing changed.
func (w Watched) equal(o Watched) bool {
	return w.same(o) && w.Target.Device == o.Target.Device && w.Budget == o.Budget && maps.Equal(w.Periods, o.Periods)
}
