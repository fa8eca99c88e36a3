package parts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// ofStorage reads a document of ours.
func ofStorage[T any](t *testing.T, doc string) T {
	t.Helper()
	var v T
	if _, err := redfish.Decode([]byte(doc), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const storeAt = "/redfish/v1/Systems/1/Storage/C0"

// store is one of ours with drives and volumes as the documents say, each below its own path.
func store(t *testing.T, drives, volumes []string) *parts.Store {
	t.Helper()
	s := &parts.Store{Section: "raid", ID: "C0", Name: parts.Joined("C0"), Settled: true}
	s.Storage.Volumes.Path = storeAt + "/Volumes"
	for i, doc := range drives {
		d := ofStorage[redfish.Drive](t, doc)
		d.Path = fmt.Sprintf("%s/Drives/%d", storeAt, i)
		s.Drives = append(s.Drives, d)
	}
	for i, doc := range volumes {
		v := ofStorage[redfish.Volume](t, doc)
		v.Path = fmt.Sprintf("%s/Volumes/%d", storeAt, i)
		s.Volumes = append(s.Volumes, v)
	}
	return s
}

// word returns what a part says under a key.
func word(p parts.Part, key string) string { return p.State.Get(key) + p.Attrs.Get(key) }

// Each property of a drive, a volume and a controller that stands alone gives its word, and what nobody heard of gives none.
func TestWordsOfDrives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ doc, key, want string }{
		{`{"MediaType":"HDD"}`, raid.KeyMedia, raid.MediaHDD}, {`{"MediaType":"SMR"}`, raid.KeyMedia, raid.MediaHDD}, {`{"MediaType":"SSD"}`, raid.KeyMedia, raid.MediaSSD}, {`{"MediaType":"Tape"}`, raid.KeyMedia, ""},
		{`{"Protocol":"NVMe"}`, raid.KeyBus, raid.BusNVMe}, {`{"Protocol":"PCIe"}`, raid.KeyBus, raid.BusNVMe}, {`{"Protocol":"SAS"}`, raid.KeyBus, raid.BusSAS}, {`{"Protocol":"USB"}`, raid.KeyBus, ""},
		{`{"FailurePredicted":true}`, raid.KeyPredicted, raid.Yes}, {`{"FailurePredicted":null}`, raid.KeyPredicted, ""}, {`{"FailurePredicted":"soon"}`, raid.KeyPredicted, ""},
		{`{"WriteCacheEnabled":true}`, raid.KeyWriteCache, raid.CacheOn}, {`{}`, raid.KeyWriteCache, ""},
		{`{"HotspareType":"Global"}`, raid.KeySpare, raid.SpareGlobal}, {`{"HotspareType":"Chassis"}`, raid.KeySpare, raid.SpareChassis}, {`{"HotspareType":"None"}`, raid.KeySpare, raid.SpareNone}, {`{"HotspareType":""}`, raid.KeySpare, ""},
		{`{"EncryptionStatus":"Locked"}`, raid.KeySecurity, raid.SecurityLocked}, {`{"EncryptionStatus":"Unecrypted"}`, raid.KeySecurity, raid.SecurityNone}, {`{"EncryptionAbility":"None"}`, raid.KeySecurity, raid.SecurityNone}, {`{"EncryptionAbility":"SED"}`, raid.KeySecurity, ""},
		{`{"PredictedMediaLifeLeftPercent":7,"MediaType":"SSD"}`, raid.KeyWear, raid.WearLow}, {`{"PredictedMediaLifeLeftPercent":255,"MediaType":"SSD"}`, raid.KeyWear, ""}, {`{"PredictedMediaLifeLeftPercent":0,"MediaType":"HDD"}`, raid.KeyWear, ""},
		{`{"CapacityBytes":480000000000}`, raid.KeySizeBytes, "480000000000"}, {`{"CapacityBytes":0}`, raid.KeySizeBytes, ""}, {`{"RotationSpeedRPM":7200}`, raid.KeyRPM, "7200"}, {`{"RotationSpeedRPM":0}`, raid.KeyRPM, ""},
		{`{"Status":{"State":"Enabled","Health":"OK"}}`, raid.KeyState, raid.StateReady}, {`{"Status":{"State":"Enabled","Health":"Warning"}}`, raid.KeyState, ""}, {`{"Status":{"State":"Enabled","Health":null}}`, raid.KeyState, ""},
		{`{"Status":{"State":"UnavailableOffline"}}`, raid.KeyState, raid.StateOffline}, {`{"Status":{"State":"Absent"},"SerialNumber":"S"}`, raid.KeyState, raid.StateMissing}, {`{"Status":{"State":"StandbySpare","Health":"OK"}}`, raid.KeyState, raid.StateReady},
		{`{"PhysicalLocation":{"PartLocation":{"LocationOrdinalValue":3}}}`, raid.KeyBay, "3"}, {`{"PhysicalLocation":{"PartLocation":{"ServiceLabel":"Slot=2:Port=1I:Box=3:Bay=1","LocationOrdinalValue":1}}}`, raid.KeyBay, "1I:3:1"},
		{`{"PhysicalLocation":{"PartLocation":{"ServiceLabel":"Box 2 Bay 14"}}}`, raid.KeyBay, "2:14"}, {`{"PhysicalLocation":{"PartLocation":{"ServiceLabel":"Rear left"}}}`, raid.KeyBay, "Rear left"}, {`{"Location":[{"Info":"1I:1:2"}]}`, raid.KeyBay, "1I:1:2"},
		{`{"Operations":[]}`, raid.KeyOperation, raid.OperationNone}, {`{"Operations":null}`, raid.KeyOperation, ""}, {`{"Operations":[{"Operation":"Rebuild"}]}`, raid.KeyOperation, raid.OperationRebuild},
		{`{"Operations":[{"OperationName":"Copy Back"},{"OperationName":"Patrol"}]}`, raid.KeyOperation, raid.OperationCopyback}, {`{"Operations":[{}]}`, raid.KeyOperation, raid.OperationOther}, {`{"Operations":[{"Operation":"Sanitize"}]}`, raid.KeyOperation, raid.OperationErase},
	} {
		s := store(t, []string{c.doc}, nil)
		if got := word(s.Drive(s.Drives[0]), c.key); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.doc, c.key, got, c.want)
		}
	}
}

