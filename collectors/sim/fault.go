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
	// port is one of single ports, in the place of set and end.
	port *portFault
	// talk is for every device: it changes how answers are given.
	talk func(s *state, arg string) error
}

// faults are all there are, in the order people are told them. Those without an end are events.
var faults = []fault{
	{name: portDown, port: &portFault{}},
	{name: errDisabled, port: &portFault{fits: fitsCause}},
	{name: poeFault, port: &portFault{fits: fitsPlain(func(p *port) bool { return p.rows == ethernet && !p.uplink() }, "feeds no device")}},
	{name: "poe-overload", set: overload, end: func(d *Device, _ time.Duration) { d.state.overload = 0 }},
	{name: sfpPulled, port: &portFault{
		fits:  fitsPlain(func(p *port) bool { return p.uplink() && p.up }, "has no transceiver to pull"),
		moved: func(s *state, _ uint32, _ bool, up time.Duration) { s.entChanged = up },
	}},
	{name: duplexMismatch, port: &portFault{
		fits:  fitsPlain(func(p *port) bool { return p.rows == ethernet }, "has no duplex"),
		moved: collide,
	}},
	{name: neighbourLost, port: &portFault{fits: fitsPlain(func(p *port) bool { return p.up && (p.uplink() || p.phone()) }, "has no neighbour")}},
	{name: "topology-change", set: topologyChange},
	{name: "psu-failed", set: supplyFailed, end: func(d *Device, _ time.Duration) { d.state.supply = -1 }},
	{name: "member-lost", set: memberLost, end: memberBack},
	{name: "ring-broken", set: ringBroken, end: ringWhole},
	{name: "failover", set: failover, end: func(d *Device, _ time.Duration) { d.swap(false) }},
	{name: "failover-in-progress", set: failoverInProgress, end: func(d *Device, _ time.Duration) { d.state.pairing = "" }},
	{name: "vpn-limit", set: func(*Device, string, time.Duration) error { return nil }, end: func(*Device, time.Duration) {}},
	{name: "config-changed", set: configChanged},
	{name: "config-saved", set: configSaved},
	{name: "reboot", set: reboot},
	{name: "upgrade", set: upgrade},
	{name: "wrap", set: wrap},
	{name: "wrap-uptime", set: wrapUptime},
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

// Fault switches a fault on, or replaces its argument. PORT is ifName, ifDescr or ifIndex; faults of ports add up.
//
//	port-down PORT[,PORT]             link lost
//	err-disabled PORT[,PORT] [CAUSE]  the switch took the port down: bpduGuard by default, or another name or number
//	poe-fault PORT[,PORT]             the port feeds nothing and says fault
//	poe-overload [N]                  the phones of member N, 1 by default, draw nearly all there is
//	sfp-pulled PORT[,PORT]            the transceiver of an uplink is gone, and its link with it
//	duplex-mismatch PORT[,PORT]       half duplex, and late collisions
//	neighbour-lost PORT[,PORT]        no neighbour in CDP and LLDP
//	topology-change                   of the spanning tree
//	psu-failed [N]                    power supply of member N, or supply N of an ASA
//	member-lost [N]                   member N leaves the stack; the last one by default
//	ring-broken [N]                   the stack cable from member N, 1 by default, to the next is cut
//	failover                          the secondary unit of a pair takes over
//	failover-in-progress [SORT]       the rows of the units are absent, empty, or one is busy; absent by default
//	vpn-limit                         all sessions of the licence are in use
//	config-changed [USER]             the running configuration
//	config-saved [USER]               to the startup one
//	reboot [DURATION]                 the unit starts again, and answers after DURATION
//	upgrade [VERSION]                 the unit starts again with other software: the next version by default
//	wrap [DURATION]                   32-bit and 64-bit counters pass zero in DURATION, 30s by default
//	wrap-uptime [DURATION]            sysUpTime passes zero, after 497 days, in DURATION, 30s by default
//	other-unit                        another unit, with other serials, stands in the place
//	slow [DURATION]                   answers take DURATION, 2s by default
//	silent                            no answers
//	generr OID[,OID]                  genErr for these subtrees
//	toobig [N]                        tooBig for answers of more than N objects, 20 by default
//	garbage [SORT]                    broken answers: truncated, noise, wrong-id, wrong-oid or wrong-tag; in turn by default
//	clear [FAULT [PORT[,PORT]]]       end all faults, that one, or that one of these ports
//
// topology-change, config-changed, config-saved, reboot, upgrade, wrap and wrap-uptime are events, which clear does not undo.
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
