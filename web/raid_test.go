package web_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/web"
)

const (
	percPath  = "controller/RAID.1"
	drivePath = "drive/Disk.Bay.2:Enclosure.1:RAID.1"
)

// server is a device with a set of one drive that is rebuilt.
func server(id hw.DeviceID, alerts ...web.Alert) web.Device {
	age := 3.0
	return web.Device{ID: id, Name: string(id), Configured: true, HasRaid: true, Health: hw.Warning, Age: &age, RaidAge: &age, Alerts: alerts, Components: []web.Component{
		{Path: percPath, Section: "raid", Health: hw.OK, Attrs: hw.Attrs{{Key: raid.KeyModel, Value: "PERC <i>"}, {Key: raid.KeySource, Value: raid.SourceRedfish}}},
		{Path: "volume/Disk.Virtual.0:RAID.1", Section: "raid", Health: hw.OK, Attrs: hw.Attrs{{Key: raid.KeyController, Value: "RAID.1"}, {Key: raid.KeyLevel, Value: raid.Level1}}},
		{Path: drivePath, Section: "raid", Health: hw.Warning, State: hw.Attrs{{Key: raid.KeyOperation, Value: raid.OperationRebuild}},
			Attrs: hw.Attrs{{Key: raid.KeyBay, Value: "2"}, {Key: raid.KeyController, Value: "RAID.1"}, {Key: raid.KeyVolumes, Value: "Disk.Virtual.0:RAID.1"}}},
		{Path: "fan/1", Health: hw.OK},
	}}
}

func verdict(code, level string) web.Alert {
	v := hw.AlertValue{Open: true, Since: now.Add(-time.Hour)}
	for l := hw.LevelWarning; l <= hw.LevelDisaster; l++ {
		if l.String() == level {
			v.Level = l
		}
	}
	a := web.AlertOf(drivePath, code, v)
	a.Name = "bay 2"
	return a
}

func servers() rack {
	r := sample()
	empty := server("empty")
	empty.Components = nil
	r.devices = append(r.devices, server("a", verdict(raid.CodeDriveFirmware, "warning")), empty, server("b", verdict(raid.CodeDriveFailed, "high")))
	percent := func(ago time.Duration, p float64) web.Point {
		return web.Point{At: now.Add(-ago), Value: &web.Number{Gauge: p}}
	}
	r.points = []web.Point{percent(time.Hour, 10), {At: now.Add(-30 * time.Minute), Absent: hw.NotReady}, percent(0, 60)}
	return r
}

// TestRaidNow: the tree stands, with how far the rebuild is and when it should end.
func TestRaidNow(t *testing.T) {
	t.Parallel()
	r := servers()
	asked := &web.SeriesQuery{}
	r.asked = asked
	tree, err := web.RaidNow(t.Context(), r, r.devices[len(r.devices)-1], now)
	if err != nil {
		t.Fatal(err)
	}
	drive := tree.Controllers[0].Volumes[0].Drives[0]
	if o := drive.Operation; o == nil || o.Percent == nil || *o.Percent != 60 || !o.End.Equal(now.Add(48*time.Minute)) {
		t.Errorf("operation %+v; want 60 percent and an end in 48 min", o)
	}
	if asked.Component != drivePath || asked.Sensor != raid.SensorOperationPercent {
		t.Errorf("asked for %+v", asked)
	}
	if len(drive.Alerts) != 1 || drive.Alerts[0].Do == "" || drive.Title != "bay 2" || tree.Sources[0] != raid.SourceRedfish {
		t.Errorf("drive %+v", drive)
	}
	r.err = errors.New("broken")
	if _, err := web.RaidNow(t.Context(), r, r.devices[len(r.devices)-1], now); err == nil {
		t.Error("a store that does not answer is none")
	}
}

// TestUrgency: the worst server comes first, one of which nothing is known before the well ones.
func TestUrgency(t *testing.T) {
	t.Parallel()
	var all []web.Raid
	for _, d := range servers().devices {
		all = append(all, web.RaidOf(d, nil))
	}
	slices.SortStableFunc(all, func(a, b web.Raid) int { return b.Urgency() - a.Urgency() })
	var got []string
	for _, d := range all {
		if d.Device != "sw" {
			got = append(got, string(d.Device)+" "+d.Level)
		}
	}
	if diff := cmp.Diff([]string{"b high", "a warning", "empty "}, got); diff != "" {
		t.Error(diff)
	}
}

