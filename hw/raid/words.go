package raid

import "strings"

// The paths of RAID parts: the prefix and the part's id. On a Dell the id is the FQDD
// ("drive/Disk.Bay.2:Enclosure.Internal.0-1:RAID.Slot.7-1"), elsewhere the Redfish Id joined with
// that of its controller, so that it is one of a kind within the device.
const (
	ControllerPath = "controller/"
	BatteryPath    = "battery/"
	VolumePath     = "volume/"
	DrivePath      = "drive/"
	EnclosurePath  = "enclosure/"
)

// A key that is not there, is empty or holds a word that is not below says "not known": the
// audit never takes it for good and never for a fault. Collectors leave out what the device
// answers with null, "" or Unknown, and what they have no word for.
//
// Keys marked (S) belong to hw.Component.State: they change by themselves. The others belong to
// Attrs: people or the inventory set them. The audit reads both alike. Sources: R is standard Redfish, D
// the Dell OEM resource, M the column of IDRAC-MIB-SMIv2 below 1.3.6.1.4.1.674.10892.5.5.1.20.

// Keys of every part.
const (
	KeyName         = "name"              // R Name; M 130.1.1.79, 130.4.1.55, 140.1.1.36 DisplayName
	KeyModel        = "model"             // R Model; M controllerName 130.1.1.2, physicalDiskProductID 130.4.1.6
	KeyManufacturer = "manufacturer"      // R Manufacturer; M physicalDiskManufacturer 130.4.1.3
	KeySerial       = "serial"            // R SerialNumber; M physicalDiskSerialNo 130.4.1.7
	KeyPartNumber   = "part_number"       // R PartNumber; M physicalDiskPartNumber 130.4.1.27
	KeyFirmware     = "firmware"          // R FirmwareVersion, Drive.Revision; M controllerFWVersion 130.1.1.8, physicalDiskRevision 130.4.1.8
	KeySizeBytes    = "size_bytes"        // decimal. R CapacityBytes; M 130.4.1.11, 140.1.1.6 in MiB
	KeyController   = "controller"        // id of the controller (its path without ControllerPath); of battery, volume, drive, enclosure
	KeyState        = "state"             // (S) one of the State words
	KeySecurity     = "security"          // one of the Security words
	KeySource       = "source"            // SourceRedfish or SourceSNMP: where the part was read
	KeyFromSNMP     = "from_snmp"         // list of the keys of a part read over Redfish that SNMP told
	KeyOperation    = "operation"         // (S) one of the Operation words; of volume, drive. Its percent is the sample SensorOperationPercent
	KeySlot         = "slot"              // the PCI slot, or where it is soldered. D PCISlot, DeviceCardSlot...; M controllerPCISlot 130.1.1.42
	KeyDiskCache    = "disk_cache_policy" // Cache words, configured: of volume (D DellVirtualDisk.DiskCachePolicy; M virtualDiskDiskCachePolicy 140.1.1.26), of a drive outside RAID (D DellPhysicalDisk.NonRAIDDiskCachePolicy)
)

// KeyPresence is not written by collectors: hw sets it in the register of an expected part that is gone, whose
// other words are then old. The audit leaves such a part out; Arrange shows it.
const (
	KeyPresence     = "presence"
	PresenceMissing = "missing"
)

// SourceRedfish and SourceSNMP are the words of KeySource.
const (
	SourceRedfish = "redfish"
	SourceSNMP    = "snmp"
)

// SensorOperationPercent is the sensor of a volume or drive that tells how far its operation
// is. R Operations[].PercentageComplete; D OperationPercentComplete; M 130.4.1.51, 140.1.1.31.
const SensorOperationPercent = "operation_percent"

// Yes and No are the words of every key that asks a question.
const (
	Yes = "yes"
	No  = "no"
)

// Keys of a controller.
const (
	KeyMode           = "mode"            // Mode words. D DellStorageController.CurrentControllerMode, ControllerMode
	KeyCacheBytes     = "cache_bytes"     // decimal, "0" when it has none. R CacheSummary.TotalCacheSizeMiB; D CacheSizeInMB; M controllerCacheSizeInMB 130.1.1.9
	KeyPatrolRead     = "patrol_read"     // Patrol words. D PatrolReadMode; M controllerPatrolReadMode 130.1.1.52
	KeyPatrolReadNow  = "patrol_read_now" // (S) RunRunning, RunStopped. D PatrolReadState; M controllerPatrolReadState 130.1.1.53
	KeyLearnMode      = "learn_mode"      // Learn words. D BatteryLearnMode
	KeyPreservedCache = "preserved_cache" // (S) Yes, No. M controllerPreservedCache 130.1.1.69; Redfish does not tell
	KeyBattery        = "battery"         // (S) BatteryNone when a complete reading found no battery object: D no DellControllerBattery; M no row of batteryTable. BatteryPresent when there is one
	KeyHotSpares      = "hot_spares"      // Unsupported on a controller that cannot have one: BOSS, software RAID of two slots
	KeyConsistency    = "consistency"     // ConsistencyNormal, ConsistencyStop. D CheckConsistencyMode; M 130.1.1.70
	KeyCopyback       = "copyback"        // CopybackOn, CopybackSMART, CopybackOff. D CopybackMode; M 130.1.1.71
	KeyDriver         = "driver"          // D DriverVersion; M controllerDriverVersion 130.1.1.41
)

