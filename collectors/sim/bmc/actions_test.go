package bmc_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const blinkTarget = systemDoc + "/Oem/Dell/DellRaidService/Actions/DellRaidService.BlinkTarget"

func TestLocators(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const drive = "Disk.Bay.2:Enclosure.Internal.0-1:RAID.Integrated.1-1"
	if a := l.do("POST", blinkTarget, map[string]any{"TargetFQDD": drive}); a.code != 200 {
		t.Fatalf("blink: %d %s", a.code, a.body)
	}
	if a := l.do("PATCH", systemDoc, map[string]any{"LocationIndicatorActive": true}); a.code != 200 {
		t.Fatalf("patch: %d %s", a.code, a.body)
	}
	if drives, server := l.bmc.Blinking(); !slices.Equal(drives, []string{drive}) || !server {
		t.Errorf("blinking: %v, server %v", drives, server)
	}
	if l.get(systemDoc)["LocationIndicatorActive"] != true {
		t.Error("the document does not show the locator")
	}
	l.do("POST", strings.Replace(blinkTarget, ".Blink", ".UnBlink", 1), map[string]any{"TargetFQDD": drive})
	l.do("PATCH", systemDoc, map[string]any{"IndicatorLED": "Off"})
	if drives, server := l.bmc.Blinking(); len(drives) != 0 || server {
		t.Errorf("still blinking: %v, server %v", drives, server)
	}
	l.fault("lockdown", "")
	for path, body := range map[string]any{blinkTarget: map[string]any{"TargetFQDD": drive}} {
		if a := l.do("POST", path, body); a.code != 403 {
			t.Errorf("in lockdown: %d", a.code)
		}
	}
	l.fault("clear", "")
	for _, body := range []map[string]any{{"LocationIndicatorActive": "yes"}, {"AssetTag": "x"}, {}} {
		if a := l.do("PATCH", systemDoc, body); a.code != 400 {
			t.Errorf("%v: %d", body, a.code)
		}
	}
	if a := l.do("POST", blinkTarget, map[string]any{"TargetFQDD": "Disk.Bay.99"}); a.code != 400 {
		t.Errorf("a drive that is not there: %d", a.code)
	}
	if a := l.do("PATCH", systemDoc, map[string]any{"IndicatorLED": "Off"}, "If-Match", `W/"gen-1"`); a.code != 412 {
		t.Errorf("an old etag: %d", a.code)
	}
}

func TestVolumeSettings(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	a := l.do("PATCH", mirror+"/Settings", map[string]any{"WriteCachePolicy": "WriteThrough", "Oem": map[string]any{"Dell": map[string]any{"DellVolume": map[string]any{"DiskCachePolicy": "Default"}}}})
	if a.code != 202 {
		t.Fatalf("settings: %d %s", a.code, a.body)
	}
	job := l.get(a.header.Get("Location"))
	if job["JobState"] != "Running" || job["JobType"] != "RAIDConfiguration" {
		t.Errorf("job %v", job)
	}
	l.clock.Pass(time.Minute)
	if job := l.get(a.header.Get("Location")); job["JobState"] != "Completed" || job["PercentComplete"] != 100.0 {
		t.Errorf("job %v", job)
	}
	v := l.get(mirror)
	if v["WriteCachePolicy"] != "WriteThrough" || at(v, "Oem/Dell/DellVolume/DiskCachePolicy") != "Default" {
		t.Errorf("volume %v", v)
	}
	if a := l.do("PATCH", mirror+"/Settings", map[string]any{"WriteCachePolicy": "Fast"}); a.code != 400 {
		t.Errorf("a policy of no name: %d", a.code)
	}
}

func TestFirmwareUpdateIsAJob(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r750")
	l.login(sessions)
	l.fault("firmware-update", "10m")
	l.clock.Pass(5 * time.Minute)
	const jobs = "/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs?$expand=*($levels=1)"
	j := members(l.get(jobs))[0].(map[string]any)
	if j["JobType"] != "FirmwareUpdate" || j["PercentComplete"] != 50.0 || j["JobState"] != "Running" {
		t.Errorf("job %v", j)
	}
}

func TestLocatorsOfOthers(t *testing.T) {
	t.Parallel()
	l := start(t, "proliant-dl380")
	l.login(sessions)
	const drive = "/redfish/v1/Systems/1/Storage/DE00A000/Drives/2"
	for _, path := range []string{drive, "/redfish/v1/Systems/1"} {
		if a := l.do("PATCH", path, map[string]any{"IndicatorLED": "Lit"}); a.code != 200 || l.get(path)["IndicatorLED"] != "Lit" {
			t.Errorf("%s: %d, %v", path, a.code, l.get(path)["IndicatorLED"])
		}
	}
	if drives, server := l.bmc.Blinking(); !slices.Equal(drives, []string{"2"}) || !server {
		t.Errorf("blinking: %v, server %v", drives, server)
	}
	d := start(t, "poweredge-r740")
	d.login(sessions)
	if a := d.do("PATCH", bay2, map[string]any{"LocationIndicatorActive": true}); a.code != 400 {
		t.Errorf("the locator of a drive that shows none: %d", a.code)
	}
}
