package web_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/web"
)

// readRack is a rack whose readings are said, or cannot be had.
type readRack struct {
	rack
	readings []web.Reading
	failed   error
}

func (r readRack) Latest(context.Context, hw.DeviceID) ([]web.Reading, error) {
	return r.readings, r.failed
}

func devicePage(t *testing.T, r readRack) string {
	t.Helper()
	w := get(t, web.New(web.Config{Source: r, History: r, Now: func() time.Time { return now }}), "/devices/sw")
	if w.Code != http.StatusOK {
		t.Fatalf("the page: %d", w.Code)
	}
	return w.Body.String()
}

// stack is a switch with two sections that are well and one with a fault.
func stack() readRack {
	r := sample()
	r.devices[0].Alerts = []web.Alert{{Component: "port/2", Code: "health", Level: "high", Since: now, Name: "uplink", Params: hw.Attrs{{Key: "alias", Value: "uplink"}, {Key: "section", Value: "ports"}}, State: hw.Attrs{{Key: "errdisabled", Value: "bpduGuard"}}}}
	r.devices[0].Components = []web.Component{
		{Path: "cpu/1", Health: hw.OK},
		{Path: "port/1", Health: hw.OK, Attrs: hw.Attrs{{Key: "alias", Value: "<b>"}}},
		{Path: "port/2", Health: hw.Critical, State: hw.Attrs{{Key: "errdisabled", Value: "bpduGuard"}}},
		{Path: "system", Health: hw.OK},
	}
	count := func(sensor string, n uint64) web.Reading {
		return web.Reading{Component: "port/2", Sensor: sensor, Point: web.Point{At: now.Add(-time.Minute), Value: &web.Number{Type: hw.Counter, Count: n}}}
	}
	return readRack{rack: r, readings: []web.Reading{
		{Component: "cpu/1", Sensor: "busy_percent", Point: web.Point{At: now, Value: &web.Number{Gauge: 7.5}}},
		{Component: "cpu/1", Sensor: "interrupt_percent", Point: web.Point{At: now, Absent: hw.NotReady}},
		count("rx_bytes_total", 15_400_000_000), count("rx_errors_total", 12_345_678), count("tx_errors_total", 0),
		{Component: "system", Sensor: "uptime_seconds", Point: web.Point{At: now, Value: &web.Number{Gauge: 7260}}},
	}}
}

// TestGroupWithAFaultStandsFirst requires that of the components of a switch, which are hundreds,
// what is at fault is unfolded and first, and all else folded, without a script.
func TestGroupWithAFaultStandsFirst(t *testing.T) {
	t.Parallel()
	body := devicePage(t, stack())
	ports, cpu := strings.Index(body, "<b>Ports</b>"), strings.Index(body, "<b>Processors</b>")
	if ports < 0 || cpu < ports {
		t.Errorf("ports at %d, processors at %d; want the ports, which have a fault, first", ports, cpu)
	}
	if open, all := strings.Count(body, "<details open>"), strings.Count(body, "<details"); open != 1 || all != 3 {
		t.Errorf("%d of %d groups are open; want 1 of 3", open, all)
	}
	if one, two := strings.Index(body, `title="port/1"`), strings.Index(body, `title="port/2"`); two < 0 || one < two {
		t.Errorf("port 1 at %d, port 2 at %d; want the one with the fault first", one, two)
	}
	for _, want := range []string{"1 critical", "<small>errdisabled</small> bpduGuard", "&lt;b&gt;", `title="system">system<`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in:\n%s", want, body)
		}
	}
	alerts, _, _ := strings.Cut(body, "<details")
	for name, shown := range map[string]string{"the device's page": alerts, "the first page": get(t, web.New(web.Config{Source: stack(), History: stack()}), "/").Body.String()} {
		if !strings.Contains(shown, "bpduGuard") || strings.Contains(shown, "<small>section</small>") || strings.Contains(shown, "<small>alias</small>") {
			t.Errorf("%s: want the cause of the alert, and no word twice:\n%s", name, shown)
		}
	}
}

