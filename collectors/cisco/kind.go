package cisco

import (
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// The kinds of this package.
const (
	CatalystKind = "cisco-catalyst"
	ASAKind      = "cisco-asa"
)

// The sections. Health carries uptime and configuration times.
const (
	sectionHealth      = "health"
	sectionPorts       = "ports"
	sectionCPU         = "cpu"
	sectionStack       = "stack"
	sectionFailover    = "failover"
	sectionConnections = "connections"
	sectionEnvironment = "environment"
	sectionMemory      = "memory"
	sectionInventory   = "inventory"
)

const (
	fast   = time.Minute
	slow   = 5 * time.Minute
	hourly = time.Hour
)

// Catalyst returns the kind of the Catalyst switches, IOS and IOS-XE.
func Catalyst() collectors.Kind {
	shared := &shelf{}
	return collectors.Kind{
		Name: CatalystKind,
		Sections: []collectors.Section{
			{Name: sectionHealth, Period: fast},
			{Name: sectionPorts, Period: fast},
			{Name: sectionCPU, Period: fast},
			{Name: sectionStack, Period: fast},
			{Name: sectionEnvironment, Period: slow},
			{Name: sectionMemory, Period: slow},
			{Name: sectionInventory, Period: hourly},
		},
		New: func(t collectors.Target) (collectors.Collector, error) { return open(t, CatalystKind, shared) },
	}
}

// ASA returns the kind of the ASA firewalls: 5500, 5500-X, and Firepower running ASA or FTD.
func ASA() collectors.Kind {
	shared := &shelf{}
	return collectors.Kind{
		Name: ASAKind,
		Sections: []collectors.Section{
			{Name: sectionHealth, Period: fast},
			{Name: sectionPorts, Period: fast},
			{Name: sectionCPU, Period: fast},
			{Name: sectionFailover, Period: fast},
			{Name: sectionConnections, Period: fast},
			{Name: sectionEnvironment, Period: slow},
			{Name: sectionMemory, Period: slow},
			{Name: sectionInventory, Period: hourly},
		},
		New: func(t collectors.Target) (collectors.Collector, error) { return open(t, ASAKind, shared) },
	}
}

// reader reads one section into the visit.
type reader struct {
	section string
	read    func(*collector, *visit)
}

// readers returns the sections of a kind in the order they are read: what names or judges
// the parts of others comes first.
func readers(kind string) []reader {
	all := []reader{
		{sectionInventory, (*collector).readInventory},
		{sectionHealth, (*collector).readHealth},
	}
	if kind == ASAKind {
		all = append(all, reader{sectionFailover, (*collector).readFailover})
	} else {
		all = append(all, reader{sectionStack, (*collector).readStack})
	}
	all = append(all,
		reader{sectionPorts, (*collector).readPorts},
		reader{sectionCPU, (*collector).readCPU})
	if kind == ASAKind {
		all = append(all, reader{sectionConnections, (*collector).readConnections})
	}
	return append(all,
		reader{sectionEnvironment, (*collector).readEnvironment},
		reader{sectionMemory, (*collector).readMemory})
}

// absentReasons are those that say: the device does not have it. They are no gap.
func isLack(r hw.Reason) bool { return r == hw.NotSupported || r == hw.NotInstalled }
