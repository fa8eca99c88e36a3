package idrac

import (
	"fmt"
	"strconv"
	"time"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// The most processors and memory slots that are read.
const (
	maxProcessors = 64
	maxSlots      = 256
)

// redfishInventory is what is remembered of section inventory between visits.
type redfishInventory struct{}

// readInventory tells what the server and its iDRAC are, and reads processors and memory.
func (s *redfishSide) readInventory(v *redfishVisit) {
	if v.lost == nil {
		v.Add(s.systemInventory(v))
	} else {
		v.Missed(sectionInventory, hw.ChassisPath, v.lost)
	}
	if s.places.manager.ID == "" && s.places.manager.FirmwareVersion == "" {
		v.Partial(sectionInventory, "manager", hw.NotReady, "the iDRAC does not tell of itself")
	} else {
		v.Add(s.managerInventory())
	}
	if m, ok := readMembers[redfish.Processor](s, v, sectionInventory, "processors", v.system.Processors.Path, maxProcessors); ok {
		f := parts.Processors(sectionInventory, m)
		s.settled(v, sectionInventory, "processors", len(f.Parts))
		v.Take(sectionInventory, "processors", f)
	}
	if v.Stopped != "" {
		return
	}
	if m, ok := readMembers[redfish.Memory](s, v, sectionInventory, "memory", v.system.Memory.Path, maxSlots); ok {
		f := parts.Memory(sectionInventory, m, dellNames)
		s.settled(v, sectionInventory, "memory", len(f.Parts))
		v.Take(sectionInventory, "memory", f)
	}
}

// systemInventory tells the server. Its health and states are the heartbeat's.
func (s *redfishSide) systemInventory(v *redfishVisit) parts.Part {
	p := parts.System(sectionInventory, v.system)
	p.Health, p.State = hw.Unknown, nil
	x := traitsOf(v.system)
	express := v.dell.ExpressServiceCode
	if express == "" {
		express = expressOf(v.serial())
	}
	p.Attrs = p.Attrs.With("sku", "") // the service tag, which the heartbeat tells
	p.Attrs = p.Attrs.With(hw.AttrHealthOf, "")
	set := func(key, value string) { p.Attrs = p.Attrs.With(key, parts.Text(value)) }
	set("express_service_code", express)
	set("node_id", v.dell.NodeID)
	set("system_generation", x.SystemGeneration)
	if v.dell.ChassisServiceTag != v.serial() {
		set("chassis_service_tag", v.dell.ChassisServiceTag)
	}
	if at, err := time.Parse("01/02/2006", x.BIOSReleaseDate); err == nil {
		set("bios_released", at.Format("2006-01-02"))
	}
	if x.DIMMSlots != nil && *x.DIMMSlots > 0 {
		set("dimm_slots", strconv.FormatInt(*x.DIMMSlots, 10))
	}
	return p
}

// managerInventory tells the iDRAC. Its model is that of the server, 15G Monolithic: the generation is made of it.
func (s *redfishSide) managerInventory() parts.Part {
	p := parts.Manager(sectionInventory, s.places.manager)
	name := ""
	if g := s.places.generation; g > 0 {
		name = fmt.Sprintf("iDRAC%d", g)
	}
	p.Attrs = p.Attrs.With(raid.KeyModel, name).With("generation", name)
	return p
}

// wattage writes a number as an attribute.
func wattage(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
