package bmc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fault is something that can go wrong with a device. One without end is an event, which clear does not undo.
type fault struct {
	name, arg, does string
	needs           need
	adds            bool // those of several parts add up
	set             func(b *BMC, arg string, now time.Time) error
	end             func(b *BMC, now time.Time)
	talk            func(t *talk, arg string) error // instead of set and end: how answers are given
}

// need is what a device must have for a fault.
type need int

const (
	anything need = iota
	aModel        // no recording
	aPERC         // a RAID controller with a battery
	anIDRAC
)

const (
	logFlood   = "log-flood"
	clearFault = "clear"
)

// fits says whether a model can have the fault.
func (f *fault) fits(m *model) bool {
	switch f.needs {
	case aModel:
		return m.parts != nil
	case aPERC:
		return m.parts != nil && m.hasPERC()
	case anIDRAC:
		return m.parts != nil && m.dell > 0
	}
	return true
}

func (m *model) hasPERC() bool {
	return slices.ContainsFunc(m.parts().controllers, func(c controller) bool { return c.sort == perc })
}

// FaultHelp is a line for each fault: its name, its argument and what it does.
func FaultHelp() string {
	var b strings.Builder
	for i := range faults {
		f := &faults[i]
		fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(f.name+" "+f.arg), f.does)
	}
	return b.String()
}

// FaultNames returns the names of all faults, and clear.
func FaultNames() []string {
	names := make([]string, len(faults))
	for i := range faults {
		names[i] = faults[i].name
	}
	return names
}

// Fault switches a fault on, or replaces its argument; those of single parts add up. [FaultHelp] tells them all; "clear"
// ends the one its argument names, or all.
func (b *BMC) Fault(name, arg string) error {
	i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if i < 0 || !faults[i].fits(b.model) {
		return fmt.Errorf("%s has no fault %q: use %s", b.model.name, name, strings.Join(b.KnownFaults(), ", "))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.apply(&faults[i], strings.TrimSpace(arg)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// apply makes the change and lists the resources anew. The lock is held.
func (b *BMC) apply(f *fault, arg string) error {
	now := b.opt.Clock()
	b.changes++
	defer b.rebuild()
	switch {
	case f.name == clearFault:
		return b.clear(arg, now)
	case f.talk != nil:
		next := b.state.talk
		if err := f.talk(&next, arg); err != nil {
			return err
		}
		b.state.talk, b.state.on[f.name] = next, arg
		return nil
	}
	before, on := b.state.on[f.name]
	if on && f.end != nil && !f.adds {
		f.end(b, now)
		delete(b.state.on, f.name)
	}
	if err := f.set(b, arg, now); err != nil {
		return err
	}
	if f.adds && before != "" {
		arg = before + ", " + arg
	}
	if f.end != nil {
		b.state.on[f.name] = arg
	}
	return nil
}

// clear ends a fault, or all.
func (b *BMC) clear(which string, now time.Time) error {
	if _, on := b.state.on[which]; which != "" && !on {
		return fmt.Errorf("%q is not switched on", which)
	}
	for i := range faults {
		f := &faults[i]
		if _, on := b.state.on[f.name]; !on || which != "" && which != f.name {
			continue
		}
		delete(b.state.on, f.name)
		if f.end != nil {
			f.end(b, now)
		}
	}
	return b.retell()
}

// retell sets how answers are given to what is still switched on.
func (b *BMC) retell() error {
	t := talk{certificate: b.state.talk.certificate}
	for i := range faults {
		if arg, on := b.state.on[faults[i].name]; on && faults[i].talk != nil {
			if err := faults[i].talk(&t, arg); err != nil {
				return err
			}
		}
	}
	b.state.talk = t
	return nil
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
	if err != nil || t < 0 || t > 7*day {
		return 0, fmt.Errorf("%q: write a duration of 0s to 168h, as 500ms or 30s", arg)
	}
	return t, nil
}

// bare makes a fault of a change that has no argument.
func bare(set func(*BMC, time.Time) error) func(*BMC, string, time.Time) error {
	return func(b *BMC, arg string, now time.Time) error {
		if arg != "" {
			return errors.New("it takes no argument")
		}
		return set(b, now)
	}
}

// two splits an argument in a number and what follows.
func two(arg string, unset int) (n int, rest string, err error) {
	first, rest, _ := strings.Cut(arg, " ")
	n, err = number(first, unset, 0, 999)
	return n, strings.TrimSpace(rest), err
}

// flag makes a fault of how answers are given that has no argument.
func flag(set func(*talk)) func(*talk, string) error {
	return func(t *talk, arg string) error {
		if arg != "" {
			return errors.New("it takes no argument")
		}
		set(t)
		return nil
	}
}

// slowTalk delays every answer.
func slowTalk(t *talk, arg string) error {
	first, part, _ := strings.Cut(arg, " ")
	delay, err := duration(first, 18*time.Second)
	if err == nil {
		t.delay, t.slowPart = delay, strings.TrimSpace(part)
	}
	return err
}

// silentTalk leaves the agent beside Redfish alone when it is told to.
func silentTalk(t *talk, arg string) error {
	if arg != "" && arg != "redfish" {
		return fmt.Errorf("%q: write redfish, or nothing", arg)
	}
	t.silent, t.mute = true, arg == ""
	return nil
}

func failPath(t *talk, arg string) error {
	if !strings.HasPrefix(arg, "/") || strings.Contains(arg, " ") {
		return fmt.Errorf("%q: write a part of a path, as /Thermal", arg)
	}
	t.failPart = strings.TrimSuffix(arg, "/")
	return nil
}

func busyTalk(t *talk, arg string) error {
	retry, err := duration(arg, 30*time.Second)
	if err == nil {
		t.busy, t.retry = true, retry
	}
	return err
}

func expandTalk(t *talk, arg string) error {
	ways := []string{expandShort, expandMiss, expandEmpty, expandLinks, expandError, expandRefuse}
	if arg == "" {
		arg = expandShort
	}
	if !slices.Contains(ways, arg) {
		return fmt.Errorf("%q: write %s", arg, strings.Join(ways, ", "))
	}
	t.expand = arg
	return nil
}
