package raid_test

import (
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// A set that rebuilds writes one drive anew, however large it is.
func TestARebuildIsAsLongAsADrive(t *testing.T) {
	t.Parallel()
	set := hw.Component{Path: "volume/v", Section: "raid", State: hw.Attrs{}.With(raid.KeyOperation, raid.OperationRebuild),
		Attrs: hw.Attrs{}.With(raid.KeySizeBytes, "400000000000000").With(raid.KeyLevel, raid.Level10)}
	drive := hw.Component{Path: "drive/d", Section: "raid", Attrs: hw.Attrs{}.With(raid.KeySizeBytes, "100000000000").With(raid.KeyVolumes, "v")}
	within := func(parts ...hw.Component) time.Duration {
		for _, v := range raid.Audit(raid.Default(), parts) {
			if v.Component == set.Path && v.Code == raid.CodeRebuild {
				return v.Within
			}
		}
		t.Error("the rebuild is not told")
		return 0
	}
	if alone, with := within(set), within(set, drive); with >= alone {
		t.Errorf("with its drive %v, without %v", with, alone)
	}
}
