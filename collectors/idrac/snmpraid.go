package idrac

import (
	"strings"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// readRAID reads controllers, batteries, enclosures, drives and volumes in one walk. Which drives
// a volume is made of, no table of IDRAC-MIB tells.
func (s *snmpSide) readRAID(v *snmpVisit) {
	g := s.walk(v, &controllerTable, &batteryTable, &enclosureTable, &driveTable, &volumeTable, &rombTable)
	controllers, batteries := g[0], g[1]
	powered := s.powered(v, batteries, g[5])
	caches := 0
	for row := range controllers.index {
		if n, reason := controllers.number(row, controllerTable.slot("controllerCacheSizeInMB")); reason != "" || n > 0 {
			caches++
		}
	}
	v.tell(controllers, func(g *mibGrid, row int, c *hw.Component) bool {
		id := strings.TrimPrefix(c.Path, raid.ControllerPath)
		alone := caches == 1 && c.Attrs.Get(raid.KeyCacheBytes) != "0"
		c.State = c.State.With(raid.KeyBattery, s.believed(id, powered.word(id, alone)))
		if strings.Contains(c.Attrs.Get(raid.KeyModel), "BOSS") {
			c.Attrs = c.Attrs.With(raid.KeyHotSpares, raid.Unsupported)
		}
		return true
	})
	v.tell(batteries, onController)
	v.tell(g[2], onController)
	v.tell(g[3], v.drive)
	v.tell(g[4], v.volume)
}

// believed returns the word for the battery of a controller. That there is none makes a set with a write-back cache
// a fault: it is told when it was read so often enough.
func (s *snmpSide) believed(id, word string) string {
	if word != raid.BatteryNone {
		delete(s.bare, id)
		return word
	}
	if len(s.bare) < maxTableRows {
		s.bare[id]++
	}
	if s.bare[id] < emptyVisits {
		return ""
	}
	return word
}

// powered is what the batteries say of their controllers.
type powered struct {
	with     map[string]bool // ids of controllers that have a row in batteryTable
	known    bool            // batteryTable was read whole, and every row has a name
	romb     bool            // systemBatteryTable has the battery of a controller
	rombRead bool            // it was read whole
}

func (s *snmpSide) powered(v *snmpVisit, batteries, system *mibGrid) powered {
	p := powered{with: map[string]bool{}, known: s.settled(v, batteries), rombRead: s.settled(v, system)}
	for row := range batteries.index {
		id, reason := batteries.named(row)
		p.known = p.known && reason == ""
		if reason == "" {
			p.with[raid.ID(controllerIn(id))] = true
		}
	}
	for row := range system.index {
		name, reason := system.text(row, rombTable.slot("systemBatteryLocationName"))
		flags, amiss := system.number(row, rombTable.slot("systemBatteryReading"))
		p.rombRead = p.rombRead && reason == "" && amiss == ""
		p.romb = p.romb || strings.Contains(name, "ROMB") && flags&batteryThere != 0
	}
	return p
}

// batteryThere is presenceDetected of SystemBatteryReadingFlags.
const batteryThere = 4

// word returns what is known of the battery of a controller; alone says that it is the only one with
// a cache. The sensor of a battery that batteryTable does not show proves that it is there, not that it
// is ready.
func (p powered) word(id string, alone bool) string {
	switch {
	case p.with[id]:
		return raid.BatteryPresent
	case !p.known:
		return ""
	case len(p.with) == 0 && p.romb && alone:
		return raid.BatteryPresent
	case len(p.with) == 0 && (p.romb || !p.rombRead):
		return ""
	}
	return raid.BatteryNone
}

// onController adds the controller of a part.
func onController(g *mibGrid, _ int, c *hw.Component) bool {
	c.Attrs = c.Attrs.With(raid.KeyController, raid.ID(controllerIn(strings.TrimPrefix(c.Path, g.table.prefix))))
	return true
}

// controllerIn returns the controller of an FQDD: RAID.Integrated.1-1 of
// Disk.Bay.0:Enclosure.Internal.0-1:RAID.Integrated.1-1. A drive on a backplane without one has none.
func controllerIn(fqdd string) string {
	i := strings.LastIndexByte(fqdd, ':')
	if i < 0 || strings.HasPrefix(fqdd[i+1:], "Enclosure.") {
		return ""
	}
	return fqdd[i+1:]
}

// drive adds what the FQDD of a drive tells, its wear, and how far its operation is.
func (v *snmpVisit) drive(g *mibGrid, row int, c *hw.Component) bool {
	onController(g, row, c)
	first, shelf, _ := strings.Cut(strings.TrimPrefix(c.Path, raid.DrivePath), ":")
	if strings.HasPrefix(shelf, "Enclosure.") {
		c.Attrs = c.Attrs.With(raid.KeyEnclosure, raid.ID(shelf))
	}
	bay, ok := strings.CutPrefix(first, "Disk.Bay.")
	if name, reason := g.text(row, driveTable.slot("physicalDiskName")); !ok && reason == "" {
		bay = name[strings.LastIndexByte(name, ':')+1:]
	}
	if isNumber(bay) {
		c.Attrs = c.Attrs.With(raid.KeyBay, bay)
	}
	slot := driveTable.slot("physicalDiskRemainingRatedWriteEndurance")
	if left, reason := g.number(row, slot); c.Attrs.Get(raid.KeyMedia) == raid.MediaSSD && reason != hw.NotSupported {
		v.gauge(c.Path, g.table.objects[slot].as, float64(left), reason)
		if reason == "" {
			c.State = c.State.With(raid.KeyWear, raid.WearOf(float64(left)))
		}
	}
	v.operation(g, row, driveTable.slot("physicalDiskProgress"), c)
	return true
}

func isNumber(s string) bool {
	return s != "" && len(s) < 6 && strings.Trim(s, "0123456789") == ""
}

// operation adds how far the operation of a drive or volume is, while one runs.
func (v *snmpVisit) operation(g *mibGrid, row, slot int, c *hw.Component) {
	if op := c.State.Get(raid.KeyOperation); op == "" || op == raid.OperationNone {
		return
	}
	n, reason := g.number(row, slot)
	v.gauge(c.Path, raid.SensorOperationPercent, float64(n), reason)
}

// volume adds the label of a volume and what its drives are.
func (v *snmpVisit) volume(g *mibGrid, row int, c *hw.Component) bool {
	onController(g, row, c)
	name, reason := g.text(row, volumeTable.slot("virtualDiskName"))
	if reason == "" && name == "" {
		name, _ = g.text(row, volumeTable.slot("virtualDiskDisplayName"))
	}
	c.Attrs = c.Attrs.With(raid.KeyName, strings.Clone(name))
	if bus, reason := g.text(row, volumeTable.slot("virtualDiskAvailableProtocols")); reason == "" {
		c.Attrs = c.Attrs.With(raid.KeyBus, wordIn(bus, raid.BusSAS, raid.BusSATA, raid.BusNVMe))
	}
	if media, reason := g.text(row, volumeTable.slot("virtualDiskMediaType")); reason == "" {
		c.Attrs = c.Attrs.With(raid.KeyMedia, wordIn(media, raid.MediaHDD, raid.MediaSSD))
	}
	v.operation(g, row, volumeTable.slot("virtualDiskProgress"), c)
	return true
}

// wordIn returns the one word a text is, in whatever case, "" where it is another or several.
func wordIn(text string, words ...string) string {
	if strings.EqualFold(text, "PCIe") {
		text = raid.BusNVMe
	}
	for _, w := range words {
		if strings.EqualFold(text, w) {
			return w
		}
	}
	return ""
}
