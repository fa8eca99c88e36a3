package ship

import (
	"encoding/binary"
	"fmt"
)

// Lane is what part of the records a line carries. Both ends of a line have the same.
type Lane uint8

// The lanes. A site has one line of each of the last two to headquarters, so that what is behind never
// stands in the way of what is new.
const (
	Both   Lane = iota // everything, what is new first: to the other box of a pair
	Live               // what is written while it is connected
	Behind             // everything that no live line was answered for
)

// String returns the lane in a word.
func (l Lane) String() string {
	switch l {
	case Both:
		return "both"
	case Live:
		return "live"
	case Behind:
		return "behind"
	}
	return "a lane of a later version"
}

// MarshalText returns the lane in a word.
func (l Lane) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads that word.
func (l *Lane) UnmarshalText(b []byte) error {
	for lane := Both; lane <= Behind; lane++ {
		if lane.String() == string(b) {
			*l = lane
			return nil
		}
	}
	return fmt.Errorf("lane %q: want both, live or behind", short(string(b)))
}

// OriginHeader names the origin of the box in the HTTP request that opens a lane. The boxes of a site
// may send at once, and hold different things: headquarters has lines and a Known for each origin, or they
// would take each other's place.
const OriginHeader = "Rackpost-Origin"

// Pace is what one end of a line asks of the other's sending. The zero Pace asks for nothing: send as
// the line allows.
type Pace struct {
	Paused         bool   `json:"paused,omitempty"`           // send no batches
	FactsOnly      bool   `json:"facts_only,omitempty"`       // send none but of facts
	BytesPerSecond uint64 `json:"bytes_per_second,omitempty"` // of batches and layouts; 0: no limit
	Window         uint64 `json:"window,omitempty"`           // bytes that may be under way, when less than was greeted with; 0: as greeted
	Why            string `json:"why,omitempty"`              // in words, for who operates the other end
}

// Pace asks the other end to send no more than p from now on, on this connection and on later ones,
// until the next call. It returns at once.
func (l *Line) Pace(p Pace) {
	p.Why = short(p.Why)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace = p
	if l.current != nil {
		poke(l.current.paced)
	}
}

// Flags of a pace frame.
const (
	flagPaused = 1 << iota
	flagFactsOnly
)

func (p Pace) bytes() []byte {
	flags := uint64(0)
	if p.Paused {
		flags |= flagPaused
	}
	if p.FactsOnly {
		flags |= flagFactsOnly
	}
	b := binary.AppendUvarint(nil, flags)
	b = binary.AppendUvarint(b, p.BytesPerSecond)
	b = binary.AppendUvarint(b, p.Window)
	return append(b, short(p.Why)...)
}

func parsePace(b []byte) (p Pace, err error) {
	var flags uint64
	if flags, b, err = uvarint(b); err != nil {
		return p, err
	}
	if p.BytesPerSecond, b, err = uvarint(b); err != nil {
		return p, err
	}
	if p.Window, b, err = uvarint(b); err != nil {
		return p, err
	}
	p.Paused, p.FactsOnly, p.Why = flags&flagPaused != 0, flags&flagFactsOnly != 0, short(string(b))
	return p, nil
}
