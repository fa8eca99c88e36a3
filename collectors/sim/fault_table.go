package sim

import "time"

// fault is something that can be switched on. up is the uptime now.
type fault struct {
	name, arg, does string // as people are told it
	// set is only for the models that list the fault; it changes what views are built from.
	set func(d *Device, arg string, up time.Duration) error
	end func(d *Device, up time.Duration)
	// port is one of single ports, in the place of set and end.
	port *portFault
	// talk is for every device: it changes how answers are given.
	talk func(s *state, arg string) error
}

// faults are all there are, in the order people are told them. Those without an end are events.
var faults = []fault{
	{
		name: portDown, arg: "PORT[,PORT]", does: "link lost",
		port: &portFault{},
	},
	{
		name: errDisabled, arg: "PORT[,PORT] [CAUSE]", does: "the switch took the port down: bpduGuard by default, or another name or number",
		port: &portFault{fits: fitsCause},
	},
	{
		name: poeFault, arg: "PORT[,PORT]", does: "the port feeds nothing and says fault",
		port: &portFault{fits: fitsPlain(func(p *port) bool { return p.rows == ethernet && !p.uplink() }, "feeds no device")},
	},
	{
		name: "poe-overload", arg: "[N]", does: "the phones of member N, 1 by default, draw nearly all there is",
		set: overload, end: func(d *Device, _ time.Duration) { d.state.overload = 0 },
	},
	{
		name: sfpPulled, arg: "PORT[,PORT]", does: "the transceiver of an uplink is gone, and its link with it; 2 is uplink 2 of member 1",
		port: &portFault{
			fits:  fitsPlain(func(p *port) bool { return p.uplink() && p.up }, "has no transceiver to pull"),
			moved: func(s *state, _ uint32, _ bool, up time.Duration) { s.entChanged = up },
			short: uplinkNumber,
		},
	},
	{
		name: duplexMismatch, arg: "PORT[,PORT]", does: "half duplex, and late collisions",
		port: &portFault{
			fits:  fitsPlain(func(p *port) bool { return p.rows == ethernet }, "has no duplex"),
			moved: collide,
		},
	},
	{
		name: neighbourLost, arg: "PORT[,PORT]", does: "no neighbour in CDP and LLDP",
		port: &portFault{fits: fitsPlain(func(p *port) bool { return p.up && (p.uplink() || p.phone()) }, "has no neighbour")},
	},
	{
		name: stpInconsistent, arg: "PORT[,PORT]", does: "the spanning tree keeps the port back in all its VLANs",
		port: &portFault{fits: fitsPlain(func(p *port) bool { return (p.rows == ethernet || p.of != nil) && p.within == 0 }, "is not in the spanning tree")},
	},
	{
		name: "topology-change", does: "the spanning tree changes once",
		set: topologyChange,
	},
	{
		name: "psu-failed", arg: "[N]", does: "power supply of member N, or supply N of an ASA",
		set: supplyFailed, end: func(d *Device, _ time.Duration) { d.state.supply = -1 },
	},
	{
		name: "member-lost", arg: "[N]", does: "member N leaves the stack; the last one by default",
		set: memberLost, end: memberBack,
	},
	{
		name: "ring-broken", arg: "[N]", does: "the stack cable from member N, 1 by default, to the next is cut",
		set: ringBroken, end: ringWhole,
	},
	{
		name: "failover", does: "the secondary unit of a pair takes over",
		set: failover, end: func(d *Device, _ time.Duration) { d.swap(false) },
	},
	{
		name: "failover-in-progress", arg: "[SORT]", does: "the rows of the units are absent, empty, or one is busy; absent by default",
		set: failoverInProgress, end: func(d *Device, _ time.Duration) { d.state.pairing = "" },
	},
	{
		name: "vpn-limit", does: "all sessions of the licence are in use",
		set: func(*Device, string, time.Duration) error { return nil }, end: func(*Device, time.Duration) {},
	},
	{
		name: tunnelDown, arg: "[N]", does: "the VPN tunnel to peer N, 1 by default, is gone",
		set: tunnelLost, end: tunnelsBack,
	},
	{
		name: "tunnel-rekey", arg: "[N]", does: "the VPN tunnel to peer N, 1 by default, is set up anew, with other indexes and counts",
		set: tunnelRekey,
	},
	{
		name: "config-changed", arg: "[USER]", does: "the running configuration is changed, and not saved",
		set: configChanged,
	},
	{
		name: "config-saved", arg: "[USER]", does: "the running configuration is saved",
		set: configSaved,
	},
	{
		name: "reboot", arg: "[DURATION]", does: "the unit starts again, and answers after DURATION",
		set: reboot,
	},
	{
		name: "upgrade", arg: "[VERSION]", does: "the unit starts again with other software: the next version by default",
		set: upgrade,
	},
	{
		name: "wrap", arg: "[DURATION]", does: "32-bit and 64-bit counters pass zero in DURATION, 30s by default",
		set: wrap,
	},
	{
		name: "wrap-uptime", arg: "[DURATION]", does: "sysUpTime passes zero, after 497 days, in DURATION, 30s by default",
		set: wrapUptime,
	},
	{
		name: "other-unit", does: "another unit, with other serials, stands in the place",
		set: otherUnit, end: func(d *Device, _ time.Duration) { d.exchange(false) },
	},
	{
		name: "slow", arg: "[DURATION]", does: "answers take DURATION, 2s by default",
		talk: slow,
	},
	{
		name: "silent", does: "no answers",
		talk: func(s *state, _ string) error { s.silent = true; return nil },
	},
	{
		name: "generr", arg: "OID[,OID]", does: "genErr for these subtrees",
		talk: failSubtree,
	},
	{
		name: "toobig", arg: "[N]", does: "tooBig for answers of more than N objects, 20 by default",
		talk: limitSize,
	},
	{
		name: "garbage", arg: "[SORT]", does: "broken answers: truncated, noise, wrong-id, wrong-oid or wrong-tag; in turn by default",
		talk: garbage,
	},
	{
		name: clearFault, arg: "[FAULT [PORT[,PORT]]]", does: "end all faults, that one, or that one of these ports",
	},
}
