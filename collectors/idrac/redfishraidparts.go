package idrac

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// dellStore is what was read of one Storage of an iDRAC.
type dellStore struct {
	parts.Store
	controllers []redfish.StorageController
	batteries   []dellBattery // those of other homes too
	driveOem    map[string]dellDrive
	volumeOem   map[string]dellVolume
	oem         dellStorageOem
	bare        bool // no battery anywhere, and that is believed
	garbled     bool // oem could not be read whole: what it does not tell may be there
}

// newDellStore takes a Storage that stands at path.
func newDellStore(path string, x redfish.Storage) (*dellStore, []redfish.Odd) {
	x.Path = path
	d := &dellStore{Store: parts.Store{Section: sectionRAID, ID: fqddAt(path), Name: fqddAt, Raw: isRaw, Storage: x}}
	odd, err := x.Oem.Decode(&d.oem)
	if err != nil {
		odd = append(odd, redfish.Odd{Property: "Oem", What: err.Error()})
	}
	if b := d.oem.Dell.DellControllerBattery; len(b) > 0 {
		var list struct{ Batteries []dellBattery }
		if b[0] != '[' {
			b = slices.Concat(redfish.Raw("["), b, redfish.Raw("]"))
		}
		more, err := slices.Concat(redfish.Raw(`{"Batteries":`), b, redfish.Raw("}")).Decode(&list)
		if err != nil {
			more = append(more, redfish.Odd{Property: "DellControllerBattery", What: err.Error()})
		}
		d.batteries, odd = list.Batteries, append(odd, more...)
	}
	d.garbled = len(odd) > 0 && d.oem.Dell.DellController.ID == "" || len(d.oem.Dell.DellControllerBattery) > 0 && len(d.batteries) == 0
	return d, odd
}

// fqddAt returns the FQDD of the part at a path, as it stands in ids.
func fqddAt(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return raid.ID(parts.Last(path))
}

// isRaw says whether a volume is a disk given through: it has the FQDD of the disk.
func isRaw(v redfish.Volume) bool {
	return !strings.HasPrefix(fqddAt(v.Path), "Disk.Virtual.") && (parts.RawDevice(v) || strings.HasPrefix(fqddAt(v.Path), "Disk."))
}

// sort tells what stands behind the FQDD of a controller.
func (d *dellStore) sort() controllerSort {
	inline := ""
	for _, c := range d.Storage.StorageControllers {
		inline += c.Model + c.Name
	}
	switch {
	case strings.HasPrefix(d.ID, "RAID."):
		return sortRAID
	case strings.HasPrefix(d.ID, "BOSS."), strings.Contains(d.Storage.Name+inline, "BOSS"):
		return sortBOSS
	case strings.HasPrefix(d.ID, "AHCI.Embedded"), strings.HasPrefix(d.ID, "SATA."):
		return sortChipset
	case strings.HasPrefix(d.ID, "AHCI."):
		return sortBOSS // the first BOSS: nothing else of this name stands in a slot
	case strings.HasPrefix(d.ID, "NonRAID."):
		return sortHBA
	case strings.HasPrefix(d.ID, "CPU."), strings.HasPrefix(d.ID, "PCIeSSD."), strings.HasPrefix(d.ID, "PCIeExtender."):
		return sortDirect
	}
	return sortOther
}

// controllerSort is what may be expected of a controller.
type controllerSort int

const (
	sortOther   controllerSort = iota
	sortRAID                   // PERC, and software RAID
	sortBOSS                   // two M.2 drives that mirror each other: no spare, no cache, no patrol read
	sortChipset                // AHCI of the board
	sortHBA
	sortDirect // NVMe at the processor: no controller at all
)

// cacheless says that a controller of this sort keeps no writes, so has neither battery nor patrol read.
func (x controllerSort) cacheless() bool { return x != sortOther && x != sortRAID }

// dellParts is a Storage in the words of hw/raid, and what was odd in it by the id of the resource.
type dellParts struct {
	list []parts.Part
	odd  map[string][]redfish.Odd
}

func (r *dellParts) decode(id string, oem redfish.Raw, into any) {
	odd, err := oem.Decode(into)
	if err != nil {
		odd = append(odd, redfish.Odd{Property: "Oem", What: err.Error()})
	}
	r.strange(id, odd)
}

func (r *dellParts) strange(id string, odd []redfish.Odd) {
	if len(odd) > 0 {
		r.odd[id] = append(r.odd[id], odd...)
	}
}