// TestPartWithoutAHealthIsNoFault: what a server consumes has no health. That is said, and unfolds nothing; what a section could
// not read, or nobody knows anything of, stays unknown.
func TestPartWithoutAHealthIsNoFault(t *testing.T) {
	t.Parallel()
	r := stack()
	r.devices[0].Health, r.devices[0].Alerts = hw.OK, nil
	r.devices[0].Components = []web.Component{{Path: "power/system", Section: "environment"}, {Path: "cpu/1", Section: "inventory", Health: hw.OK}}
	for name, c := range map[string]struct {
		change func(d *web.Device)
		told   bool
	}{
		"all is read":             {func(*web.Device) {}, false},
		"another section failed":  {func(d *web.Device) { d.Gaps = []web.Gap{{What: "inventory", Reason: hw.NoAnswer}} }, false},
		"its section failed":      {func(d *web.Device) { d.Gaps = []web.Gap{{What: "environment/Power", Reason: hw.NoAnswer}} }, true},
		"the visit failed":        {func(d *web.Device) { d.Gaps = []web.Gap{{What: hw.VisitGap, Reason: hw.NoAnswer}} }, true},
		"the device is unknown":   {func(d *web.Device) { d.Health = hw.Unknown }, true},
		"it is waited for":        {func(d *web.Device) { d.Components[0].Expected = true }, true},
		"it is gone":              {func(d *web.Device) { d.Components[0].Missing = true }, true},
		"it is known to be wrong": {func(d *web.Device) { d.Components[0].Health = hw.Warning }, true},
	} {
		r := r
		r.devices = slices.Clone(r.devices)
		r.devices[0].Gaps, r.devices[0].Components = nil, slices.Clone(r.devices[0].Components)
		c.change(&r.devices[0])
		body := devicePage(t, r)
		if told := strings.Contains(body, "<details open>"); told != c.told || strings.Contains(body, "not told") == c.told {
			t.Errorf("%s: unfolded %t, want %t", name, told, c.told)
		}
	}
}

func TestReadingsStandBesideTheirPart(t *testing.T) {
	t.Parallel()
	body := devicePage(t, stack())
	for _, want := range []string{
		"<small>busy_percent</small> 7.5<", "<small>interrupt_percent</small> <em>the device has no value now</em>",
		"<small>rx_bytes_total</small> 15.4 GB<", "<small>rx_errors_total</small> 12345678<", "<small>uptime_seconds</small> 2 h 1 min<", "1 min ago",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in:\n%s", want, body)
		}
	}
	if strings.Contains(body, "tx_errors_total") {
		t.Error("a counter that never counted is listed")
	}
}

// TestOldPartsAreNotUnfolded requires that of a device that no longer answers no health is shown
// as that of now.
func TestOldPartsAreNotUnfolded(t *testing.T) {
	t.Parallel()
	r := stack()
	r.devices[0].Stale, r.devices[0].Health = true, hw.Unknown
	body := devicePage(t, r)
	if strings.Contains(body, "<details open>") || strings.Contains(body, "1 critical") || !strings.Contains(body, "was critical") {
		t.Errorf("an old fault is shown as one of now:\n%s", body)
	}
}

func TestPageWithoutReadings(t *testing.T) {
	t.Parallel()
	r := stack()
	r.readings, r.failed = nil, errors.New("more points than the limit")
	if body := devicePage(t, r); !strings.Contains(body, "readings could not be fetched") || !strings.Contains(body, "bpduGuard") {
		t.Errorf("want the device and a note:\n%s", body)
	}
}

// TestFirstPageStaysShort requires that a device of which much was not read, as at a wrap of its
// uptime, does not push the others off the first page, and that an alert tells its age.
func TestFirstPageStaysShort(t *testing.T) {
	t.Parallel()
	r := stack()
	r.devices[0].Alerts[0].Since = now.Add(-3 * time.Minute)
	r.devices[0].Gaps = make([]web.Gap, 26)
	for i := range r.devices[0].Gaps {
		r.devices[0].Gaps[i] = web.Gap{What: "ports", Reason: hw.Inconsistent}
	}
	body := get(t, handlerOf(r.rack), "/").Body.String()
	if n := strings.Count(body, "it changed while it was read"); n != 5 || !strings.Contains(body, "all that was not read: 26") {
		t.Errorf("%d gaps are listed; want 5 and how many there are:\n%s", n, body)
	}
	if !strings.Contains(body, "3 min ago") {
		t.Errorf("the alert does not tell since when:\n%s", body)
	}
}
