package bmc_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim/bmc"
)

const (
	storageBase = "/redfish/v1/Systems/System.Embedded.1/Storage/RAID.Integrated.1-1"
	mirror      = storageBase + "/Volumes/Disk.Virtual.0:RAID.Integrated.1-1"
	striped     = storageBase + "/Volumes/Disk.Virtual.1:RAID.Integrated.1-1"
	bay2        = storageBase + "/Drives/Disk.Bay.2:Enclosure.Internal.0-1:RAID.Integrated.1-1"
	controller  = storageBase + "/Controllers/RAID.Integrated.1-1"
	systemDoc   = "/redfish/v1/Systems/System.Embedded.1"
	thermal     = "/redfish/v1/Chassis/System.Embedded.1/Thermal"
	power       = "/redfish/v1/Chassis/System.Embedded.1/Power"
	rollups     = "Oem/Dell/DellSystem/"
)

// shown is what a fault does to a document of the R740, and how it was before.
var shown = []struct{ fault, arg, path, property, is, was string }{
	{"drive-failed", "2", bay2, "Status/Health", "Critical", "OK"},
	{"drive-failed", "2", bay2, "Oem/Dell/DellPhysicalDisk/RaidStatus", "Failed", "Online"},
	{"drive-failed", "0", mirror, "Oem/Dell/DellVolume/RemainingRedundancy", "0", "1"},
	{"drive-failed", "0", systemDoc, rollups + "StorageRollupStatus", "Error", "OK"},
	{"drive-predicted", "", bay2, "FailurePredicted", "true", "false"},
	{"drive-predicted", "", bay2, "Oem/Dell/DellPhysicalDisk/PredictiveFailureState", "SmartAlertPresent", "SmartAlertAbsent"},
	{"drive-predicted", "", systemDoc, rollups + "StorageRollupStatus", "Degraded", "OK"},
	{"drive-pulled", "1", storageBase, "Drives@odata.count", "6", "7"},
	{"drive-pulled", "1", mirror, "Status/Health", "Warning", "OK"},
	{"drive-foreign", "2", bay2, "Oem/Dell/DellPhysicalDisk/RaidStatus", "Foreign", "Online"},
	{"rebuild", "0 1h", mirror, "Oem/Dell/DellVolume/OperationName", "Rebuild", "None"},
	{"media-errors", "2 100", bay2 + "/Oem/Dell/DellDriveSMARTAttributes", "UncorrectableErrorCount", "1", "0"},
	{"spare-removed", "", storageBase + "/Drives/Disk.Bay.6:Enclosure.Internal.0-1:RAID.Integrated.1-1", "HotspareType", "None", "Global"},
	{"firmware-mixed", "2", bay2, "Revision", "OLD1", "NS07"},
	{"battery-dead", "", storageBase, "Oem/Dell/DellControllerBattery/RAIDState", "Failed", "Ready"},
	{"battery-dead", "", mirror, "WriteCacheState", "Degraded", "Protected"},
	{"battery-learning", "", storageBase, "Oem/Dell/DellControllerBattery/RAIDState", "BatteryLearn", "Ready"},
	{"battery-missing", "", storageBase, "Oem/Dell/DellControllerBattery/RAIDState", "null", "Ready"},
	{"policy-changed", "1", striped, "WriteCachePolicy", "UnprotectedWriteBack", "ProtectedWriteBack"},
	{"policy-changed", "1 WriteThrough", striped, "Oem/Dell/DellVirtualDisk/WriteCachePolicy", "WriteThrough", "WriteBack"},
	{"disk-cache-on", "", mirror, "Oem/Dell/DellVolume/DiskCachePolicy", "Enabled", "Disabled"},
	{"disk-cache-on", "0 Default", mirror, "Oem/Dell/DellVolume/DiskCachePolicy", "Default", "Disabled"},
	{"patrol-off", "", controller, "Oem/Dell/DellStorageController/PatrolReadMode", "Disabled", "Automatic"},
	{"psu-out", "2", systemDoc, rollups + "PSRollupStatus", "Error", "OK"},
	{"fan-failed", "3", systemDoc, rollups + "FanRollupStatus", "Error", "OK"},
	{"temperature-high", "", systemDoc, rollups + "TempRollupStatus", "Error", "OK"},
	{"temperature-high", "44", thermal + "Subsystem/ThermalMetrics", "TemperatureSummaryCelsius/Intake/Reading", "44", "23"},
	{"fan-failed", "2", thermal + "Subsystem/Fans/Fan.Embedded.2", "SpeedPercent/SpeedRPM", "0", "7080"},
	{"psu-out", "1", power + "Subsystem/PowerSupplies/PSU.Slot.1/Metrics", "InputVoltage/Reading", "0", "230"},
	{"temperature-high", "39", systemDoc, rollups + "TempRollupStatus", "Degraded", "OK"},
	{"link-down", "1", "/redfish/v1/Chassis/System.Embedded.1/NetworkAdapters/NIC.Integrated.1/NetworkPorts/NIC.Integrated.1-1", "LinkStatus", "Down", "Up"},
	{"lockdown", "", "/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/DellAttributes/System.Embedded.1", "Attributes/Lockdown.1.SystemLockdown", "Enabled", "Disabled"},
	{"null-health", "", systemDoc, rollups + "StorageRollupStatus", "null", "OK"},
	{"odd-types", "", bay2, "Revision", "4", "NS07"},
}

