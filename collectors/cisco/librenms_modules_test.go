package cisco_test

import (
	"strconv"
	"strings"

	"rackpost/hw"
)

// modules compare what LibreNMS's modules hold.
var modules = map[string]func(*comparison){
	"os": (*comparison).system, "ports": (*comparison).ports, "processors": (*comparison).processors, "mempools": (*comparison).pools,
	"sensors": (*comparison).sensors, "vlans": (*comparison).vlans, "stp": (*comparison).trees, "entity-physical": (*comparison).inventory,
	"ports-stack": (*comparison).stacked, "discovery-protocols": (*comparison).links, "transceivers": (*comparison).transceivers,
	"ipv4-addresses": unread("ipv4_addresses"), "ipv6-addresses": unread("ipv6_addresses"), "cipsec-tunnels": (*comparison).tunnels,
}

// unread is for a table that is not read here: a row of it is a difference.
func unread(table string) func(*comparison) {
	return func(c *comparison) {
		for module := range c.theirs {
			for range c.theirs.rows(module, table) {
				c.same(table, c.name, "row 1", "")
			}
		}
	}
}

// tunnels compares how many there are: LibreNMS keeps the peers to itself.
func (c *comparison) tunnels() {
	ours := 0
	for path := range c.ours.parts {
		if strings.HasPrefix(path, "tunnel/") {
			ours++
		}
	}
	c.same("ipsec_tunnels", c.name, strconv.Itoa(len(c.theirs.rows("cipsec-tunnels", "ipsec_tunnels"))), strconv.Itoa(ours))
}

func (c *comparison) system() {
	for _, x := range c.theirs.rows("os", "devices") {
		version, _, _ := strings.Cut(x.text("version"), " ")
		c.same("version", "", version, c.ours.Unit.Version)
		c.same("hardware", "", x.text("hardware"), c.ours.Unit.Model)
		c.same("serial", "", x.text("serial"), c.ours.Unit.Serial)
		c.same("sysObjectID", "", strings.TrimPrefix(x.text("sysObjectID"), "."), c.ours.part(c, "system").Attrs.Get("object_id"))
	}
}

// portColumns are LibreNMS's counters of a port and ours.
var portColumns = map[string]string{
	"ifInOctets": "rx_bytes_total", "ifOutOctets": "tx_bytes_total", "ifInUcastPkts": "rx_unicast_packets_total", "ifOutUcastPkts": "tx_unicast_packets_total",
	"ifInMulticastPkts": "rx_multicast_packets_total", "ifOutMulticastPkts": "tx_multicast_packets_total", "ifInBroadcastPkts": "rx_broadcast_packets_total",
	"ifOutBroadcastPkts": "tx_broadcast_packets_total", "ifInErrors": "rx_errors_total", "ifOutErrors": "tx_errors_total",
	"ifInDiscards": "rx_discards_total", "ifOutDiscards": "tx_discards_total",
}

func (c *comparison) ports() {
	for _, x := range c.theirs.rows("ports", "ports") {
		path := "port/" + x.text("ifName")
		p := c.ours.part(c, path)
		c.same("ifOperStatus", path, x.text("ifOperStatus"), p.State.Get("oper"))
		c.same("ifAdminStatus", path, x.text("ifAdminStatus"), p.State.Get("admin"))
		c.same("ifSpeed", path, x.text("ifSpeed"), p.Attrs.Get("speed_bps"))
		c.same("ifType", path, x.text("ifType"), p.Attrs.Get("type"))
		c.same("ifAlias", path, x.text("ifAlias"), p.Attrs.Get("alias"))
		c.same("ifDescr", path, x.text("ifDescr"), p.Attrs.Get("descr"))
		duplex := "ifDuplex"
		if x.text("ifOperStatus") != "up" {
			duplex += " of a port without link"
		}
		c.same(duplex, path, x.text("ifDuplex"), p.State.Get("duplex"))
		trunk := map[bool]string{true: "dot1Q"}[p.State.Get("trunking") == "yes" || p.Attrs.Get("mode") == "trunk"]
		c.same("ifTrunk", path, x.text("ifTrunk"), trunk)
		c.same("ifVlan", path, x.text("ifVlan"), p.Attrs.Get("vlan")+p.Attrs.Get("native_vlan"))
		for theirs, ours := range portColumns {
			if n, ok := x[theirs].(float64); ok {
				c.number("ifInOctets and the others", path+" "+theirs, n, path, ours)
			}
		}
	}
}

func (c *comparison) processors() {
	for _, x := range c.theirs.rows("processors", "processors") {
		index := x.text("processor_index")
		c.number("cpmCPUTotal5minRev", index, x["processor_usage"].(float64), "cpu/"+index, "busy_5m_percent")
	}
}

// pools finds each pool by its bytes: LibreNMS names them in another way.
func (c *comparison) pools() {
	type bytes struct{ used, free float64 }
	have := map[bytes][]string{}
	for path := range c.ours.parts {
		if strings.HasPrefix(path, "memory/") {
			b := bytes{c.ours.gauge(c, path, "used_bytes"), c.ours.gauge(c, path, "free_bytes")}
			have[b] = append(have[b], path)
		}
	}
	for _, x := range c.theirs.rows("mempools", "mempools") {
		b := bytes{x["mempool_used"].(float64), x["mempool_free"].(float64)}
		if len(have[b]) == 0 {
			c.same("mempool", x.text("mempool_descr"), "N1", "")
			continue
		}
		path := have[b][0]
		have[b] = have[b][1:]
		c.compared++
		if largest, ok := x["mempool_largestfree"].(float64); ok {
			c.number("largest free", path, largest, path, "largest_free_bytes")
		}
	}
}

