package cisco

import "rackpost/hw"

const (
	crasCapacity = ciscoMgmt + "392.1.1."
	crasActivity = ciscoMgmt + "392.1.3."
	crasFailures = ciscoMgmt + "392.1.4.1."
	ikeGlobal    = ciscoMgmt + "171.1.2.1."
	ikeTunnel    = ciscoMgmt + "171.1.2.3.1."
	ipsecGlobal  = ciscoMgmt + "171.1.3.1."
	ipsecTunnel  = ciscoMgmt + "171.1.3.2.1."
	altigaLB     = "1.3.6.1.4.1.3076.2.1.2.36.1."
)

// vpnGroups returns the tables of connections, sessions and tunnels, and of single cores.
func vpnGroups() []*group {
	return []*group{&intervalGroup, &coreGroup, &rateGroup, &limitGroup, &sessionGroup, &ipsecGlobalGroup, &clusterGroup, &ikeTunnelGroup, &ipsecTunnelGroup}
}

// sessionTypes are the sorts of VPN session and the columns of sessionGroup: sessions now,
// since the start, and at most at once.
var sessionTypes = []struct{ path, name, now, all, peak string }{
	{"vpn/ipsec-remote", "crasIPSec", "26", "27", "28"},
	{"vpn/ipsec-l2l", "crasL2L", "29", "30", "31"},
	{"vpn/load-balancing", "crasLB", "32", "33", "34"},
	{"vpn/svc", "crasSVC", "35", "36", "37"},
	{"vpn/webvpn", "crasWebvpn", "38", "39", "40"},
}

// The places of the objects of sessionGroup; the sorts of session follow, three objects
// each.
const (
	sessionsNow = iota
	sessionsEnded
	sessionUsers
	sessionLimit
	sessionFailures
	sessionDeclined
	sessionStarved
	sessionSorts
)

var sessionGroup = group{
	section: sectionVPN, component: "vpn/total, vpn/ipsec-remote, vpn/ipsec-l2l, vpn/load-balancing, vpn/svc, vpn/webvpn",
	mib: "CISCO-REMOTE-ACCESS-MONITOR-MIB", kinds: asaOnly, timed: true,
	objects: append([]object{
		{name: "crasNumSessions", oid: crasActivity + "1", use: sensor, as: "current_sessions", max: max32, note: "of vpn/total"},
		{name: "crasNumPrevSessions", oid: crasActivity + "2", use: sensor, as: "sessions_total", kind: hw.Counter, max: max32, note: "of vpn/total: those that ended"},
		{name: "crasNumUsers", oid: crasActivity + "3", use: sensor, as: "current_users", max: max32, note: "of vpn/total"},
		{name: "crasMaxSessionsSupportable", oid: crasCapacity + "1", use: sensor, as: "limit_sessions, used_percent", max: 1 << 31,
			note: "of vpn/total; 0 is no limit told. Warning from 90 % used until below 85 %"},
		{name: "crasNumTotalFailures", oid: crasFailures + "1", use: sensor, as: "failures_total", kind: hw.Counter, note: "of vpn/total: sessions that failed, to be set up or later"},
		{name: "crasNumDeclinedSessions", oid: crasFailures + "2", use: sensor, as: "declined_sessions", max: max32,
			note: "of vpn/total: for want of authentication; no counter: the device begins anew when it has told of them"},
		{name: "crasNumSetupFailInsufResources", oid: crasFailures + "3", use: sensor, as: "setup_no_resources_total", kind: hw.Counter, note: "of vpn/total"},
	}, sessionObjects()...),
}

// sessionObjects returns three objects for each sort of session.
func sessionObjects() []object {
	var list []object
	for _, t := range sessionTypes {
		note := "of " + t.path
		switch t.path {
		case "vpn/svc":
			note += ": AnyConnect; some versions count it in vpn/webvpn too, so that the sorts need not add up to vpn/total"
		case "vpn/ipsec-remote":
			note += "; e-mail sessions (crasEmailNumSessions) went between ASA 9.8 and 9.12 and are not read"
		}
		list = append(list,
			object{name: t.name + "NumSessions", oid: crasActivity + t.now, use: sensor, as: "current_sessions", max: max32, note: note},
			object{name: t.name + "CumulateSessions", oid: crasActivity + t.all, use: sensor, as: "sessions_total", kind: hw.Counter, max: max32, note: "of " + t.path},
			object{name: t.name + "PeakConcurrentSessions", oid: crasActivity + t.peak, use: sensor, as: "peak_sessions", max: max32, note: "of " + t.path + "; since the device started"},
		)
	}
	return list
}

// The places of the objects of ipsecGlobalGroup.
const (
	ikeActive = iota
	ikeRxBytes
	ipsecActive
	ipsecRxBytes
	ipsecTxBytes
	ipsecRxDrops
	ipsecNoSA
)