// TestServerPage: the tree stands before the groups, whose RAID parts are folded, and what to do stands beside the fault.
func TestServerPage(t *testing.T) {
	t.Parallel()
	r := servers()
	d := &r.devices[len(r.devices)-1]
	d.Acts = []web.Act{{Component: drivePath, Name: "bay 2", Act: hw.Locate, Phase: "done", Who: "ann"}}
	d.Gaps = []web.Gap{{What: hw.VisitGap, Reason: hw.AuthFailed, Do: web.RedfishAdvice(hw.AuthFailed)}}
	d.Stopped = true
	body := get(t, handlerOf(r), "/devices/b").Body.String()
	tree, groups := strings.Index(body, `<h3 id="raid">`), strings.Index(body, "<details")
	if tree < 0 || groups < tree {
		t.Fatalf("the tree stands at %d, the groups at %d", tree, groups)
	}
	for _, want := range []string{"PERC &lt;i&gt;", "<b>bay 2</b>", `<progress max="100" value="60">`, "rebuild 60 %", "bay 2 blinks, asked by ann", "the drive is not told",
		`<p class="do">Light its locate LED`, "No login is tried any more", "Log in to the page of the iDRAC once"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "<details open>") {
		t.Error("parts that stand in the tree are unfolded once more")
	}
	if body := get(t, handlerOf(r), "/").Body.String(); !strings.Contains(body, `bay 2: </span>the drive is not told`) {
		t.Error("the first page does not tell the verdict in words")
	}
	if body := get(t, handlerOf(r), "/devices/sw").Body.String(); strings.Contains(body, `id="raid"`) {
		t.Error("a switch has RAID sets")
	}
}

