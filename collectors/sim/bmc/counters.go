package bmc

import "maps"

// Counters tell what was asked of a device since it was made.
type Counters struct {
	Requests     map[string]uint64 // by the class of the path: root, session, system, storage, drive, volume, log, ...
	Total        uint64            // requests of all classes
	Connections  uint64            // TCP connections accepted
	Handshakes   uint64            // TLS handshakes completed
	Sessions     int               // open now; those of fault sessions-full are none of them
	MostSessions int               // open at once, ever
	InFlight     int               // requests without a whole answer now
	MostInFlight int               // of them at once, ever
	Logins       uint64            // sessions opened and Basic authentications
	FailedLogins uint64            // with a wrong password, and all of a locked address
	Refused      uint64            // answers of 503
	NotModified  uint64            // answers of 304
	Bytes        uint64            // of bodies sent
}

// Counters returns a copy.
func (b *BMC) Counters() Counters {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counters
	c.Requests = maps.Clone(c.Requests)
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