// parts returns the controller, its batteries, sets and drives. It asks nothing.
func (d *dellStore) parts() dellParts {
	r := dellParts{odd: map[string][]redfish.Odd{}}
	r.list = append(r.list, d.controller(&r))
	for _, b := range d.batteries {
		if p, ok := d.battery(b); ok {
			r.list = append(r.list, p)
		}
	}
	for _, v := range d.Volumes {
		if p, ok := d.Volume(v); ok {
			d.volume(&r, &p, v)
			r.list = append(r.list, p)
		}
	}
	for _, x := range d.Drives {
		if !parts.EmptyBay(x) {
			p := d.Drive(x)
			d.drive(&r, &p, x)
			r.list = append(r.list, p)
		}
	}
	return r
}

func (d *dellStore) controller(r *dellParts) parts.Part {
	p := d.Controller(d.controllers...)
	var all []dellController
	for _, c := range d.controllers {
		var oem dellControllerOem
		r.decode(d.ID, c.Oem, &oem)
		all = append(all, oem.Dell.DellStorageController, oem.Dell.DellController)
	}
	all = append(all, d.oem.Dell.DellController)
	told := func(of func(dellController) string) string {
		for _, c := range all {
			if s := strings.TrimSpace(of(c)); s != "" {
				return s
			}
		}
		return ""
	}
	p.FillAttr(raid.KeyModel, p.Attrs.Get(raid.KeyName))
	p.SetAttr(raid.KeyName, strings.TrimSpace(d.Storage.Description))
	p.FillAttr(raid.KeyFirmware, told(func(c dellController) string { return c.ControllerFirmwareVersion }))
	p.SetAttr(raid.KeyDriver, told(func(c dellController) string { return c.DriverVersion }))
	p.SetAttr(raid.KeySlot, told(func(c dellController) string { return string(c.PCISlot) }))
	p.SetAttr(raid.KeyMode, told(func(c dellController) string {
		return cmp.Or(dellMode(c.CurrentControllerMode), dellMode(c.ControllerMode))
	}))
	p.SetAttr(raid.KeyPatrolRead, told(func(c dellController) string {
		return dellWord(c.PatrolReadMode, "Automatic", raid.PatrolAutomatic, "Manual", raid.PatrolManual, "Disabled", raid.PatrolOff)
	}))
	p.SetState(raid.KeyPatrolReadNow, told(func(c dellController) string {
		return dellWord(c.PatrolReadState, "Running", raid.RunRunning, "Stopped", raid.RunStopped)
	}))
	p.SetAttr(raid.KeyLearnMode, told(func(c dellController) string {
		return dellWord(c.BatteryLearnMode, "Automatic", raid.LearnAutomatic, "WarnOnly", raid.LearnWarnOnly, "Disabled", raid.LearnOff)
	}))
	p.SetAttr(raid.KeyConsistency, told(func(c dellController) string {
		return dellWord(c.CheckConsistencyMode, "Normal", raid.ConsistencyNormal, "StopOnError", raid.ConsistencyStop)
	}))
	p.SetAttr(raid.KeyCopyback, told(func(c dellController) string {
		return dellWord(c.CopybackMode, "On", raid.CopybackOn, "OnWithSMART", raid.CopybackSMART, "Off", raid.CopybackOff)
	}))
	p.SetAttr("sas_address", address(told(func(c dellController) string { return c.SASAddress })))
	settings(&p, all)
	for _, c := range all {
		if mb := c.CacheSizeInMB; mb != nil && *mb >= 0 && *mb < 1<<20 {
			p.FillAttr(raid.KeyCacheBytes, digits(uint64(*mb)<<20))
		}
		if h := primaryHealth(c.RollupStatus); h != hw.Unknown {
			p.FillState("rollup", h.String())
		}
	}
	d.known(&p)
	return p
}

// settings adds how a controller is set up, beside what is judged.
func settings(p *parts.Part, all []dellController) {
	for _, c := range all {
		p.FillAttr("encryption_mode", strings.ToLower(parts.Text(c.EncryptionMode)))
		for _, x := range []struct{ key, word string }{
			{"patrol_unconfigured", c.PatrolReadUnconfiguredAreaMode}, {"persistent_hot_spare", c.PersistentHotspareMode}, {"auto_import_foreign", c.EnhancedAutoImportForeignConfigurationMode},
		} {
			p.FillAttr(x.key, dellWord(x.word, "Enabled", "on", "Disabled", "off"))
		}
		for _, x := range []struct {
			key  string
			rate *float64
		}{
			{"rebuild_rate_percent", c.RebuildRatePercent}, {"reconstruct_rate_percent", c.ReconstructRatePercent}, {"consistency_rate_percent", c.CheckConsistencyRatePercent},
			{"initialise_rate_percent", c.BackgroundInitializationRatePercent}, {"patrol_read_rate_percent", c.PatrolReadRatePercent},
		} {
			if x.rate != nil && *x.rate >= 0 && *x.rate <= 100 {
				p.FillAttr(x.key, digits(uint64(*x.rate)))
			}
		}
	}
}

