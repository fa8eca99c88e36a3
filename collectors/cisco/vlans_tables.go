package cisco

const (
	vtpVlan    = ciscoMgmt + "46.1.3.1.1."
	trunkPort  = ciscoMgmt + "46.1.6.1.1."
	lagPort    = "1.2.840.10006.300.43.1.2.1.1."
	dot1dBase  = mib2 + "17.1."
	dot1dStp   = mib2 + "17.2."
	stpx       = ciscoMgmt + "82.1."
	vlanStates = "1002 to 1005 and whatever is not of type ethernet(1) are the defaults of every switch, left out"
)

func vlanGroups() []*group {
	return []*group{&vlanGroup, &switchportGroup, &carriedGroup, &memberPortGroup, &channelGroup, &stackedGroup, &bundledGroup}
}

// The places of the objects of vlanGroup.
const (
	vlanState = iota
	vlanType
	vlanName
)

var vlanGroup = group{
	section: sectionVLANs, component: "vlan/<vtpVlanIndex>", mib: "CISCO-VTP-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "vtpVlanState", oid: vtpVlan + "2", use: state, as: "state", words: vlanWords,
			note: "suspended is what a person set, and no fault; one of the two that say the MTU is too big is a warning"},
		{name: "vtpVlanType", oid: vtpVlan + "3", note: vlanStates},
		{name: "vtpVlanName", oid: vtpVlan + "4", use: attribute, as: "name"},
	},
}

var vlanWords = []string{"", "operational", "suspended", "mtuTooBigForDevice", "mtuTooBigForTrunk"}

// vtpVlanType of the VLANs that are shown.
const ethernetVLAN = 1

// The places of the objects of switchportGroup.
const (
	switchportMode = iota
	switchportTrunking
	switchportVLAN
)

var switchportGroup = group{
	section: sectionVLANs, component: "port/<ifName>", mib: "CISCO-VTP-MIB, CISCO-VLAN-MEMBERSHIP-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "vlanTrunkPortDynamicState", oid: trunkPort + "13", use: attribute, as: "mode", words: []string{"", "trunk", "access", "dynamic", "dynamic", "trunk"},
			note: "as configured: on and onNoNegotiate are trunk, off is access, desirable and auto are dynamic"},
		{name: "vlanTrunkPortDynamicStatus", oid: trunkPort + "14", use: state, as: "trunking", words: []string{"", "yes", "no"},
			note: "what the port does while its link is up, by negotiation: so it is a state, told while the link is up, of the last hourly reading. no is told of ports configured as trunks only",
			other: &object{name: "vlanTrunkPortEncapsulationOperType", oid: trunkPort + "16", use: state, as: "trunking", words: []string{"", "yes", "yes", "yes", "yes", "", "no"},
				note: "where DynamicStatus is not there: notApplicable is not trunking"}},
		{name: "vmVlan", oid: ciscoMgmt + "68.1.2.2.1.2", use: attribute, as: "vlan", max: maxVLAN, note: "the access VLAN; not of trunks. Trunks have no row while they are up, so a missing row changes nothing"},
	},
}

// The places of the objects of carriedGroup: four lists of VLANs, then the native one.
const (
	carriedLists  = 4
	carriedNative = 4
)

// carriedGroup is asked of trunks alone, by row: four columns of 128 bytes a port fill many
// packets.
var carriedGroup = group{
	section: sectionVLANs, component: "port/<ifName>", mib: "CISCO-VTP-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "vlanTrunkPortVlansEnabled", oid: trunkPort + "4", use: attribute, as: "allowed_vlans",
			note: "a list as 1,10-20, or all, or none; of ports that are trunks, or act as one. 255 bytes at most: what is beyond is counted"},
		{name: "vlanTrunkPortVlansEnabled2k", oid: trunkPort + "17", use: attribute, as: "allowed_vlans", note: "VLANs 1024 to 2047; a switch without extended VLANs lacks it"},
		{name: "vlanTrunkPortVlansEnabled3k", oid: trunkPort + "18", use: attribute, as: "allowed_vlans", note: "VLANs 2048 to 3071"},
		{name: "vlanTrunkPortVlansEnabled4k", oid: trunkPort + "19", use: attribute, as: "allowed_vlans", note: "VLANs 3072 to 4094"},
		{name: "vlanTrunkPortNativeVlan", oid: trunkPort + "5", use: attribute, as: "native_vlan", max: maxVLAN, note: "of ports that are trunks, or act as one"},
	},
}

// The places of the objects of channelGroup.
const (
	lagAttached = iota
	lagSelected
	pagpGroup
)

var channelGroup = group{
	section: sectionVLANs, component: "channel/<ifName>", mib: "IEEE8023-LAG-MIB, CISCO-PAGP-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "dot3adAggPortAttachedAggID", oid: lagPort + "13", use: attribute, as: "members",
			note: "the ports of the channel. Read only where there is a port-channel interface. 0 is none"},
		{name: "dot3adAggPortSelectedAggID", oid: lagPort + "12", use: state, as: "complete",
			note: "yes, or no when a port configured for the channel is not bundled: selected and not attached, or a member before whose link is down. A port that a person shut is not missed, nor one in hot standby: dormant"},
		{name: "pagpGroupIfIndex", oid: ciscoMgmt + "98.1.1.1.1.8", use: attribute, as: "members", note: "channels by PAgP, and those without a protocol. 0 and the port's own ifIndex are none"},
	},
}

// memberPortGroup is what channelGroup says of the members: it is read with it.
var memberPortGroup = group{
	section: sectionVLANs, component: "port/<ifName>", mib: "IEEE8023-LAG-MIB", kinds: catalystOnly,
	objects: []object{
		{name: channelGroup.objects[lagAttached].name, oid: channelGroup.objects[lagAttached].oid, use: attribute, as: "channel",
			note: "the ifName of the port-channel it is in, from the same sources as the members of the channel"},
	},
}

var stackedGroup = group{
	section: sectionVLANs, component: "channel/<ifName>", mib: "IF-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "ifStackStatus", oid: mib2 + "31.1.2.1.3", use: attribute, as: "members",
			note: "where the two MIBs above leave a port-channel without members; believed only when it has every Ethernet port"},
	},
}

// The places of the objects of bundledGroup.
const (
	bundledAdmin = iota
	bundledOper
)

// bundledGroup is asked of the channels and their members alone, by row.
var bundledGroup = group{
	section: sectionVLANs, component: "channel/<ifName>", mib: "IF-MIB", kinds: catalystOnly,
	objects: []object{
		{name: "ifAdminStatus", oid: ifEntry + "7", words: adminWords},
		{name: "ifOperStatus", oid: ifEntry + "8", use: sensor, as: "up_members", words: operWords,
			note: "how many members are bundled and up. Some missing is a warning; all missing is critical when one had been up before, else a warning"},
	},
}
