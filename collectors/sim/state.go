package sim

import (
	"maps"
	"time"
)

// state is what faults have changed of a device. Views are built from it and keep nothing of it.
type state struct {
	members  int
	contexts int               // of an ASA in multiple-context mode; 0 is single mode
	uptime   time.Duration     // at the start
	on       map[string]string // faults switched on, with their arguments

	lines    map[uint32]line // by ifIndex; the others never stopped
	down     map[uint32]bool // ports without link
	lost     int             // member that is away
	supply   int             // member, or number of the supply, whose supply failed; -1 is none
	standby  bool            // the secondary unit of a pair is active
	other    bool            // another unit stands in the place
	restarts int
	wraps    time.Duration // uptime at which the counters pass zero; 0 is never

	ifChanged, entChanged time.Duration // uptime of the last change; 0 is at the boot
	topology              time.Duration // uptime of the last change of the spanning tree
	topologies            uint64

	edits []edit // of the configuration, by faults

	silent  bool
	delay   time.Duration
	trouble trouble
}

func newState(members, contexts int, uptime time.Duration) state {
	return state{
		members: members, contexts: contexts, uptime: uptime, supply: -1, topology: uptime / 2, topologies: 6,
		on: map[string]string{}, lines: map[uint32]line{}, down: map[uint32]bool{},
	}
}

// pristine says that nothing that views show was ever changed.
func (s *state) pristine() bool {
	return len(s.lines) == 0 && len(s.down) == 0 && s.lost == 0 && s.supply < 0 && !s.standby && !s.other &&
		len(s.edits) == 0 && s.restarts == 0 && s.wraps == 0 && s.entChanged == 0
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

// reset is a start of the unit: every counter and time begins again.
func (s *state) reset() {
	s.restarts++
	s.wraps, s.ifChanged, s.entChanged, s.topology, s.topologies = 0, 0, 0, 0, 0
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

// counter makes a counter of a port, of a stream of its own.
func (s *state) counter(p *port, stream uint64, low, high float64) counter {
	return counter{
		flow: flow{key: uint64(p.index)<<8 | stream, low: low, high: high},
		line: s.lines[p.index], wraps: s.wraps,
	}
}
