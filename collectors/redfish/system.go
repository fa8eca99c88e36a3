package redfish

// ComputerSystem is the server as its processors see it.
type ComputerSystem struct {
	Resource
	Manufacturer            string
	Model                   string
	SKU                     string
	SerialNumber            string
	PartNumber              string
	UUID                    string
	AssetTag                string
	HostName                string
	BiosVersion             string
	PowerState              string // On, Off, PoweringOn, PoweringOff, Paused
	SystemType              string
	IndicatorLED            string // Lit, Blinking, Off: deprecated for LocationIndicatorActive
	LocationIndicatorActive *bool
	LastResetTime           string
	MemorySummary           struct {
		TotalSystemMemoryGiB *float64
		Status               Status
	}
	ProcessorSummary struct {
		Count                 *int64
		CoreCount             *int64
		LogicalProcessorCount *int64
		Model                 string
		Status                Status
	}
	BootProgress struct {
		LastState string
	}
	Processors         Link
	Memory             Link
	Storage            Link
	SimpleStorage      Link
	EthernetInterfaces Link
	NetworkInterfaces  Link
	LogServices        Link
	Links              struct {
		Chassis   []Link
		ManagedBy []Link
		Oem       Raw
	}
	Actions map[string]Action
}

// Action is something a resource can be told to do.
type Action struct {
	Target string `json:"target"`
}

// Manager is the BMC.
type Manager struct {
	Resource
	ManagerType        string
	Manufacturer       string
	Model              string
	SerialNumber       string
	FirmwareVersion    string
	UUID               string
	DateTime           string
	LastResetTime      string
	PowerState         string
	LogServices        Link
	EthernetInterfaces Link
	NetworkProtocol    Link
	Links              struct {
		ManagerForServers []Link
		ManagerForChassis []Link
		Oem               Raw
	}
	Actions map[string]Action
}

// Chassis is a box of metal: the server, a backplane, an enclosure.
type Chassis struct {
	Resource
	ChassisType             string
	Manufacturer            string
	Model                   string
	SKU                     string
	SerialNumber            string
	PartNumber              string
	AssetTag                string
	PowerState              string
	IndicatorLED            string
	LocationIndicatorActive *bool
	Location                Location
	Thermal                 Link
	Power                   Link
	ThermalSubsystem        Link
	PowerSubsystem          Link
	Sensors                 Link
	NetworkAdapters         Link
	PhysicalSecurity        struct {
		IntrusionSensor string // Normal, HardwareIntrusion, TamperingDetected
	}
	Links struct {
		ComputerSystems []Link
		ManagedBy       []Link
		ContainedBy     Link
		Drives          []Link
		Storage         []Link
	}
}

// Processor is a CPU, or a GPU or another accelerator: ProcessorType tells.
type Processor struct {
	Resource
	ProcessorType     string
	Manufacturer      string
	Model             string
	Socket            Loose
	SerialNumber      string
	PartNumber        string
	TotalCores        *int64
	TotalEnabledCores *int64
	TotalThreads      *int64
	MaxSpeedMHz       *float64
	OperatingSpeedMHz *float64
}

// Memory is one DIMM, or its empty slot: State is Absent then.
type Memory struct {
	Resource
	DeviceLocator     string
	MemoryType        string
	MemoryDeviceType  string
	BaseModuleType    string
	ErrorCorrection   string
	Manufacturer      string
	SerialNumber      string
	PartNumber        string
	CapacityMiB       *int64
	OperatingSpeedMhz *float64
	RankCount         *int64
	Metrics           Link
	MemoryLocation    struct {
		Socket, MemoryController, Channel, Slot *int64
	}
}

// NetworkAdapter is a network card.
type NetworkAdapter struct {
	Resource
	Manufacturer           string
	Model                  string
	SerialNumber           string
	PartNumber             string
	SKU                    string
	Ports                  Link
	NetworkPorts           Link // where there are no Ports
	NetworkDeviceFunctions Link
	Controllers            []struct {
		FirmwarePackageVersion string
		Location               Location
	}
}

// Port is a port of a network card: Port, and NetworkPort before it. Either names the same things in another way.
type Port struct {
	Resource
	PortID                Loose  `json:"PortId"`
	PhysicalPortNumber    Loose  // of a NetworkPort
	LinkStatus            string // LinkUp, LinkDown, NoLink, Starting, Training; a NetworkPort: Up, Down, Starting, Training
	LinkState             string // Enabled, Disabled
	InterfaceEnabled      *bool
	CurrentSpeedGbps      *float64
	MaxSpeedGbps          *float64
	CurrentLinkSpeedMbps  *float64 // of a NetworkPort
	LinkNetworkTechnology string
	ActiveLinkTechnology  string // of a NetworkPort
	Ethernet              struct {
		AssociatedMACAddresses []string
	}
	AssociatedNetworkAddresses []string
}

// EthernetInterface is a network interface as the host or the BMC sees it.
type EthernetInterface struct {
	Resource
	MACAddress          string
	PermanentMACAddress string
	LinkStatus          string // LinkUp, LinkDown, NoLink
	InterfaceEnabled    *bool
	SpeedMbps           *float64
	FullDuplex          *bool
	AutoNeg             *bool
	MTUSize             *int64
	HostName            string
	FQDN                string
	IPv4Addresses       []struct {
		Address, SubnetMask, Gateway, AddressOrigin string
	}
	IPv6Addresses []struct {
		Address, AddressOrigin string
		PrefixLength           *int64
	}
}
