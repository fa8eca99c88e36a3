package bmc

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Row is one object of the SNMP agent of the same controller, as the rows of a recording are: Type is the BER tag (2 INTEGER,
// 4 OCTET STRING, 6 OBJECT IDENTIFIER, 65 Counter32, 67 TimeTicks), Value decimal or dotted text, or the octets of type 4.
type Row struct {
	OID   string
	Type  byte
	Value []byte
}

// The roots of IDRAC-MIB's groups.
const (
	mibInfo    = "1.3.6.1.4.1.674.10892.5.1"
	mibStatus  = "1.3.6.1.4.1.674.10892.5.2"
	mibChassis = "1.3.6.1.4.1.674.10892.5.4"
	mibStorage = "1.3.6.1.4.1.674.10892.5.5.1.20"
)

// rows collects them.
type rows struct {
	now *moment
	all []Row
}

// text and int add one object.
func (r *rows) text(oid, value string) {
	r.all = append(r.all, Row{oid, 4, []byte(value)})
}

func (r *rows) int(oid string, value int) {
	r.all = append(r.all, Row{oid, 2, strconv.AppendInt(nil, int64(value), 10)})
}

// columns adds what a row of a table has; a value is an int or a string.
func (r *rows) columns(table, index string, values map[int]any) {
	for column, v := range values {
		oid := fmt.Sprintf("%s.%d.%s", table, column, index)
		switch v := v.(type) {
		case int:
			r.int(oid, v)
		case string:
			r.text(oid, v)
		}
	}
}

// Rows returns what the controller's SNMP agent shows now, in the order of the tree: IDRAC-MIB's status, system, power, cooling,
// temperature, memory, processor and storage tables. Other makers' servers and recordings have none.
func (b *BMC) Rows() []Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.model.dell == 0 {
		return nil
	}
	r := &rows{now: b.moment()}
	r.system(b.model)
	r.environment()
	r.compute()
	r.storage()
	sortRows(r.all)
	return r.all
}

// Edition is another number when Rows may show something else: after a change, and each second.
func (b *BMC) Edition() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changes<<40 | uint64(b.moment().up/time.Second)&(1<<40-1)
}

// Mute says whether the controller's SNMP agent is silent too: where the whole of it is.
func (b *BMC) Mute() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.talk.mute || b.state.reset.phase(b.opt.Clock()) == resetDown
}

// mibHealth is ObjectStatusEnum: 3 ok, 4 nonCritical, 5 critical.
func mibHealth(health string) int {
	switch health {
	case healthOK:
		return 3
	case healthWarning:
		return 4
	}
	return 5
}

func (r *rows) system(m *model) {
	now := r.now
	all, storage, power, fans, temperature := rollups(now)
	const sys = "1.3.6.1.2.1.1"
	r.text(sys+".1.0", "")
	r.all = append(r.all, Row{sys + ".2.0", 6, []byte("1.3.6.1.4.1.674.10892.5")},
		Row{sys + ".3.0", 67, strconv.AppendUint(nil, uint64(uint32(now.up.Milliseconds()/10)), 10)})
	r.text(sys+".5.0", now.name)
	r.text(mibInfo+".1.1.0", m.short)
	r.text(mibInfo+".1.8.0", m.firmware)
	r.text(mibInfo+".3.1.0", now.name)
	r.text(mibInfo+".3.2.0", now.tag())
	r.text(mibInfo+".3.3.0", now.express())
	r.text(mibInfo+".3.12.0", m.server)
	r.int(mibStatus+".1.0", mibHealth(all))
	r.int(mibStatus+".3.0", mibHealth(storage))
	r.int(mibStatus+".4.0", 4) // on
	r.int(mibStatus+".5.0", int(now.up.Seconds()))
	r.columns(mibChassis+".200.10.1", "1", map[int]any{
		1: 1, 2: mibHealth(all), 9: mibHealth(power), 12: 3, 15: 3, 21: mibHealth(fans), 24: mibHealth(temperature), 27: 3, 30: 3, 37: 3, 50: 3,
	})
	r.columns(mibChassis+".300.10.1", "1", map[int]any{1: 1, 4: mibHealth(all), 7: "Main System Chassis", 9: m.server, 11: now.tag()})
	r.columns(mibChassis+".300.50.1", "1.1", map[int]any{1: 1, 2: 1, 5: 3, 8: m.bios, 11: "SIMULATED"})
}

