package api_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

// clocked is a box whose clock is set by hand.
func clocked(w *world) (h func(path string) string, set func(time.Time)) {
	at := now
	c := w.config()
	c.Now = func() time.Time { return at }
	a := api.New(c).Local()
	return func(path string) string {
		w.t.Helper()
		r := get(w.t, a, path)
		if r.Code != 200 {
			w.t.Fatalf("%s: %d %s", path, r.Code, r.Body)
		}
		return r.Body.String()
	}, func(t time.Time) { at = t }
}

func gauge(component, sensor string, v float64) hw.Sample {
	return hw.Sample{Component: component, Sensor: sensor, Gauge: v}
}

var (
	fast = hw.Scope{Section: "cpu", Extent: hw.Complete}
	slow = hw.Scope{Section: "power", Extent: hw.Complete}
)

func cpu(v float64) hw.Sample  { return gauge("cpu/1", "busy_1m_percent", v) }
func watt(v float64) hw.Sample { return gauge("supply/1", "input_watts", v) }

// has tells whether there is a line that begins so.
func has(text, line string) bool { return strings.Contains("\n"+text, "\n"+line) }

// TestFreshness: a reading has its own time, and one that says nothing about now is not there.
func TestFreshness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw"}}
	metrics, set := clocked(w)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	const busy = `rackpost_cpu_busy_1m_ratio{site="FRA-3",device="sw",component="cpu/1"} `
	const draw = `rackpost_supply_input_watts{site="FRA-3",device="sw",component="supply/1"} `
	w.visit(siteA, "sw", at(-300), []hw.Scope{fast, slow}, cpu(1), watt(1)) // too long ago to be read
	for m := -120; m < 0; m++ {
		if m%60 == 0 {
			w.visit(siteA, "sw", at(m), []hw.Scope{fast, slow}, cpu(50), watt(float64(m)))
		} else {
			w.visit(siteA, "sw", at(m), []hw.Scope{fast}, cpu(float64(-m)))
		}
	}
	set(at(0))
	text := metrics("/metrics")
	if !has(text, fmt.Sprintf("%s0.01 %d\n", busy, at(-1).UnixMilli())) || !has(text, fmt.Sprintf("%s-60 %d\n", draw, at(-60).UnixMilli())) {
		t.Fatalf("the newest of each with its own time:\n%s", readingsOf(text))
	}
	w.visit(siteA, "sw", at(0), []hw.Scope{{Section: "cpu"}, slow}, watt(7), hw.Sample{Component: "cpu/1", Sensor: "busy_1m_percent", Absent: hw.NoAnswer})
	if text = metrics("/metrics"); has(text, busy) || !has(text, draw+"7 ") {
		t.Errorf("what is absent now is told as it was:\n%s", readingsOf(text))
	}
	w.visit(siteA, "sw", at(1), []hw.Scope{fast}, cpu(9))
	set(at(2))
	if text = metrics("/metrics"); !has(text, busy+"0.09 ") || !has(text, draw+"7 ") {
		t.Errorf("it is read again:\n%s", readingsOf(text))
	}
	set(at(6))
	if text = metrics("/metrics"); has(text, busy) || !has(text, draw+"7 ") {
		t.Errorf("three periods of one section are over, and not of the other:\n%s", readingsOf(text))
	}
	set(at(-30))
	if text = metrics("/metrics"); has(text, busy) || has(text, draw) {
		t.Errorf("from the future:\n%s", readingsOf(text))
	}
	set(at(3))
	w.visit(siteA, "sw", at(2), []hw.Scope{fast, slow}, cpu(8)) // the supply is gone
	if text = metrics("/metrics"); !has(text, busy+"0.08 ") || has(text, draw) {
		t.Errorf("what a complete reading does not find is told as it was:\n%s", readingsOf(text))
	}
	w.places[siteA].devices[0].Stale = true
	if text = metrics("/metrics"); has(text, busy) || !has(text, `rackpost_device_stale{site="FRA-3",device="sw"} 1`) {
		t.Errorf("a stale device:\n%s", readingsOf(text))
	}
}