// known adds what follows from the sort of a controller, and what is known of its battery.
func (d *dellStore) known(p *parts.Part) {
	sort := d.sort()
	if sort == sortBOSS {
		p.SetAttr(raid.KeyHotSpares, raid.Unsupported)
	}
	if sort == sortHBA || sort == sortDirect {
		p.SetAttr(raid.KeyMode, raid.ModeHBA)
	}
	if sort.cacheless() {
		p.FillAttr(raid.KeyPatrolRead, raid.PatrolNone)
		p.FillAttr(raid.KeyCacheBytes, "0")
	}
	if p.Attrs.Get(raid.KeyCacheBytes) == "0" {
		p.SetState(raid.KeyPreservedCache, raid.No)
	}
	switch {
	case len(d.batteries) > 0:
		p.SetState(raid.KeyBattery, raid.BatteryPresent)
	case sort.cacheless(), d.bare:
		p.SetState(raid.KeyBattery, raid.BatteryNone)
	}
}

// address is a SAS address, empty where there is none.
func address(s string) string {
	if strings.Trim(s, "0x") == "" {
		return ""
	}
	return s
}

func digits(n uint64) string { return strconv.FormatUint(n, 10) }

// battery returns a controller's battery; false for one without a name.
func (d *dellStore) battery(b dellBattery) (parts.Part, bool) {
	id := raid.ID(cmp.Or(b.ID, fqddAt(b.Path)))
	if id == "" {
		return parts.Part{}, false
	}
	c := hw.Component{Path: raid.BatteryPath + id, Section: sectionRAID, Expected: true, Health: primaryHealth(b.PrimaryStatus)}
	if h := parts.Health(b.Status); c.Health == hw.Unknown {
		c.Health = h
	}
	c.State = c.State.With(raid.KeyState, dellBatteryState(b.RAIDState))
	c.Attrs = c.Attrs.With(raid.KeySource, raid.SourceRedfish).With(raid.KeyController, raid.ID(d.ID))
	if name := strings.TrimSpace(b.Name); name != "DellControllerBattery" {
		c.Attrs = c.Attrs.With(raid.KeyName, name)
	}
	return parts.Part{Component: c}, true
}

// volume adds what Dell tells of a set.
func (d *dellStore) volume(r *dellParts, p *parts.Part, v redfish.Volume) {
	var oem dellVolumeOem
	id := fqddAt(v.Path)
	r.decode(id, v.Oem, &oem)
	all := []dellVolume{oem.Dell.DellVolume, oem.Dell.DellVirtualDisk, d.volumeOem[id]}
	told := func(of func(dellVolume) string) string {
		for _, x := range all {
			if s := of(x); s != "" {
				return s
			}
		}
		return ""
	}
	setState(p, told(func(x dellVolume) string { return x.RaidStatus }))
	p.SetState(raid.KeyPending, told(func(x dellVolume) string { return pending(x.ObjectStatus) }))
	p.SetAttr(raid.KeyWritePolicy, told(func(x dellVolume) string { return dellWritePolicy(x.WriteCachePolicy) }))
	p.SetAttr(raid.KeyReadPolicy, told(func(x dellVolume) string { return dellReadPolicy(x.ReadCachePolicy) }))
	p.SetAttr(raid.KeyDiskCache, told(func(x dellVolume) string { return dellDiskCache(x.DiskCachePolicy) }))
	p.SetAttr(raid.KeyMedia, told(func(x dellVolume) string { return dellMedia(x.MediaType) }))
	p.SetAttr(raid.KeyBus, told(func(x dellVolume) string { return dellBus(x.BusProtocol) }))
	p.FillAttr(raid.KeyStripeBytes, told(func(x dellVolume) string { return dellBytes(string(x.StripeSize)) }))
	if p.Attrs.Get(raid.KeySecurity) == raid.SecurityUnlocked && told(func(x dellVolume) string { return x.LockStatus }) == "Locked" {
		p.SetAttr(raid.KeySecurity, raid.SecurityLocked)
	}
	for _, x := range all {
		if n := x.RemainingRedundancy; n != nil && *n >= 0 && *n < 64 {
			p.FillState(raid.KeyRedundancyLeft, digits(uint64(*n)))
		}
		for key, n := range map[string]*int64{"span_depth": x.SpanDepth, "span_length": x.SpanLength} {
			if n != nil && *n > 0 && *n < 1024 {
				p.FillAttr(key, digits(uint64(*n)))
			}
		}
		p.Runs(parts.OperationWord(x.OperationName), x.OperationPercentComplete)
	}
}

