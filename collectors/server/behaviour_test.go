package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/server"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// made serves a small tree: documents by their paths below /redfish/v1.
func made(t *testing.T, docs map[string]string) *device {
	t.Helper()
	folder := t.TempDir()
	for path, doc := range docs {
		dir := filepath.Join(folder, "redfish", "v1", filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "index.json"), []byte(doc), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := bmc.NewRecorded(folder, bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, b)
}

func link(path string) string { return fmt.Sprintf(`{"@odata.id":"/redfish/v1/%s"}`, path) }

// root links to collections.
func root(names ...string) string {
	var all []string
	for _, n := range names {
		all = append(all, fmt.Sprintf(`"%s":%s`, n, link(n)))
	}
	return fmt.Sprintf(`{"@odata.id":"/redfish/v1","@odata.type":"#ServiceRoot.v1_5_0.ServiceRoot","Id":"R","RedfishVersion":"1.6.0",%s,"Links":{"Sessions":%s}}`,
		strings.Join(all, ","), link("SessionService/Sessions"))
}

func collection(path string, members ...string) string {
	var all []string
	for _, m := range members {
		all = append(all, link(path+"/"+m))
	}
	return fmt.Sprintf(`{"@odata.id":"/redfish/v1/%s","Members":[%s],"Members@odata.count":%d}`, path, strings.Join(all, ","), len(all))
}

func system(id, more string) string {
	return fmt.Sprintf(`{"@odata.id":"/redfish/v1/Systems/%s","@odata.type":"#ComputerSystem.v1_5_0.ComputerSystem","Id":"%s","SerialNumber":"SN-%s","Model":"M","PowerState":"On",
		"Status":{"Health":"OK","State":"Enabled"}%s}`, id, id, id, more)
}

// What is no server says so, and what to do.
func TestNoServer(t *testing.T) {
	t.Parallel()
	page := simulated(t, model, [2]string{"html", ""})
	for name, test := range map[string]struct {
		device *device
		reason hw.Reason
		words  string
	}{
		"a web page":         {page, hw.WrongKind, "no Redfish service"},
		"no systems":         {made(t, map[string]string{"": root("Chassis"), "Chassis": collection("Chassis", "1")}), hw.WrongKind, "no server"},
		"an empty Members":   {made(t, map[string]string{"": root("Systems"), "Systems": collection("Systems")}), hw.NotReady, "after a reset"},
		"HTTP without TLS":   {simulated(t, model, [2]string{"plain-http", ""}), hw.Garbage, "without TLS"},
		"a wrong password":   {simulated(t, model, [2]string{"bad-login", ""}), hw.AuthFailed, "password"},
		"a full table":       {simulated(t, model, [2]string{"sessions-full", ""}), hw.NotReady, "session table"},
		"a locked-out box":   {simulated(t, model, [2]string{"locked-out", ""}), hw.LockedOut, "bars"},
		"a changed identity": {changed(t), hw.CertChanged, "rackpost trust"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := test.device.target()
			if test.reason == hw.CertChanged {
				if err := target.Memory.Learn("certificate", strings.Repeat("ab", 32)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := server.Kind().New(target)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(context.Background())
			_, err = c.Collect(t.Context(), server.Kind().Sections)
			var v *collectors.VisitError
			if !errors.As(err, &v) || v.Reason != test.reason || !strings.Contains(err.Error(), test.words) {
				t.Errorf("error %v (%s), want %s with %q", err, collectors.ReasonOf(err), test.reason, test.words)
			}
		})
	}
}

func changed(t *testing.T) *device { return simulated(t, model) }

// Of several systems the one the manager names first is read, and that there are others is told.
func TestSeveralSystems(t *testing.T) {
	t.Parallel()
	d := made(t, map[string]string{
		"":          root("Systems", "Managers", "Chassis"),
		"Systems":   collection("Systems", "DPU", "B", "A"),
		"Systems/A": system("A", `,"SystemType":"Physical"`), "Systems/B": system("B", ""),
		"Systems/DPU":       system("DPU", `,"SystemType":"DPU"`),
		"Managers":          collection("Managers", "M"),
		"Managers/M":        fmt.Sprintf(`{"@odata.id":"/redfish/v1/Managers/M","Id":"M","FirmwareVersion":"7","Links":{"ManagerForServers":[%s,%s]}}`, link("Systems/DPU"), link("Systems/A")),
		"Chassis":           collection("Chassis", "X", "Y"),
		"Chassis/X":         fmt.Sprintf(`{"@odata.id":"/redfish/v1/Chassis/X","Id":"X","Thermal":%s,"Links":{"ComputerSystems":[%s]}}`, link("Chassis/X/Thermal"), link("Systems/A")),
		"Chassis/Y":         fmt.Sprintf(`{"@odata.id":"/redfish/v1/Chassis/Y","Id":"Y","Thermal":%s,"Links":{"ComputerSystems":[%s]}}`, link("Chassis/Y/Thermal"), link("Systems/B")),
		"Chassis/X/Thermal": `{"@odata.id":"/redfish/v1/Chassis/X/Thermal","Id":"T","Fans":[{"MemberId":"0","Name":"Fan 1","Reading":4000,"ReadingUnits":"RPM","Status":{"Health":"OK","State":"Enabled"}}]}`,
	})
	r := visit(t, d.collector())
	if r.Unit == nil || r.Unit.Serial != "SN-A" || r.Unit.Version != "7" {
		t.Errorf("unit %+v, want A", r.Unit)
	}
	if !slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.What == "heartbeat/systems" && strings.Contains(g.Detail, "3 systems") }) {
		t.Errorf("the others are not told: %v", r.Gaps)
	}
	if component(t, r, "fan/Fan1").Health != hw.OK || count(r, "fan/") != 1 {
		t.Errorf("components %v", r.Components)
	}
}

