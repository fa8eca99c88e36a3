package idrac_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// madeCase is a server nobody recorded: what is told of its parts, and what is to say.
type madeCase struct {
	tree   *made
	parts  map[string]string // path of the part, and under which keys: what told says
	faults []string
	most   int // requests of a later visit, where nothing is expanded
}

// settledVisit reads until what is to be believed is believed.
func (l *raidLab) settledVisit(t *testing.T) (r hw.Report, requests int) {
	t.Helper()
	for range 4 {
		before := l.Requests()
		r = l.visit(t)
		requests = l.Requests() - before
		l.clock.Pass(5 * time.Minute)
	}
	return r, requests
}

func TestServersNobodyRecorded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]madeCase{
		"PERC H740P, first iDRAC9":  firstIDRAC9("RAID.Integrated.1-1"),
		"PERC of a blade":           firstIDRAC9("RAID.Mezzanine.1C-1"),
		"PERC H755 and passthrough": passthrough(),
		"iDRAC10, BOSS-N1, NVMe":    seventeenG(),
		"iDRAC7, three sets":        twelveG(),
		"HBA355e and S150":          withoutPERC(),
		"PERC H330":                 withoutBattery(),
		"spares, foreign, rebuild":  spares(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, n := c.tree.open(t).settledVisit(t)
			if raidExtent(r) != hw.Complete || n > c.most {
				t.Errorf("%v, %d requests of %d: %v", raidExtent(r), n, c.most, r.Gaps)
			}
			if d := cmp.Diff(c.faults, said(r, false)); d != "" {
				t.Error(d)
			}
			for what, want := range c.parts {
				keys := strings.Fields(what)
				if got := told(r, keys[0], keys[1:]...); got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
			}
		})
	}
}

