package cisco

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// The protocols a neighbour is heard by.
const (
	heardCDP = 1 << iota
	heardLLDP
)

// neighbour is one device heard on one port, by either protocol or both.
type neighbour struct {
	at     string // our port: its name, or "#number"
	host   string // as in the path
	local  *port  // nil is not known
	heard  uint8
	ports  []string // of the neighbour
	attrs  hw.Attrs
	native string // VLAN; "" is not told
	duplex string // halfDuplex, fullDuplex or ""
	unread bool   // one of the two was told, and not read
}

// maxNeighbourPorts bounds the ports of one neighbour that are named.
const maxNeighbourPorts = 8

// neighbourhood gathers the neighbours of one visit.
type neighbourhood struct {
	list []neighbour
	at   map[string]int // by port and host, without regard to case
}

// readNeighbours reads who is heard on which port. A neighbour told by both protocols is
// one component; that one goes is a change, and no fault.
func (c *collector) readNeighbours(v *visit) {
	c.needPortNames(v)
	n := neighbourhood{at: map[string]int{}}
	cdp, ok := c.read(v, &cdpGroup)
	whole := ok && cdp.wholeAll()
	for _, row := range cdp.rows() {
		c.hearCDP(v, cdp, row, &n)
	}
	whole = whole && !v.lacking(sectionNeighbours)
	if lldp, _ := c.read(v, &lldpGroup); lldp.any() {
		local, _ := c.read(v, &lldpLocalGroup)
		for _, row := range lldp.rows() {
			c.hearLLDP(v, lldp, row, local, &n, whole)
		}
	}
	both := !v.lacking(sectionNeighbours)
	heard := map[string]int{} // neighbours told by CDP on a port
	for i := range n.list {
		if n.list[i].heard&heardCDP != 0 {
			heard[n.list[i].at]++
		}
	}
	slices.SortFunc(n.list, func(a, b neighbour) int { return cmp.Or(strings.Compare(a.at, b.at), strings.Compare(a.host, b.host)) })
	for i := range n.list {
		x := &n.list[i]
		v.component(x.component(whole, both, heard[x.at] == 1, v.lacking(sectionLinks)))
	}
}

// component makes a neighbour's component. What CDP alone tells is not judged where its
// table was not read whole, nor the duplex where ours was not (blind); how a neighbour is
// heard is not told unless both tables were.
func (n *neighbour) component(whole, both, direct, blind bool) hw.Component {
	p := hw.Component{Path: "neighbour/" + n.at + "/" + n.host, Section: sectionNeighbours, Health: hw.OK, Attrs: n.attrs}
	slices.Sort(n.ports)
	p.Attrs = p.Attrs.With("port", strings.Join(slices.Compact(n.ports), ", ")).With("native_vlan", n.native).With("duplex", n.duplex)
	if both {
		p.Attrs = p.Attrs.With("via", [...]string{heardCDP: "cdp", heardLLDP: "lldp", heardCDP | heardLLDP: "cdp, lldp"}[n.heard])
	}
	mismatch := n.mismatch(direct)
	switch {
	case mismatch != "":
		p.Health = hw.Warning
		p.State = p.State.With("mismatch", mismatch)
	case !whole, n.unread, direct && blind && n.duplex != "" && n.local != nil && n.local.told.Get(toldDuplex) == "":
		p.Health = hw.Unknown
	}
	return p
}

// markNative is the attribute of a port that holds the native VLAN of its trunk.
const markNative = "native_vlan"

// mismatch says what the neighbour and our port are not agreed on. The duplex is judged
// only of what stands at the other end of the cable: direct.
func (n *neighbour) mismatch(direct bool) string {
	if n.local == nil || n.local.oper != "up" {
		return ""
	}
	var found []string
	if ours := n.local.told.Get(toldDuplex); direct && n.duplex != "" && ours != "" && n.duplex != ours {
		found = append(found, "duplex")
	}
	if vlan := n.local.attrs.Get(markNative); n.native != "" && vlan != "" && vlan != n.native {
		found = append(found, "native_vlan")
	}
	return strings.Join(found, ", ")
}

// lacking reports whether something of a section was not read.
func (v *visit) lacking(section string) bool {
	return slices.ContainsFunc(v.report.Read, func(s hw.Scope) bool { return s.Section == section && s.Extent < hw.Complete })
}

