package idrac

import (
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// The most cards, and ports of a card, that are read.
const (
	maxCards = 64
	maxPorts = 64
)

// redfishNetwork is what is remembered of section network between visits.
type redfishNetwork struct{}

// readNetwork reads network cards and their ports: one request, and one a card. An iDRAC that shows no cards shows the server's
// interfaces.
func (s *redfishSide) readNetwork(v *redfishVisit) {
	at := s.places.chassis.NetworkAdapters.Path
	if at == "" && v.system.EthernetInterfaces.Path != "" {
		s.readInterfaces(v)
		return
	}
	if at == "" && s.places.chassis.Path != "" {
		v.Fail(sectionNetwork, hw.NotSupported, "this iDRAC shows no network cards over Redfish; SNMP does")
		return
	}
	cards, ok := readMembers[redfish.NetworkAdapter](s, v, sectionNetwork, "cards", at, maxCards)
	if !ok {
		return
	}
	f := parts.Adapters(sectionNetwork, cards)
	s.settled(v, sectionNetwork, "cards", len(f.Parts))
	v.Take(sectionNetwork, "cards", f)
	for _, card := range cards.Items {
		if v.Stopped != "" {
			return
		}
		id := parts.Last(card.Path)
		what := "ports of " + parts.Name(id)
		if ports, ok := readMembers[redfish.Port](s, v, sectionNetwork, what, parts.PortsOf(card.Value), maxPorts); ok {
			f := parts.Ports(sectionNetwork, id, ports)
			s.settled(v, sectionNetwork, what, len(f.Parts))
			v.Take(sectionNetwork, what, f)
		}
	}
}

// readInterfaces reads the ports as interfaces of the server.
func (s *redfishSide) readInterfaces(v *redfishVisit) {
	m, ok := readMembers[redfish.EthernetInterface](s, v, sectionNetwork, "interfaces", v.system.EthernetInterfaces.Path, maxCards*maxPorts)
	if !ok {
		return
	}
	f := parts.Interfaces(sectionNetwork, m, portName)
	s.settled(v, sectionNetwork, "interfaces", len(f.Parts))
	v.Take(sectionNetwork, "interfaces", f)
	v.Gap(sectionNetwork+"/cards", hw.NotSupported, "this iDRAC shows the server's interfaces and no cards")
}
