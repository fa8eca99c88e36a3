package parts

import (
	"net"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw/raid"
)

// Adapters tells network cards as nic/<id>.
func Adapters(section string, m redfish.Members[redfish.NetworkAdapter]) Found {
	return Members(m, func(path string, x redfish.NetworkAdapter) (Part, bool) {
		p := made(section, "nic/", idOf(path, x.Resource), x.Status)
		p.attr(raid.KeyModel, x.Model, raid.KeyManufacturer, x.Manufacturer, raid.KeySerial, x.SerialNumber, raid.KeyPartNumber, x.PartNumber)
		for _, c := range x.Controllers {
			if p.Attrs.Get(raid.KeyFirmware) == "" {
				p.attr(raid.KeyFirmware, c.FirmwarePackageVersion)
			}
		}
		return p, !absent(x.Status)
	})
}

// PortsOf is where the ports of a card are; "" where it does not tell.
func PortsOf(a redfish.NetworkAdapter) string { return first(a.Ports.Path, a.NetworkPorts.Path) }

// Ports tells the ports of a card as port/<id>, or port/<card>-<id> where the id is one within the card only.
func Ports(section, card string, m redfish.Members[redfish.Port]) Found {
	return Members(m, func(path string, x redfish.Port) (Part, bool) {
		id := idOf(path, x.Resource)
		if id != "" && !strings.Contains(id, ".") {
			id = card + "-" + id
		}
		p := made(section, "port/", id, x.Status)
		p.State = p.State.With("link", linkWord(first(x.LinkStatus)))
		p.attr("nic", Name(card), "number", first(string(x.PhysicalPortNumber), string(x.PortID)), "technology", strings.ToLower(first(x.LinkNetworkTechnology, x.ActiveLinkTechnology)))
		p.Attrs = p.Attrs.With("mac", macOf(x))
		p.told("speed_mbps", speedOf(x), 0, 1e7)
		return p, !absent(x.Status)
	})
}

func linkWord(s string) string {
	switch s {
	case "LinkUp", "Up":
		return "up"
	case "LinkDown", "Down", "NoLink":
		return "down"
	}
	return kebab(s)
}

// speedOf is the speed of a link in megabits a second.
func speedOf(x redfish.Port) *float64 {
	if x.CurrentSpeedGbps != nil {
		v := *x.CurrentSpeedGbps * 1000
		return &v
	}
	return x.CurrentLinkSpeedMbps
}

func macOf(x redfish.Port) string {
	for _, list := range [][]string{x.Ethernet.AssociatedMACAddresses, x.AssociatedNetworkAddresses} {
		for _, s := range list {
			if a, err := net.ParseMAC(strings.TrimSpace(s)); err == nil {
				return a.String()
			}
		}
	}
	return ""
}

// Interfaces tells the server's network interfaces as port/<name of id>: where no cards are shown.
func Interfaces(section string, m redfish.Members[redfish.EthernetInterface], name func(id string) string) Found {
	return Members(m, func(path string, x redfish.EthernetInterface) (Part, bool) {
		id := idOf(path, x.Resource)
		if name != nil {
			id = name(id)
		}
		p := made(section, "port/", id, x.Status)
		p.State = p.State.With("link", linkWord(first(x.LinkStatus)))
		for _, s := range []string{x.PermanentMACAddress, x.MACAddress} {
			if a, err := net.ParseMAC(strings.TrimSpace(s)); err == nil {
				p.Attrs = p.Attrs.With("mac", a.String())
			}
		}
		p.told("speed_mbps", x.SpeedMbps, 0, 1e7)
		return p, !absent(x.Status)
	})
}