// hear returns the neighbour of a name on a port.
func (n *neighbourhood) hear(at, name string, local *port, by uint8) *neighbour {
	host := cmp.Or(pathName(hostName(name)), "unnamed")
	key := at + "\x00" + strings.ToLower(host)
	i, ok := n.at[key]
	if !ok {
		i = len(n.list)
		n.at[key] = i
		n.list = append(n.list, neighbour{at: at, host: host, local: local})
	}
	x := &n.list[i]
	x.heard |= by
	x.say("name", name)
	return x
}

// say sets an attribute that was not told yet.
func (n *neighbour) say(key, value string) {
	if n.attrs.Get(key) == "" {
		n.attrs = n.attrs.With(key, value)
	}
}

// from adds a port of the neighbour.
func (n *neighbour) from(port string) {
	if port != "" && len(n.ports) < maxNeighbourPorts {
		n.ports = append(n.ports, port)
	}
}

// unheard says that a neighbour cannot be named, since an object of it was not read.
func unheard(v *visit, object string, reason hw.Reason) {
	if reason == hw.NotSupported {
		reason = hw.Inconsistent // the table has the row, and not this object of it
	}
	v.limit(sectionNeighbours, hw.Partial)
	what := sectionNeighbours + "/" + object
	if !slices.ContainsFunc(v.report.Gaps, func(g hw.Gap) bool { return g.What == what }) {
		v.gap(what, reason, "a neighbour is known by it")
	}
}

// hearCDP adds one row of the CDP cache: its index is the ifIndex and a number that says
// nothing.
func (c *collector) hearCDP(v *visit, g *grid, row int, n *neighbourhood) {
	ifIndex, _, ok := strings.Cut(g.index[row], ".")
	if !ok {
		return
	}
	id, reason := g.text(row, cdpDeviceID)
	if reason != "" {
		unheard(v, "cdpCacheDeviceId", reason)
		return
	}
	local, at := c.port(ifIndex), "#"+strings.Clone(ifIndex)
	switch {
	case local != nil:
		at = local.name()
	case !c.portsKnown():
		unheard(v, "ifName", hw.NotReady)
		return
	}
	address := cdpAddressOf(g, row)
	x := n.hear(at, cmp.Or(id, address, "unnamed"), local, heardCDP)
	first := len(x.ports) == 0
	port, _ := g.text(row, cdpDevicePort)
	x.from(port)
	if !first {
		return
	}
	version, _ := g.text(row, cdpVersion)
	platform, _ := g.text(row, cdpPlatform)
	capable, _ := g.value(row, cdpCapabilities)
	x.say("address", address)
	x.say("version", softwareVersion(version))
	x.say("platform", platform)
	x.say("capabilities", cdpCapable(capable))
	vlan, noVLAN := g.text64(row, cdpNativeVLAN)
	if vlan != "0" {
		x.native = vlan
	}
	word, noWord := g.word(row, cdpDuplex)
	if word != "unknown" {
		x.duplex = word
	}
	x.unread = noVLAN != "" && !isLack(noVLAN) || noWord != "" && !isLack(noWord)
}

// cdpAddressOf returns the address of a neighbour, or "" when it tells none we know.
func cdpAddressOf(g *grid, row int) string {
	v, _ := g.value(row, cdpAddress)
	a, ok := netip.AddrFromSlice(v.Bytes)
	kind, _ := g.number(row, cdpAddressType)
	if !ok || v.Type != snmp.TypeOctetString || a.IsUnspecified() || a.Is4() != (kind == 1) || a.Is6() != (kind == 20) {
		return ""
	}
	return a.String()
}

