package scrub

import "strings"

// class says what a text or octets of an object may hold.
type class uint8

const (
	unknown  class = iota // anything: replaced word by word, or whole when it is no text
	vendor                // words of the maker: kept but for what was learned
	model                 // the same; a host that bears the name of a model does not take it from the model
	release               // like vendor, and a dotted quad in it is a version
	raw                   // bits, flags, dates: octets that are kept as they are
	free                  // text that people wrote
	name                  // the name of a host or a user
	domain                // the name of a domain
	address               // an address of 4 or 16 octets
	vlan                  // the name of a VLAN: a name, unless it is the default
	port                  // the name of an interface, on an ASA one that people chose
	software              // what a neighbour says it runs: kept when it is Cisco's
	serial                // a serial number
	tag                   // text that people use as a serial number
	mac                   // a MAC address
	bridge                // two octets of priority and a MAC address
	engine                // an SNMP engine ID
	alias                 // entPhysicalAlias: the ifIndex of a port, or text that people wrote
)

// classes are the objects of which more is known than nothing.
const classes = `
vendor   1.3.6.1.2.1.1.1 sysDescr
name     1.3.6.1.2.1.1.5 sysName
free     1.3.6.1.2.1.1.4 sysContact
free     1.3.6.1.2.1.1.6 sysLocation
vendor   1.3.6.1.2.1.1.9.1.3 sysORDescr
port     1.3.6.1.2.1.2.2.1.2 ifDescr
mac      1.3.6.1.2.1.2.2.1.6 ifPhysAddress
release  1.3.6.1.2.1.16.19.2 probeSoftwareRev
raw      1.3.6.1.2.1.16.19.1 probeCapabilities
raw      1.3.6.1.2.1.16.19.4 probeDateTime
mac      1.3.6.1.2.1.17.1.1 dot1dBaseBridgeAddress
bridge   1.3.6.1.2.1.17.2.5 dot1dStpDesignatedRoot
bridge   1.3.6.1.2.1.17.2.15.1.6 dot1dStpPortDesignatedRoot
bridge   1.3.6.1.2.1.17.2.15.1.8 dot1dStpPortDesignatedBridge
raw      1.3.6.1.2.1.17.2.15.1.9 dot1dStpPortDesignatedPort
raw      1.3.6.1.2.1.17.7.1.4.2.1.4 dot1qVlanCurrentEgressPorts
raw      1.3.6.1.2.1.17.7.1.4.2.1.5 dot1qVlanCurrentUntaggedPorts
vlan     1.3.6.1.2.1.17.7.1.4.3.1.1 dot1qVlanStaticName
raw      1.3.6.1.2.1.17.7.1.4.3.1.2 dot1qVlanStaticEgressPorts
raw      1.3.6.1.2.1.17.7.1.4.3.1.3 dot1qVlanForbiddenEgressPorts
raw      1.3.6.1.2.1.17.7.1.4.3.1.4 dot1qVlanStaticUntaggedPorts
port     1.3.6.1.2.1.31.1.1.1.1 ifName
free     1.3.6.1.2.1.31.1.1.1.18 ifAlias
vendor   1.3.6.1.2.1.47.1.1.1.1.2 entPhysicalDescr
vendor   1.3.6.1.2.1.47.1.1.1.1.7 entPhysicalName
release  1.3.6.1.2.1.47.1.1.1.1.8 entPhysicalHardwareRev
release  1.3.6.1.2.1.47.1.1.1.1.9 entPhysicalFirmwareRev
release  1.3.6.1.2.1.47.1.1.1.1.10 entPhysicalSoftwareRev
serial   1.3.6.1.2.1.47.1.1.1.1.11 entPhysicalSerialNum
vendor   1.3.6.1.2.1.47.1.1.1.1.12 entPhysicalMfgName
model    1.3.6.1.2.1.47.1.1.1.1.13 entPhysicalModelName
alias    1.3.6.1.2.1.47.1.1.1.1.14 entPhysicalAlias
tag      1.3.6.1.2.1.47.1.1.1.1.15 entPhysicalAssetID
raw      1.3.6.1.2.1.47.1.1.1.1.17 entPhysicalMfgDate
vendor   1.3.6.1.2.1.99.1.1.1.6 entPhySensorUnitsDisplay
vendor   1.3.6.1.2.1.105.1.1.1.9 pethPsePortType
engine   1.3.6.1.6.3.10.2.1.1 snmpEngineID
name     1.0.8802.1.1.2.1.3.3 lldpLocSysName
vendor   1.0.8802.1.1.2.1.3.4 lldpLocSysDesc
port     1.0.8802.1.1.2.1.3.7.1.3 lldpLocPortId
port     1.0.8802.1.1.2.1.3.7.1.4 lldpLocPortDesc
port     1.0.8802.1.1.2.1.4.1.1.7 lldpRemPortId
port     1.0.8802.1.1.2.1.4.1.1.8 lldpRemPortDesc
name     1.0.8802.1.1.2.1.4.1.1.9 lldpRemSysName
software 1.0.8802.1.1.2.1.4.1.1.10 lldpRemSysDesc
vendor   1.3.6.1.4.1.9.2.1.1 romId
name     1.3.6.1.4.1.9.2.1.3 hostName
domain   1.3.6.1.4.1.9.2.1.4 domainName
vendor   1.3.6.1.4.1.9.2.1.61 writeMem's copyright
vendor   1.3.6.1.4.1.9.2.2.1.1.1 locIfHardType
vendor   1.3.6.1.4.1.9.2.2.1.1.20 locIfReason
free     1.3.6.1.4.1.9.2.2.1.1.28 locIfDescr
release  1.3.6.1.4.1.9.3.6.2 chassisVersion
serial   1.3.6.1.4.1.9.3.6.3 chassisId
vendor   1.3.6.1.4.1.9.3.6.4 romVersion
vendor   1.3.6.1.4.1.9.3.6.5 romSysVersion
vendor   1.3.6.1.4.1.9.3.6.11.1.3 cardDescr
serial   1.3.6.1.4.1.9.3.6.11.1.4 cardSerial
release  1.3.6.1.4.1.9.3.6.11.1.5 cardHwVersion
release  1.3.6.1.4.1.9.3.6.11.1.6 cardSwVersion
model    1.3.6.1.4.1.9.5.1.2.16 chassisModel
serial   1.3.6.1.4.1.9.5.1.2.19 chassisSerialNumberString
model    1.3.6.1.4.1.9.5.1.3.1.1.17 moduleModel
release  1.3.6.1.4.1.9.5.1.3.1.1.18 moduleHwVersion
release  1.3.6.1.4.1.9.5.1.3.1.1.19 moduleFwVersion
release  1.3.6.1.4.1.9.5.1.3.1.1.20 moduleSwVersion
serial   1.3.6.1.4.1.9.5.1.3.1.1.26 moduleSerialNumberString
free     1.3.6.1.4.1.9.5.1.4.1.1.4 portName
vendor   1.3.6.1.4.1.9.9.10.1.1.2.1.7 ciscoFlashDeviceName
vendor   1.3.6.1.4.1.9.9.10.1.1.2.1.8 ciscoFlashDeviceDescr
vendor   1.3.6.1.4.1.9.9.10.1.1.4.1.1.10 ciscoFlashPartitionName
vendor   1.3.6.1.4.1.9.9.13.1.2.1.2 ciscoEnvMonVoltageStatusDescr
vendor   1.3.6.1.4.1.9.9.13.1.3.1.2 ciscoEnvMonTemperatureStatusDescr
vendor   1.3.6.1.4.1.9.9.13.1.4.1.2 ciscoEnvMonFanStatusDescr
vendor   1.3.6.1.4.1.9.9.13.1.5.1.2 ciscoEnvMonSupplyStatusDescr
port     1.3.6.1.4.1.9.9.23.1.1.1.1.6 cdpInterfaceName
address  1.3.6.1.4.1.9.9.23.1.2.1.1.4 cdpCacheAddress
address  1.3.6.1.4.1.9.9.23.1.2.1.1.20 cdpCachePrimaryMgmtAddr
address  1.3.6.1.4.1.9.9.23.1.2.1.1.22 cdpCacheSecondaryMgmtAddr
software 1.3.6.1.4.1.9.9.23.1.2.1.1.5 cdpCacheVersion
name     1.3.6.1.4.1.9.9.23.1.2.1.1.6 cdpCacheDeviceId
port     1.3.6.1.4.1.9.9.23.1.2.1.1.7 cdpCacheDevicePort
vendor   1.3.6.1.4.1.9.9.23.1.2.1.1.8 cdpCachePlatform
raw      1.3.6.1.4.1.9.9.23.1.2.1.1.9 cdpCacheCapabilities
name     1.3.6.1.4.1.9.9.23.1.2.1.1.10 cdpCacheVTPMgmtDomain
name     1.3.6.1.4.1.9.9.23.1.2.1.1.17 cdpCacheSysName
name     1.3.6.1.4.1.9.9.23.1.3.4 cdpGlobalDeviceId
vendor   1.3.6.1.4.1.9.9.25.1.1.1.2 ciscoImageString
name     1.3.6.1.4.1.9.9.43.1.1.6.1.8 ccmHistoryEventTerminalUser
name     1.3.6.1.4.1.9.9.46.1.2.1.1.2 managementDomainName
raw      1.3.6.1.4.1.9.9.46.1.2.1.1.6 managementDomainLastChange
vlan     1.3.6.1.4.1.9.9.46.1.3.1.1.4 vtpVlanName
raw      1.3.6.1.4.1.9.9.46.1.3.1.1.6 vtpVlanDot10Said
raw      1.3.6.1.4.1.9.9.46.1.3.1.1.17 vtpVlanTypeExt
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.4 vlanTrunkPortVlansEnabled
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.10 vlanTrunkPortVlansPruningEligible
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.11 vlanTrunkPortVlansXmitJoined
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.12 vlanTrunkPortVlansRcvJoined
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.17 vlanTrunkPortVlansEnabled2k
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.18 vlanTrunkPortVlansEnabled3k
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.19 vlanTrunkPortVlansEnabled4k
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.20 vtpVlansPruningEligible2k
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.21 vtpVlansPruningEligible3k
raw      1.3.6.1.4.1.9.9.46.1.6.1.1.22 vtpVlansPruningEligible4k
vendor   1.3.6.1.4.1.9.9.48.1.1.1.2 ciscoMemoryPoolName
raw      1.3.6.1.4.1.9.9.68.1.2.1.1.2 vmMembershipSummaryMemberPorts
raw      1.3.6.1.4.1.9.9.68.1.2.1.1.3 vmMembershipSummaryMember2kPorts
raw      1.3.6.1.4.1.9.9.68.1.2.2.1.4 vmVlans
raw      1.3.6.1.4.1.9.9.68.1.2.2.1.5 vmVlans2k
raw      1.3.6.1.4.1.9.9.68.1.2.2.1.6 vmVlans3k
raw      1.3.6.1.4.1.9.9.68.1.2.2.1.7 vmVlans4k
vendor   1.3.6.1.4.1.9.9.117.1.1.1.1.2 cefcPowerUnits
vendor   1.3.6.1.4.1.9.9.147.1.2.1.1.1.2 cfwHardwareInformation
vendor   1.3.6.1.4.1.9.9.147.1.2.2.2.1.3 cfwConnectionStatDescription
vendor   1.3.6.1.4.1.9.9.221.1.1.1.1.3 cempMemPoolName
vendor   1.3.6.1.4.1.9.9.402.1.3.1.2 cpeExtMainPseDescr
raw      1.3.6.1.4.1.9.9.500.1.1.5 cswGlobals' flags
mac      1.3.6.1.4.1.9.9.500.1.2.1.1.7 cswSwitchMacAddress
vendor   1.3.6.1.4.1.9.9.500.1.2.1.1.8 cswSwitchSoftwareImage
raw      1.3.6.1.4.1.9.9.548.1.2.1.1.2 cErrDisableFeatureFlags
release  1.3.6.1.4.1.674.10892.5 IDRAC-MIB
name     1.3.6.1.4.1.674.10892.5.1.1.1 racName
free     1.3.6.1.4.1.674.10892.5.1.2 chassisInfoGroup
serial   1.3.6.1.4.1.674.10892.5.1.2.1 chassisServiceTag
vendor   1.3.6.1.4.1.674.10892.5.1.2.3 chassisModelModular
name     1.3.6.1.4.1.674.10892.5.1.3.1 systemFQDN
serial   1.3.6.1.4.1.674.10892.5.1.3.2 systemServiceTag
serial   1.3.6.1.4.1.674.10892.5.1.3.3 systemExpressServiceCode
tag      1.3.6.1.4.1.674.10892.5.1.3.4 systemAssetTag
free     1.3.6.1.4.1.674.10892.5.1.3.8 systemDataCenterName
free     1.3.6.1.4.1.674.10892.5.1.3.9 systemAisleName
free     1.3.6.1.4.1.674.10892.5.1.3.10 systemRackName
free     1.3.6.1.4.1.674.10892.5.1.3.11 systemRackSlot
free     1.3.6.1.4.1.674.10892.5.1.3.15 systemRoomName
serial   1.3.6.1.4.1.674.10892.5.1.3.18 systemNodeID
free     1.3.6.1.4.1.674.10892.5.4.300 logs, and what stands on the chassis
release  1.3.6.1.4.1.674.10892.5.4.300.50 systemBIOSTable
release  1.3.6.1.4.1.674.10892.5.4.300.60 firmwareTable
vendor   1.3.6.1.4.1.674.10892.5.4.300.10.1.7 chassisName
vendor   1.3.6.1.4.1.674.10892.5.4.300.10.1.9 chassisModelName
serial   1.3.6.1.4.1.674.10892.5.4.300.10.1.11 chassisServiceTagName
serial   1.3.6.1.4.1.674.10892.5.4.1100.50.1.23 memoryDeviceSerialNumberName
mac      1.3.6.1.4.1.674.10892.5.4.1100.90.1.15 networkDeviceCurrentMACAddress
mac      1.3.6.1.4.1.674.10892.5.4.1100.90.1.16 networkDevicePermanentMACAddress
serial   1.3.6.1.4.1.674.10892.5.4.2000.10.1.7 fruSerialNumberName
serial   1.3.6.1.4.1.674.10892.5.5.1.20.130.1.1.77 controllerSASAddress
serial   1.3.6.1.4.1.674.10892.5.5.1.20.130.3.1.8 enclosureServiceTag
tag      1.3.6.1.4.1.674.10892.5.5.1.20.130.3.1.9 enclosureAssetTag
free     1.3.6.1.4.1.674.10892.5.5.1.20.130.3.1.10 enclosureAssetName
serial   1.3.6.1.4.1.674.10892.5.5.1.20.130.4.1.7 physicalDiskSerialNo
serial   1.3.6.1.4.1.674.10892.5.5.1.20.130.4.1.28 physicalDiskSASAddress
free     1.3.6.1.4.1.674.10892.5.5.1.20.140.1.1.2 virtualDiskName
free     1.3.6.1.4.1.674.10892.5.5.1.20.140.1.1.36 virtualDiskDisplayName
`

