package idrac

import (
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// What Dell adds to the resources of Redfish: Oem.Dell of Storage, StorageController, Volume and Drive. A property
// stands in one resource or the other, by generation; each of these structs holds those of all.

type dellStorageOem struct {
	Dell struct {
		DellController        dellController
		DellControllerBattery redfish.Raw // a dellBattery, or a list of them
	}
}

type dellControllerOem struct {
	Dell struct {
		DellStorageController dellController
		DellController        dellController
	}
}

// dellController is DellController, in the Storage, and DellStorageController, in the StorageController.
type dellController struct {
	ID                        string `json:"Id"`
	CacheSizeInMB             *float64
	ControllerFirmwareVersion string
	DriverVersion             string
	PCISlot                   redfish.Loose
	ControllerMode            string // RAID, EnhancedHBA, HBA, None
	CurrentControllerMode     string // RAID, EnhancedHBA, HBA, NotSupported
	PatrolReadMode            string // Automatic, Manual, Disabled
	PatrolReadState           string // Running, Stopped, Unknown
	CheckConsistencyMode      string // Normal, StopOnError
	CopybackMode              string // On, OnWithSMART, Off
	BatteryLearnMode          string // Automatic, WarnOnly, Disabled
	RollupStatus              string
	SASAddress                string
	EncryptionMode            string // None, LocalKeyManagement, SecureEnterpriseKeyManager, ...

	PatrolReadUnconfiguredAreaMode, PersistentHotspareMode, EnhancedAutoImportForeignConfigurationMode                                  string // Enabled, Disabled
	RebuildRatePercent, ReconstructRatePercent, CheckConsistencyRatePercent, BackgroundInitializationRatePercent, PatrolReadRatePercent *float64
}

// dellBattery is DellControllerBattery.
type dellBattery struct {
	redfish.Resource
	RAIDState     string // Ready, BatteryLearn, Charging, Degraded, Failed, Missing, BelowThreshold, Unknown
	PrimaryStatus string
}

// link says that it only names the resource.
func (b dellBattery) link() bool {
	return b.Path != "" && b.ID == "" && b.RAIDState == "" && b.PrimaryStatus == ""
}

type dellVolumeOem struct {
	Dell struct{ DellVolume, DellVirtualDisk dellVolume }
}

// dellVolume is DellVolume, and DellVirtualDisk before it.
type dellVolume struct {
	ID                       string `json:"Id"`
	RaidStatus               string // Online, Ready, Degraded, Failed, Offline, Foreign, Blocked, Unknown
	WriteCachePolicy         string // WriteBack, WriteBackForce, WriteThrough
	ReadCachePolicy          string // ReadAhead, AdaptiveReadAhead, NoReadAhead
	DiskCachePolicy          string // Default, Enabled, Disabled
	RemainingRedundancy      *int64
	OperationName            string
	OperationPercentComplete *float64
	ObjectStatus             string // Current, Pending, PendingCreate, CurrentVirtualDiskPendingDelete
	StripeSize               redfish.Loose
	MediaType                string
	BusProtocol              string
	LockStatus               string
	SpanDepth, SpanLength    *int64
}

type dellDriveOem struct {
	Dell struct {
		DellPhysicalDisk, DellPCIeSSD, DellDrive          dellDrive
		DellDriveSMARTAttributes, DellNVMeSMARTAttributes dellSMART
	}
}

// dellDrive is DellPhysicalDisk, DellPCIeSSD of a drive at the processor, and DellDrive, which is either.
type dellDrive struct {
	ID                              string `json:"Id"`
	RaidStatus                      string // Online, Ready, NonRAID, Foreign, Failed, Offline, Blocked, Missing, Degraded, Unusable, Unknown
	DriveState                      string // of a PCIe SSD: Ready, Online, Failed, ReadOnly, ...
	PredictiveFailureState          string // SmartAlertPresent, SmartAlertAbsent
	FailurePredicted                string // of a PCIe SSD: YES, NO
	OperationName                   string
	OperationPercentComplete        *float64
	OperationPercentCompletePercent *float64
	PowerStatus                     string // On, Spun-Up, Spun-Down, Transition
	Certified                       string // Yes, No, NotApplicable
	DriveFormFactor                 string
	NonRAIDDiskCachePolicy          string // Default, Enabled, Disabled
	HotSpareStatus                  string // No, Dedicated, Global
	SASAddress                      string
	Slot                            *int64
	AvailableSparePercent           *float64
}

// dellSMART is DellDriveSMARTAttributes or DellNVMeSMARTAttributes, or a link to one.
type dellSMART struct {
	Path                          string `json:"@odata.id"`
	ReallocatedBlockCount         *float64
	UncorrectableErrorCount       *float64
	UncorrectableLBACount         *float64
	CurrentPendingSectorCount     *float64
	ProgramFailCount              *float64
	EraseFailCount                *float64
	CommandTimeoutCount           *float64
	PowerOnHours                  *float64
	DriveTemperatureCelsius       *float64
	DriveLifeRemainingPercent     *float64
	MediaDataIntegrityErrorsCount *float64
	LifeUsedPercent               *float64
	AvailableSparePercent         *float64
	CompositeTemperatureKelvin    *float64
	UnsafeShutdownsCount          *float64
	CriticalWarningsCount         *float64
	ReadErrorRate                 *float64
	CRCErrorCountPercent          *float64
}

// runTogether takes out of a word what not every firmware writes into it: Smart Alert Present, Spun-Up.
var runTogether = strings.NewReplacer(" ", "", "-", "", "_", "")

// dellWord returns the word of hw/raid for one of Dell's, empty for one that says nothing. pairs are Dell's word and ours.
func dellWord(word string, pairs ...string) string {
	word = runTogether.Replace(word)
	for i := 0; i+1 < len(pairs); i += 2 {
		if strings.EqualFold(word, runTogether.Replace(pairs[i])) {
			return pairs[i+1]
		}
	}
	return ""
}

// primaryHealth is what PrimaryStatus and RollupStatus judge.
func primaryHealth(word string) hw.Health {
	switch strings.TrimSpace(word) {
	case "OK", "Ok":
		return hw.OK
	case "Degraded":
		return hw.Warning
	case "Error":
		return hw.Critical
	}
	return hw.Unknown
}

func dellState(word string) string {
	return dellWord(word, "Online", raid.StateOnline, "Ready", raid.StateReady, "NonRAID", raid.StateNonRAID, "Degraded", raid.StateDegraded,
		"Failed", raid.StateFailed, "Offline", raid.StateOffline, "Foreign", raid.StateForeign, "Blocked", raid.StateBlocked, "Missing", raid.StateMissing,
		"Removed", raid.StateRemoved, "ReadOnly", raid.StateReadOnly, "Read-only", raid.StateReadOnly, "Unusable", raid.StateUnusable,
		"PhysicalLayerFailure", raid.StateFailed)
}

func dellMode(word string) string {
	return dellWord(word, "RAID", raid.ModeRAID, "HBA", raid.ModeHBA, "EnhancedHBA", raid.ModeEnhancedHBA, "Enhanced HBA", raid.ModeEnhancedHBA)
}

func dellWritePolicy(word string) string {
	return dellWord(word, "WriteThrough", raid.WriteThrough, "WriteBack", raid.WriteBack, "WriteBackForce", raid.WriteBackForced)
}

func dellReadPolicy(word string) string {
	return dellWord(word, "NoReadAhead", raid.ReadNone, "ReadAhead", raid.ReadAhead, "AdaptiveReadAhead", raid.ReadAdaptive)
}

func dellDiskCache(word string) string {
	return dellWord(word, "Default", raid.CacheDefault, "Enabled", raid.CacheOn, "Disabled", raid.CacheOff)
}

func dellBatteryState(word string) string {
	return dellWord(word, "Ready", raid.BatteryReady, "BatteryLearn", raid.BatteryLearning, "Charging", raid.BatteryCharging, "Degraded", raid.BatteryDegraded,
		"Failed", raid.BatteryFailed, "Missing", raid.BatteryMissing, "BelowThreshold", raid.BatteryBelowThreshold)
}

func dellMedia(word string) string {
	return dellWord(word, "SolidStateDrive", raid.MediaSSD, "HardDiskDrive", raid.MediaHDD, "MagneticDrive", raid.MediaHDD, "SSD", raid.MediaSSD, "HDD", raid.MediaHDD)
}

func dellBus(word string) string {
	return dellWord(word, "SAS", raid.BusSAS, "SATA", raid.BusSATA, "NVMe", raid.BusNVMe, "PCIe", raid.BusNVMe)
}

// dellBytes reads a size such as 64KB, empty for what is none.
func dellBytes(s string) string {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	for i, unit := range []string{"B", "KB", "MB"} {
		number, ok := strings.CutSuffix(s, unit)
		if !ok || !isNumber(number) {
			continue
		}
		n := uint64(0)
		for _, c := range number {
			n = 10*n + uint64(c-'0')
		}
		return digits(n << (10 * i))
	}
	return ""
}