func (r *rows) environment() {
	now := r.now
	for i := range now.s.supplies {
		p := &now.s.supplies[i]
		health, state, volts := healthOK, 1, 230
		if p.out {
			health, state, volts = healthCritical, 1|8, 0 // present, AC lost
		}
		r.columns(mibChassis+".600.12.1", fmt.Sprintf("1.%d", i+1), map[int]any{
			1: 1, 2: i + 1, 5: mibHealth(health), 6: p.watts * 10, 7: 9, 8: fmt.Sprintf("PS%d Status", i+1), 11: state, 15: fmt.Sprintf("PSU.Slot.%d", i+1), 16: volts,
		})
		r.columns(mibChassis+".600.30.1", fmt.Sprintf("1.%d", i+1), map[int]any{
			1: 1, 2: i + 1, 5: mibHealth(health), 6: int(input(now, i) / 23), 7: 23, 8: fmt.Sprintf("PS%d Current %d", i+1, i+1), // tenths of an ampere
		})
	}
	last := len(now.s.supplies) + 1
	r.columns(mibChassis+".600.30.1", fmt.Sprintf("1.%d", last), map[int]any{1: 1, 2: last, 5: 3, 6: int(consumed(now)), 7: 26, 8: "System Board Pwr Consumption"})
	for i := range now.s.fans {
		f := &now.s.fans[i]
		rpm, health := f.rpm(now, i)
		r.columns(mibChassis+".700.12.1", fmt.Sprintf("1.%d", i+1), map[int]any{
			1: 1, 2: i + 1, 5: mibHealth(health), 6: int(rpm), 7: 3, 8: f.name, 12: 840, 13: 480, 19: fmt.Sprintf("Fan.Embedded.%d", i+1),
		})
	}
	for i, t := range temperatures(now.s) {
		celsius, health := t.celsius(now)
		values := map[int]any{1: 1, 2: i + 1, 5: mibHealth(health), 6: int(celsius * 10), 7: 3, 8: t.name, 12: 30, 13: -70}
		if t.highest != nil {
			values[10] = int(t.highest.(float64) * 10)
		}
		if t.warning != nil {
			values[11] = int(t.warning.(float64) * 10)
		}
		r.columns(mibChassis+".700.20.1", fmt.Sprintf("1.%d", i+1), values)
	}
}

func (r *rows) compute() {
	s := r.now.s
	for i := range s.sockets {
		r.columns(mibChassis+".1100.30.1", fmt.Sprintf("1.%d", i+1), map[int]any{
			1: 1, 2: i + 1, 5: 3, 8: "Intel", 11: 4000, 12: 2100, 17: s.cores, 18: s.cores, 19: 2 * s.cores, 23: s.processor, 26: fmt.Sprintf("CPU.Socket.%d", i+1),
		})
	}
	for i := range s.dimms {
		label := fmt.Sprintf("%c%d", 'A'+i%2, i/2+1)
		r.columns(mibChassis+".1100.50.1", fmt.Sprintf("1.%d", i+1), map[int]any{
			1: 1, 2: i + 1, 5: 3, 7: 26, 8: "DIMM.Socket." + label, 14: s.memory << 20, 15: 2933, 21: "SIMULATED", 22: "SIM-DDR4-32G", 23: r.now.serial("DIM", i), 26: "DIMM.Socket." + label,
		})
	}
}

// The words of IDRAC-MIB's storage tables.
var (
	mibLayouts   = map[string]int{"RAID0": 2, "RAID1": 3, "RAID5": 4, "RAID6": 5, "RAID10": 6, "RAID50": 7, "RAID60": 8}
	mibWrites    = map[string]int{"WriteThrough": 1, "WriteBack": 2, "WriteBackForce": 3}
	mibReads     = map[string]int{"NoReadAhead": 1, "ReadAhead": 2, "AdaptiveReadAhead": 3}
	mibDisks     = map[string]int{"Enabled": 1, "Disabled": 2, "Default": 3}
	mibVolumes   = map[string]int{volumeOnline: 2, volumeFailed: 3, volumeDegraded: 4}
	mibBatteries = map[string]int{"Ready": 2, "Failed": 3, "Degraded": 4, "Missing": 5, "Charging": 6, "BatteryLearn": 6, "BelowThreshold": 7}
	mibSpares    = map[string]int{"None": 1, "Dedicated": 2, "Global": 3}
	mibBuses     = map[string]int{"SAS": 3, "SATA": 4, "PCIe": 6}
)