// The words of KeyMode.
const (
	ModeRAID        = "raid"
	ModeHBA         = "hba"
	ModeEnhancedHBA = "enhanced-hba"
)

// The words of KeyPatrolRead: D Automatic, Manual, Disabled; M auto 4, manual 5, disabled 3, notSupported 2.
const (
	PatrolAutomatic = "automatic"
	PatrolManual    = "manual"
	PatrolOff       = "off"
	PatrolNone      = "unsupported" // the controller has none
)

// The words of KeyPatrolReadNow: D Running, Stopped; M active 3, stopped 2.
const (
	RunRunning = "running"
	RunStopped = "stopped"
)

// The words of KeyLearnMode: D Automatic, WarnOnly, Disabled.
const (
	LearnAutomatic = "automatic"
	LearnWarnOnly  = "warn-only"
	LearnOff       = "off"
)

// The words of a controller's KeyBattery.
const (
	BatteryNone    = "none"
	BatteryPresent = "present"
)

// Unsupported is the word of KeyHotSpares where there can be none.
const Unsupported = "unsupported"

// The words of KeyConsistency and KeyCopyback.
const (
	ConsistencyNormal = "normal"
	ConsistencyStop   = "stop-on-error"
	CopybackOn        = "on"
	CopybackSMART     = "on-with-smart"
	CopybackOff       = "off"
)

// The words of a battery's KeyState: D DellControllerBattery.RAIDState; M batteryState 130.15.1.4
// (in brackets). They are no words of other parts.
const (
	BatteryReady          = "ready"           // Ready (2)
	BatteryLearning       = "learning"        // BatteryLearn; over SNMP it is ready or charging
	BatteryCharging       = "charging"        // Charging (6)
	BatteryDegraded       = "degraded"        // Degraded (4)
	BatteryFailed         = "failed"          // Failed (3)
	BatteryMissing        = "missing"         // Missing (5)
	BatteryBelowThreshold = "below-threshold" // BelowThreshold (7)
)

// Keys of a volume: a RAID set as the server sees it. A drive that Redfish shows as a volume of
// its own (VolumeType RawDevice, no RAIDType) is none and is left out.
const (
	KeyLevel          = "level"            // Level words. R RAIDType, VolumeType; M virtualDiskLayout 140.1.1.13
	KeyWritePolicy    = "write_policy"     // Write words, configured. D DellVirtualDisk.WriteCachePolicy; M virtualDiskWritePolicy 140.1.1.10
	KeyWritePolicyNow = "write_policy_now" // (S) Write words, in force. R Volume.WriteCachePolicy
	KeyWriteCache     = "write_cache"      // (S) of a volume WriteCache words: R WriteCacheState; of a drive CacheOn or CacheOff: R Drive.WriteCacheEnabled
	KeyReadPolicy     = "read_policy"      // Read words, configured. D DellVirtualDisk.ReadCachePolicy; M virtualDiskReadPolicy 140.1.1.11
	KeyReadPolicyNow  = "read_policy_now"  // (S) Read words, in force. R Volume.ReadCachePolicy
	KeyDiskCacheNow   = "disk_cache_now"   // (S) CacheOn or CacheOff: in force, where it is told beside the policy
	KeyRedundancyLeft = "redundancy_left"  // (S) drives that may still fail, decimal. D RemainingRedundancy; M virtualDiskRemainingRedundancy 140.1.1.34
	KeyBadBlocks      = "bad_blocks"       // (S) Yes, No. M virtualDiskBadBlocksDetected 140.1.1.23
	KeyDrives         = "drives"           // how many drives it is made of, decimal. R Links.Drives@odata.count. Which ones stands at the drives
	KeyStripeBytes    = "stripe_bytes"     // decimal. R StripSizeBytes; D StripeSize; M virtualDiskStripeSize 140.1.1.14
	KeyPending        = "pending"          // (S) Yes while a change waits for a job or a restart. D ObjectStatus Pending...
)