// hearLLDP adds one row of the LLDP table: its index is a time mark, our port's number,
// and a number that says nothing. What CDP would tell too is LLDP's only where CDP was read
// whole: else it would change with what happened to be read.
func (c *collector) hearLLDP(v *visit, g *grid, row int, local *grid, n *neighbourhood, whole bool) {
	index := strings.Split(g.index[row], ".")
	if len(index) != 3 {
		return
	}
	name, reason := g.text(row, lldpSysName)
	_, sort := g.number(row, lldpChassisSubtype)
	_, id := g.text(row, lldpChassis)
	if reason != "" || name == "" && (sort != "" || id != "") {
		unheard(v, "lldpRemSysName", cmp.Or(reason, id, sort))
		return
	}
	p, at, ok := c.lldpPort(index[1], local)
	if !ok {
		unheard(v, "lldpLocPortId", local.cols[lldpLocalID].reason)
		return
	}
	chassis := lldpID(g, row, lldpChassis, lldpChassisSubtype, 4, 5)
	x := n.hear(at, cmp.Or(name, chassis, "unnamed"), p, heardLLDP)
	x.say("chassis_id", chassis)
	if !whole {
		return
	}
	if x.heard&heardCDP == 0 {
		x.from(lldpPortOf(g, row))
	}
	descr, _ := g.value(row, lldpSysDescr)
	x.say("version", softwareVersion(descr.Text()))
	x.say("platform", firstLine(descr))
	capable, _ := g.value(row, lldpCapabilities)
	x.say("capabilities", lldpCapable(capable))
}

// lldpPort returns our port of an LLDP port number, and its name for paths. It is not ok
// while what tells the port was not read.
func (c *collector) lldpPort(number string, local *grid) (p *port, at string, ok bool) {
	row, known := local.at[number]
	if !known {
		row = len(local.index)
	}
	told := c.portsKnown()
	for _, slot := range []int{lldpLocalID, lldpLocalDescr} {
		s, reason := local.text(row, slot)
		told = told && reason == ""
		if p = c.portNamed(s); p != nil {
			return p, p.name(), true
		}
	}
	return nil, "#" + strings.Clone(number), told
}

// lldpPortOf returns the neighbour's port: its id where that is a name, else its
// description, else its id as it is.
func lldpPortOf(g *grid, row int) string {
	id := lldpID(g, row, lldpPort, lldpPortSubtype, 3, 4)
	if kind, _ := g.number(row, lldpPortSubtype); kind == 5 {
		return id
	}
	descr, _ := g.text(row, lldpPortDescr)
	return cmp.Or(descr, id)
}

// lldpID returns an id of LLDP as text: subtypes mac and network are addresses.
func lldpID(g *grid, row, slot, subtype int, mac, network uint64) string {
	v, reason := g.value(row, slot)
	kind, untold := g.number(row, subtype)
	if reason != "" || untold != "" || v.Type != snmp.TypeOctetString {
		return ""
	}
	switch {
	case kind == mac && len(v.Bytes) == 6:
		return macText(v)
	case kind == network && len(v.Bytes) > 1:
		if a, ok := netip.AddrFromSlice(v.Bytes[1:]); ok && (a.Is4() && v.Bytes[0] == 1 || a.Is6() && v.Bytes[0] == 2) {
			return a.String()
		}
	}
	return v.Text()
}

// hostName returns the name of a neighbour without what only one of the protocols adds: its
// domain, and the serial in parentheses. An address stays whole, and so do the names access
// points make of theirs ("AP0011.2233.4455").
func hostName(name string) string {
	if i := strings.LastIndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") {
		name = strings.TrimSpace(name[:i])
	}
	host, domain, ok := strings.Cut(name, ".")
	if _, err := netip.ParseAddr(name); !ok || err == nil || host == "" || hexGroups(domain) {
		return name
	}
	return host
}

// hexGroups reports whether s is groups of four hexadecimal digits, as in a MAC address.
func hexGroups(s string) bool {
	for group := range strings.SplitSeq(s, ".") {
		if len(group) != 4 || strings.Trim(group, "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return true
}

// cdpCapable names the capabilities in a CDP row: a bit each, in four octets.
func cdpCapable(v snmp.Value) string {
	if v.Type != snmp.TypeOctetString || len(v.Bytes) != 4 {
		return ""
	}
	return namesOf(v.Bytes[3], [8]string{"router", "bridge", "bridge", "switch", "host", "", "repeater", "phone"})
}

// lldpCapable names the capabilities in an LLDP row: BITS, the first one the highest.
func lldpCapable(v snmp.Value) string {
	if v.Type != snmp.TypeOctetString || len(v.Bytes) == 0 || len(v.Bytes) > 2 {
		return ""
	}
	return namesOf(v.Bytes[0], [8]string{"host", "", "phone", "router", "access point", "bridge", "repeater", "other"})
}

// namesOf lists the names of the bits that are set, from the lowest.
func namesOf(bits byte, names [8]string) string {
	var list []string
	for i, name := range names {
		if name != "" && bits&(1<<i) != 0 && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}