var ipsecGlobalGroup = group{
	section: sectionVPN, component: "ike/global, ipsec/global", mib: "CISCO-IPSEC-FLOW-MONITOR-MIB", kinds: asaOnly, timed: true,
	objects: []object{
		{name: "cikeGlobalActiveTunnels", oid: ikeGlobal + "1", use: sensor, as: "active_tunnels", max: max32, note: "of ike/global; some releases leave out IKEv2"},
		{name: "cikeGlobalInOctets", oid: ikeGlobal + "3", use: sensor, as: "rx_bytes_total", kind: hw.Counter, max: max32, note: "of ike/global; 32 bits: a value that fell starts it anew"},
		{name: "cipSecGlobalActiveTunnels", oid: ipsecGlobal + "1", use: sensor, as: "active_tunnels", max: max32, note: "of ipsec/global"},
		{name: "cipSecGlobalHcInOctets", oid: ipsecGlobal + "4", use: sensor, as: "rx_bytes_total", kind: hw.Counter, note: "of ipsec/global"},
		{name: "cipSecGlobalHcOutOctets", oid: ipsecGlobal + "17", use: sensor, as: "tx_bytes_total", kind: hw.Counter, note: "of ipsec/global"},
		{name: "cipSecGlobalInDrops", oid: ipsecGlobal + "10", use: sensor, as: "rx_drops_total", kind: hw.Counter, max: max32, note: "of ipsec/global"},
		{name: "cipSecGlobalNoSaFails", oid: ipsecGlobal + "29", use: sensor, as: "no_sa_total", kind: hw.Counter, max: max32, note: "of ipsec/global: packets for which there was no security association"},
	},
}

// The places of the objects of clusterGroup.
const (
	clusterRole = iota
	clusterDevice
	clusterActive
	clusterPeers
	clusterLoad
)

var clusterGroup = group{
	section: sectionVPN, component: "vpn/cluster", mib: "ALTIGA-LBSSF-STATS-MIB", kinds: asaOnly,
	objects: []object{
		{name: "alLBSSFRole", oid: altigaLB + "1", use: state, as: "role", words: []string{"", "master", "slave"}, note: "told only while load balancing is active"},
		{name: "alLBSSFDeviceType", oid: altigaLB + "2", use: attribute, as: "device_type", max: max32},
		{name: "alLBSSFActive", oid: altigaLB + "3", use: state, as: "active", words: []string{"no", "yes", "no"}, note: "no is no fault: load balancing is not configured"},
		{name: "alLBSSFNumberOfPeers", oid: altigaLB + "4", use: sensor, as: "peers", max: max32},
		{name: "alLBSSFLoad", oid: altigaLB + "5", use: sensor, as: "load_percent", max: 100},
	},
}

// The places of the objects of ikeTunnelGroup.
const (
	ikeValue = iota
	ikeAddress
	ikeAge
)

var ikeTunnelGroup = group{
	section: sectionTunnels, component: "tunnel/<peer address>", mib: "CISCO-IPSEC-FLOW-MONITOR-MIB", kinds: asaOnly, sparse: true,
	objects: []object{
		{name: "cikeTunRemoteValue", oid: ikeTunnel + "7", use: attribute, as: "identity",
			note: "what the peer calls itself in phase 1, where that is not its address; names the tunnel where no address is told. IKEv2 tunnels have no row here on some releases"},
		{name: "cikeTunRemoteAddr", oid: ikeTunnel + "8", note: "names the tunnel: its index is used again for others"},
		{name: "cikeTunActiveTime", oid: ikeTunnel + "16", use: sensor, as: "active_seconds", max: 1 << 31, note: "of the oldest phase 1 to the peer; hundredths of a second in the MIB"},
	},
}

// The places of the objects of ipsecTunnelGroup.
const (
	ipsecOuter = iota
	ipsecAddress
	ipsecAge
	ipsecRx
	ipsecTx
)

var ipsecTunnelGroup = group{
	section: sectionTunnels, component: "tunnel/<peer address>", mib: "CISCO-IPSEC-FLOW-MONITOR-MIB", kinds: asaOnly, sparse: true, timed: true,
	also: []object{{use: state, as: "state", note: "up; a peer without a tunnel is gone, which is told and is no fault"}},
	objects: []object{
		{name: "cipSecTunIkeTunnelIndex", oid: ipsecTunnel + "2", note: "joins phase 2 to phase 1"},
		{name: "cipSecTunRemoteAddr", oid: ipsecTunnel + "5", use: sensor, as: "security_associations_count",
			note: "names the tunnel: all phase 2 tunnels to one address are one component, counted; remote access clients that speak IPsec are peers too. The first 256 peers are told"},
		{name: "cipSecTunActiveTime", oid: ipsecTunnel + "10", max: 1 << 31, note: "one that fell, or another index, is another tunnel: the octets start anew"},
		{name: "cipSecTunHcInOctets", oid: ipsecTunnel + "27", use: sensor, as: "rx_bytes_total", kind: hw.Counter, note: "the sum over the tunnels to the peer"},
		{name: "cipSecTunHcOutOctets", oid: ipsecTunnel + "40", use: sensor, as: "tx_bytes_total", kind: hw.Counter},
	},
}
