package cisco

import (
	"strings"

	"rackpost/hw"
)

// The places of the objects of intervalGroup.
const (
	intervalSeconds = iota
	intervalBusy
)

// intervalGroup is read where a firewall has neither of the columns for five seconds: FTD.
var intervalGroup = group{
	section: sectionCPU, component: "cpu/<entPhysicalName>", mib: "CISCO-PROCESS-MIB", kinds: asaOnly,
	objects: []object{
		{name: "cpmCPUMonInterval", oid: cpmCPU + "9", max: 1 << 20, note: "seconds; another interval than 5 is not told"},
		{name: "cpmCPUTotalMonIntervalValue", oid: cpmCPU + "10", use: sensor, as: "busy_5s_percent", max: 100,
			note: "what replaced cpmCPUTotal5secRev; only where that and cpmCPUTotal5sec are not there, as on FTD"},
	},
}

// coreGroup is the load of single cores, where a firewall tells it besides that of its CPUs.
var coreGroup = group{
	section: sectionCPU, component: "cpu/<entPhysicalName>/core/<cpmCoreIndex>", mib: "CISCO-PROCESS-MIB", kinds: asaOnly,
	objects: []object{
		load("cpmCore5sec", cpmCore+"3", "busy_5s_percent", "", ""),
		load("cpmCore1min", cpmCore+"4", "busy_1m_percent", "", ""),
		load("cpmCore5min", cpmCore+"5", "busy_5m_percent", "", ""),
	},
}

const cpmCore = ciscoMgmt + "109.1.1.2.1."

// intervals reads the load over the monitoring interval, where nothing else tells that of
// five seconds; nil elsewhere.
func (c *collector) intervals(v *visit, g *grid) *grid {
	if c.kind != ASAKind || !g.any() || g.read(cpuLoads) > 0 || !g.whole(cpuLoads) {
		return nil
	}
	m, _ := c.read(v, &intervalGroup)
	return m
}

// busy returns the load of a CPU over the last five seconds.
func (g *grid) busy(index string) (uint64, hw.Reason) {
	row, ok := g.at[index]
	if !ok {
		row = len(g.index)
	}
	seconds, reason := g.number(row, intervalSeconds)
	if reason != "" {
		return 0, reason
	}
	if seconds != 5 {
		return 0, hw.NotSupported
	}
	return g.number(row, intervalBusy)
}

// readCores reads the load of single cores. names are those of the CPUs by their index.
func (c *collector) readCores(v *visit, names map[string]string, whole bool) {
	if c.kind != ASAKind {
		return
	}
	g, ok := c.read(v, &coreGroup)
	if !ok {
		return
	}
	for _, row := range g.rows() {
		cpu, core, ok := strings.Cut(g.index[row], ".")
		name := names[cpu]
		if name == "" && whole {
			name = cpu
		}
		if !ok || name == "" {
			c.nameless(v, sectionCPU)
			continue
		}
		c.loads(v, g, row, 0, "cpu/"+name+"/core/"+core, nil)
	}
}
