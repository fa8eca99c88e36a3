package discovery

import "time"

// schedule says what may be asked when. Of the places in one subnet one is asked at a time,
// in their order; the subnets take turns; no two requests start within an interval. Pure:
// it is told the time.
type schedule struct {
	lanes    []lane
	laneOf   []int // by place
	turn     int   // the lane to look at first
	flying   int   // places being asked
	atOnce   int
	interval time.Duration
	free     time.Duration // when the next request may start
}

// lane is a subnet.
type lane struct {
	waiting []int // places, the first of them being asked when busy
	busy    bool
}

// newSchedule makes the schedule for places in these subnets.
func newSchedule(subnets []string, atOnce int, interval time.Duration) *schedule {
	s := &schedule{atOnce: atOnce, interval: interval, laneOf: make([]int, len(subnets))}
	byName := map[string]int{}
	for place, name := range subnets {
		i, known := byName[name]
		if !known {
			i = len(s.lanes)
			byName[name] = i
			s.lanes = append(s.lanes, lane{})
		}
		s.laneOf[place] = i
		s.lanes[i].waiting = append(s.lanes[i].waiting, place)
	}
	return s
}

// take returns the place to ask now. If there is none, wait is how long until there may be
// one; 0 is until an answer, or never when it is over.
func (s *schedule) take(now time.Duration) (place int, wait time.Duration, ok bool) {
	if s.flying >= s.atOnce {
		return 0, 0, false
	}
	for i := range s.lanes {
		at := (s.turn + i) % len(s.lanes)
		l := &s.lanes[at]
		if l.busy || len(l.waiting) == 0 {
			continue
		}
		if now < s.free {
			return 0, s.free - now, false
		}
		l.busy = true
		s.flying++
		s.turn = at + 1
		s.free = now + s.interval
		return l.waiting[0], 0, true
	}
	return 0, 0, false
}

// answered notes that the question to place is over; again asks it another one before its
// neighbours. What it cost beyond one request is waited for.
func (s *schedule) answered(now time.Duration, place int, again bool, requests int) {
	l := &s.lanes[s.laneOf[place]]
	l.busy = false
	s.flying--
	if !again {
		l.waiting = l.waiting[1:]
	}
	if requests > 1 {
		s.free = max(s.free, now) + time.Duration(requests-1)*s.interval
	}
}

// over reports whether every place was asked.
func (s *schedule) over() bool {
	for i := range s.lanes {
		if len(s.lanes[i].waiting) > 0 {
			return false
		}
	}
	return true
}