// setState sets the state that Dell's own word tells. A word that says nothing takes back what was made of the status.
func setState(p *parts.Part, word string) {
	if word != "" {
		p.State = p.State.With(raid.KeyState, dellState(word))
	}
}

func pending(objectStatus string) string {
	switch {
	case objectStatus == "Current":
		return raid.No
	case strings.Contains(objectStatus, "Pending"):
		return raid.Yes
	}
	return ""
}

// drive adds what Dell tells of a drive, and what its FQDD does.
func (d *dellStore) drive(r *dellParts, p *parts.Part, x redfish.Drive) {
	var oem dellDriveOem
	id := fqddAt(x.Path)
	r.decode(id, x.Oem, &oem)
	all := []dellDrive{oem.Dell.DellPhysicalDisk, oem.Dell.DellPCIeSSD, oem.Dell.DellDrive, d.driveOem[id]}
	told := func(of func(dellDrive) string) string {
		for _, x := range all {
			if s := of(x); s != "" {
				return s
			}
		}
		return ""
	}
	state := told(func(x dellDrive) string { return x.RaidStatus })
	if state == "" {
		state = told(func(x dellDrive) string { return x.DriveState })
		if dellState(state) == raid.StateReady || dellState(state) == raid.StateOnline {
			state = "NonRAID" // no RAID controller speaks of it: it is given through
		}
	}
	setState(p, state)
	p.SetState(raid.KeyPredicted, graver(raid.Yes, p.State.Get(raid.KeyPredicted), told(func(x dellDrive) string {
		return dellWord(cmp.Or(x.PredictiveFailureState, x.FailurePredicted), "SmartAlertPresent", raid.Yes, "SmartAlertAbsent", raid.No, "Yes", raid.Yes, "No", raid.No)
	})))
	p.SetState(raid.KeyPower, told(func(x dellDrive) string {
		return dellWord(x.PowerStatus, "On", raid.PowerOn, "Spun-Up", raid.PowerOn, "Spun-Down", raid.PowerSpunDown)
	}))
	p.SetAttr(raid.KeyDiskCache, told(func(x dellDrive) string { return dellDiskCache(x.NonRAIDDiskCachePolicy) }))
	p.SetAttr(raid.KeyCertified, told(func(x dellDrive) string { return dellWord(x.Certified, "Yes", raid.Yes, "No", raid.No) }))
	p.SetAttr(raid.KeyFormFactor, strings.ToLower(strings.Replace(told(func(x dellDrive) string { return x.DriveFormFactor }), "Inch", "-inch", 1)))
	p.FillAttr(raid.KeySpare, told(func(x dellDrive) string {
		return dellWord(x.HotSpareStatus, "No", raid.SpareNone, "Dedicated", raid.SpareDedicated, "Global", raid.SpareGlobal)
	}))
	p.SetAttr("sas_address", address(told(func(x dellDrive) string { return x.SASAddress })))
	for _, x := range all {
		p.Runs(parts.OperationWord(x.OperationName), cmp.Or(x.OperationPercentCompletePercent, x.OperationPercentComplete))
	}
	d.place(p, id, all)
	for _, x := range all {
		if x.AvailableSparePercent != nil {
			p.Samples = append(p.Samples, parts.Gauge(p.Path, sensorSpareLeft, x.AvailableSparePercent, ""))
			break
		}
	}
}

// sensorSpareLeft is what an NVMe drive has left of its spare blocks.
const sensorSpareLeft = "spare_left_percent"

// graver returns bad when one of the words is, else the first that says anything.
func graver(bad, a, b string) string {
	if a == bad || b == bad {
		return bad
	}
	return cmp.Or(a, b)
}

// place adds bay and enclosure, as the FQDD has them.
func (d *dellStore) place(p *parts.Part, id string, all []dellDrive) {
	first, _, _ := strings.Cut(id, ":")
	p.SetAttr(raid.KeyEnclosure, shelfOf(id))
	if bay, ok := strings.CutPrefix(first, "Disk.Bay."); ok && isNumber(bay) {
		p.SetAttr(raid.KeyBay, bay)
		return
	}
	for _, x := range all {
		if x.Slot != nil && *x.Slot >= 0 && *x.Slot < 1e5 {
			p.SetAttr(raid.KeyBay, digits(uint64(*x.Slot)))
			return
		}
	}
}
