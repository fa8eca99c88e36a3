package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const clearFault = "clear"

// Faults returns the names of all faults, and clear.
func Faults() []string {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.name
	}
	return names
}

// FaultHelp is a line for each fault: its name, its argument and what it does.
func FaultHelp() string {
	var b strings.Builder
	for _, f := range faults {
		fmt.Fprintf(&b, "  %-32s %s\n", strings.TrimSpace(f.name+" "+f.arg), f.does)
	}
	return b.String()
}

// Fault switches a fault on, or replaces its argument; those of single ports add up. [FaultHelp] tells them all.
// topology-change, tunnel-rekey, config-changed, config-saved, reboot, upgrade, wrap and wrap-uptime are events, which clear does
// not undo.
func (d *Device) Fault(name, arg string) error {
	i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("no fault %q: use %s", name, strings.Join(d.KnownFaults(), ", "))
	}
	if !slices.Contains(d.KnownFaults(), name) {
		return fmt.Errorf("%s has no fault %s: use %s", d.Model(), name, strings.Join(d.KnownFaults(), ", "))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.apply(&faults[i], strings.TrimSpace(arg)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

// apply makes the change and rebuilds what the device shows. The lock is held.
func (d *Device) apply(f *fault, arg string) error {
	up := max(d.moment().uptime, 0)
	if f.name == clearFault {
		if err := d.clear(arg, up); err != nil {
			return err
		}
		return d.rebuild()
	}
	if f.talk != nil {
		if err := f.talk(&d.state, arg); err != nil {
			return err
		}
		d.state.on[f.name] = arg
		return nil
	}
	if f.port != nil {
		if err := d.hitPorts(f, arg, up); err != nil {
			return err
		}
		return d.rebuild()
	}
	if _, on := d.state.on[f.name]; on && f.end != nil {
		f.end(d, up)
		delete(d.state.on, f.name)
	}
	if err := f.set(d, arg, up); err != nil {
		return errors.Join(err, d.rebuild()) // the same fault may have ended
	}
	if f.end != nil {
		d.state.on[f.name] = arg
	}
	return d.rebuild()
}

func (d *Device) rebuild() error {
	if d.model == nil {
		return nil
	}
	v, err := d.model.view(&d.state)
	if err == nil {
		d.view = v
	}
	return err
}

// clear ends a fault, a fault of some ports, or all.
func (d *Device) clear(arg string, up time.Duration) error {
	s := &d.state
	which, list, some := strings.Cut(arg, " ")
	if _, on := s.on[which]; which != "" && !on {
		return fmt.Errorf("%q is not switched on", which)
	}
	for i := range faults {
		f := &faults[i]
		if _, on := s.on[f.name]; !on || which != "" && which != f.name {
			continue
		}
		switch {
		case f.port != nil:
			if err := d.freePorts(f, list, up); err != nil {
				return err
			}
			continue
		case some:
			return fmt.Errorf("%q: %s is not of single ports; write clear %s", list, f.name, f.name)
		}
		delete(s.on, f.name)
		if f.end != nil {
			f.end(d, up)
		}
	}
	return s.retell()
}

// retell sets how answers are given to what is still switched on.
func (s *state) retell() error {
	s.silent, s.delay, s.trouble = false, 0, trouble{mangled: s.trouble.mangled}
	for i := range faults {
		if arg, on := s.on[faults[i].name]; on && faults[i].talk != nil {
			if err := faults[i].talk(s, arg); err != nil {
				return err
			}
		}
	}
	return nil
}

func slow(s *state, arg string) error {
	delay, err := duration(arg, 2*time.Second)
	if err == nil {
		s.delay = delay
	}
	return err
}

func failSubtree(s *state, arg string) error {
	var failing []oid
	for _, text := range strings.Split(arg, ",") {
		o, err := parseOID(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		failing = append(failing, o)
	}
	s.trouble.failing = failing
	return nil
}

func limitSize(s *state, arg string) error {
	n, err := number(arg, 20, 1, 1000)
	if err == nil {
		s.trouble.limit = n
	}
	return err
}

func number(arg string, unset, low, high int) (int, error) {
	if arg == "" {
		return unset, nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q: write a number from %d to %d", arg, low, high)
	}
	return n, nil
}

func duration(arg string, unset time.Duration) (time.Duration, error) {
	if arg == "" {
		return unset, nil
	}
	t, err := time.ParseDuration(arg)
	if err != nil || t < 0 || t > day {
		return 0, fmt.Errorf("%q: write a duration of 0s to 24h, as 500ms or 30s", arg)
	}
	return t, nil
}
