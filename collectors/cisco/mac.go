package cisco

import (
	"strconv"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const (
	maxVLANContexts = 256  // asked at one visit
	maxAddresses    = 4096 // read of one VLAN: a hundred requests
	maxSilent       = 2    // contexts without an answer before no more are asked, while none has answered
	maxLost         = 8    // the same, of a switch that has contexts
	getTries        = 3    // of a session, unless it is told
)

// readMAC counts the addresses learned in each VLAN and reads the VLAN's spanning tree. An
// IOS switch shows both only in the context of the VLAN; where it has Q-BRIDGE-MIB the
// counts are there for all.
func (c *collector) readMAC(v *visit) {
	g, ok := c.read(v, &macVLANGroup)
	if !ok {
		return
	}
	c.needPortNames(v)
	counts := c.dynamicCounts(v)
	mode, reason := g.word(rowOf(g, "0"), macTreeType)
	trees := mode != "mst" && (reason == "" || isLack(reason))
	defer c.ownContext()
	var silent []vlanAsked
	for _, id := range c.activeVLANs(v, g) {
		n, counted := counts[id]
		if counted {
			c.addCount(v, id, n, "")
		}
		asked := vlanAsked{id: id, tree: trees && id != 1, count: !counted}
		if len(silent) < c.patience() {
			if asked.err = c.readVLAN(v, asked); asked.err != nil {
				silent = append(silent, asked)
			}
		}
		if v.stopped != "" {
			v.limit(sectionMAC, hw.Partial)
			break
		}
	}
	c.askSilent(v, silent)
}

// vlanAsked is what is asked in the context of a VLAN, and why there was no answer.
type vlanAsked struct {
	id          int
	tree, count bool
	err         error
}

// patience is how many contexts may be silent before no more are asked.
func (c *collector) patience() int {
	if c.tree.contexts {
		return maxLost
	}
	return maxSilent
}

// askSilent asks once more in the contexts that were silent, if others were not: then the
// request may have been lost.
func (c *collector) askSilent(v *visit, silent []vlanAsked) {
	if len(silent) >= c.patience() {
		c.tree.contexts = false
		v.gap(sectionMAC, hw.NotReady, "the switch does not answer in the contexts of VLANs, so no more are asked; "+
			"SNMPv3 needs: snmp-server group NAME v3 priv context vlan- match prefix")
	}
	for _, asked := range silent {
		if c.tree.contexts && v.stopped == "" {
			asked.err = c.readVLAN(v, asked)
		}
		if asked.err != nil {
			v.limit(sectionMAC, hw.Partial)
			v.gap(sectionMAC+"/"+strconv.Itoa(asked.id), collectors.ReasonOf(asked.err), asked.err.Error())
		}
	}
}

// ownContext has the session ask as the credentials say.
func (c *collector) ownContext() {
	_ = c.session.UseVLAN(0) // fails for none
	c.session.MostRows(0)
	c.session.Tries(getTries)
}

// activeVLANs returns the operational VLANs, as many as are asked at one visit.
func (c *collector) activeVLANs(v *visit, g *grid) []int {
	var ids []int
	seen := map[int]bool{}
	for _, row := range g.rows() {
		id, ok := shownVLAN(g, row, macType)
		word, _ := g.word(row, macState)
		if !ok || seen[id] || word != "operational" {
			continue
		}
		if seen[id] = true; len(ids) == maxVLANContexts {
			v.limit(sectionMAC, hw.Partial)
			v.gap(sectionMAC+"/"+macVLANGroup.objects[macState].name, hw.TooMuch, "more VLANs than are asked at one visit")
			break
		}
		ids = append(ids, id)
	}
	return ids
}

// readVLAN reads one VLAN in its context; that of VLAN 1 is the switch's own. The error is
// that nothing came: one request is sent to learn it, and one to learn that the switch is
// there.
func (c *collector) readVLAN(v *visit, a vlanAsked) error {
	if !a.tree && !a.count {
		return nil
	}
	defer c.ownContext()
	context, tries := a.id, 1
	if a.id == 1 {
		context, tries = 0, getTries
	}
	if err := c.session.UseVLAN(context); err != nil {
		return &collectors.VisitError{Reason: hw.NotSupported, Err: err}
	}
	c.session.Tries(tries)
	oids := []string{sysUpTime}
	for i := range vlanTreeGroup.objects {
		oids = append(oids, vlanTreeGroup.objects[i].oid+".0")
	}
	vars, err := c.session.Get(v.ctx, oids...)
	if err != nil {
		c.ownContext()
		c.alive(v)
		return err
	}
	c.session.Tries(getTries)
	c.tree.contexts = c.tree.contexts || context != 0
	if a.tree {
		c.addVLANTree(v, a.id, vars)
	}
	if a.count && v.stopped == "" {
		c.countVLAN(v, a.id)
	}
	return nil
}

// countVLAN counts the addresses learned in the VLAN whose context is asked.
func (c *collector) countVLAN(v *visit, id int) {
	c.session.MostRows(maxAddresses)
	t, err := c.session.Walk(v.ctx, forwardingGroup.objects[0].oid)
	if err != nil {
		c.addCount(v, id, 0, collectors.ReasonOf(err))
		v.limit(sectionMAC, hw.Partial)
		v.gap(sectionMAC+"/"+strconv.Itoa(id), collectors.ReasonOf(err), err.Error())
		c.ownContext()
		c.alive(v)
		return
	}
	col := &t[0]
	if !col.Complete {
		v.limit(sectionMAC, hw.Partial)
		v.gap(sectionMAC+"/"+strconv.Itoa(id), col.Reason, text(col.Err))
		c.addCount(v, id, 0, col.Reason)
		return
	}
	c.addCount(v, id, len(col.Rows), "")
}

func (c *collector) addCount(v *visit, id, n int, absent hw.Reason) {
	p := hw.Component{Path: "mac/" + strconv.Itoa(id), Section: sectionMAC}
	if absent == "" {
		p.Health = hw.OK
	}
	v.component(p)
	v.gauge(p.Path, "learned_addresses", float64(n), absent)
}

// addVLANTree tells of the tree of the VLAN whose context is asked: vars are the device's
// clock and the objects of vlanTreeGroup.
func (c *collector) addVLANTree(v *visit, id int, vars []snmp.Var) {
	g := c.sheets.grid(&vlanTreeGroup)
	g.begin(len(vlanTreeGroup.objects))
	for slot := range vlanTreeGroup.objects {
		x, col := vars[1+slot], snmp.Column{Complete: true}
		switch {
		case x.Reason == "":
			col.Rows = []snmp.Row{{Index: "0", Value: x.Value}}
		case x.Reason != hw.NotSupported:
			col.Complete, col.Reason = false, x.Reason
			v.limit(sectionMAC, hw.Partial)
			v.gap(sectionMAC+"/"+strconv.Itoa(id)+"/"+vlanTreeGroup.objects[slot].name, x.Reason, "")
		}
		g.fill(slot, &vlanTreeGroup.objects[slot], &col)
	}
	if !treeShown(g) {
		return
	}
	up := vars[0]
	c.sheets.uptimes = snmp.UpTimes{{OK: up.Reason == "" && up.Type == snmp.TypeTimeTicks, Ticks: uint32(up.Uint), At: v.now}}
	steady := c.sameBoot(v, sectionMAC)
	c.addTree(v, sectionMAC, "spanning-tree/"+strconv.Itoa(id), g, steady, func(n uint32) string { return c.vlanPortName(v, id, n) })
}

// vlanPortName returns the name of a bridge port in the VLAN whose context is asked. The
// bridge ports of all VLANs have one numbering, but a context shows only its own.
func (c *collector) vlanPortName(v *visit, id int, n uint32) string {
	number := strconv.FormatUint(uint64(n), 10)
	ifIndex, known := c.tree.ports[n]
	if !known {
		vars, err := c.session.Get(v.ctx, basePortGroup.objects[0].oid+"."+number)
		switch {
		case err != nil || vars[0].Reason != "" && vars[0].Reason != hw.NotSupported:
			v.limit(sectionMAC, hw.Partial)
			v.gap(sectionMAC+"/"+strconv.Itoa(id)+"/"+basePortGroup.objects[0].name, hw.NotReady, text(err))
			return ""
		case vars[0].Reason != "" || vars[0].Int < 1 || vars[0].Int > max32:
			return "#" + number
		}
		ifIndex = uint32(vars[0].Int)
		c.keepBasePort(n, ifIndex)
	}
	if p := c.port(strconv.FormatUint(uint64(ifIndex), 10)); p != nil {
		return p.name()
	}
	return "#" + number
}

// dynamicCounts returns the addresses learned in each VLAN that has a forwarding table of
// its own in Q-BRIDGE-MIB.
func (c *collector) dynamicCounts(v *visit) map[int]int {
	g, ok := c.read(v, &macCountGroup)
	if !ok || !g.wholeAll() {
		return nil
	}
	of := map[string][]int{} // VLANs by forwarding table
	for _, row := range g.rows() {
		_, vlan, ofVLAN := strings.Cut(g.index[row], ".")
		fdb, reason := g.text64(row, macFdbID)
		if id, err := strconv.Atoi(vlan); ofVLAN && err == nil && reason == "" {
			of[fdb] = append(of[fdb], id)
		}
	}
	counts := map[int]int{}
	for _, row := range g.rows() {
		n, reason := g.number(row, macDynamic)
		if reason != "" {
			continue
		}
		if vlans := of[g.index[row]]; len(vlans) == 1 {
			counts[vlans[0]] = int(n)
		}
	}
	return counts
}
