package cisco

import "rackpost/hw"

// The rows of cfwConnectionStatTable (cfwConnectionStatType) that are read.
var connectionRows = []struct{ index, sensor string }{
	{"6", "current_connections"},
	{"7", "peak_connections"},
}

// rateGroup holds what CISCO-UNIFIED-FIREWALL-MIB adds to the connections.
var rateGroup = group{
	section: sectionConnections, component: "connections/total", mib: "CISCO-UNIFIED-FIREWALL-MIB", kinds: asaOnly,
	objects: []object{
		{name: "cufwConnGlobalNumHalfOpen", oid: cufwGlobal + "5", use: sensor, as: "half_open_connections", max: max32, note: "not every release of ASA has this MIB"},
		{name: "cufwConnGlobalNumActive", oid: cufwGlobal + "6", use: sensor, as: "active_connections", max: max32},
		{name: "cufwConnGlobalConnSetupRate1", oid: cufwGlobal + "10", use: sensor, as: "setups_per_second_1m_connections", max: max32,
			note: "connections set up a second, over the last minute"},
		{name: "cufwConnGlobalConnSetupRate5", oid: cufwGlobal + "11", use: sensor, as: "setups_per_second_5m_connections", max: max32,
			note: "the same over the last five minutes"},
	},
}

const cufwGlobal = ciscoMgmt + "491.1.1.1."

// limitGroup documents what is made of a model's name: see platformConnections.
var limitGroup = group{
	section: sectionConnections, component: "connections/total", mib: "ENTITY-MIB", kinds: asaOnly,
	also: []object{{use: attribute, as: "limit", note: "whose limit it is: platform, or the resource class's"}},
	objects: []object{{
		name: "entPhysicalModelName", oid: entPhys + "13", use: sensor, as: "limit_connections, used_percent",
		note: "no MIB tells the platform's limit: it is Cisco's published maximum of the model, with the greatest licence, where the resource" +
			" class of the one context answering tells none; the licence may be lower. A model that is not in the table has no limit." +
			" Warning from 90 % used until below 85 %",
	}},
}

// readConnections reads the connections through the firewall, now and at most since its
// start, and how much of what the platform bears they are.
func (c *collector) readConnections(v *visit) {
	g, ok := c.read(v, &connectionGroup)
	if !ok {
		return
	}
	total := hw.Component{Path: "connections/total", Section: sectionConnections}
	told := g.any()
	var current uint64
	lack := hw.Reason("")
	for i, r := range connectionRows {
		row, known := g.at[r.index]
		if !known {
			row = len(g.index)
		}
		n, reason := g.number(row, 0)
		if i == 0 {
			current, lack = n, reason
		}
		if told {
			v.gauge(total.Path, r.sensor, float64(n), reason)
		}
	}
	rates := c.connectionRates(v, total.Path)
	if !told && !rates {
		return
	}
	if lack == "" {
		total.Health = hw.OK
	}
	c.connectionShare(v, &total, current, lack)
	v.component(total)
}

// connectionRates adds what CISCO-UNIFIED-FIREWALL-MIB tells, where a device has it.
func (c *collector) connectionRates(v *visit, path string) (told bool) {
	g, ok := c.read(v, &rateGroup)
	if !ok || !g.any() {
		return false
	}
	row := g.scalar()
	for slot := range rateGroup.objects {
		n, reason := g.number(row, slot)
		v.gauge(path, rateGroup.objects[slot].as, float64(n), reason)
	}
	return true
}

// connectionShare adds the platform's limit and how much of it is used, where it is known.
func (c *collector) connectionShare(v *visit, total *hw.Component, current uint64, lack hw.Reason) {
	limit, source := c.connectionLimit()
	if limit == 0 {
		return
	}
	total.Attrs = total.Attrs.With("limit", source)
	v.gauge(total.Path, "limit_connections", float64(limit), "")
	c.share(v, total, current, limit, lack)
}

// share adds used_percent, and warns when a part is nearly full.
func (c *collector) share(v *visit, p *hw.Component, used, limit uint64, lack hw.Reason) {
	switch {
	case lack != "":
		p.Health = hw.Unknown
		v.gauge(p.Path, "used_percent", 0, lack)
		return
	case used > limit: // the limit is not this device's
		v.gauge(p.Path, "used_percent", 0, hw.OutOfRange)
		return
	}
	v.gauge(p.Path, "used_percent", float64(used)/float64(limit)*100, "")
	if c.fullness(p.Path, used, limit) == hw.Warning {
		p.Health = hw.Warning
	}
}

// connectionLimit returns how many connections the firewall bears and who says so; 0 is not
// known.
func (c *collector) connectionLimit() (limit uint64, source string) {
	if c.classLimit > 0 {
		return c.classLimit, "resource class"
	}
	if limit = platformLimit(c.entities.model, c.entities.parts.models); limit > 0 {
		return limit, "platform"
	}
	return 0, ""
}
