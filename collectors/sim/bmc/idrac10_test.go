package bmc_test

import (
	"net/http"
	"testing"
)

// TestIDRAC10HasItsOwnPlaces: what an iDRAC9 shows inline stands in collections of its own, and Thermal and Power are gone.
func TestIDRAC10HasItsOwnPlaces(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r770")
	l.login(sessions)
	const (
		system  = "/redfish/v1/Systems/System.Embedded.1"
		chassis = "/redfish/v1/Chassis/System.Embedded.1"
		fqdd    = "RAID.SL.3-1"
		bay2    = "Disk.Bay.2:Enclosure.Internal.0-1:" + fqdd
	)
	for _, gone := range []string{chassis + "/Thermal", chassis + "/Power", "/redfish/v1/Managers/iDRAC.Embedded.1/Jobs", system + "/Storage/" + fqdd + "/Oem/Dell/DellControllerBattery/Battery.Integrated.1:" + fqdd} {
		if a := l.do("GET", gone, nil); a.code != http.StatusNotFound {
			t.Errorf("GET %s: %d", gone, a.code)
		}
	}
	if got := at(l.get("/redfish/v1/Managers/iDRAC.Embedded.1"), "Model"); got != "17G Monolithic" {
		t.Errorf("the manager is of %v", got)
	}
	for _, c := range []struct{ path, property, fault, arg, was, is string }{
		{system + "/Oem/Dell/DellDrives/" + bay2, "RaidStatus", "drive-failed", "2", "Online", "Failed"},
		{system + "/Oem/Dell/DellVolumes/Disk.Virtual.238:" + fqdd, "DiskCachePolicy", "disk-cache-on", "1", "Disabled", "Enabled"},
		{chassis + "/PowerSubsystem/Oem/Dell/DellControllerBattery/Battery.Integrated.1:" + fqdd, "RAIDState", "battery-dead", "", "Ready", "Failed"},
	} {
		if was := at(l.get(c.path), c.property); was != c.was {
			t.Errorf("%s of %s is %v, want %s", c.property, c.path, was, c.was)
		}
		l.fault(c.fault, c.arg)
		if is := at(l.get(c.path), c.property); is != c.is {
			t.Errorf("%s of %s is %v under %s, want %s", c.property, c.path, is, c.fault, c.is)
		}
		l.fault("clear", "")
	}
	if d := at(l.get(system+"/Storage/"+fqdd+"/Drives/"+bay2), "Oem/Dell/DellPhysicalDisk"); d != nil {
		t.Errorf("Dell's part stands in the drive: %v", d)
	}
	if n := len(members(l.get(system + "/Oem/Dell/DellDrives"))); n != 7 {
		t.Errorf("%d drives", n)
	}
}