// numbered are the rows whose index is numbers alone, none of them an address or a letter: they
// stay. The index begins after the column, which is the next number.
const numbered = `
1.3.6.1.2.1.1.9.1
1.3.6.1.2.1.2.2.1
1.3.6.1.2.1.10.7.2.1
1.3.6.1.2.1.17.1.4.1
1.3.6.1.2.1.17.2.15.1
1.3.6.1.2.1.17.7.1.4.2.1
1.3.6.1.2.1.17.7.1.4.3.1
1.3.6.1.2.1.17.7.1.4.5.1
1.3.6.1.2.1.26.2.1.1
1.3.6.1.2.1.31.1.1.1
1.3.6.1.2.1.31.1.2.1
1.3.6.1.2.1.47.1.1.1.1
1.3.6.1.2.1.47.1.3.2.1
1.3.6.1.2.1.47.1.3.3.1
1.3.6.1.2.1.99.1.1.1
1.3.6.1.2.1.105.1.1.1
1.3.6.1.2.1.105.1.3.1.1
1.0.8802.1.1.2.1.3.7.1
1.0.8802.1.1.2.1.4.1.1
1.2.840.10006.300.43.1.1.1.1
1.2.840.10006.300.43.1.1.2.1
1.2.840.10006.300.43.1.2.1.1
1.2.840.10006.300.43.1.2.2.1
1.3.6.1.4.1.9.2.2.1.1
1.3.6.1.4.1.9.3.6.11.1
1.3.6.1.4.1.9.5.1.3.1.1
1.3.6.1.4.1.9.5.1.4.1.1
1.3.6.1.4.1.9.9.10.1.1.2.1
1.3.6.1.4.1.9.9.10.1.1.4.1.1
1.3.6.1.4.1.9.9.13.1.2.1
1.3.6.1.4.1.9.9.13.1.3.1
1.3.6.1.4.1.9.9.13.1.4.1
1.3.6.1.4.1.9.9.13.1.5.1
1.3.6.1.4.1.9.9.23.1.1.1.1
1.3.6.1.4.1.9.9.23.1.2.1.1
1.3.6.1.4.1.9.9.25.1.1.1
1.3.6.1.4.1.9.9.43.1.1.6.1
1.3.6.1.4.1.9.9.46.1.2.1.1
1.3.6.1.4.1.9.9.46.1.3.1.1
1.3.6.1.4.1.9.9.46.1.6.1.1
1.3.6.1.4.1.9.9.48.1.1.1
1.3.6.1.4.1.9.9.68.1.2.1.1
1.3.6.1.4.1.9.9.68.1.2.2.1
1.3.6.1.4.1.9.9.82.1.3.1.1
1.3.6.1.4.1.9.9.87.1.4.1.1
1.3.6.1.4.1.9.9.91.1.1.1.1
1.3.6.1.4.1.9.9.91.1.2.1.1
1.3.6.1.4.1.9.9.98.1.1.1.1
1.3.6.1.4.1.9.9.109.1.1.1.1
1.3.6.1.4.1.9.9.117.1.1.1.1
1.3.6.1.4.1.9.9.117.1.1.2.1
1.3.6.1.4.1.9.9.117.1.2.1.1
1.3.6.1.4.1.9.9.117.1.4.1.1
1.3.6.1.4.1.9.9.147.1.2.1.1.1
1.3.6.1.4.1.9.9.147.1.2.2.2.1
1.3.6.1.4.1.9.9.171.1.2.3.1
1.3.6.1.4.1.9.9.171.1.3.2.1
1.3.6.1.4.1.9.9.221.1.1.1.1
1.3.6.1.4.1.9.9.276.1.1.2.1
1.3.6.1.4.1.9.9.315.1.2.1.1
1.3.6.1.4.1.9.9.388.1.2.1.1
1.3.6.1.4.1.9.9.402.1.2.1
1.3.6.1.4.1.9.9.402.1.3.1
1.3.6.1.4.1.9.9.402.1.4.1
1.3.6.1.4.1.9.9.500.1.2.1.1
1.3.6.1.4.1.9.9.500.1.2.2.1
1.3.6.1.4.1.9.9.548.1.2.1.1
1.3.6.1.4.1.9.9.548.1.3.1.1
1.3.6.1.4.1.674.10892.5
`

