package sim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The faults of single ports. They add up: a second port-down takes another port down.
const (
	portDown        = "port-down"
	errDisabled     = "err-disabled"
	poeFault        = "poe-fault"
	sfpPulled       = "sfp-pulled"
	duplexMismatch  = "duplex-mismatch"
	neighbourLost   = "neighbour-lost"
	stpInconsistent = "stp-inconsistent"
)

// hits are the ports that one fault has hit, by ifIndex, each with its detail.
type hits map[uint32]string

// portFault is a fault of single ports: fits says why a port cannot have it, or returns the detail it has. Nil takes
// every port, and no detail.
type portFault struct {
	fits  func(d *Device, p *port, detail string) (string, error)
	short func(p *port) string                                    // a shorter name of the port, for this fault; nil has none
	moved func(s *state, index uint32, on bool, up time.Duration) // what else changes; nil is nothing
}

// has says whether a fault has hit a port.
func (s *state) has(fault string, index uint32) bool {
	_, hit := s.hit[fault][index]
	return hit
}

// held says whether a fault keeps the link of a port down.
func (s *state) held(index uint32) bool {
	return s.has(portDown, index) || s.has(errDisabled, index) || s.has(sfpPulled, index)
}

// hitPorts switches a fault of single ports on: arg is PORT[,PORT] and, after a space, the detail.
func (d *Device) hitPorts(f *fault, arg string, up time.Duration) error {
	list, detail, _ := strings.Cut(spaced(arg), " ")
	found, err := d.find(f, list)
	if err != nil {
		return err
	}
	details := make([]string, len(found))
	for i, p := range found {
		switch {
		case f.port.fits != nil:
			if details[i], err = f.port.fits(d, p, strings.TrimSpace(detail)); err != nil {
				return err
			}
		case detail != "":
			return fmt.Errorf("%q: write PORT[,PORT] only", detail)
		}
	}
	if d.state.hit[f.name] == nil {
		d.state.hit[f.name] = hits{}
	}
	for i, p := range found {
		if !d.state.has(f.name, p.index) && f.port.moved != nil {
			f.port.moved(&d.state, p.index, true, up)
		}
		d.state.hit[f.name][p.index] = details[i]
	}
	d.list(f.name)
	d.settle(up)
	return nil
}

// freePorts ends a fault of single ports: for the ports in list, or for all when it is empty.
func (d *Device) freePorts(f *fault, list string, up time.Duration) error {
	free := slices.Collect(maps.Keys(d.state.hit[f.name]))
	if list != "" {
		found, err := d.find(f, spaced(list))
		if err != nil {
			return err
		}
		free = free[:0]
		for _, p := range found {
			if !d.state.has(f.name, p.index) {
				return fmt.Errorf("%s is not hit by %s", p.name, f.name)
			}
			free = append(free, p.index)
		}
	}
	for _, index := range free {
		delete(d.state.hit[f.name], index)
		if f.port.moved != nil {
			f.port.moved(&d.state, index, false, up)
		}
	}
	d.list(f.name)
	d.settle(up)
	return nil
}

// spaced takes the spaces after commas out.
func spaced(arg string) string {
	parts := strings.Split(arg, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ",")
}

// find returns the ports of a list, which is written as people know them.
func (d *Device) find(f *fault, list string) ([]*port, error) {
	ports := d.model.ports(&d.state)
	var found []*port
	for want := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(ports, func(p port) bool { return f.port.short != nil && f.port.short(&p) == want })
		if i < 0 {
			i = slices.IndexFunc(ports, func(p port) bool { return p.known(want) })
		}
		if i < 0 {
			return nil, fmt.Errorf("no port %q: write an ifName, ifDescr or ifIndex, as %s", want, ports[len(ports)/2].name)
		}
		found = append(found, &ports[i])
	}
	return found, nil
}

// known says whether people may call the port so.
func (p *port) known(name string) bool {
	return strings.EqualFold(p.name, name) || strings.EqualFold(p.descr, name) || strconv.Itoa(int(p.index)) == name
}