// policies are what Dell tells of a mirror that is as it should be.
func policies(more ...any) object {
	o := object{"RaidStatus": "Online", "WriteCachePolicy": "WriteBack", "ReadCachePolicy": "ReadAhead", "DiskCachePolicy": "Disabled", "RemainingRedundancy": 1, "OperationName": "None"}
	for i := 0; i+1 < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

func firstIDRAC9(id string) madeCase {
	m := madeServer("14G")
	m.perc(id, "Disk.Virtual.0", object{"Oem": dell("DellVirtualDisk", policies())})
	set := "volume/Disk.Virtual.0:" + id
	return madeCase{m, map[string]string{
		set + " level state write_policy disk_cache_policy read_policy redundancy_left drives": "ok raid1 online write-back disabled read-ahead 1 2",
		"battery/Battery.Integrated.1:" + id + " state controller":                             "ok ready " + id,
		"enclosure/Enclosure.Internal.0-1:" + id + " state":                                    "ok ready",
		"drive/Disk.Bay.1:Enclosure.Internal.0-1:" + id + " bay state volumes size_bytes":      "ok 1 online Disk.Virtual.0:" + id + " 1200000000000",
	}, []string{set + " raid-no-hot-spare warning"}, 9}
}

func passthrough() madeCase {
	const id = "RAID.SL.3-1"
	m := madeServer("15G")
	store, _ := m.perc(id, "Disk.Virtual.239", object{"RAIDType": "RAID1", "WriteCachePolicy": "ProtectedWriteBack", "WriteCacheState": "Protected", "Oem": dell("DellVolume", policies())})
	through := m.drive(store, "Disk.Bay.5:Enclosure.Internal.0-1:"+id, object{"WriteCacheEnabled": true, "Oem": dell("DellPhysicalDisk", object{"RaidStatus": "NonRAID", "NonRAIDDiskCachePolicy": "Enabled"})})
	m.volume(store, "Disk.Bay.5:Enclosure.Internal.0-1:"+id, object{"VolumeType": "RawDevice", "RAIDType": nil}, through)
	drive, set := "drive/Disk.Bay.5:Enclosure.Internal.0-1:"+id, "volume/Disk.Virtual.239:"+id
	return madeCase{m, map[string]string{
		set + " level write_policy write_policy_now write_cache":         "ok raid1 write-back write-back protected",
		drive + " state disk_cache_policy volumes":                       "ok non-raid enabled -",
		"volume/Disk.Bay.5:Enclosure.Internal.0-1:" + id + " level name": "not there",
	}, []string{drive + " raid-drive-cache-on warning", set + " raid-no-hot-spare warning"}, 11}
}

func seventeenG() madeCase {
	const id, boss = "RAID.SL.1-1", "BOSS.SL.12-1"
	m := madeServer("17G")
	store, _ := m.perc(id, "Disk.Virtual.238", object{"RAIDType": "RAID1"})
	for at, doc := range m.docs {
		if at == store || strings.Contains(at, "/Drives/") {
			delete(doc.(object), "Oem")
		}
	}
	m.volume(store, "Disk.Bay.9:Enclosure.Internal.0-1:"+id, object{"VolumeType": "RawDevice"})
	sets, packs := madeSystem+"/Oem/Dell/DellVolumes", raidChassis+"/PowerSubsystem/Oem/Dell/DellControllerBattery"
	m.collect(sets, sets+"/Disk.Virtual.238:"+id)
	m.put(sets+"/Disk.Virtual.238:"+id, "DellVolume", policies("DiskCachePolicy", "Default"))
	m.collect(packs, packs+"/Energypack.Integrated.1:"+id)
	m.put(packs+"/Energypack.Integrated.1:"+id, "DellControllerBattery", object{"RAIDState": "Ready", "PrimaryStatus": "OK"})
	mirror := m.store(boss, object{"Name": "BOSS-N1 Monolithic"})
	flash := object{"MediaType": "SSD", "Protocol": "NVMe"}
	m.volume(mirror, "Disk.Virtual.0:"+boss, object{"RAIDType": "RAID1", "WriteCachePolicy": nil}, m.drive(mirror, "Disk.Direct.0-0:"+boss, flash), m.drive(mirror, "Disk.Direct.1-1:"+boss, flash))
	direct := m.store("CPU.1", object{"Volumes": nil})
	m.drive(direct, "Disk.Bay.0:Enclosure.Internal.0-3", object{"MediaType": "SSD", "Protocol": "NVMe", "Oem": dell("DellPCIeSSD", object{"Id": "Disk.Bay.0:Enclosure.Internal.0-3", "DriveState": "Ready", "FailurePredicted": "NO"})})
	return madeCase{m, map[string]string{
		"volume/Disk.Virtual.238:" + id + " write_policy disk_cache_policy": "ok write-back default",
		"battery/Energypack.Integrated.1:" + id + " state":                  "ok ready",
		"controller/" + boss + " hot_spares battery patrol_read":            "ok unsupported none unsupported",
		"volume/Disk.Virtual.0:" + boss + " level":                          "ok raid1",
		"drive/Disk.Bay.0:Enclosure.Internal.0-3 state bus":                 "ok non-raid nvme",
	}, []string{"volume/Disk.Virtual.238:" + id + " raid-no-hot-spare warning"}, 23}
}

func twelveG() madeCase {
	const id = "RAID.Integrated.1-1"
	m := madeServer("12G")
	store := m.store(id, nil)
	bays := m.bays(store, "Enclosure.Internal.0-1:"+id, 0, 5, nil)
	ill := m.docs[bays[2]].(object)
	ill["FailurePredicted"], ill["Status"] = true, object{"Health": "Warning", "State": "Enabled"}
	m.volume(store, "Disk.Virtual.0:"+id, object{"VolumeType": "NonRedundant"}, bays[0])
	m.volume(store, "Disk.Virtual.1:"+id, nil, bays[1:3]...)
	m.volume(store, "Disk.Virtual.2:"+id, object{"VolumeType": "StripedWithParity"}, bays[3:]...)
	var faults []string
	for n, more := range [][]string{{"level high"}, {"no-hot-spare warning"}, {"level average", "no-hot-spare warning"}} {
		for _, f := range append(more, "write-policy-unproven warning") {
			faults = append(faults, fmt.Sprintf("volume/Disk.Virtual.%d:%s raid-%s", n, id, f))
		}
	}
	faults = append(faults, "drive/Disk.Bay.2:Enclosure.Internal.0-1:"+id+" raid-drive-predicted high")
	slices.Sort(faults)
	return madeCase{m, map[string]string{
		"drive/Disk.Bay.2:Enclosure.Internal.0-1:" + id + " failure_predicted volumes": "warning yes Disk.Virtual.1:" + id,
		"volume/Disk.Virtual.2:" + id + " level drives":                                "ok raid5-or-6 2",
	}, faults, 13}
}

func withoutPERC() madeCase {
	const hba, soft = "NonRAID.Slot.3-1", "RAID.Embedded.1-1"
	m := madeServer("15G")
	m.bays(m.store(hba, object{"Volumes": nil, "Name": "HBA355e Adapter"}), "Enclosure.External.0-0:"+hba, 0, 3, object{
		"Oem": dell("DellPhysicalDisk", object{"RaidStatus": "NonRAID"}), "Status": object{"Health": nil, "State": ""}})
	store := m.store(soft, object{"Name": "PERC S150", "Oem": dell("DellController", object{"Id": soft, "CacheSizeInMB": 0, "PatrolReadState": "Unknown"})})
	flash := object{"MediaType": "SSD", "Protocol": "SATA"}
	m.volume(store, "Disk.Virtual.1:"+soft, object{"RAIDType": "RAID1", "Oem": dell("DellVolume", policies("WriteCachePolicy", "WriteThrough", "DiskCachePolicy", "Default"))},
		m.drive(store, "Disk.Direct.0-0:"+soft, flash), m.drive(store, "Disk.Direct.1-0:"+soft, flash))
	return madeCase{m, map[string]string{
		"drive/Disk.Bay.2:Enclosure.External.0-0:" + hba + " state bay": "unknown non-raid 2",
		"controller/" + hba + " mode cache_bytes":                       "ok hba 0",
		"volume/Disk.Virtual.1:" + soft + " write_policy":               "ok write-through",
	}, []string{"volume/Disk.Virtual.1:" + soft + " raid-no-hot-spare warning"}, 13}
}

func withoutBattery() madeCase {
	const id = "RAID.Integrated.1-1"
	m := madeServer("14G")
	store, _ := m.perc(id, "Disk.Virtual.0", object{"RAIDType": "RAID1", "Oem": dell("DellVirtualDisk", policies("WriteCachePolicy", "WriteThrough"))})
	ofDell := m.docs[store].(object)["Oem"].(object)["Dell"].(object)
	delete(ofDell, "DellControllerBattery")
	ofDell["DellController"].(object)["CacheSizeInMB"] = 0
	return madeCase{m, map[string]string{"controller/" + id + " battery cache_bytes preserved_cache": "ok none 0 no"},
		[]string{"volume/Disk.Virtual.0:" + id + " raid-no-hot-spare warning"}, 9}
}

func spares() madeCase {
	const id = "RAID.Slot.4-1"
	m := madeServer("16G")
	store, set := m.perc(id, "Disk.Virtual.0", object{"RAIDType": "RAID1", "Name": "a/b <é> \x07", "Oem": dell("DellVolume", policies("RaidStatus", "Degraded", "RemainingRedundancy", 0))})
	bay := func(n int) string { return fmt.Sprintf("Disk.Bay.%d:Enclosure.Internal.0-1:%s", n, id) }
	disk := func(words object, more object) object {
		o := object{"Oem": dell("DellPhysicalDisk", words)}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	m.drive(store, bay(2), disk(object{"RaidStatus": "Ready", "HotSpareStatus": "Dedicated"}, object{"HotspareType": "Dedicated", "Links": object{"Volumes": linksTo(set)}}))
	m.drive(store, bay(3), disk(object{"RaidStatus": "Ready", "HotSpareStatus": "Global"}, object{"HotspareType": "Global"}))
	m.drive(store, bay(4), disk(object{"RaidStatus": "Foreign", "PredictiveFailureState": "Smart Alert Present"}, nil))
	m.drive(store, bay(5), disk(object{"RaidStatus": "Online", "OperationName": "Rebuild", "OperationPercentCompletePercent": 37}, object{"Operations": nil}))
	return madeCase{m, map[string]string{
		"drive/" + bay(2) + " spare spare_for volumes": "ok dedicated Disk.Virtual.0:" + id + " -",
		"drive/" + bay(3) + " spare state":             "ok global ready",
		"drive/" + bay(5) + " operation state":         "ok rebuild online",
		"volume/Disk.Virtual.0:" + id + " state level": "ok degraded raid1",
	}, []string{
		"drive/" + bay(4) + " raid-drive-foreign average", "drive/" + bay(4) + " raid-drive-predicted high", "drive/" + bay(5) + " raid-rebuild warning",
		"volume/Disk.Virtual.0:" + id + " raid-volume-degraded high",
	}, 14}
}

// Shelves full of drives are read whole, and nothing of them is cut off.
func TestShelvesOfDrives(t *testing.T) {
	t.Parallel()
	const id = "RAID.Slot.4-1"
	m := madeServer("14G")
	store := m.store(id, object{"Links": nil, "Oem": dell("DellController", object{"Id": id, "CacheSizeInMB": 8192}, "DellControllerBattery", object{"Id": "Battery.Integrated.1:" + id, "RAIDState": "Ready"})})
	for s := range 9 {
		shelf := fmt.Sprintf("Enclosure.External.0-%d:%s", s, id)
		m.put("/redfish/v1/Chassis/"+shelf, "Chassis", object{"Status": object{"Health": "OK"}})
		bays := m.bays(store, shelf, 0, 26, object{"Oem": dell("DellPhysicalDisk", object{"RaidStatus": "Online"})})
		for i := 0; i < len(bays); i += 2 {
			m.volume(store, fmt.Sprintf("Disk.Virtual.%d:%s", s*13+i/2, id), object{"RAIDType": "RAID1", "Oem": dell("DellVolume", policies())}, bays[i:i+2]...)
		}
	}
	r, _ := m.open(t).settledVisit(t)
	n := map[string]int{}
	for _, c := range r.Components {
		kind, _, _ := strings.Cut(c.Path, "/")
		n[kind+"/"]++
	}
	if n[raid.DrivePath] != 234 || n[raid.VolumePath] != 117 || n[raid.EnclosurePath] != 9 || n[raid.BatteryPath] != 1 || raidExtent(r) != hw.Complete {
		t.Errorf("%v %v %v", n, raidExtent(r), r.Gaps)
	}
}

// A backplane is found by its drives where the controller links to none, however long that lasts and however young the reader is.
func TestShelvesNobodyLinksTo(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750", "poweredge-r630"} {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			for _, how := range []string{"removed", "null", "type"} {
				docs := modelTree(t, model)
				for at, doc := range docs {
					if strings.HasPrefix(at, madeStorage+"/") && strings.Count(at, "/") == strings.Count(madeStorage, "/")+1 {
						change := propertyOf(at, []string{"Links", "Enclosures"}, how)
						docs[at] = change.edit(doc.(object))
					}
				}
				l := newRAIDLab()
				l.serve(t, &tree{docs: docs}, "")
				r, _ := l.settledVisit(t)
				shelves := slices.DeleteFunc(slices.Clone(r.Components), func(c hw.Component) bool { return !strings.HasPrefix(c.Path, raid.EnclosurePath) })
				if len(shelves) == 0 || shelves[0].Attrs.Get(raid.KeyController) == "" || raidExtent(r) != hw.Complete {
					t.Errorf("%s: %v, %v", how, shelves, r.Gaps)
				}
			}
		})
	}
}

