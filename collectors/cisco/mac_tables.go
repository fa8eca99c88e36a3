package cisco

func macGroups() []*group {
	return []*group{&macVLANGroup, &macCountGroup, &forwardingGroup, &vlanTreeGroup}
}

// The places of the objects of macVLANGroup.
const (
	macState = iota
	macType
	macTreeType
)

var macVLANGroup = group{
	section: sectionMAC, component: "mac/<vtpVlanIndex>", mib: "CISCO-VTP-MIB, CISCO-STP-EXTENSIONS-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "vtpVlanState", oid: vtpVlan + "2", words: vlanWords, note: "only operational VLANs are asked, 256 at most"},
		{name: "vtpVlanType", oid: vtpVlan + "3", note: vlanStates},
		{name: "stpxSpanningTreeType", oid: stpx + "6.1", words: treeGroup.objects[treeType].words, note: "with mst a VLAN has no tree of its own"},
	},
}

// The places of the objects of macCountGroup.
const (
	macDynamic = iota
	macFdbID
)

var macCountGroup = group{
	section: sectionMAC, component: "mac/<vtpVlanIndex>", mib: "Q-BRIDGE-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "dot1qFdbDynamicCount", oid: mib2 + "17.7.1.2.1.1.2", use: sensor, as: "learned_addresses", max: 1 << 31, note: "one request for all VLANs, where it is there"},
		{name: "dot1qVlanFdbId", oid: mib2 + "17.7.1.4.2.1.3", max: max32, note: "whose forwarding table it is; one that VLANs share is the count of none"},
	},
}

// forwardingGroup is walked in the context of each VLAN.
var forwardingGroup = group{
	section: sectionMAC, component: "mac/<vtpVlanIndex>", mib: "BRIDGE-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "dot1dTpFdbPort", oid: mib2 + "17.4.3.1.2", use: sensor, as: "learned_addresses",
			note: "the number of rows in the context of the VLAN: community@20, with SNMPv3 context vlan-20; VLAN 1's is the switch's own. Above 4,096 it is too-much"},
	},
}

// vlanTreeGroup is asked in the context of each VLAN but 1, which spanning-tree/1 is.
var vlanTreeGroup = group{
	section: sectionMAC, component: "spanning-tree/<vtpVlanIndex>", mib: "BRIDGE-MIB", kinds: catalystOnly,
	objects: treeObjects(),
}