// TestVisitsOutOfTurn: that a person has a device visited again and again does not make an hourly reading an old one.
func TestVisitsOutOfTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw"}}
	metrics, set := clocked(w)
	at := func(seconds int) time.Time { return now.Add(time.Duration(seconds) * time.Second) }
	both := func(seconds int) {
		w.visit(siteA, "sw", at(seconds), []hw.Scope{fast, slow}, cpu(1), watt(7))
	}
	minutes := func(from, to int) {
		for m := from; m <= to; m++ {
			w.visit(siteA, "sw", at(60*m), []hw.Scope{fast}, cpu(1))
		}
	}
	const draw = `rackpost_supply_input_watts{site="FRA-3",device="sw",component="supply/1"} `
	both(0) // a box starts
	minutes(1, 5)
	for _, s := range []int{310, 330, 350} { // somebody mends something
		both(s)
	}
	minutes(6, 14)
	set(at(14 * 60))
	if text := metrics("/metrics"); !has(text, draw+"7 ") {
		t.Errorf("what was read eight minutes ago, and is read each hour, is not told:\n%s", readingsOf(text))
	}
	both(15 * 60) // the hour of the section
	minutes(16, 30)
	set(at(30 * 60))
	if text := metrics("/metrics"); !has(text, draw+"7 ") || !has(text, "rackpost_cpu_busy_1m_ratio{") {
		t.Errorf("after the first visit in turn:\n%s", readingsOf(text))
	}
	set(at(34 * 60))
	if text := metrics("/metrics"); has(text, "rackpost_cpu_busy_1m_ratio{") {
		t.Errorf("three minutes of a section that is read each minute are over:\n%s", readingsOf(text))
	}
}

// TestFreshAndStaleOfOneVisit: of a visit that read two sections the readings of the one that is still fresh are told, and those of
// the other are not.
func TestFreshAndStaleOfOneVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw"}}
	metrics, set := clocked(w)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	for m := -120; m <= 0; m++ {
		if m%60 == 0 {
			w.visit(siteA, "sw", at(m), []hw.Scope{fast, slow}, cpu(50), watt(7))
		} else {
			w.visit(siteA, "sw", at(m), []hw.Scope{fast}, cpu(1))
		}
	}
	other := hw.Scope{Section: "fans", Extent: hw.Complete}
	w.visit(siteA, "sw", at(9), []hw.Scope{other}, gauge("fan/1", "speed_rpm", 5000)) // the device answers, for its fans alone
	set(at(10))
	if text := metrics("/metrics"); has(text, "rackpost_cpu_") || !has(text, "rackpost_supply_input_watts{") || !has(text, "rackpost_fan_speed_rpm{") {
		t.Errorf("want the supply and the fan, and not the processor:\n%s", readingsOf(text))
	}
}

// TestOnlyWhatIsNew: a scrape reads what came since the last one, and begins anew when that is gone.
func TestOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw"}}
	metrics, set := clocked(w)
	for m := range 100 {
		w.visit(siteA, "sw", now.Add(time.Duration(m)*time.Minute), []hw.Scope{fast}, cpu(float64(m)))
	}
	set(now.Add(100 * time.Minute))
	metrics("/metrics")
	before := w.looked
	w.visit(siteA, "sw", now.Add(100*time.Minute), []hw.Scope{fast}, cpu(42))
	if text := metrics("/metrics"); w.looked-before != 1 || !has(text, `rackpost_cpu_busy_1m_ratio{site="FRA-3",device="sw",component="cpu/1"} 0.42 `) {
		t.Errorf("%d batches were read for one that is new:\n%s", w.looked-before, readingsOf(text))
	}
	w.visit(siteA, "sw", now.Add(101*time.Minute), []hw.Scope{fast}, cpu(43))
	w.visit(siteA, "sw", now.Add(102*time.Minute), []hw.Scope{fast}, cpu(44))
	set(now.Add(102 * time.Minute))
	w.gone = 102
	if text := metrics("/metrics"); !has(text, `rackpost_cpu_busy_1m_ratio{site="FRA-3",device="sw",component="cpu/1"} 0.44 `) {
		t.Errorf("after a gap:\n%s", readingsOf(text))
	}
}