// The words of KeyLevel: R RAIDType RAID0...; R VolumeType where that is all there is (iDRAC 7 and
// 8, iDRAC9 before 4.40): NonRedundant, Mirrored, SpannedMirrors tell the level, the two with
// parity leave it open; M 2 r0, 3 r1, 4 r5, 5 r6, 6 r10, 7 r50, 8 r60.
const (
	LevelNone   = "none"         // RAIDType None: one drive
	Level0      = "raid0"        // NonRedundant
	Level1      = "raid1"        // Mirrored, RAID1Triple
	Level1E     = "raid1e"       //
	Level10     = "raid10"       // SpannedMirrors, RAID10Triple
	Level01     = "raid01"       //
	Level5      = "raid5"        // RAID3, RAID4 too: one parity
	Level6      = "raid6"        // RAID6TP too
	Level50     = "raid50"       //
	Level60     = "raid60"       //
	Level5Or6   = "raid5-or-6"   // StripedWithParity
	Level50Or60 = "raid50-or-60" // SpannedStripesWithParity
)

// The words of KeyWritePolicy and KeyWritePolicyNow: D WriteThrough, WriteBack, WriteBackForce; R
// WriteThrough, ProtectedWriteBack, UnprotectedWriteBack, Off; M 1 writeThrough, 2 writeBack, 3 writeBackForce.
const (
	WriteThrough    = "write-through"
	WriteBack       = "write-back"        // write-back while the battery is good
	WriteBackForced = "write-back-forced" // with or without one
	WriteOff        = "off"               // no cache at all: as safe as write-through
)

// The words of KeyReadPolicy and KeyReadPolicyNow: D NoReadAhead, ReadAhead, AdaptiveReadAhead; R Off, ReadAhead,
// AdaptiveReadAhead; M 1 noReadAhead, 2 readAhead, 3 adaptiveReadAhead.
const (
	ReadNone     = "no-read-ahead"
	ReadAhead    = "read-ahead"
	ReadAdaptive = "adaptive"
)

// The words of a volume's KeyWriteCache: R WriteCacheState Protected, Unprotected, Degraded.
const (
	CacheProtected   = "protected"
	CacheUnprotected = "unprotected"
	CacheDegraded    = "degraded"
)

// The words of KeyDiskCache: D Default, Enabled, Disabled; M 3 default, 1 enabled, 2 disabled. CacheOn and
// CacheOff are also those of KeyDiskCacheNow and of a drive's KeyWriteCache (R true, false).
const (
	CacheDefault = "default" // as the drive came: proves nothing
	CacheOn      = "enabled"
	CacheOff     = "disabled"
)

// The words of KeyState of volumes, drives, controllers and enclosures. Volume: D DellVirtualDisk.RaidStatus; M
// virtualDiskState 140.1.1.4 (2 online, 3 failed, 4 degraded). Drive: D DellPhysicalDisk.RaidStatus, DellPCIeSSD.DriveState; M
// physicalDiskState 130.4.1.4 (2 ready, 3 online, 4 foreign, 5 offline, 6 blocked, 7 failed, 8 nonraid, 9
// removed, 10 readonly). Where there is only R Status: State Enabled with Health OK is StateOnline of a volume and of a drive that is a member,
// StateReady of one that is none, StateNonRAID where its Storage has no volumes at all; with another
// health it is nothing (its health raises the alert); Degraded is StateDegraded; StandbySpare is StateReady and a
// spare; Absent is StateMissing, UnavailableOffline StateOffline. A PCIe SSD of which no RAID controller speaks (D DriveState Ready without
// RaidStatus) is StateNonRAID.
const (
	StateOnline   = "online"   // works, a member of its set
	StateReady    = "ready"    // works, not a member
	StateNonRAID  = "non-raid" // works, passed through to the server
	StateDegraded = "degraded" // volume: a member is gone
	StateFailed   = "failed"
	StateOffline  = "offline"
	StateForeign  = "foreign" // carries the configuration of another controller
	StateBlocked  = "blocked" // the controller does not accept it
	StateMissing  = "missing"
	StateRemoved  = "removed"
	StateReadOnly = "read-only"
	StateUnusable = "unusable"
)

// The words of KeyOperation. Drive: D DellPhysicalDisk.OperationName Rebuild, Copyback, Clear...; R Operations[]; M
// physicalDiskOperationalState 130.4.1.50 (1 none, 2 rebuild, 3 clear, 4 copyback). Volume: D
// DellVirtualDisk.OperationName; M virtualDiskOperationalState 140.1.1.30 (1 none, 2 reconstructing, 3 resynching, 4 initializing, 5
// backgroundInit). An empty R Operations list, D "None" and M notApplicable are OperationNone.
const (
	OperationNone        = "none"
	OperationRebuild     = "rebuild"
	OperationCopyback    = "copyback"
	OperationReconstruct = "reconstruct" // to another level or more drives
	OperationResync      = "resync"
	OperationInitialise  = "initialise" // foreground or background
	OperationCheck       = "consistency-check"
	OperationErase       = "erase" // Clear, SecureErase, Format, Sanitize
	OperationOther       = "other" // one that has no word here
)

