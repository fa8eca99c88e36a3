package workload

import "time"

// Options say how large the site is and when it begins.
type Options struct {
	Servers  int // PowerEdge servers, fully equipped: 24 drives, 32 DIMMs, 8 network ports
	Switches int // Catalyst 3750-48PS: 52 ports, half of them without a link
	ASAPairs int // ASA 5500-X failover pairs, one device each

	Start time.Time // of the simulated time; the zero time is the start of 5 January 2026, a Monday, UTC

	// Reuse lets every report of a device share the memory of its reports before: a report
	// and all its slices are then valid until Next returns the next report of that device.
	// Without it a report is the caller's for ever, but for the attributes of components: they
	// are shared and only to be read.
	Reuse bool

	// Calm leaves out the events: no port changes, failures, reboots, lost visits or log lines.
	Calm bool
}

// Site is the reference site: 520 samples a second.
func Site() Options { return Options{Servers: 100, Switches: 20, ASAPairs: 1} }

// Catalysts is a fleet of n Catalyst 3750-48PS and nothing else.
func Catalysts(n int) Options { return Options{Switches: n} }

// defaultStart is where simulated time begins when nothing else is said.
func defaultStart() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }
