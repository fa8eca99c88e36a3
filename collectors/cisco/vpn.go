package cisco

import "rackpost/hw"

// readVPN reads the sessions by sort, the sums of all tunnels, and VPN load balancing.
func (c *collector) readVPN(v *visit) {
	c.readSessions(v)
	c.readTunnelSums(v)
	c.readCluster(v)
}

// readSessions reads the sessions. A sort of session that a release does not count is no
// component.
func (c *collector) readSessions(v *visit) {
	g, ok := c.read(v, &sessionGroup)
	if !ok || !g.any() {
		return
	}
	row, consistent := g.scalar(), c.sameBoot(v, sectionVPN)
	c.sessionTotals(v, g, row, consistent)
	for i, t := range sessionTypes {
		slot := sessionSorts + 3*i
		if g.lacking(row, slot, slot+1, slot+2) {
			continue
		}
		p := hw.Component{Path: t.path, Section: sectionVPN}
		for s := slot; s < slot+3; s++ {
			c.vpnSample(v, &p, &sessionGroup, g, row, s, consistent)
		}
		v.component(p)
	}
}

// sessionTotals adds vpn/total.
func (c *collector) sessionTotals(v *visit, g *grid, row int, consistent bool) {
	p := hw.Component{Path: "vpn/total", Section: sectionVPN}
	for slot := range sessionSorts {
		if slot == sessionLimit || slot >= sessionFailures && g.lacking(row, slot) {
			continue
		}
		c.vpnSample(v, &p, &sessionGroup, g, row, slot, consistent)
	}
	c.sessionShare(v, g, row, &p)
	v.component(p)
}

// sessionShare adds the limit and how much of it is used, where the device tells one.
func (c *collector) sessionShare(v *visit, g *grid, row int, p *hw.Component) {
	limit, reason := g.number(row, sessionLimit)
	used, lack := g.number(row, sessionsNow)
	switch {
	case isLack(reason) || reason == "" && limit == 0:
	case reason != "":
		p.Health = hw.Unknown
		v.gauge(p.Path, "limit_sessions", 0, reason)
		v.gauge(p.Path, "used_percent", 0, reason)
	default:
		v.gauge(p.Path, "limit_sessions", float64(limit), "")
		c.share(v, p, used, limit, lack)
	}
}

// vpnSample adds one sensor of a part, which is well when anything of it could be read.
func (c *collector) vpnSample(v *visit, p *hw.Component, grp *group, g *grid, row, slot int, consistent bool) {
	o := &grp.objects[slot]
	n, reason := g.number(row, slot)
	if reason == "" {
		p.Health = max(p.Health, hw.OK)
	}
	if o.kind != hw.Counter {
		v.gauge(p.Path, o.as, float64(n), reason)
		return
	}
	if reason == "" && !consistent {
		reason = hw.Inconsistent
	}
	c.counter(v, p.Path, o.as, n, c.start(), reason)
}

// readTunnelSums reads what CISCO-IPSEC-FLOW-MONITOR-MIB adds up over all tunnels.
func (c *collector) readTunnelSums(v *visit) {
	g, ok := c.read(v, &ipsecGlobalGroup)
	if !ok || !g.any() {
		return
	}
	row, consistent := g.scalar(), c.sameBoot(v, sectionVPN)
	for _, part := range []struct {
		path        string
		first, last int
	}{{"ike/global", ikeActive, ikeRxBytes}, {"ipsec/global", ipsecActive, ipsecNoSA}} {
		p := hw.Component{Path: part.path, Section: sectionVPN}
		told := false
		for slot := part.first; slot <= part.last; slot++ {
			told = told || !g.lacking(row, slot)
		}
		if !told {
			continue
		}
		for slot := part.first; slot <= part.last; slot++ {
			c.vpnSample(v, &p, &ipsecGlobalGroup, g, row, slot, consistent)
		}
		v.component(p)
	}
}

// readCluster reads VPN load balancing. A firewall that does not balance is not faulty.
func (c *collector) readCluster(v *visit) {
	g, ok := c.read(v, &clusterGroup)
	if !ok || !g.any() {
		return
	}
	row := g.scalar()
	p := hw.Component{Path: "vpn/cluster", Section: sectionVPN}
	active, _ := g.word(row, clusterActive)
	if active != "" {
		p.Health = hw.OK
	}
	p.State = p.State.With("active", active)
	if active == "yes" {
		role, _ := g.word(row, clusterRole)
		p.State = p.State.With("role", role)
	}
	kind, _ := g.text64(row, clusterDevice)
	p.Attrs = p.Attrs.With("device_type", kind)
	for slot := clusterPeers; slot <= clusterLoad; slot++ {
		n, reason := g.number(row, slot)
		v.gauge(p.Path, clusterGroup.objects[slot].as, float64(n), reason)
	}
	v.component(p)
}
