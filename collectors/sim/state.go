package sim

import (
	"maps"
	"slices"
	"time"
)

// state is what faults have changed of a device. Views are built from it and keep nothing of it.
type state struct {
	members  int
	contexts int               // of an ASA in multiple-context mode; 0 is single mode
	uptime   time.Duration     // at the start
	on       map[string]string // faults switched on, with their arguments

	version  string          // of the software
	lines    map[uint32]line // by ifIndex; the others never stopped
	late     map[uint32]line // when late collisions are counted, by ifIndex
	hit      map[string]hits // ports that faults have hit
	lost     int             // member that is away
	ring     int             // member whose first stack cable is cut; 0 is none
	overload int             // member whose phones draw nearly all there is; 0 is none
	supply   int             // member, or number of the supply, whose supply failed; -1 is none
	standby  bool            // the secondary unit of a pair is active
	other    bool            // another unit stands in the place
	tunnels  map[int]tunnel  // of an ASA, by peer; the others are as after the start
	pairing  string          // what the failover rows say of a change of roles; empty is none under way
	restarts int
	reset    resetReason
	lag      time.Duration // by which snmpEngineTime is younger than sysUpTime
	shift    time.Duration // by which sysUpTime is greater than the uptime that counters know
	wraps    time.Duration // uptime at which the counters pass zero; 0 is never

	ifChanged, entChanged, stackChanged time.Duration // uptime of the last change; 0 is at the boot
	topology                            time.Duration // uptime of the last change of the spanning tree
	topologies                          uint64

	edits   []edit // of the configuration, by faults; the last ones
	dropped int    // edits before them

	silent  bool
	delay   time.Duration
	trouble trouble
}

// bootTopologies is how often the spanning tree of a new device has changed.
const bootTopologies = 6

func newState(members, contexts int, uptime time.Duration) state {
	return state{
		members: members, contexts: contexts, uptime: uptime, supply: -1, topology: uptime / 2, topologies: bootTopologies,
		on: map[string]string{}, lines: map[uint32]line{}, late: map[uint32]line{}, hit: map[string]hits{}, tunnels: map[int]tunnel{},
	}
}

// pristine says that nothing that views show was ever changed.
func (s *state) pristine() bool {
	return len(s.on) == 0 && len(s.lines) == 0 && len(s.late) == 0 && len(s.edits) == 0 && len(s.tunnels) == 0 && s.restarts == 0 &&
		s.wraps == 0 && s.shift == 0 && s.entChanged == 0 && s.topologies == bootTopologies
}

// present says whether member is in the stack; 0 is the stack itself.
func (s *state) present(member int) bool { return member == 0 || member != s.lost }

// alive lists the members in the stack.
func (s *state) alive() []int {
	var alive []int
	for m := 1; m <= s.members; m++ {
		if s.present(m) {
			alive = append(alive, m)
		}
	}
	return alive
}

// letter marks the unit in serials and addresses.
func (s *state) letter() byte {
	if s.other {
		return 'B'
	}
	return 'A'
}

func (s *state) stop(port uint32, up time.Duration) {
	l := s.lines[port]
	if !l.stopped {
		l.stopped, l.at, l.changed = true, up, up
	}
	s.lines[port] = l
}

// resume starts a port again: from where it stopped, or afresh.
func (s *state) resume(port uint32, up time.Duration, afresh bool) {
	l := s.lines[port]
	if !l.stopped {
		return
	}
	l.lost += up - l.at
	if afresh {
		l.lost = up
	}
	l.stopped, l.changed = false, up
	s.lines[port] = l
}

// restart is a start of the unit: every counter and time begins again, and no port is err-disabled any more.
func (s *state) restart(why resetReason) {
	s.restarts++
	s.reset = why
	s.wraps, s.ifChanged, s.entChanged, s.stackChanged, s.topology, s.topologies = 0, 0, 0, 0, 0, 0
	s.shift, s.lag, s.edits, s.dropped = 0, 0, nil, 0
	delete(s.hit, errDisabled)
	maps.DeleteFunc(s.tunnels, func(_ int, t tunnel) bool { return !t.down })
	for i, l := range s.late {
		s.late[i] = line{stopped: l.stopped}
	}
	maps.DeleteFunc(s.lines, func(_ uint32, l line) bool { return !l.stopped })
	for i := range s.lines {
		s.lines[i] = line{stopped: true}
	}
}

// rethink is a change of the spanning tree.
func (s *state) rethink(up time.Duration) {
	s.topology = up
	s.topologies++
}

// stamp is the sysUpTime at an uptime; what happened at the start itself reads as boot.
func (s *state) stamp(at time.Duration, boot uint64) uint64 {
	if at == 0 {
		return boot
	}
	return ticks(at + s.shift)
}

// record adds an event of the configuration; what is longer than the table of the device keeps is only counted.
func (s *state) record(e edit) {
	s.edits = append(s.edits, e)
	if over := len(s.edits) - keptEdits; over > 0 {
		s.edits, s.dropped = slices.Clone(s.edits[over:]), s.dropped+over
	}
}

// counter makes a counter of a port, of a stream of its own.
func (s *state) counter(p *port, stream uint64, low, high float64) counter {
	return counter{
		flow: flow{key: uint64(p.index)<<8 | stream, low: low, high: high},
		line: s.lines[p.index], wraps: s.wraps,
	}
}
