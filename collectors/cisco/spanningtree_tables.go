package cisco

import "rackpost/hw"

func spanningTreeGroups() []*group {
	return []*group{&treeGroup, &basePortGroup, &treePortGroup}
}

// The places of the objects of a tree: treeGroup, and vlanTreeGroup for that of a VLAN.
const (
	treeBridge = iota
	treeSince
	treeChanges
	treeRoot
	treeCost
	treeRootPort
	treeType
)

var treeGroup = group{
	section: sectionSpanningTree, component: "spanning-tree/1", mib: "BRIDGE-MIB, CISCO-STP-EXTENSIONS-MIB", kinds: catalystOnly, timed: true,
	objects: append(treeObjects(), object{
		name: "stpxSpanningTreeType", oid: stpx + "6.1", use: attribute, as: "mode", words: []string{"", "pvst", "mistp", "mistp-pvst", "mst", "rapid-pvst"},
		note: "with pvst and rapid-pvst the tree is that of VLAN 1, with mst that of instance 0: a switch shows no other without a VLAN context (section mac)",
	}),
}

func treeObjects() []object {
	return []object{
		treeBridge: {name: "dot1dBaseBridgeAddress", oid: dot1dBase + "1", use: state, as: "is_root",
			note: "yes when the root's address is the switch's own, else no"},
		treeSince: {name: "dot1dStpTimeSinceTopologyChange", oid: dot1dStp + "3", use: sensor, as: "since_topology_change_seconds",
			note: "hundredths of a second, stored as seconds; wraps after 497 days"},
		treeChanges: {name: "dot1dStpTopChanges", oid: dot1dStp + "4", use: sensor, as: "topology_changes_total", kind: hw.Counter, max: max32,
			note: "counts from the start of the tree: a value that fell starts the counter anew"},
		treeRoot: {name: "dot1dStpDesignatedRoot", oid: dot1dStp + "5", use: state, as: "root",
			note: "priority and address of the root bridge as 8000.0253ffff0001. It is eight octets, not a number of changes"},
		treeCost: {name: "dot1dStpRootCost", oid: dot1dStp + "6", use: state, as: "root_cost", max: max32},
		treeRootPort: {name: "dot1dStpRootPort", oid: dot1dStp + "7", use: state, as: "root_port", max: 1<<16 - 1,
			note: "the ifName of the port towards the root, by dot1dBasePortIfIndex; #n where that lacks bridge port n. The root has none"},
	}
}

var basePortGroup = group{
	section: sectionSpanningTree, component: "port/<ifName>", mib: "BRIDGE-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "dot1dBasePortIfIndex", oid: dot1dBase + "4.1.2", max: max32,
			note: "which interface a bridge port is; a bridge port's number is not its ifIndex. Read hourly, and when a number is met that is not known"},
	},
}

// The places of the objects of treePortGroup.
const (
	treePortState = iota
	treePortType
	treePortTypeMST
	treePortRoot
	treePortLoop
)

var treePortGroup = group{
	section: sectionSpanningTree, component: "port/<ifName>", mib: "BRIDGE-MIB, CISCO-STP-EXTENSIONS-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "dot1dStpPortState", oid: dot1dStp + "15.1.3", use: state, as: "stp", words: []string{"", "", "blocking", "listening", "learning", "forwarding", "broken"},
			note: "read every 5 minutes; of ports whose link is up and that are in the tree of spanning-tree/1"},
		{name: "stpxInconsistentState", oid: stpx + "3.1.1.3", use: state, as: "stp_inconsistent",
			note: "yes, a warning, while a port is held back in any VLAN because its neighbour's type or VLAN contradicts its own. Rows are there only then. Where the bridge port is not known it is told of spanning-tree/1"},
		{name: "stpxMstInconsistencyState", oid: stpx + "3.2.1.3", use: state, as: "stp_inconsistent", note: "the same of an MST instance"},
		{name: "stpxRootInconsistencyState", oid: stpx + "5.2.1.3", use: state, as: "stp_inconsistent", note: "root guard holds the port back"},
		{name: "stpxLoopInconsistencyState", oid: stpx + "8.2.1.3", use: state, as: "stp_inconsistent", note: "loop guard holds the port back"},
	},
}