func TestFaultsShow(t *testing.T) {
	t.Parallel()
	for _, c := range shown {
		l := start(t, "poweredge-r740")
		l.login(sessions)
		read := func() string { return text(at(l.get(c.path), c.property)) }
		if was := read(); was != c.was {
			t.Errorf("%s is %s before %s, want %s", c.property, was, c.fault, c.was)
		}
		l.fault(c.fault, c.arg)
		if is := read(); is != c.is {
			t.Errorf("%s is %s under %s %s, want %s", c.property, is, c.fault, c.arg, c.is)
		}
		l.fault("clear", c.fault)
		if was := read(); was != c.was && c.fault != "media-errors" {
			t.Errorf("%s is %s after %s, want %s", c.property, was, c.fault, c.was)
		}
	}
}

// TestEveryFaultSwitches switches each fault of each model on and off: nothing of it is left.
func TestEveryFaultSwitches(t *testing.T) {
	t.Parallel()
	events := []string{"drive-replaced", "sessions-lost", "racreset", "firmware-update", "media-errors", "log-flood"}
	for _, model := range bmc.Models() {
		c := newClock()
		b, err := bmc.New(model, bmc.Options{Clock: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		before := documents(t, b)
		for _, name := range b.KnownFaults() {
			if name == "clear" {
				continue
			}
			arg := map[string]string{"fail-path": "/Thermal"}[name]
			if err := b.Fault(name, arg); err != nil {
				t.Errorf("%s: %v", model, err)
			}
			if err := b.Fault("clear", ""); err != nil || len(b.Faults()) != 0 {
				t.Errorf("%s: clear after %s: %v, on %v", model, name, err, b.Faults())
			}
			if slices.Contains(events, name) {
				c.Pass(5 * time.Hour) // what an event began ends
				before = documents(t, b)
			} else if !bytes.Equal(before, documents(t, b)) {
				t.Errorf("%s: %s left something", model, name)
			}
			if err := b.Fault(name, "x y z"); err == nil {
				t.Errorf("%s: %s takes any argument", model, name)
			}
		}
	}
	if help := bmc.FaultHelp(); strings.Count(help, "\n") != len(bmc.FaultNames()) {
		t.Error("the help does not tell each fault")
	}
}

// documents is all that a controller shows.
func documents(t *testing.T, b *bmc.BMC) []byte {
	t.Helper()
	out, err := json.Marshal(b.Documents())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFaultsThatAreRefused(t *testing.T) {
	t.Parallel()
	b, err := bmc.New("poweredge-r740", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"nothing", ""}, {"drive-failed", "99"}, {"psu-out", "3"}, {"policy-changed", "0 Fast"}, {"slow", "-1s"}, {"slow", "fast"}, {"fail-path", ""}, {"clear", "slow"}, {"expand-wrong", "very"}} {
		if err := b.Fault(c[0], c[1]); err == nil {
			t.Errorf("%s %s was taken", c[0], c[1])
		}
	}
	if len(b.Faults()) != 0 {
		t.Errorf("on: %v", b.Faults())
	}
	plain, err := bmc.New("proliant-dl380", bmc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Fault("battery-dead", ""); err == nil {
		t.Error("a server without such a controller lost its battery")
	}
	for _, o := range []bmc.Options{{Number: -1}, {Number: 10_000}} {
		if _, err := bmc.New("poweredge-r740", o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := bmc.New("nothing", bmc.Options{}); err == nil {
		t.Error("a model of no name was made")
	}
}

func TestFaultsOfAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		fault, arg string
		code       int
		holds      string
		whole      bool // the body is one JSON document
	}{
		{"busy", "7s", 503, "SYS518", true}, {"not-ready", "", 400, "SWC0700", true}, {"error-first", "", 200, "SYS446", false},
		{"fail-path", "/Systems", 500, "SYS446", true}, {"html", "", 200, "<form", false}, {"plain-http", "", 301, "", false}, {"garbage", "", 200, "", false},
	}
	for _, c := range cases {
		l := start(t, "poweredge-r740")
		l.login(sessions)
		l.fault(c.fault, c.arg)
		a := l.do("GET", systemDoc, nil)
		if a.code != c.code || !strings.Contains(string(a.body), c.holds) || json.Valid(a.body) != c.whole {
			t.Errorf("%s: %d, whole %v: %.200s", c.fault, a.code, json.Valid(a.body), a.body)
		}
		if c.fault == "busy" && a.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
		l.fault("clear", "")
		l.get(systemDoc)
	}
}

func TestExpandWrong(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	const path = "/redfish/v1/Systems/System.Embedded.1/Memory"
	for arg, want := range map[string][2]int{"short": {11, 11}, "lost": {11, 12}, "empty": {0, 12}, "links": {12, 12}} {
		l.fault("expand-wrong", arg)
		o := l.get(path + "?$expand=*($levels=1)")
		if n, count := len(members(o)), int(o["Members@odata.count"].(float64)); n != want[0] || count != want[1] {
			t.Errorf("%s: %d members, count %d", arg, n, count)
		}
		if arg == "links" && len(members(o)[0].(map[string]any)) != 1 {
			t.Error("links were expanded")
		}
		if o := l.get(path); len(members(o)) != 12 {
			t.Errorf("%s: %d members without $expand", arg, len(members(o)))
		}
	}
	l.fault("expand-wrong", "error")
	if a := l.do("GET", path+"?$expand=*($levels=1)", nil); a.code != 200 || json.Valid(a.body) {
		t.Errorf("error: %d", a.code)
	}
	l.fault("expand-wrong", "refuse")
	if a := l.do("GET", path+"?$expand=*($levels=1)", nil); a.code != 400 {
		t.Errorf("refuse: %d", a.code)
	}
}

func TestHalfAndHuge(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	l.fault("half", "")
	if a, err := l.try("GET", systemDoc, nil); err == nil {
		t.Errorf("half an answer was whole: %d bytes", len(a.body))
	}
	l.fault("clear", "")
	l.fault("huge", "")
	if a, err := l.try("GET", systemDoc, nil); err != nil || len(a.body) != 16<<20 {
		t.Errorf("huge: %d bytes, %v", len(a.body), err)
	}
}

func TestSlowAndSilent(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	l.fault("slow", "1h")
	done := make(chan int)
	go func() {
		a, _ := l.try("GET", systemDoc, nil)
		done <- a.code
	}()
	for l.bmc.Counters().InFlight == 0 {
		time.Sleep(time.Millisecond)
	}
	select {
	case <-done:
		t.Error("a slow answer came at once")
	case <-time.After(50 * time.Millisecond):
	}
	l.fault("clear", "")
	if code := <-done; code != 200 {
		t.Errorf("after slow: %d", code)
	}
	l.fault("slow", "1h /Chassis")
	l.get(systemDoc)
	l.fault("silent", "")
	l.client.CloseIdleConnections()
	l.client.Timeout = 200 * time.Millisecond
	before := l.bmc.Counters().Handshakes
	if _, err := l.try("GET", systemDoc, nil); err == nil {
		t.Error("a silent device answered")
	}
	if l.bmc.Counters().Handshakes != before {
		t.Error("a silent device shook hands")
	}
	l.client.Timeout = 10 * time.Second
	l.fault("clear", "")
	l.get(systemDoc)
}

func TestCertificateChanges(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	shown := func() string {
		c, err := tls.Dial("tcp", l.addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
		return hex.EncodeToString(sum[:])
	}
	first := shown()
	if first != l.bmc.Fingerprint() {
		t.Error("Fingerprint is of another certificate")
	}
	l.login(sessions)
	l.fault("certificate-changed", "")
	if shown() == first {
		t.Error("the certificate is the same")
	}
	l.get(systemDoc) // over a new connection
	if c := l.bmc.Counters(); c.Connections != 4 {
		t.Errorf("%d connections: the old one did not end", c.Connections)
	}
	l.fault("clear", "")
	if shown() != first {
		t.Error("the first certificate did not come back")
	}
}

func TestRacreset(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	l.fault("racreset", "2m 3")
	for range 2 {
		l.get(systemDoc)
	}
	if a, err := l.try("GET", systemDoc, nil); err == nil {
		t.Errorf("the third request was answered: %d", a.code)
	}
	if a, err := l.try("GET", "/redfish/v1", nil); err == nil {
		t.Errorf("it answers while it starts: %d", a.code)
	}
	l.clock.Pass(61 * time.Second)
	if a := l.do("GET", systemDoc, nil); a.code != http.StatusUnauthorized {
		t.Errorf("the old session: %d", a.code)
	}
	l.login(sessions)
	if o := l.get("/redfish/v1/Systems"); len(members(o)) != 0 || o["Members@odata.count"] != 0.0 {
		t.Errorf("members after the start: %v", members(o))
	}
	l.clock.Pass(time.Minute)
	if o := l.get("/redfish/v1/Systems"); len(members(o)) != 1 {
		t.Errorf("members at last: %v", members(o))
	}
}

func TestOtherUnit(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r740")
	l.login(sessions)
	first := l.get(systemDoc)["SKU"]
	print := l.bmc.Fingerprint()
	l.fault("other-unit", "")
	l.client.CloseIdleConnections()
	l.login(sessions)
	if l.get(systemDoc)["SKU"] == first || l.bmc.Fingerprint() == print {
		t.Error("it is the same unit")
	}
	l.fault("clear", "")
	l.client.CloseIdleConnections()
	l.login(sessions)
	if l.get(systemDoc)["SKU"] != first || l.bmc.Fingerprint() != print {
		t.Error("the first unit did not come back")
	}
}

func TestOldTLS(t *testing.T) {
	t.Parallel()
	l := start(t, "poweredge-r630")
	l.fault("old-tls", "")
	if _, err := l.try("GET", "/redfish/v1", nil); err == nil {
		t.Error("a client of today was served")
	}
	c, err := tls.Dial("tcp", l.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	sum := sha256.Sum256(c.ConnectionState().PeerCertificates[0].Raw)
	if c.ConnectionState().Version != tls.VersionTLS11 || hex.EncodeToString(sum[:]) != l.bmc.Fingerprint() {
		t.Errorf("version %x", c.ConnectionState().Version)
	}
}