// indexes are the tables whose index holds an address: n is a number, 4 an IPv4 address, m a MAC
// address, * something of which its length is told or that is looked for.
const indexes = `
1.3.6.1.2.1.3.1.1 nn4
1.3.6.1.2.1.4.20.1 4
1.3.6.1.2.1.4.21.1 4
1.3.6.1.2.1.4.22.1 n4
1.3.6.1.2.1.4.32.1 n*
1.3.6.1.2.1.4.34.1 *
1.3.6.1.2.1.4.35.1 n*
1.3.6.1.2.1.6.13.1 4n4n
1.3.6.1.2.1.7.5.1 4n
1.3.6.1.2.1.15.3.1 4
1.3.6.1.2.1.17.4.3.1 m
1.3.6.1.2.1.17.5.1.1 mn
1.3.6.1.2.1.17.7.1.2.2.1 nm
1.3.6.1.2.1.17.7.1.3.1.1 nmn
1.0.8802.1.1.2.1.3.8.1 *
1.0.8802.1.1.2.1.4.2.1 nnn*
1.3.6.1.4.1.9.9.171.1.2.2.1 *
1.3.6.1.4.1.9.9.171.1.2.4.1 *
1.3.6.1.4.1.9.9.392.1.3.21.1 *
`

// catalogue is what is known of objects and tables.
type catalogue struct {
	classes  map[string]class
	numbered map[string]bool
	indexes  map[string]string
}