// TestToldOnce: what a verdict explains is told once, verdict first; what it does not explain stays.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	alert := func(component, code, level string) web.Alert {
		a := verdict(code, level)
		a.Component = component
		return a
	}
	var got []string
	for _, a := range web.Told([]web.Alert{
		alert("b", hw.AlertHealth, "high"), alert("c", hw.AlertHealth, "high"), alert("d", hw.AlertMissing, "high"), alert("a", hw.AlertLinkDown, "average"),
		alert("c", raid.CodeNoHotSpare, "warning"), alert("b", raid.CodeDrivePredicted, "average"), alert("d", raid.CodeDriveFailed, "high"),
	}) {
		got = append(got, a.Component+" "+a.Code)
	}
	want := []string{"b raid-drive-predicted", "c raid-no-hot-spare", "c health", "d raid-drive-failed", "d missing", "a link-down"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDriveThatIsItsController: an NVMe drive of an HPE server has a controller of its name; its fault is one.
func TestDriveThatIsItsController(t *testing.T) {
	t.Parallel()
	alert := func(component, code string) web.Alert {
		a := verdict(code, "high")
		a.Component = component
		return a
	}
	got := web.Told([]web.Alert{alert("controller/DA1", hw.AlertHealth), alert("drive/DA1", raid.CodeDrivePredicted), alert("controller/DA2", hw.AlertHealth), alert("drive/DA2", raid.CodeDriveCacheOn)})
	if len(got) != 3 || got[0].Component != "drive/DA1" || got[1].Component != "controller/DA2" {
		t.Errorf("%+v", got)
	}
}

// TestTitleFindsOneDrive: two bays of one number are told apart.
func TestTitleFindsOneDrive(t *testing.T) {
	t.Parallel()
	drive := func(path, bay, enclosure string) web.Component {
		return web.Component{Path: path, Attrs: hw.Attrs{}.With(raid.KeyBay, bay).With(raid.KeyEnclosure, enclosure)}
	}
	got := web.Titles([]web.Component{
		drive("drive/1", "0", "front"), drive("drive/2", "0", "rear"), drive("drive/3", "1", "rear"), drive("drive/3", "1", "rear"), {Path: "drive/4"}, {Path: "fan/0"},
		{Path: "battery/B:RAID.1", Attrs: hw.Attrs{{Key: raid.KeyController, Value: "RAID.1"}}}, {Path: "volume/V0:RAID.1"}, {Path: "controller/RAID.1"},
	})
	want := map[string]string{"drive/1": "bay 0 of front", "drive/2": "bay 0 of rear", "drive/3": "bay 1", "drive/4": "4", "battery/B:RAID.1": "battery of RAID.1", "volume/V0:RAID.1": "V0", "controller/RAID.1": "RAID.1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFactsSay: acts, what was learned, and verdicts are told in words.
func TestFactsSay(t *testing.T) {
	t.Parallel()
	until := now.Add(time.Hour)
	for want, f := range map[string]hw.Fact{
		"asked to blink, by ann; not told yet, until 2026-11-21T13:00:00Z":          {Group: hw.Locate, Value: hw.ActValue{Phase: hw.ActIntended, On: true, Who: "ann", Until: until}},
		"asked to blink, by ann: done, until 2026-11-21T13:00:00Z":                  {Group: hw.Locate, Value: hw.ActValue{Phase: hw.ActDone, On: true, Who: "ann", Until: until}},
		"asked to blink no more: its time was over: done":                           {Group: hw.Locate, Value: hw.ActValue{Phase: hw.ActDone}},
		"asked to blink, by ann: failed: the user may not read it":                  {Group: hw.Locate, Value: hw.ActValue{Phase: hw.ActFailed, On: true, Who: "ann", Reason: hw.AccessDenied, Until: until}},
		"asked to blink no more, by ann: nobody knows whether it was done: cut off": {Group: hw.Locate, Value: hw.ActValue{Who: "ann", Detail: "cut off"}},
		"another certificate is trusted: ab12, by ann":                              {Group: hw.ActTrust, Value: hw.ActValue{Phase: hw.ActDone, On: true, Who: "ann", Params: hw.Attrs{{Key: "certificate", Value: "ab12"}}}},
		"the trusted certificate is ab12":                                           {Group: "certificate", Value: hw.LearnedValue{Value: "ab12"}},
		"refused logins in a row: 2":                                                {Group: "redfish_logins", Value: hw.LearnedValue{Value: "2 f0"}},
		"high: the drive predicts its failure":                                      {Group: raid.CodeDrivePredicted, Value: hw.AlertValue{Open: true, Level: hw.LevelHigh}},
		"over: the set is RAID 5, which is not allowed":                             {Group: raid.CodeLevel, Value: hw.AlertValue{Level: hw.LevelHigh, Params: hw.Attrs{{Key: "level", Value: raid.Level5}}}},
		"high: Redfish is not read, SNMP stands in for it: the credentials were refused": {Group: "redfish-unread",
			Value: hw.AlertValue{Open: true, Level: hw.LevelHigh, Params: hw.Attrs{{Key: "why", Value: string(hw.AuthFailed)}}}},
	} {
		if got := web.FactOf(f, 1).Says; got != want {
			t.Errorf("says %q; want %q", got, want)
		}
	}
	for _, f := range []hw.Fact{{Group: "note", Value: hw.ActValue{Detail: "x"}}, {Group: "media_errors", Value: hw.LearnedValue{Value: "x"}}, {Group: hw.AlertHealth, Value: hw.AlertValue{Open: true}}} {
		if got := web.FactOf(f, 1).Says; got != "" {
			t.Errorf("%s says %q; what it holds is told", f.Group, got)
		}
	}
}

// TestRaidNotRead: that the heartbeat was read says nothing of the RAID sets.
func TestRaidNotRead(t *testing.T) {
	t.Parallel()
	d := server("a")
	d.RaidAge = nil
	if r := web.RaidOf(d, nil); r.Age != nil || len(r.Controllers) == 0 {
		t.Errorf("read %v s ago, %d controllers", *r.Age, len(r.Controllers))
	}
	d.HasRaid = false
	if r := web.RaidOf(d, nil); r.Age == nil {
		t.Error("what is read no more has no age")
	}
}
