package cisco

const (
	cdpCache  = ciscoMgmt + "23.1.2.1.1."
	lldpLocal = "1.0.8802.1.1.2.1.3.7.1."
	lldpRem   = "1.0.8802.1.1.2.1.4.1.1."
)

// neighbourGroups returns the tables of the neighbours.
func neighbourGroups() []*group { return []*group{&cdpGroup, &lldpGroup, &lldpLocalGroup} }

// The places of the objects of cdpGroup.
const (
	cdpAddressType = iota
	cdpAddress
	cdpVersion
	cdpDeviceID
	cdpDevicePort
	cdpPlatform
	cdpCapabilities
	cdpNativeVLAN
	cdpDuplex
)

// maxNative is the greatest number of a VLAN.
const maxNative = 4094

var cdpGroup = group{
	section: sectionNeighbours, component: "neighbour/<ifName>/<host>", mib: "CISCO-CDP-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "cdpCacheAddressType", oid: cdpCache + "3", note: "1 is IPv4, 20 IPv6; an address of another type is not shown"},
		{name: "cdpCacheAddress", oid: cdpCache + "4", use: attribute, as: "address"},
		{name: "cdpCacheVersion", oid: cdpCache + "5", use: attribute, as: "version", note: "the version it names, not the whole text"},
		{
			name: "cdpCacheDeviceId", oid: cdpCache + "6", use: attribute, as: "name",
			note: "names the neighbour, without its domain and the serial in parentheses: so CDP and LLDP name one neighbour alike and make one component",
		},
		{name: "cdpCacheDevicePort", oid: cdpCache + "7", use: attribute, as: "port", note: "of one neighbour heard by several of its ports on one of ours: all of them"},
		{name: "cdpCachePlatform", oid: cdpCache + "8", use: attribute, as: "platform"},
		{name: "cdpCacheCapabilities", oid: cdpCache + "9", use: attribute, as: "capabilities"},
		{
			name: "cdpCacheNativeVLAN", oid: cdpCache + "11", use: attribute, as: "native_vlan", max: maxNative,
			note: "0 is none; another one than our trunk's is a warning, in the state mismatch",
		},
		{
			name: "cdpCacheDuplex", oid: cdpCache + "12", use: attribute, as: "duplex", words: []string{"", "unknown", "halfDuplex", "fullDuplex"},
			note: "another one than our port's is a warning, in the state mismatch; not judged where several neighbours are heard on one port",
		},
	},
	also: []object{
		{use: attribute, as: "via", note: "cdp, lldp or both; not told unless both tables were read whole"},
		{use: state, as: "mismatch", note: "duplex, native_vlan or both: what the two ends of a link with link do not agree on"},
	},
}

// The places of the objects of lldpGroup.
const (
	lldpChassisSubtype = iota
	lldpChassis
	lldpPortSubtype
	lldpPort
	lldpPortDescr
	lldpSysName
	lldpSysDescr
	lldpCapabilities
)

var lldpGroup = group{
	section: sectionNeighbours, component: "neighbour/<ifName>/<host>", mib: "LLDP-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{name: "lldpRemChassisIdSubtype", oid: lldpRem + "4", max: 7},
		{name: "lldpRemChassisId", oid: lldpRem + "5", use: attribute, as: "chassis_id", note: "names the neighbour that tells no lldpRemSysName"},
		{name: "lldpRemPortIdSubtype", oid: lldpRem + "6", max: 7},
		{name: "lldpRemPortId", oid: lldpRem + "7", use: attribute, as: "port", note: "lldpRemPortDesc where the id is no name"},
		{name: "lldpRemPortDesc", oid: lldpRem + "8"},
		{name: "lldpRemSysName", oid: lldpRem + "9", use: attribute, as: "name", note: "names the neighbour, without its domain"},
		{name: "lldpRemSysDesc", oid: lldpRem + "10", use: attribute, as: "platform, version", note: "where CDP does not tell them"},
		{name: "lldpRemSysCapEnabled", oid: lldpRem + "12", use: attribute, as: "capabilities", note: "where CDP does not tell them"},
	},
}

// The places of the objects of lldpLocalGroup.
const (
	lldpLocalID = iota
	lldpLocalDescr
)

var lldpLocalGroup = group{
	section: sectionNeighbours, component: "neighbour/<ifName>/<host>", mib: "LLDP-MIB", kinds: catalystOnly, sparse: true,
	objects: []object{
		{
			name: "lldpLocPortId", oid: lldpLocal + "3",
			note: "an LLDP port number is no ifIndex: the port is found by this text, else by lldpLocPortDesc, else it is #number",
		},
		{name: "lldpLocPortDesc", oid: lldpLocal + "4"},
	},
}
