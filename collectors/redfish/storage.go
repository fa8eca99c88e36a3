package redfish

// Storage is a controller with what hangs on it.
type Storage struct {
	Resource
	StorageControllers []StorageController // older form, inline
	Controllers        Link                // newer form, a collection
	Drives             []Link
	DriveCount         *int64 `json:"Drives@odata.count"`
	Volumes            Link
	Links              struct {
		Enclosures []Link
	}
}

// StorageController is a RAID or host bus adapter, as a resource or inline in a Storage.
type StorageController struct {
	Resource
	MemberID        string `json:"MemberId"` // inline
	Manufacturer    string
	Model           string
	SerialNumber    string
	PartNumber      string
	FirmwareVersion string
	SpeedGbps       *float64
	AssetTag        string
	CacheSummary    struct {
		TotalCacheSizeMiB      *float64
		PersistentCacheSizeMiB *float64
		Status                 Status
	}
	SupportedRAIDTypes           []string
	SupportedControllerProtocols []string
	SupportedDeviceProtocols     []string
	Location                     Location
}

// Volume is a RAID set, or a disk given through: VolumeType RawDevice.
type Volume struct {
	Resource
	RAIDType           string // RAID0, RAID1, RAID5, RAID6, RAID10, ...
	VolumeType         string // older: RawDevice, NonRedundant, Mirrored, StripedWithParity, SpannedMirrors, ...
	CapacityBytes      *int64
	BlockSizeBytes     *int64
	OptimumIOSizeBytes *int64
	StripSizeBytes     *int64
	ReadCachePolicy    string // ReadAhead, AdaptiveReadAhead, Off
	WriteCachePolicy   string // WriteThrough, ProtectedWriteBack, UnprotectedWriteBack, Off
	WriteCacheState    string // Unprotected, Protected, Degraded
	DisplayName        string
	Encrypted          *bool
	Operations         []Operation
	Identifiers        []Identifier
	VolumeUsage        string
	Links              VolumeLinks
}

// VolumeLinks are the drives of a volume.
type VolumeLinks struct {
	Drives               []Link
	DriveCount           *int64 `json:"Drives@odata.count"`
	DedicatedSpareDrives []Link
}

// Operation is work going on: a rebuild, a check.
type Operation struct {
	OperationName      string
	Operation          string // where there is no name
	PercentageComplete *float64
}

// Identifier is a name that is unique in the world.
type Identifier struct {
	DurableName       string
	DurableNameFormat string
}

// Drive is a disk.
type Drive struct {
	Resource
	Manufacturer                  string
	Model                         string
	SerialNumber                  string
	PartNumber                    string
	SKU                           string
	Revision                      Loose  // the firmware's
	MediaType                     string // HDD, SSD, SMR
	Protocol                      string // SAS, SATA, NVMe, PCIe
	CapacityBytes                 *int64
	BlockSizeBytes                *int64
	RotationSpeedRPM              *float64
	CapableSpeedGbs               *float64
	NegotiatedSpeedGbs            *float64
	FailurePredicted              *bool
	PredictedMediaLifeLeftPercent *float64
	HotspareType                  string // None, Global, Chassis, Dedicated
	HotspareReplacementMode       string
	StatusIndicator               string
	EncryptionAbility             string
	EncryptionStatus              string
	WriteCacheEnabled             *bool
	IndicatorLED                  string
	LocationIndicatorActive       *bool
	Operations                    []Operation
	Identifiers                   []Identifier
	PhysicalLocation              Location
	Location                      []Location // older form
	Links                         struct {
		Volumes []Link
		Chassis Link
	}
}
