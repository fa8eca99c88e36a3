package cisco

import (
	"sync"

	"rackpost/collectors/snmp"
)

// sheets are what one visit works on: a grid a group, and lists used again and again.
// Nothing in them outlives the visit.
type sheets struct {
	grids   map[*group]*grid
	slots   []int        // of round
	oids    []string     // of round
	uptimes snmp.UpTimes // of the last timed walk
}

func (s *sheets) grid(grp *group) *grid {
	g := s.grids[grp]
	if g == nil {
		g = &grid{}
		s.grids[grp] = g
	}
	return g
}

const (
	idleSheets = 8   // as many as a box visits at once when devices answer
	keptRows   = 512 // of a grid: the memory of a larger one is not kept
)

// shelf is what the collectors of one kind share, so that a device costs little between its
// visits: sheets, SNMP buffers and what all say alike. It is safe for concurrent use.
type shelf struct {
	buffers snmp.Pool
	texts   texts

	mu   sync.Mutex
	idle []*sheets
}

func (s *shelf) take() *sheets {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		x := s.idle[n-1]
		s.idle[n-1] = nil
		s.idle = s.idle[:n-1]
		return x
	}
	return &sheets{grids: map[*group]*grid{}}
}

// clear lets go of what was read: the answers are many times what is made of them.
func (s *sheets) clear() {
	for _, g := range s.grids {
		g.begin(len(g.cols))
	}
	s.uptimes = nil
}

// give takes sheets back without anything of the device.
func (s *shelf) give(x *sheets) {
	for grp, g := range x.grids {
		if cap(g.index) > 2*keptRows {
			delete(x.grids, grp)
		}
	}
	x.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) < idleSheets {
		s.idle = append(s.idle, x)
	}
}
