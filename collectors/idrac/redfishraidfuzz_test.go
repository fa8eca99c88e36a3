package idrac_test

import (
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/idrac"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Whatever a controller's documents say, the parts have words of hw/raid or none, a name each, and can be audited.
func FuzzRAIDDocuments(f *testing.F) {
	f.Add([]byte(`{"Name":"PERC","Oem":{"Dell":{"DellController":{"CacheSizeInMB":8192,"PCISlot":3},"DellControllerBattery":{"Id":"B:RAID.Slot.1-1","RAIDState":"BatteryLearn","PrimaryStatus":"OK"}}},"Volumes":{"@odata.id":"/v"}}`),
		[]byte(`{"CacheSummary":{"TotalCacheSizeMiB":1e300},"Oem":{"Dell":{"DellStorageController":{"PatrolReadMode":"Manual","ControllerMode":"EnhancedHBA"}}}}`),
		[]byte(`{"MediaType":"SSD","PredictedMediaLifeLeftPercent":-1,"Operations":[{"OperationName":"Rebuilding","PercentageComplete":200}],"Oem":{"Dell":{"DellPhysicalDisk":{"RaidStatus":"Foreign","Slot":"7","OperationName":"Copyback"}}}}`),
		[]byte(`{"RAIDType":"RAID6","Links":{"Drives":["x",{"@odata.id":1}],"Drives@odata.count":-4},"Oem":{"Dell":{"DellVolume":[{"RemainingRedundancy":1e18,"StripeSize":64}],"DellVirtualDisk":{"DiskCachePolicy":"Default","StripeSize":"99999 MB"}}}}`))
	f.Add([]byte(`{"Oem":{"Dell":{"DellControllerBattery":[null,{"@odata.id":"/b"},7,{"Id":" "}]}}}`), []byte(`[]`), []byte(`{"Oem":7}`), []byte(`{"Oem":{"Dell":null}}`))
	f.Fuzz(func(t *testing.T, storage, controller, drive, volume []byte) {
		components := idrac.DecodeRAID(storage, controller, drive, volume)
		seen := map[string]bool{}
		for _, c := range components {
			if seen[c.Path] || c.Section != "raid" || c.Attrs.Get(raid.KeySource) != raid.SourceRedfish {
				t.Fatalf("%+v", c)
			}
			seen[c.Path] = true
			for _, list := range []hw.Attrs{c.State, c.Attrs} {
				for _, a := range list {
					wantWord(t, c.Path, a)
				}
			}
		}
		raid.Audit(raid.Policy{}, components)
	})
}

// wantWord checks that a key that has words of its own holds one of them.
func wantWord(t *testing.T, path string, a hw.Attr) {
	t.Helper()
	kind, _, _ := strings.Cut(path, "/")
	if words := raid.Words(kind+"/", a.Key); a.Value == "" || words != nil && !slices.Contains(words, a.Value) {
		t.Fatalf("%s: %s is %q, and the words are %v", path, a.Key, a.Value, words)
	}
}