func (r *rows) storage() {
	s, now := r.now.s, r.now
	n := 0
	for i := range s.controllers {
		c := &s.controllers[i]
		if c.sort != perc && c.sort != boss {
			continue
		}
		n++
		mode, state := 2, 1 // not supported, other
		if c.sort == perc {
			mode, state = 4, 3
			if !s.patrol {
				mode, state = 3, 2
			}
		}
		if c.sort == perc {
			r.romb(c)
		}
		r.columns(mibStorage+".130.1.1", fmt.Sprint(n), map[int]any{
			1: n, 2: c.model, 7: 30, 8: c.firmware, 9: c.cacheMiB, 37: mibHealth(s.health(c, now.at)), 38: 3, 42: "Embedded", 48: 30, 49: 30, 50: 30, 51: 30, 52: mode, 53: state, 69: 0,
			70: 3, 71: 3, 77: fmt.Sprintf("0x52000000%04X%02X00", now.number, n), 78: c.fqdd, 79: c.label,
		})
		if c.battery != "" {
			r.columns(mibStorage+".130.15.1", fmt.Sprint(n), map[int]any{
				1: n, 4: mibBatteries[c.battery], 6: mibHealth(batteryHealth(c.battery)), 20: batteryID(c), 21: "Battery on " + c.label,
			})
		}
	}
	for i := range s.enclosures {
		e := &s.enclosures[i]
		r.columns(mibStorage+".130.3.1", fmt.Sprint(i+1), map[int]any{
			1: i + 1, 2: e.name, 4: 2, 8: "", 23: 3, 24: 3, 26: e.firmware, 32: e.slots, 47: e.id, 48: fmt.Sprintf("Backplane %d on Connector 0", i+1),
		})
	}
	for i := range s.drives {
		if d := &s.drives[i]; !d.pulled {
			r.drive(i+1, d)
		}
	}
	n = 0
	for i := range s.volumes {
		if v := &s.volumes[i]; v.level != "" {
			n++
			r.volume(n, v)
		}
	}
}

// romb adds the controller's battery to systemBatteryTable; a battery that is missing has no row.
func (r *rows) romb(c *controller) {
	if c.battery == "" {
		return
	}
	health, reading := mibHealth(batteryHealth(c.battery)), 4 // presence detected
	if c.battery == "Failed" {
		reading |= 2
	}
	r.columns(mibChassis+".600.50.1", "1.1", map[int]any{1: 1, 2: 1, 3: 0, 4: 2, 5: health, 6: reading, 7: "PERC1 ROMB Battery"})
}

func (r *rows) drive(n int, d *drive) {
	now := r.now
	state := 2 // ready
	switch {
	case d.failed:
		state = 7
	case d.foreign:
		state = 4
	case len(now.s.volumesOf(d)) > 0:
		state = 3
	}
	if d.protocol == "PCIe" && !d.failed {
		state = 8 // no RAID
	}
	media, smart, life, operation, percent := 2, 0, 255, 1, 0
	if d.media == "SSD" {
		media = 3
	}
	if d.predicted {
		smart = 1
	}
	if d.life >= 0 {
		life = d.life
	}
	if d.rebuild.running(now.at) {
		operation, percent, state = 2, d.rebuild.percent(now.at), 5
	}
	r.columns(mibStorage+".130.4.1", fmt.Sprint(n), map[int]any{
		1: n, 2: fmt.Sprintf("Physical Disk 0:1:%d", d.bay%100), 3: d.maker, 4: state, 6: d.model, 7: now.driveSerial(d), 8: d.revision, 11: int(d.bytes >> 20), 17: int(d.bytes >> 20), 19: 0,
		21: mibBuses[d.protocol], 22: mibSpares[d.spare], 24: mibHealth(d.health()), 27: "0SIM03A00", 28: fmt.Sprintf("0x50000000%04X%02X00", now.number, d.bay%100), 31: smart, 35: media, 42: 2,
		49: life, 50: operation, 51: percent, 52: 2, 53: 3, 54: d.id,
		55: fmt.Sprintf("Disk %d in Backplane 1 of %s", d.bay%100, d.controller), 58: d.blockBytes,
	})
}

func (r *rows) volume(n int, v *volume) {
	now := r.now
	condition := now.s.condition(v, now.at)
	left, percent := 0, 0
	if condition == volumeOnline {
		left = 1
	}
	disk, ok := mibDisks[v.disk]
	if !ok {
		disk = 99 // no value of the MIB: what the agent says of a policy it cannot tell
	}
	if d := now.s.rebuilding(v, now.at); d != nil {
		percent = d.rebuild.percent(now.at) // the operation is the drive's
	}
	r.columns(mibStorage+".140.1.1", fmt.Sprint(n), map[int]any{
		14: 10, 24: 0, 25: 0, 32: now.s.drives[v.drives[0]].protocol, 33: now.s.drives[v.drives[0]].media,
		1: n, 2: v.name, 4: mibVolumes[condition], 6: int(v.bytes >> 20), 10: mibWrites[v.write], 11: mibReads[v.read], 13: mibLayouts[v.level], 20: mibHealth(volumeHealth(condition)),
		23: 0, 26: disk, 30: 1, 31: percent, 34: left, 35: v.id, 36: v.name + " on " + now.s.controllerOf(v).label,
	})
}

// sortRows puts rows in the order of the tree.
func sortRows(all []Row) {
	keys := make(map[string][]byte, len(all))
	for _, row := range all {
		var key []byte
		for _, part := range bytes.Split([]byte(row.OID), []byte(".")) {
			n, _ := strconv.ParseUint(string(part), 10, 32) // the OIDs are ours
			key = append(key, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		}
		keys[row.OID] = key
	}
	slices.SortFunc(all, func(a, b Row) int { return bytes.Compare(keys[a.OID], keys[b.OID]) })
}
