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

// The sections. Health carries uptime and whether the configuration was saved.
const (
	sectionHealth       = "health"
	sectionPorts        = "ports"
	sectionCPU          = "cpu"
	sectionStack        = "stack"
	sectionSpanningTree = "spanning-tree"
	sectionFailover     = "failover"
	sectionConnections  = "connections"
	sectionVPN          = "vpn"
	sectionEnvironment  = "environment"
	sectionMemory       = "memory"
	sectionPoE          = "poe"
	sectionLinks        = "links"
	sectionTunnels      = "tunnels"
	sectionContexts     = "contexts"
	sectionStandby      = "standby"
	sectionVLANs        = "vlans"
	sectionNeighbours   = "neighbours"
	sectionTransceivers = "transceivers"
	sectionConfig       = "config"
	sectionFlash        = "flash"
	sectionMAC          = "mac"
	sectionInventory    = "inventory"
)

const (
	fast   = time.Minute
	slow   = 5 * time.Minute
	hourly = time.Hour
	off    = 0
)

// reader reads one section into the visit.
type reader struct {
	section string
	period  time.Duration // off: only where it is configured
	read    func(*collector, *visit)
}

// readers returns the sections of a kind in the order they are read: what names or judges
// the parts of others comes first, and what tells of ports comes before the ports.
func readers(kind string) []reader {
	if kind == ASAKind {
		return asaReaders()
	}
	return catalystReaders()
}

func catalystReaders() []reader {
	return []reader{
		{sectionInventory, hourly, (*collector).readInventory},
		{sectionConfig, hourly, (*collector).readConfig},
		{sectionHealth, fast, (*collector).readHealth},
		{sectionStack, fast, (*collector).readStack},
		{sectionLinks, slow, (*collector).readLinks},
		{sectionPoE, slow, (*collector).readPoE},
		{sectionVLANs, hourly, (*collector).readVLANs},
		{sectionSpanningTree, fast, (*collector).readSpanningTree},
		{sectionPorts, fast, (*collector).readPorts},
		{sectionCPU, fast, (*collector).readCPU},
		{sectionEnvironment, slow, (*collector).readEnvironment},
		{sectionMemory, slow, (*collector).readMemory},
		{sectionNeighbours, hourly, (*collector).readNeighbours},
		{sectionTransceivers, hourly, (*collector).readTransceivers},
		{sectionFlash, hourly, (*collector).readFlash},
		{sectionMAC, off, (*collector).readMAC},
	}
}

func asaReaders() []reader {
	return []reader{
		{sectionFailover, fast, (*collector).readFailover},
		{sectionInventory, hourly, (*collector).readInventory},
		{sectionHealth, fast, (*collector).readHealth},
		{sectionPorts, fast, (*collector).readPorts},
		{sectionCPU, fast, (*collector).readCPU},
		{sectionConnections, fast, (*collector).readConnections},
		{sectionVPN, fast, (*collector).readVPN},
		{sectionTunnels, slow, (*collector).readTunnels},
		{sectionContexts, slow, (*collector).readContexts},
		{sectionStandby, slow, (*collector).readStandby},
		{sectionEnvironment, slow, (*collector).readEnvironment},
		{sectionMemory, slow, (*collector).readMemory},
	}
}

// Catalyst returns the kind of the Catalyst switches, IOS and IOS-XE.
func Catalyst() collectors.Kind { return kindNamed(CatalystKind) }

// ASA returns the kind of the ASA firewalls: 5500, 5500-X, and Firepower running ASA or FTD.
func ASA() collectors.Kind { return kindNamed(ASAKind) }

func kindNamed(name string) collectors.Kind {
	shared := &shelf{}
	k := collectors.Kind{
		Name: name, Protocol: protocol, Ask: Ask, Pairs: name == ASAKind, Subtrees: subtrees(name),
		New:   func(t collectors.Target) (collectors.Collector, error) { return open(t, name, shared) },
		Grant: grant(name),
	}
	for _, r := range readers(name) {
		k.Sections = append(k.Sections, collectors.Section{Name: r.section, Period: r.period})
	}
	return k
}

// isLack says whether a reason is: the device does not have it. That is no gap.
func isLack(r hw.Reason) bool { return r == hw.NotSupported || r == hw.NotInstalled }