func newCatalogue() catalogue {
	names := map[string]class{
		"vendor": vendor, "model": model, "domain": domain, "address": address,
		"release": release, "raw": raw, "free": free, "name": name, "vlan": vlan, "port": port, "software": software,
		"serial": serial, "tag": tag, "mac": mac, "bridge": bridge, "engine": engine, "alias": alias,
	}
	c := catalogue{classes: map[string]class{}, numbered: words(numbered), indexes: map[string]string{}}
	for line := range strings.Lines(indexes) {
		if f := strings.Fields(line); len(f) == 2 {
			c.indexes[f[0]] = f[1]
		}
	}
	for line := range strings.Lines(classes) {
		if f := strings.Fields(line); len(f) > 1 {
			c.classes[f[1]] = names[f[0]]
		}
	}
	return c
}

// of returns what the object may hold.
func (c *catalogue) of(oid string) class {
	for p := oid; p != ""; p = parent(p) {
		if k, ok := c.classes[p]; ok {
			return k
		}
	}
	return unknown
}

// isNumbered reports whether an object is in a numbered table.
func (c *catalogue) isNumbered(oid string) bool {
	for p := oid; p != ""; p = parent(p) {
		if c.numbered[p] {
			return true
		}
	}
	return false
}

// indexOf returns the form of the index of an object and the entry of its table, if they are known.
func (c *catalogue) indexOf(oid string) (entry, form string) {
	for p := oid; p != ""; p = parent(p) {
		if f, ok := c.indexes[p]; ok {
			return p, f
		}
	}
	return "", ""
}

func parent(oid string) string { return oid[:max(0, strings.LastIndexByte(oid, '.'))] }