// Keys of a drive.
const (
	KeyBay         = "bay"                   // as printed on the metal: "3"; of several cages port, box and bay: "1I:3:1". D Slot, from the FQDD Disk.Bay.N; R PhysicalLocation; M 130.4.1.2 the last number of "0:1:3"
	KeyEnclosure   = "enclosure"             // id of the enclosure (its path without EnclosurePath)
	KeyMedia       = "media"                 // Media words; of volume too. R MediaType; M physicalDiskMediaType 130.4.1.35 (2 HDD, 3 SSD), virtualDiskMediaType 140.1.1.33
	KeyBus         = "bus"                   // Bus words; of volume too. R Protocol; M physicalDiskBusType 130.4.1.21, virtualDiskAvailableProtocols 140.1.1.32
	KeyVolumes     = "volumes"               // list of the ids of the volumes it is a member of. R Links.Volumes
	KeySpare       = "spare"                 // Spare words. R HotspareType; D HotSpareStatus; M physicalDiskSpareState 130.4.1.22 (1, 2 dedicated, 3 global)
	KeySpareFor    = "spare_for"             // list of the ids of the volumes it is dedicated to. R Volume.Links.DedicatedSpareDrives
	KeyPredicted   = "failure_predicted"     // (S) Yes, No. R FailurePredicted; D PredictiveFailureState SmartAlertPresent, SmartAlertAbsent: either says yes; M 130.4.1.31
	KeyMediaErrors = "media_errors"          // (S) Errors words. Made by Count from the counters, which are samples
	KeyWear        = "wear"                  // (S) Wear words. Made by WearOf from the life left, which is a sample
	KeyPLP         = "power_loss_protection" // Yes, No: known of the model. No device tells it
	KeyPower       = "power"                 // (S) PowerOn, PowerSpunDown. D PowerStatus; M 130.4.1.42
	KeyCertified   = "certified"             // Yes, No. D Certified
	KeyRPM         = "rpm"                   // decimal. R RotationSpeedRPM
	KeyFormFactor  = "form_factor"           // D DriveFormFactor; M 130.4.1.53
)

// The words of KeyMedia and KeyBus. Of a volume of several kinds neither is told. Where Redfish says
// Protocol NVMe or PCIe of a drive it is BusNVMe.
const (
	MediaHDD = "hdd"
	MediaSSD = "ssd"
	BusSAS   = "sas"
	BusSATA  = "sata"
	BusNVMe  = "nvme"
)

// The words of KeySpare.
const (
	SpareNone      = "none"
	SpareGlobal    = "global"
	SpareDedicated = "dedicated"
	SpareChassis   = "chassis"
)

// The words of KeyMediaErrors.
const (
	ErrorsNone   = "none"
	ErrorsSome   = "some"   // there are, and there have been no more for a week
	ErrorsRising = "rising" // more within the last week
)

// The words of KeyWear.
const (
	WearGood  = "good"
	WearLow   = "low"   // at most 10 percent of the rated writes are left
	WearSpent = "spent" // none are left
)

// The words of KeyPower.
const (
	PowerOn       = "on"
	PowerSpunDown = "spun-down"
)

// The words of KeySecurity. R EncryptionStatus; D SecurityStatus; M 130.4.1.52, 140.1.1.24.
const (
	SecurityNone     = "none"     // not encrypted
	SecurityUnlocked = "unlocked" // encrypted, and the controller has its key
	SecurityLocked   = "locked"   // encrypted, and the controller has not
	SecurityForeign  = "foreign"  // locked with the key of another controller
)

// maxList bounds the text of a list: an attribute has at most 1024 bytes. A drive with slices in
// 27 volumes of the longest FQDD still fits.
const maxList = 1000

// List writes ids as the value of a key that holds several: parted by a space, spaces in an id
// written as '+'. Ids that do not fit are left out: which drives a volume has stands at the drives, so that
// no list grows with a shelf.
func List(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		id = ID(id)
		if id == "" || b.Len()+1+len(id) > maxList {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(id)
	}
	return b.String()
}

// Split reads what List wrote.
func Split(list string) []string { return strings.Fields(list) }

// ID returns id as it stands in paths, in KeyController and in lists: without spaces.
func ID(id string) string { return strings.Join(strings.Fields(id), "+") }