// What Dell adds to a controller is garbage for ever: a battery that may be there is never believed gone.
func TestGarbledController(t *testing.T) {
	t.Parallel()
	for name, oem := range map[string]any{
		"a text": "x", "Dell is a text": object{"Dell": "x"}, "the controller is a text": object{"Dell": object{"DellController": "x"}},
		"two batteries in texts": object{"Dell": object{"DellControllerBattery": []any{"x", "y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := madeServer("14G")
			store, _ := m.perc("RAID.Integrated.1-1", "Disk.Virtual.0", object{"Oem": dell("DellVirtualDisk", policies())})
			m.docs[store].(object)["Oem"] = oem
			if r, _ := m.open(t).settledVisit(t); raidExtent(r) != hw.Partial {
				t.Errorf("%v: %v", raidExtent(r), r.Gaps)
			}
		})
	}
	t.Run("told before", func(t *testing.T) {
		t.Parallel()
		m := madeServer("14G")
		store, _ := m.perc("RAID.Integrated.1-1", "Disk.Virtual.0", object{"Oem": dell("DellVirtualDisk", policies())})
		l := m.open(t)
		l.settledVisit(t)
		doc := clone(m.docs[store]).(object)
		delete(doc, "Oem")
		m.handler.set(store, doc)
		if r, _ := l.settledVisit(t); raidExtent(r) != hw.Partial {
			t.Errorf("%v: %v", raidExtent(r), r.Gaps)
		}
	})
}