func TestWordsOfVolumes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ doc, key, want string }{
		{`{"RAIDType":"RAID1"}`, raid.KeyLevel, raid.Level1}, {`{"RAIDType":"RAID10Triple"}`, raid.KeyLevel, raid.Level10}, {`{"RAIDType":"RAID6TP"}`, raid.KeyLevel, raid.Level6}, {`{"RAIDType":"None","VolumeType":"NonRedundant"}`, raid.KeyLevel, raid.LevelNone},
		{`{"RAIDType":null,"VolumeType":"SpannedMirrors"}`, raid.KeyLevel, raid.Level10}, {`{"VolumeType":"StripedWithParity"}`, raid.KeyLevel, raid.Level5Or6}, {`{"VolumeType":"SpannedStripesWithParity"}`, raid.KeyLevel, raid.Level50Or60},
		{`{"RAIDType":"RAID7"}`, raid.KeyLevel, ""}, {`{"RAIDType":5}`, raid.KeyLevel, ""},
		{`{"WriteCachePolicy":"ProtectedWriteBack"}`, raid.KeyWritePolicyNow, raid.WriteBack}, {`{"WriteCachePolicy":"UnprotectedWriteBack"}`, raid.KeyWritePolicyNow, raid.WriteBackForced}, {`{"WriteCachePolicy":"Off"}`, raid.KeyWritePolicyNow, raid.WriteOff}, {`{"WriteCachePolicy":"Unknown"}`, raid.KeyWritePolicyNow, ""},
		{`{"WriteCacheState":"Degraded"}`, raid.KeyWriteCache, raid.CacheDegraded}, {`{"ReadCachePolicy":"AdaptiveReadAhead"}`, raid.KeyReadPolicyNow, raid.ReadAdaptive},
		{`{"Encrypted":true}`, raid.KeySecurity, raid.SecurityUnlocked}, {`{"Encrypted":null}`, raid.KeySecurity, ""},
		{`{"Links":{"Drives":[{"@odata.id":"/a"}],"Drives@odata.count":4}}`, raid.KeyDrives, "4"}, {`{"Links":{"Drives":[]}}`, raid.KeyDrives, ""}, {`{"Links":{"Drives":[{"@odata.id":"/a"}],"Drives@odata.count":1e9}}`, raid.KeyDrives, ""},
		{`{"Status":{"State":"Degraded"}}`, raid.KeyState, raid.StateDegraded}, {`{"Status":{"State":"Enabled","Health":"OK"}}`, raid.KeyState, raid.StateOnline}, {`{"DisplayName":"data","Name":"vd"}`, raid.KeyName, "data"},
	} {
		s := store(t, nil, []string{c.doc})
		p, ok := s.Volume(s.Volumes[0])
		if got := word(p, c.key); !ok || got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.doc, c.key, got, c.want)
		}
	}
}