// readingsOf are the lines that are readings.
func readingsOf(text string) string {
	var out []string
	for l := range strings.SplitSeq(text, "\n") {
		if strings.Contains(l, "component=") {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// fullRack is a box with readings of all sorts.
func fullRack(t *testing.T) *world {
	w := newWorld(t)
	w.places[siteA] = rack()
	w.places[siteA].devices[0].Name = "Core \"<\\\n\xff"
	w.visit(siteA, "sw", now.Add(-time.Second), []hw.Scope{fast},
		cpu(57), gauge("cpu/\"\\\n", "busy_1m_percent", 1), gauge("drive/1", "powered_hours", 2), gauge("vpn/ipsec", "security_associations_count", 3),
		hw.Sample{Component: "drive/1", Sensor: "media_errors_total", Gauge: 3}, hw.Sample{Component: "port/Gi1/0/1", Sensor: "rx_bytes_total", Type: hw.Counter, Count: 1 << 60})
	return w
}

// TestRemoteWriteMetrics: who watches the metrics alone sees a receiver that is late, one that is not reached, and what is lost.
func TestRemoteWriteMetrics(t *testing.T) {
	t.Parallel()
	text := get(t, api.New(fullRack(t).config()).Local(), "/metrics").Body.String()
	for _, want := range []string{
		`rackpost_remote_write_up{receiver="victoria"} 1`,
		`rackpost_remote_write_up{receiver="other"} 0`,
		`rackpost_remote_write_up{receiver="waits"} 0`,
		`rackpost_remote_write_writing{receiver="other"} 1`,
		`rackpost_remote_write_writing{receiver="waits"} 0`,
		`rackpost_remote_write_lag_seconds{receiver="victoria",lane="behind"} 90`,
		`rackpost_remote_write_lag_seconds{receiver="other",lane="behind"} 0`,
		`rackpost_remote_write_samples_total{receiver="victoria"} 7`,
		`rackpost_remote_write_missing_total{receiver="victoria",reason="too-old"} 3`,
		`rackpost_remote_write_missing_total{receiver="other",reason="trimmed"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `rackpost_remote_write_lag_seconds{receiver="waits"`) {
		t.Error("a box that does not write tells how late it is")
	}
}

// TestPromtool: the program of the engine's makers finds nothing wrong with the metrics of a box and of headquarters.
func TestPromtool(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool")
	w := fullRack(t)
	config := w.config()
	config.Consumers = w.consumers()
	token, err := config.Consumers.Add(t.Context(), "cmdb", api.Scopes(), "")
	if err != nil {
		t.Fatal(err)
	}
	box := api.New(config).Local()
	send(t, box, "POST", "/api/v1/ack", `{"position":"p1"}`, "Authorization", "Bearer "+token)
	w.places[siteB] = rack()
	for name, text := range map[string]string{
		"a box":             get(t, box, "/metrics").Body.String(),
		"headquarters":      get(t, w.headquarters(), "/metrics").Body.String(),
		"a site":            get(t, w.headquarters(), "/metrics?site=FRA-3").Body.String(),
		"a device of a box": get(t, box, "/metrics?device=sw").Body.String(),
	} {
		check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s\nof\n%s", name, err, out, text)
		}
	}
}

// tool finds a program. It is skipped without where it need not be there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("RACKPOST_REQUIRE_TOOLS") == "":
		t.Skipf("%s is missing: .ci/test installs it on Debian", name)
	case err != nil:
		t.Fatal(err)
	}
	return path
}
