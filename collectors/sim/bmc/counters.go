package bmc

import "maps"

// Counters tell what was asked of a device since it was made.
type Counters struct {
	Requests     map[string]uint64 `json:"requests"`       // by the class of the path: root, session, system, storage, drive, volume, log, ...
	Total        uint64            `json:"total"`          // requests of all classes
	Connections  uint64            `json:"connections"`    // TCP connections accepted
	Open         int               `json:"open"`           // connections there are now
	MostOpen     int               `json:"most_open"`      // of them at once, ever
	Handshakes   uint64            `json:"handshakes"`     // TLS handshakes completed
	Sessions     int               `json:"sessions"`       // open now; those of fault sessions-full are none of them
	MostSessions int               `json:"most_sessions"`  // open at once, ever
	InFlight     int               `json:"in_flight"`      // requests without a whole answer now
	MostInFlight int               `json:"most_in_flight"` // of them at once, ever
	Abandoned    uint64            `json:"abandoned"`      // requests whose client was gone before the whole answer was sent
	Logins       uint64            `json:"logins"`         // sessions opened and Basic authentications
	FailedLogins uint64            `json:"failed_logins"`  // with a wrong password, and all of a locked address
	Refused      uint64            `json:"refused"`        // answers of 503
	NotModified  uint64            `json:"not_modified"`   // answers of 304
	Bytes        uint64            `json:"bytes"`          // of bodies sent
	Lit          uint64            `json:"lit"`            // orders to blink that were obeyed, also of what blinked already
}

// Counters returns a copy.
func (b *BMC) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counters
	c.Requests, c.Open = maps.Clone(c.Requests), len(b.conns)
	c.Sessions = b.access.expire(b.opt.Clock())
	return c
}

// Sessions returns how many sessions are open.
func (b *BMC) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.access.expire(b.opt.Clock())
}

// MostInFlight returns how many requests ever waited for their answers at once.
func (b *BMC) MostInFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counters.MostInFlight
}

// arrive counts a request, leave its end.
func (b *BMC) arrive(class string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counters.Requests[class]++
	b.counters.Total++
	b.counters.InFlight++
	b.counters.MostInFlight = max(b.counters.MostInFlight, b.counters.InFlight)
}

func (b *BMC) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counters.InFlight--
}

func (b *BMC) abandoned() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counters.Abandoned++
}