// A disk given through is no set, and no set of its drive.
func TestRawDevices(t *testing.T) {
	t.Parallel()
	s := store(t, []string{`{"Links":{"Volumes":[{"@odata.id":"` + storeAt + `/Volumes/0"}]},"Status":{"State":"Enabled","Health":"OK"}}`},
		[]string{`{"VolumeType":"RawDevice","RAIDType":null,"Links":{"Drives":[{"@odata.id":"` + storeAt + `/Drives/0"}]}}`, `{"VolumeType":"RawDevice","RAIDType":"RAID1"}`})
	if _, ok := s.Volume(s.Volumes[0]); ok {
		t.Error("a raw device is a set")
	}
	if _, ok := s.Volume(s.Volumes[1]); !ok {
		t.Error("a set is none")
	}
	if p := s.Drive(s.Drives[0]); word(p, raid.KeyVolumes) != "" || word(p, raid.KeyState) != raid.StateReady {
		t.Errorf("%+v", p)
	}
	s.Storage.Volumes.Path = ""
	if p := s.Drive(s.Drives[0]); word(p, raid.KeyState) != raid.StateNonRAID {
		t.Errorf("without a controller: %+v", p)
	}
}

// Either side may tell which drives a set has; a dedicated spare is none of them.
func TestWhichDrivesBelongToWhichSet(t *testing.T) {
	t.Parallel()
	drive := func(n int) string { return fmt.Sprintf(`{"@odata.id":"%s/Drives/%d"}`, storeAt, n) }
	volume := fmt.Sprintf(`{"@odata.id":"%s/Volumes/0"}`, storeAt)
	s := store(t, []string{
		`{}`, `{"Links":{"Volumes":[` + volume + `]}}`, `{"HotspareType":"Dedicated"}`, `{"HotspareType":"Dedicated","Links":{"Volumes":[` + volume + `]}}`, `{"HotspareType":"None"}`,
	}, []string{`{"RAIDType":"RAID1","Links":{"Drives":[` + drive(0) + `],"DedicatedSpareDrives":[` + drive(2) + `,` + drive(4) + `]}}`})
	var got []string
	for _, d := range s.Drives {
		p := s.Drive(d)
		got = append(got, strings.Join([]string{word(p, raid.KeyVolumes), word(p, raid.KeySpare), word(p, raid.KeySpareFor)}, " "))
	}
	want := []string{"0:C0  ", "0:C0  ", " dedicated 0:C0", " dedicated 0:C0", " dedicated 0:C0"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestController(t *testing.T) {
	t.Parallel()
	s := store(t, nil, nil)
	s.Storage = ofStorage[redfish.Storage](t, `{"Name":"Array","Status":{"Health":"Warning","HealthRollup":"Critical"},"StorageControllers":[{"Model":"M1","FirmwareVersion":"1","Status":{"Health":null}}]}`)
	p := s.Controller(ofStorage[redfish.StorageController](t, `{"Model":"","SerialNumber":" S1 ","CacheSummary":{"TotalCacheSizeMiB":2048},"Status":{"Health":"OK"}}`))
	want := map[string]string{raid.KeyModel: "M1", raid.KeySerial: "S1", raid.KeyFirmware: "1", raid.KeyCacheBytes: "2147483648", raid.KeyName: "Array", "rollup": "critical", raid.KeyMode: ""}
	for key, w := range want {
		if got := word(p, key); got != w {
			t.Errorf("%s is %q, want %q", key, got, w)
		}
	}
	if p.Health != hw.OK || p.Path != "controller/C0" || !p.Expected {
		t.Errorf("%+v", p)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	name := parts.Joined("C0")
	for path, want := range map[string]string{
		storeAt + "/Drives/3": "3:C0", storeAt + "/Drives/3/": "3:C0", "/redfish/v1/Systems/1/Storage/C 1/Volumes/a b": "a+b:C+1", storeAt: "C0", "/redfish/v1/Chassis/Shelf": "Shelf:C0",
	} {
		if got := name(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestEmptyBays(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]bool{
		`{"Status":{"State":"Absent"}}`: true, `{"Status":{"State":"Absent"},"CapacityBytes":0}`: true, `{"Status":{"State":"Absent"},"SerialNumber":"S"}`: false, `{}`: false, `{"Status":{"State":"Enabled"}}`: false,
	} {
		if got := parts.EmptyBay(ofStorage[redfish.Drive](t, doc)); got != want {
			t.Errorf("%s: %v", doc, got)
		}
	}
}

// How far an operation is is told once, by whoever knows it; the gravest operation counts.
func TestOperations(t *testing.T) {
	t.Parallel()
	half, none := 50.0, -1.0
	p := parts.Part{Component: hw.Component{Path: "drive/1"}}
	p.Runs(raid.OperationInitialise, nil)
	p.Runs(raid.OperationRebuild, &none)
	p.Runs(raid.OperationRebuild, &half)
	p.Runs(raid.OperationNone, &half)
	p.Runs("", &half)
	if len(p.Samples) != 1 || p.Samples[0].Gauge != 50 || p.Samples[0].Absent != "" || word(p, raid.KeyOperation) != raid.OperationRebuild {
		t.Errorf("%+v", p)
	}
	p = parts.Part{Component: hw.Component{Path: "drive/1"}}
	p.Runs(raid.OperationNone, &half)
	if len(p.Samples) != 0 || word(p, raid.KeyOperation) != raid.OperationNone {
		t.Errorf("%+v", p)
	}
}

// A section that was not read whole settles nothing and accuses of nothing that is not proven; one that was not read at all
// is not judged, and other sections never are.
func TestJudge(t *testing.T) {
	t.Parallel()
	volume := hw.Component{Path: "volume/v", Section: "raid", Attrs: hw.Attrs{}.With(raid.KeyLevel, raid.Level5)}
	other := hw.Component{Path: "volume/o", Section: "other", Attrs: hw.Attrs{}.With(raid.KeyLevel, raid.Level0)}
	levels := func(extent hw.Extent) map[string]hw.Level {
		r := hw.Report{Read: []hw.Scope{{Section: "other", Extent: hw.Complete}, {Section: "raid", Extent: extent}}, Components: []hw.Component{volume, other}}
		parts.Judge(&r, "raid", raid.Policy{})
		out := map[string]hw.Level{}
		for _, v := range r.Verdicts {
			if v.Section != "raid" || v.Component != "volume/v" {
				t.Errorf("%+v", v)
			}
			out[v.Code] = v.Level
		}
		return out
	}
	complete, partial := levels(hw.Complete), levels(hw.Partial)
	if complete[raid.CodeLevel] != hw.LevelAverage || complete[raid.CodeDiskCacheUnproven] != hw.LevelWarning {
		t.Errorf("complete: %v", complete)
	}
	if partial[raid.CodeLevel] != hw.LevelAverage || partial[raid.CodeDiskCacheUnproven] != 0 {
		t.Errorf("partial: %v", partial)
	}
	if len(levels(hw.Failed)) > 0 {
		t.Error("what was not read was judged")
	}
	r := hw.Report{Components: []hw.Component{volume}}
	if parts.Judge(&r, "raid", raid.Policy{}); len(r.Verdicts) > 0 {
		t.Error("a section that was not due was judged")
	}
}

// Every word that a part made of standard resources has is one of hw/raid's.
func TestOperationWords(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Rebuild", "Copyback", "CheckConsistency", "ChangeRAIDType", "Background Initialization", "Resynching", "SecureErase", "Deduplicate", "None", "", "Unknown"} {
		if w := parts.OperationWord(name); w != "" && !slices.Contains(raid.Words(raid.DrivePath, raid.KeyOperation), w) {
			t.Errorf("%q is %q", name, w)
		}
	}
}