// uplinkNumber is K of uplink K of the first member, and empty for every other port.
func uplinkNumber(p *port) string {
	if !p.uplink() || p.member != 1 {
		return ""
	}
	return strconv.Itoa(p.number - copperPorts)
}

// list notes which ports a fault has hit, for people to read.
func (d *Device) list(fault string) {
	var text []string
	ports := d.model.ports(&d.state)
	slices.SortFunc(ports, func(a, b port) int { return cmp.Compare(a.index, b.index) })
	for _, p := range ports {
		if detail, hit := d.state.hit[fault][p.index]; hit {
			text = append(text, strings.TrimSpace(p.name+" "+detail))
		}
	}
	if len(text) == 0 {
		delete(d.state.on, fault)
		delete(d.state.hit, fault)
		return
	}
	d.state.on[fault] = strings.Join(text, ",")
}

// settle stops the counters of the ports that lost their link since the last time, and lets those run again that
// have one.
func (d *Device) settle(up time.Duration) {
	s := &d.state
	tree := false
	for _, p := range d.model.ports(s) {
		live := p.live(s)
		if !p.up || live != s.lines[p.index].stopped {
			continue
		}
		if live {
			s.resume(p.index, up, false)
		} else {
			s.stop(p.index, up)
		}
		tree = tree || p.rows == ethernet
		if p.within > 0 {
			s.stackChanged = up
		}
	}
	if tree {
		s.rethink(up)
	}
}

// causes are the names of CErrDisableFeatureID as it numbers them, from 1; those of other platforms go by number.
var causes = []string{
	"udld", "bpduGuard", "channelMisconfig", "pagpFlap", "dtpFlap", "linkFlap", "l2ptGuard", "dot1xSecurityViolation",
	"portSecurityViolation", "gbicInvalid", "dhcpRateLimit", "unicastFlood", "vmps", "stormControl", "inlinePower",
	"arpInspection", "portLoopback", "packetBuffer", "macLimit", "linkMonitorFailure", "oamRemoteFailure", "dot1adIncompEtype",
	"dot1adIncompTunnel", "sfpConfigMismatch", "communityLimit", "invalidPolicy", "lsGroup", "ekey", "portModeFailure",
}

const mostCauses = 62

// causeNumber returns the number of a cause that fitsCause has named.
func causeNumber(cause string) int64 {
	if i := slices.Index(causes, cause); i >= 0 {
		return int64(i + 1)
	}
	n, _ := strconv.ParseInt(cause, 10, 64)
	return n
}

// fitsCause takes the ports of members, and a cause by name or number.
func fitsCause(_ *Device, p *port, detail string) (string, error) {
	if p.rows != ethernet {
		return "", fmt.Errorf("%s is no port of a member", p.name)
	}
	if detail == "" {
		return causes[1], nil
	}
	if n, err := strconv.Atoi(detail); err == nil && n > 0 && n <= mostCauses {
		if n <= len(causes) {
			return causes[n-1], nil
		}
		return detail, nil
	}
	plain := strings.ReplaceAll(detail, "-", "")
	i := slices.IndexFunc(causes, func(c string) bool { return strings.EqualFold(c, plain) })
	if i < 0 {
		return "", fmt.Errorf("no cause %q: write 1 to %d, or %s", detail, mostCauses, strings.Join(causes, ", "))
	}
	return causes[i], nil
}

// fitsPlain takes the ports that are right in the eyes of ok, without a detail.
func fitsPlain(ok func(p *port) bool, lacks string) func(*Device, *port, string) (string, error) {
	return func(_ *Device, p *port, detail string) (string, error) {
		switch {
		case detail != "":
			return "", fmt.Errorf("%q: write PORT[,PORT] only", detail)
		case !ok(p):
			return "", errors.New(p.name + " " + lacks)
		}
		return "", nil
	}
}

// collide lets the late collisions of a port begin or end.
func collide(s *state, index uint32, on bool, up time.Duration) {
	l, ever := s.late[index]
	switch {
	case on && !ever:
		l = line{lost: up}
	case on:
		l.lost, l.stopped = l.lost+up-l.at, false
	default:
		l.stopped, l.at = true, up
	}
	s.late[index] = l
}
