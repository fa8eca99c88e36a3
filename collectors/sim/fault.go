package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fault is something that can be switched on. up is the uptime now.
type fault struct {
	name string
	// set is only for the models that list the fault; it changes what views are built from.
	set func(d *Device, arg string, up time.Duration) error
	end func(d *Device, up time.Duration)
	// talk is for every device: it changes how answers are given.
	talk func(s *state, arg string) error
}

// faults are all there are, in the order people are told them. Those without an end are events.
var faults = []fault{
	{name: "port-down", set: portDown, end: portsUp},
	{name: "psu-failed", set: supplyFailed, end: func(d *Device, _ time.Duration) { d.state.supply = -1 }},
	{name: "member-lost", set: memberLost, end: memberBack},
	{name: "failover", set: failover, end: func(d *Device, _ time.Duration) { d.swap(false) }},
	{name: "reboot", set: reboot},
	{name: "wrap", set: wrap},
	{name: "other-unit", set: otherUnit, end: func(d *Device, _ time.Duration) { d.exchange(false) }},
	{name: "slow", talk: slow},
	{name: "silent", talk: func(s *state, _ string) error { s.silent = true; return nil }},
	{name: "generr", talk: failSubtree},
	{name: "toobig", talk: limitSize},
	{name: "garbage", talk: garbage},
	{name: clearFault},
}

const clearFault = "clear"

// Faults returns the names of all faults, and clear.
func Faults() []string {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.name
	}
	return names
}

// Fault switches a fault on, or replaces its argument:
//
//	port-down PORT[,PORT]     link lost: PORT is ifName, ifDescr or ifIndex
//	psu-failed [N]            power supply of member N, or supply N of an ASA
//	member-lost [N]           member N leaves the stack; the last one by default
//	failover                  the secondary unit of a pair takes over
//	reboot [DURATION]         the unit starts again, and answers after DURATION
//	wrap [DURATION]           32-bit and 64-bit counters pass zero in DURATION, 30s by default
//	other-unit                another unit, with other serials, stands in the place
//	slow [DURATION]           answers take DURATION, 2s by default
//	silent                    no answers
//	generr OID[,OID]          genErr for these subtrees
//	toobig [N]                tooBig for answers of more than N objects, 20 by default
//	garbage [SORT]            broken answers: truncated, noise, wrong-id, wrong-oid or wrong-tag; in turn by default
//	clear [FAULT]             end that fault, or all
//
// reboot and wrap are events, which clear does not undo.
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
	if _, on := d.state.on[f.name]; on && f.end != nil && f.name != "port-down" {
		f.end(d, up)
		delete(d.state.on, f.name)
	}
	if err := f.set(d, arg, up); err != nil {
		return err
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

func (d *Device) clear(which string, up time.Duration) error {
	s := &d.state
	if _, on := s.on[which]; which != "" && !on {
		return fmt.Errorf("%q is not switched on", which)
	}
	for i := range faults {
		f := &faults[i]
		if _, on := s.on[f.name]; !on || which != "" && which != f.name {
			continue
		}
		delete(s.on, f.name)
		if f.end != nil {
			f.end(d, up)
		}
	}
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

func portDown(d *Device, arg string, up time.Duration) error {
	ports := d.model.ports(&d.state)
	var down []uint32
	for _, want := range strings.Split(arg, ",") {
		want = strings.TrimSpace(want)
		i := slices.IndexFunc(ports, func(p port) bool {
			return strings.EqualFold(p.name, want) || strings.EqualFold(p.descr, want) || strconv.Itoa(int(p.index)) == want
		})
		if i < 0 {
			return fmt.Errorf("no port %q: write an ifName, ifDescr or ifIndex, as %s", want, ports[len(ports)/2].name)
		}
		down = append(down, ports[i].index)
	}
	portsUp(d, up)
	for _, p := range down {
		d.state.down[p] = true
		d.state.stop(p, up)
	}
	d.state.rethink(up)
	return nil
}

func portsUp(d *Device, up time.Duration) {
	if len(d.state.down) == 0 {
		return
	}
	for p := range d.state.down {
		d.state.resume(p, up, false)
		delete(d.state.down, p)
	}
	d.state.rethink(up)
}

func supplyFailed(d *Device, arg string, _ time.Duration) error {
	first := d.model.supplies
	n, err := number(arg, first, first, first+max(d.state.members, d.model.units)-1)
	if err == nil {
		d.state.supply = n
	}
	return err
}

func memberLost(d *Device, arg string, up time.Duration) error {
	s := &d.state
	if s.members < 2 {
		return errors.New("a stack of one has no member to lose: make it of two")
	}
	n, err := number(arg, s.members, 1, s.members)
	if err != nil {
		return err
	}
	for _, p := range d.model.ports(s) {
		if p.member == n {
			s.stop(p.index, up)
		}
	}
	s.lost = n
	s.ifChanged, s.entChanged = up, up
	s.rethink(up)
	return nil
}

func memberBack(d *Device, up time.Duration) {
	s := &d.state
	back := s.lost
	s.lost = 0
	for _, p := range d.model.ports(s) {
		if p.member == back && !s.down[p.index] {
			s.resume(p.index, up, true)
		}
	}
	s.ifChanged, s.entChanged = up, up
	s.rethink(up)
}

func failover(d *Device, _ string, _ time.Duration) error {
	d.swap(true)
	return nil
}

// swap lets the other unit of a pair answer: it has counters and an uptime of its own, and what was
// wrong with the links of the first one is not wrong with its own.
func (d *Device) swap(standby bool) {
	if d.state.standby == standby {
		return
	}
	clear(d.state.down)
	clear(d.state.lines)
	delete(d.state.on, "port-down")
	d.state.wraps = 0
	d.state.standby = standby
	d.boot, d.peer.boot = d.peer.boot, d.boot
	d.boots, d.peer.boots = d.peer.boots, d.boots
	d.given, d.peer.given = d.peer.given, d.given
}

func reboot(d *Device, arg string, _ time.Duration) error {
	wait, err := duration(arg, 0)
	if err != nil {
		return err
	}
	d.restart(wait)
	return nil
}

func (d *Device) restart(wait time.Duration) {
	d.boot, d.given = d.clock().Add(wait), 0
	d.boots++
	d.state.reset()
}

func wrap(d *Device, arg string, up time.Duration) error {
	in, err := duration(arg, 30*time.Second)
	if err == nil {
		d.state.wraps = up + max(in, 1)
	}
	return err
}

func otherUnit(d *Device, _ string, _ time.Duration) error {
	d.exchange(true)
	return nil
}

// exchange puts another unit in the place, or the first one back.
func (d *Device) exchange(other bool) {
	if d.state.other == other {
		return
	}
	boots := d.boots
	d.restart(0)
	d.state.other = other
	if other {
		d.replaced, d.boots = boots, 1
	} else {
		d.boots = d.replaced + 1
	}
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