// entries makes a log whose oldest entry comes first.
func entries(from, to int) string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf(`{"@odata.id":"/redfish/v1/Systems/A/LogServices/L/Entries/%d","Id":"%d","Created":"2026-03-01T10:%02d:%02dZ","Severity":"Warning","Message":"line %d"}`, i, i, i/60, i%60, i))
	}
	return fmt.Sprintf(`{"@odata.id":"/redfish/v1/Systems/A/LogServices/L/Entries","Members":[%s],"Members@odata.count":%d}`, strings.Join(all, ","), len(all))
}

// A log is read from its newest entry on, whichever end the service begins with, and each line once.
func TestLogOfOldestFirst(t *testing.T) {
	t.Parallel()
	const services = "Systems/A/LogServices"
	docs := map[string]string{
		"": root("Systems"), "Systems": collection("Systems", "A"), "Systems/A": system("A", `,"LogServices":`+link(services)),
		services: collection(services, "L", "Dump"), services + "/L": `{"@odata.id":"/redfish/v1/` + services + `/L","Id":"L","Entries":` + link(services+"/L/Entries") + `}`,
		services + "/Dump":      `{"@odata.id":"/redfish/v1/` + services + `/Dump","Id":"Dump","Entries":` + link(services+"/Dump/Entries") + `}`,
		services + "/L/Entries": entries(1, 300),
	}
	c := made(t, docs).collector()
	r := visit(t, c, "log")
	if len(r.Log) != 64 || r.Log[0].Entry != "237" || r.Log[63].Entry != "300" || r.Log[63].Level != "warning" || r.Log[63].At.IsZero() {
		t.Fatalf("%d lines: %v ...", len(r.Log), r.Log[:min(2, len(r.Log))])
	}
	if len(r.Cursors) != 1 || r.Cursors[0] != (hw.LogCursor{Log: "l", Cursor: "300"}) || len(r.Gaps) > 0 {
		t.Errorf("cursors %v, gaps %v", r.Cursors, r.Gaps)
	}
	if again := visit(t, c, "log"); len(again.Log) != 0 || again.Requests != 2 {
		t.Errorf("%d lines and %d requests with nothing new", len(again.Log), again.Requests)
	}
}

