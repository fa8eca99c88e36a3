package scrub

import "strings"

// properties are the properties of Redfish of which more is known than nothing, by the class of what they hold. Those of a
// class serial or mac are also known by how their names end.
const properties = `
serial SerialNumber ServiceTag ChassisServiceTag NodeID ExpressServiceCode UUID GUID smbiosGUID DurableName UniqueID UniqueId
serial VolumeUniqueIdentifier WWN WWNN WWPN VirtWWN VirtWWPN SASAddress EUI64 NGUID PPIN EntitlementID LicenseKey SystemID BoardSerialNumber
serial AssociatedWorldWideNames FibreChannelId LogicalDriveUniqueID
mac MACAddress PermanentMACAddress AssociatedMACAddresses AssociatedNetworkAddresses VirtMacAddr IscsiMacAddr FIPMacAddr ManagementMAC ChassisId
name HostName FQDN FullyQualifiedDomainName UserName DNSName DNSRacName DNSDomainName SysName SystemHostName CertCommonName CommonName OSName
name LastUpdatedByUser ContactName EmailAddress Email SourceUser RemoteUser User
domain DomainName
address Address IPAddress Gateway IPv4Address IPv6Address ClientOriginIPAddress NameServers StaticNameServers ManagementIP
free AssetTag Location PostalAddress Country Territory City Street Building Room Rack Row Notes Note Comment Contact Owner
free ManagementAddressIPv4 ManagementAddressIPv6
message Message
argument MessageArgs
label DisplayName VolumeName
model Model
sku SKU
vendor Id Name MemberId Description Manufacturer PartNumber SparePartNumber Vendor Product ProductName Version FirmwareVersion
vendor BiosVersion RedfishVersion Revision SoftwareId MessageId Severity Created DateTime Health HealthRollup State Type
vendor Info PortId ProductId DeviceLocator ServiceLabel MemoryLocation BankLabel Socket Slot PCISlot Bus Device Function FQDD InstanceID InstanceFQDD ComponentID DeviceDescription
vendor DeviceID VendorID SubDeviceID SubVendorID SubsystemId SubsystemVendorId DeviceId VendorId ClassCode RevisionId ReadingUnits PhysicalContext
vendor PowerState IndicatorLED LinkStatus LinkState MediaType Protocol HotspareType RAIDType VolumeType VolumeUsage EncryptionStatus
vendor RAIDLevels SupportedRAIDTypes OperationName JobState JobStatus TaskState TaskStatus StartTime EndTime LastResetTime ReleaseDate
vendor ManufactureDate ProductionDate SystemGeneration ChipMdl FamilyVersion VendorName PCIeType Units Text DataType
vendor Family EffectiveFamily EffectiveModel Step MicrocodeInfo IdentificationRegisters InstructionSet ProcessorArchitecture
vendor MessageRegistryId Resolution RecommendedAction Caption CollectionName code message PrimaryStatus RollupStatus
`

// vendorEnds are how the names of properties end that hold words of the maker.
const vendorEnds = `
type types state states status health mode modes policy policies units version versions versionstring format formats protocol protocols
model manufacturer vendor context level levels severity fqdd category ability technology setting settings capability capabilities
support supported enabled capable date time partnumber ordering interval characteristics behavior priority speed width slottype
technologies classifications redundancy
`

// serialEnds and macEnds are how the names of properties end that hold what the classes name.
var (
	serialEnds = []string{"serialnumber", "serialno", "servicetag", "uuid", "guid", "wwn", "wwnn", "wwpn", "uniqueidentifier", "uniqueid", "sasaddress", "worldwidename"}
	macEnds    = []string{"macaddress", "macaddr", "macaddresses"}
	nameEnds   = []string{"hostname", "fqdn", "username", "commonname", "emailaddress"}
)

// The classes that only properties have.
const (
	message  class = iota + 100 // what a log says
	argument                    // what a message was made with
	label                       // a name a person may have given
	sku                         // the number of a product, or on a Dell the service tag
)

// propertyClasses returns the classes by the names of properties, and the endings of those of the maker.
func propertyClasses() (classes map[string]class, ends []string) {
	names := map[string]class{
		"serial": serial, "mac": mac, "name": name, "domain": domain, "address": address, "free": free, "vendor": vendor,
		"message": message, "argument": argument, "label": label, "model": model, "sku": sku,
	}
	classes = map[string]class{}
	for line := range strings.Lines(properties) {
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			classes[f[i]] = names[f[0]]
		}
	}
	return classes, strings.Fields(vendorEnds)
}

// classOf returns what a property may hold.
func (d *documents) classOf(property string) class {
	if c, ok := d.classes[property]; ok {
		return c
	}
	low := lower(property)
	ends := func(list []string) bool {
		for _, e := range list {
			if strings.HasSuffix(low, e) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasPrefix(property, "@") && !strings.HasSuffix(property, "AllowableValues"):
		return vendor
	case strings.Contains(property, "@odata."):
		return vendor
	case ends(serialEnds):
		return serial
	case ends(macEnds):
		return mac
	case ends(nameEnds):
		return name
	case ends(d.ends):
		return vendor
	}
	return unknown
}