func (c *comparison) vlans() {
	for _, x := range c.theirs.rows("vlans", "vlans") {
		p := c.ours.part(c, "vlan/"+x.text("vlan_vlan"))
		c.same("vtpVlanName", p.Path, x.text("vlan_name"), p.Attrs.Get("name"))
		c.same("vtpVlanState", p.Path, map[string]string{"1": "operational", "0": "suspended"}[x.text("vlan_state")], p.State.Get("state"))
	}
}

// ifName returns the path of the port of an ifIndex.
func (c *comparison) ifName(index string) string {
	return "port/" + c.said["1.3.6.1.2.1.31.1.1.1.1."+index]
}

func (c *comparison) trees() {
	for _, x := range c.theirs.rows("stp", "stp") {
		p := c.ours.part(c, "spanning-tree/1")
		_, root, _ := strings.Cut(p.State.Get("root"), ".")
		c.same("dot1dStpDesignatedRoot", "", x.text("designatedRoot"), root)
		c.same("dot1dStpRootCost", "", x.text("rootCost"), p.State.Get("root_cost"))
		c.same("dot1dStpRootPort", "", strings.TrimPrefix(c.ifName(c.said["1.3.6.1.2.1.17.1.4.1.2."+x.text("rootPort")]), "port/"), p.State.Get("root_port"))
		c.same("root bridge", "", map[string]string{"0": "no", "1": "yes"}[x.text("rootBridge")], p.State.Get("is_root"))
		c.same("stpxSpanningTreeType", "", strings.ToLower(strings.TrimSuffix(x.text("protocolSpecification"), "Plus")), strings.ReplaceAll(p.Attrs.Get("mode"), "-", ""))
		since, _ := strconv.ParseFloat(x.text("timeSinceTopologyChange"), 64)
		c.same("dot1dStpTimeSinceTopologyChange", "", x.text("timeSinceTopologyChange"), strconv.Itoa(int(c.ours.gauge(c, p.Path, "since_topology_change_seconds"))))
		c.compared += min(1, int(since))
		c.number("dot1dStpTopChanges", "", x["topChanges"].(float64), p.Path, "topology_changes_total")
	}
	for _, x := range c.theirs.rows("stp", "ports_stp") {
		p := c.ours.part(c, c.ifName(x.text("ifIndex")))
		if p.State.Get("oper") == "up" {
			c.same("dot1dStpPortState", p.Path, x.text("state"), p.State.Get("stp"))
		}
	}
}

// inventory finds each part by its serial; LibreNMS's row of a stack has none.
func (c *comparison) inventory() {
	parts := map[string]hw.Component{}
	for path, p := range c.ours.parts {
		if strings.HasPrefix(path, "part/") || strings.HasPrefix(path, "unit/") || strings.HasPrefix(path, "transceiver/") && p.Attrs.Get("serial") != "" {
			parts[p.Attrs.Get("serial")] = p
		}
	}
	for _, x := range c.theirs.rows("entity-physical", "entPhysical") {
		serial := strings.TrimSpace(x.text("entPhysicalSerialNum"))
		if serial == "" || serial == "<private>" {
			continue
		}
		p := parts[serial]
		c.same("entPhysicalSerialNum", x.text("entPhysicalName"), serial, p.Attrs.Get("serial"))
		c.same("entPhysicalModelName", p.Path, x.text("entPhysicalModelName"), p.Attrs.Get("model"))
		c.same("entPhysicalHardwareRev", p.Path, x.text("entPhysicalHardwareRev"), p.Attrs.Get("hardware"))
	}
}

// stacked compares the members of port-channels. LibreNMS calls the lower one the higher.
func (c *comparison) stacked() {
	for _, x := range c.theirs.rows("ports-stack", "ports_stack") {
		member, channel := c.ours.part(c, c.ifName(x.text("high_ifIndex"))), c.ifName(x.text("low_ifIndex"))
		c.same("ports_stack", member.Path, strings.TrimPrefix(channel, "port/"), member.Attrs.Get("channel"))
	}
}

func (c *comparison) links() {
	for _, x := range c.theirs.rows("discovery-protocols", "links") {
		host, _, _ := strings.Cut(x.text("remote_hostname"), ".")
		p := c.ours.part(c, "neighbour/"+x.text("ifName")+"/"+host)
		c.same("cdpCacheDevicePort", p.Path, x.text("remote_port"), p.Attrs.Get("port"))
		c.same("cdpCachePlatform", p.Path, x.text("remote_platform"), p.Attrs.Get("platform"))
		c.same("cdpCacheVersion", p.Path, "true", strconv.FormatBool(strings.Contains(x.text("remote_version"), "Version "+p.Attrs.Get("version"))))
	}
}

func (c *comparison) transceivers() {
	for _, x := range c.theirs.rows("transceivers", "transceivers") {
		path := strings.Replace(c.ifName(x.text("ifIndex")), "port/", "transceiver/", 1)
		p := c.ours.part(c, path)
		for theirs, ours := range map[string]string{"model": "model", "serial": "serial", "revision": "hardware", "type": "descr"} {
			c.same("transceiver "+theirs, path, x.text(theirs), p.Attrs.Get(ours))
		}
	}
}
