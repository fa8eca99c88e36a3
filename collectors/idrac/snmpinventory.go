package idrac

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// readInventory reads what the server and its iDRAC are, processors and memory.
func (s *snmpSide) readInventory(v *snmpVisit) {
	s.scalars(v, &systemTable, &managerTable)
	if v.stopped != "" {
		return
	}
	g := s.walk(v, &processorTable, &memoryTable)
	v.tell(g[0], func(g *mibGrid, row int, c *hw.Component) bool {
		speeds(g, row, c)
		return true
	})
	v.tell(g[1], func(g *mibGrid, row int, c *hw.Component) bool {
		speeds(g, row, c)
		return c.Attrs.Get(raid.KeySizeBytes) != "0"
	})
}

// speeds tells the speeds that are known: 0 is none.
func speeds(g *mibGrid, row int, c *hw.Component) {
	for slot := range g.table.objects {
		o := &g.table.objects[slot]
		if !strings.HasSuffix(o.as, "_mhz") {
			continue
		}
		if n, reason := g.number(row, slot); reason == "" && n > 0 {
			c.Attrs = c.Attrs.With(o.as, strconv.FormatUint(n, 10))
		}
	}
}

// scalars reads groups of scalars of one section with one GET; each is a component, whatever is told of it.
func (s *snmpSide) scalars(v *snmpVisit, tables ...*mibTable) {
	var oids []string
	for _, t := range tables {
		for i := range t.objects {
			oids = append(oids, t.oid(&t.objects[i]))
		}
	}
	vars, err := s.session.Get(v.ctx, oids...)
	if err != nil {
		s.unread(v, tables[0].section, err)
		return
	}
	for _, t := range tables {
		g := newGrid(t)
		for slot := range t.objects {
			take(g, slot, vars[slot])
			if !g.whole(slot) {
				v.partial(t.section, t.objects[slot].name, g.cols[slot].reason, "")
			}
		}
		vars = vars[len(t.objects):]
		c := hw.Component{Path: t.component, Section: t.section, Attrs: hw.Attrs{}.With(raid.KeySource, raid.SourceSNMP)}
		for slot := range t.objects {
			v.cell(g, 0, slot, &c)
		}
		s.identify(g, &c)
		v.report.Components = append(v.report.Components, c)
	}
}

// identify adds what is made of the scalars of a group.
func (s *snmpSide) identify(g *mibGrid, c *hw.Component) {
	switch g.table {
	case &managerTable:
		if n, reason := g.number(0, managerTable.slot("racType")); reason == "" {
			c.Attrs = c.Attrs.With("generation", racGeneration(n))
		}
	case &systemTable:
		if g.lacks(systemTable.slot("systemExpressServiceCode")) {
			c.Attrs = c.Attrs.With("express_service_code", expressOf(s.serial))
		}
	}
}

// expressOf returns the express service code of a service tag: the tag as a number to the base 36. "" for
// what is no tag.
func expressOf(tag string) string {
	if len(tag) < 5 || len(tag) > 7 || strings.ToUpper(tag) != tag {
		return ""
	}
	n, err := strconv.ParseUint(tag, 36, 64)
	if err != nil {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// readNetwork reads the network devices as the iDRAC sees them.
func (s *snmpSide) readNetwork(v *snmpVisit) {
	g := s.walk(v, &networkTable)
	v.tell(g[0], func(g *mibGrid, row int, c *hw.Component) bool {
		for slot := range g.table.objects {
			o := &g.table.objects[slot]
			x, reason := g.value(row, slot)
			if !strings.HasSuffix(o.as, "mac") || reason != "" || x.Type != snmp.TypeOctetString || len(x.Bytes) != 6 {
				continue
			}
			c.Attrs = c.Attrs.With(o.as, net.HardwareAddr(x.Bytes).String())
		}
		c.Path = g.table.prefix + portName(strings.TrimPrefix(c.Path, g.table.prefix))
		return true
	})
}

// readFirmware reads the versions of BIOS and iDRAC: SNMP tells no more of the firmware inventory.
func (s *snmpSide) readFirmware(v *snmpVisit) {
	g := s.walk(v, &biosTable, &firmwareTable)
	v.tell(g[0], func(g *mibGrid, row int, c *hw.Component) bool {
		date, _ := g.text(row, biosTable.slot("systemBIOSReleaseDateName"))
		if t := dateOf(date); !t.IsZero() {
			c.Attrs = c.Attrs.With("released", t.Format("2006-01-02"))
		}
		return true
	})
	var told []string
	v.tell(g[1], func(g *mibGrid, row int, c *hw.Component) bool {
		if id := firmwareID(c.Attrs.Get("type")); id != "" && !slices.Contains(told, id) {
			c.Path = g.table.prefix + id
			told = append(told, id)
		}
		return true
	})
}

// firmwareID is what a firmware of the iDRAC is installed on, as the inventory of Redfish has it.
func firmwareID(kind string) string {
	switch kind {
	case "lifecycle-controller":
		return "USC.Embedded.1:LC.Embedded.1"
	case "idrac7", "idrac8", "idrac9":
		return "iDRAC.Embedded.1-1"
	}
	return ""
}