// New lines are read once, a flood is cut and told, and a log that is cleared is no flood.
func TestLogMoves(t *testing.T) {
	t.Parallel()
	d := simulated(t, model)
	c := d.collector()
	first := visit(t, c, "log")
	if len(first.Log) == 0 || len(first.Cursors) == 0 {
		t.Fatalf("%d lines, cursors %v", len(first.Log), first.Cursors)
	}
	d.fault("fan-failed", "")
	fresh := visit(t, c, "log")
	if len(fresh.Log) == 0 || len(fresh.Log) > 8 || len(fresh.Gaps) > 0 {
		t.Errorf("%d lines after a fan failed, gaps %v: %v", len(fresh.Log), fresh.Gaps, fresh.Log)
	}
	if again := visit(t, c, "log"); len(again.Log) != 0 {
		t.Errorf("%d lines were read again", len(again.Log))
	}
	d.fault("log-flood", "")
	before := d.bmc.Counters().Total
	flood := visit(t, c, "log")
	if n := d.bmc.Counters().Total - before; n > 12 || len(flood.Log) > 256 || !slices.ContainsFunc(flood.Gaps, func(g hw.Gap) bool { return g.Reason == hw.TooMuch }) {
		t.Errorf("a flood: %d requests, %d lines, gaps %v", n, len(flood.Log), flood.Gaps)
	}
	if again := visit(t, c, "log"); len(again.Log) != 0 || len(again.Gaps) > 0 {
		t.Errorf("after the flood: %d lines, gaps %v", len(again.Log), again.Gaps)
	}
}

// What the system says of its parts hastens the sections that tell of them.
func TestHasten(t *testing.T) {
	t.Parallel()
	d := simulated(t, model)
	c := d.collector()
	if r := visit(t, c); len(r.Hasten) > 0 {
		t.Errorf("the first visit hastens %v", r.Hasten)
	}
	if r := visit(t, c, "heartbeat"); len(r.Hasten) > 0 || r.Requests != 1 {
		t.Errorf("nothing changed: %v, %d requests", r.Hasten, r.Requests)
	}
	d.fault("drive-failed", "")
	r := visit(t, c, "heartbeat")
	if !slices.Contains(r.Hasten, "raid") || !slices.Contains(r.Hasten, "environment") {
		t.Errorf("a drive failed: %v", r.Hasten)
	}
	r = visit(t, c, "raid")
	if !slices.ContainsFunc(r.Verdicts, func(v hw.Verdict) bool { return v.Level > 0 }) {
		t.Errorf("no verdict on a failed drive: %v", r.Verdicts)
	}
}

// The locators of the server and of a drive go on and off through the session of the visits.
func TestLocate(t *testing.T) {
	t.Parallel()
	d := simulated(t, model)
	c := d.collector()
	act := c.(collectors.Actor).Act
	if err := act(t.Context(), hw.Action{Name: hw.Locate, Component: hw.ChassisPath, On: true}); err != nil {
		t.Fatal(err)
	}
	if _, on := d.bmc.Blinking(); !on {
		t.Error("the server does not blink")
	}
	drive := ""
	for _, p := range visit(t, c, "raid").Components {
		if strings.HasPrefix(p.Path, raid.DrivePath) {
			drive = p.Path
		}
	}
	fresh := d.collector() // which has not seen the drives
	for _, on := range []bool{true, false} {
		if err := fresh.(collectors.Actor).Act(t.Context(), hw.Action{Name: hw.Locate, Component: drive, On: on}); err != nil {
			t.Fatal(err)
		}
		if blinking, _ := d.bmc.Blinking(); (len(blinking) == 1) != on {
			t.Errorf("%s on %v: %v blink", drive, on, blinking)
		}
	}
	if err := act(t.Context(), hw.Action{Name: hw.Locate, Component: hw.ChassisPath}); err != nil {
		t.Error(err)
	}
	if _, on := d.bmc.Blinking(); on {
		t.Error("the server still blinks")
	}
	for _, a := range []hw.Action{{Name: hw.Locate, Component: "drive/none", On: true}, {Name: hw.Locate, Component: "fan/Fan1"}, {Name: "restart", Component: hw.ChassisPath}} {
		if err := act(t.Context(), a); collectors.ReasonOf(err) != hw.NotSupported {
			t.Errorf("%v: %v, want not-supported", a, err)
		}
	}
}
