package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

// answers are what is asked, and part of what is answered.
var answers = []struct {
	path string
	code int
	want string // part of the body
}{
	{"/api/v1/status", 200, `"name":"box-a"`},
	{"/api/v1/sites", 200, `"name":"FRA-3"`},
	{"/api/v1/devices", 200, `"health":"critical"`},
	{"/api/v1/devices?site=FRA-3", 200, `"site":"` + siteA.String() + `"`},
	{"/api/v1/devices?site=" + siteA.String(), 200, `"id":"sw"`},
	{"/api/v1/devices?site=FRA-4", 404, `did you mean \"FRA-3\"`},
	{"/api/v1/devices/sw", 200, `"path":"port/Gi1/0/1"`},
	{"/api/v1/devices/swi", 404, `did you mean \"sw\"`},
	{"/api/v1/devices/nosuch", 404, `there are: sw, srv-1`},
	{"/api/v1/devices/sw/latest", 200, `"readings":[{"component":"cpu/1","sensor":"busy_1m_percent","at":"2026-11-21T12:00:00Z","value":7}]`},
	{"/api/v1/devices/nosuch/latest", 404, "unknown device"},
	{"/api/v1/devices/sw/raid", 200, `"controllers":[]`},
	{"/api/v1/raid", 200, `{"devices":[{"site":"` + siteA.String() + `","device":"srv-1"`},
	{"/api/v1/inventory", 200, `"parts":[{"path":"port/Gi1/0/1","health":"critical","attrs":{"alias":"\u003cb\u003e"}}]`},
	{"/api/v1/inventory?device=srv-1", 200, `"parts":[]`},
	{"/api/v1/inventory?device=srv-2", 404, `did you mean \"srv-1\"`},
	{"/api/v1/query?device=sw&component=port/Gi1/0/1&sensor=rx_bytes_total", 200, `{"at":"2026-11-21T12:00:00Z","value":18446744073709551615},{"at":"2026-11-21T12:00:00Z","absent":"not-ready"},{"at":"2026-11-21T12:00:00Z","value":1000000}`},
	{"/api/v1/query?device=sw&component=a&sensor=b&limit=2", 200, `"truncated":true`},
	{"/api/v1/query?device=sw&component=a&sensor=b&limit=3", 200, `"truncated":false`},
	{"/api/v1/query?device=sw", 400, `parameter \"component\" is missing`},
	{"/api/v1/query?device=sw&component=a&sensor=b&limit=0", 400, "from 1 to 100000"},
	{"/api/v1/query?device=sw&component=a&sensor=b&limit=-1", 400, "from 1 to 100000"},
	{"/api/v1/query?device=sw&component=a&sensor=b&limit=9223372036854775808", 400, "out of bounds"},
	{"/api/v1/query?device=sw&component=a&sensor=b&since=60", 400, "no duration"},
	{"/api/v1/query?device=sw&component=a&sensor=b&since=0s", 400, "not before"},
	{"/api/v1/query?device=sw&component=a&sensor=b&since=-1h", 400, "no duration"},
	{"/api/v1/query?device=sw&component=a&sensor=b&since=1h&from=2026-11-21T10:00:00Z", 400, "stand together"},
	{"/api/v1/query?device=sw&component=a&sensor=b&from=yesterday", 400, "no time"},
	{"/api/v1/query?device=sw&component=a&sensor=b&from=2027-11-21T10:00:00Z", 400, "not before"},
	{"/api/v1/query?device=sw&device=x&component=a&sensor=b", 400, "twice"},
	{"/api/v1/query?device=%ff&component=a&sensor=b", 400, "UTF-8"},
	{"/api/v1/query?device=" + strings.Repeat("a", 5000) + "&component=a&sensor=b", 400, "4096 bytes"},
	{"/api/v1/query?device=sw;x=1", 400, "cannot be read"},
	{"/api/v1/facts?devise=sw", 400, `did you mean \"device\"`},
	{"/api/v1/facts?" + strings.Repeat("a&b&", 1) + "c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", 400, "more than 16"},
	{"/api/v1/facts?device=sw", 200, `"turn":7,"kind":"gap","device":"sw","group":"visit","value":{"from":"2026-11-21T12:00:00Z","reason":"no-answer"}`},
	{"/api/v1/facts?device=sw&limit=1", 200, `"reason":"no-answer"}}],"truncated":true}`},
	{"/api/v1/facts?kind=gap&limit=1", 200, `"reason":"no-answer"}}],"truncated":false}`},
	{"/api/v1/facts?kind=clock", 200, `"facts":[]`},
	{"/api/v1/facts?kind=gaps", 400, `did you mean \"gap\"`},
	{"/api/v1/aggregate?sensor=busy_1m_percent&device=sw&step=5m&since=7d", 200, `"min":1,"max":3,"mean":2,"last":3`},
	{"/api/v1/aggregate?sensor=busy_1m_percent", 200, `"min":null`},
	{"/api/v1/aggregate", 400, `\"sensor\" is missing`},
	{"/api/v1/aggregate?sensor=a&by=devices", 400, `did you mean \"device\"`},
	{"/api/v1/aggregate?sensor=a&step=1ms", 400, "too short"},
	{"/api/v1/aggregate?sensor=a&step=1s&since=30d", 400, "more than 100000 steps"},
	{"/api/v1/aggregate?sensor=a&device=nosuch", 404, "there are: sw, srv-1"},
	{"/api/v1/aggregate?sensor=a&from=2026-11-21T10:00:00Z&to=2026-11-21T09:00:00Z", 400, "not before"},
	{"/api/v1/aggregate?sensor=a&from=2026-11-21T10:00:00+01:00", 400, "%2B"},
	{"/api/v1/aggregate?sensor=a&from=2026-11-21T11:00:00%2B01:00", 200, `"from":"2026-11-21T11:00:00+01:00"`},
	{"/api/v1/aggregate?sensor=a&from=0000-01-01T00:00:00Z", 400, "no time"},
	{"/api/v1/aggregate?sensor=a&to=9999-12-31T23:59:59-01:00", 400, "no time"},
	{"/api/v1/changes?after=x~y", 400, "no position"},
	{"/api/v1/changes?after=nonsense", 400, "no position"},
	{"/api/v1/changes?after=other:1", 410, `"snapshot":"/api/v1/snapshot"`},
	{"/api/v1/changes?streams=facts,log", 400, `did you mean \"logs\"`},
	{"/api/v1/changes?wait=2m", 400, "out of bounds"},
	{"/api/v1/changes?limit=-1", 400, "from 1 to 100000"},
	{"/metrics?site=nowhere", 404, "there are: FRA-3"},
	{"/api/v1/chnages", 404, "did you mean /api/v1/changes?"},
	{"/api/v2/status", 404, "openapi.json"},
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	h := w.box()
	for _, c := range answers {
		r := get(t, h, c.path)
		if r.Code != c.code || !strings.Contains(r.Body.String(), c.want) {
			t.Errorf("GET %.80s: %d %.600s; want %d and %s", c.path, r.Code, r.Body, c.code, c.want)
		}
		var p web.Problem
		switch err := json.Unmarshal(r.Body.Bytes(), &p); {
		case err != nil:
			t.Errorf("GET %.80s: %v: %.200s", c.path, err, r.Body)
		case c.code >= 400 && p.Error == "", c.code == 400 && p.Hint == "" && !strings.Contains(p.Error, "UTF-8"):
			t.Errorf("GET %.80s: no error or no advice: %s", c.path, r.Body)
		}
	}
}

func TestHeadquarters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA], w.places[siteB] = rack(), rack()
	h := w.headquarters()
	for _, c := range []struct {
		path string
		code int
		want []string
	}{
		{"/api/v1/sites", 200, []string{"FRA-3", "OSL-1"}},
		{"/api/v1/devices", 200, []string{siteA.String(), siteB.String()}},
		{"/api/v1/raid", 200, []string{siteA.String(), siteB.String()}},
		{"/api/v1/inventory?device=sw", 200, []string{siteA.String(), siteB.String()}},
		{"/api/v1/devices/sw", 400, []string{"no site is named"}},
		{"/api/v1/devices/sw?site=OSL-1", 200, []string{siteB.String()}},
		{"/api/v1/devices/sw/latest", 400, []string{"no site is named"}},
		{"/api/v1/facts", 200, []string{siteA.String(), siteB.String()}},
		{"/api/v1/latest", 200, []string{siteA.String(), siteB.String()}},
		{"/api/v1/facts?site=OSL-1", 200, []string{siteB.String()}},
		{"/api/v1/snapshot", 200, []string{siteA.String(), siteB.String()}},
		{"/metrics", 200, []string{`rackpost_site_connected{site="OSL-1"} 1`}},
		{"/metrics?site=OSL-1", 200, []string{`rackpost_device_stale{site="OSL-1",device="sw"} 0`}},
		{"/api/v1/devices?site=OSL-2", 404, []string{"OSL-1"}},
	} {
		r := get(t, h, c.path)
		for _, want := range c.want {
			if r.Code != c.code || !strings.Contains(r.Body.String(), want) {
				t.Errorf("GET %s: %d %.300s; want %d and %s", c.path, r.Code, r.Body, c.code, want)
			}
		}
	}
	if body := get(t, h, "/metrics").Body.String(); strings.Contains(body, "rackpost_device_") {
		t.Errorf("headquarters gives the devices of all sites at once:\n%s", body)
	}
}

// TestHeadquartersStatus: the status of headquarters counts the devices of all sites, or of the one that is named, and tells of the
// sites how they are.
func TestHeadquartersStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw", Health: hw.OK}, {ID: "db", Health: hw.Critical}, {ID: "x", Health: hw.Unknown, Stale: true}}
	w.places[siteB] = &place{devices: []web.Device{{ID: "sw", Health: hw.Warning}}}
	h := w.headquarters()
	for path, want := range map[string]string{
		"/api/v1/status":            `"devices":{"total":4,"ok":1,"warning":1,"critical":1,"unknown":1,"stale":1}`,
		"/api/v1/status?site=OSL-1": `"devices":{"total":1,"ok":0,"warning":1,"critical":0,"unknown":0,"stale":0}`,
		"/api/v1/status?site=OSL-2": `there is no site \"OSL-2\"`,
		"/api/v1/sites":             `"state":"joined"`,
		"/metrics":                  `rackpost_site_paused{site="OSL-1"} 1`,
	} {
		if body := get(t, h, path).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s: want %s in\n%s", path, want, body)
		}
	}
	w.places[siteB].devices = nil
	if body := get(t, h, "/api/v1/status").Body.String(); !strings.Contains(body, `"total":4,`) {
		t.Errorf("it counts again at once:\n%s", body)
	}
	metrics := get(t, h, "/metrics").Body.String()
	for _, want := range []string{`rackpost_site_revoked{site="FRA-3"} 0`, `rackpost_site_missing_batches{site="OSL-1"} 7`, `rackpost_site_info{site="FRA-3",site_id="` + siteA.String() + `",version="1.2.3"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	if strings.Contains(metrics, `rackpost_site_missing_batches{site="FRA-3"}`) {
		t.Error("what is not known is told as a number")
	}
}

func TestQueryTimes(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][2]time.Time{
		"":           {now.Add(-time.Hour), now},
		"&since=30m": {now.Add(-30 * time.Minute), now},
		"&since=7d":  {now.Add(-7 * 24 * time.Hour), now},
		"&from=2026-11-20T00:00:00Z&to=2026-11-20T02:00:00Z": {now.Add(-36 * time.Hour), now.Add(-34 * time.Hour)},
		"&to=2026-11-20T12:00:00Z":                           {now.Add(-25 * time.Hour), now.Add(-24 * time.Hour)},
	} {
		var asked web.SeriesQuery
		w := newWorld(t)
		w.places[siteA].asked = &asked
		get(t, w.box(), "/api/v1/query?device=d&component=c&sensor=s"+query)
		if got := [2]time.Time{asked.From, asked.To}; got != want {
			t.Errorf("%q: asked for %v; want %v", query, got, want)
		}
	}
}

func TestNothingIsNull(t *testing.T) {
	t.Parallel()
	h := newWorld(t).box()
	for path, want := range map[string]string{
		"/api/v1/devices":   `{"devices":[]}`,
		"/api/v1/raid":      `{"devices":[]}`,
		"/api/v1/inventory": `{"devices":[]}`,
		"/api/v1/facts":     `{"site":"` + siteA.String() + `","facts":[],"truncated":false}`,
	} {
		if got := strings.TrimSpace(get(t, h, path).Body.String()); got != want {
			t.Errorf("GET %s: %s; want %s", path, got, want)
		}
	}
}

// TestStoreFailure: before an answer has begun it says what is wrong; after that it is cut off, and cannot be taken for whole.
func TestStoreFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA].err = errors.New("disk on fire")
	r := get(t, w.box(), "/api/v1/status")
	var p web.Problem
	if err := json.Unmarshal(r.Body.Bytes(), &p); err != nil || r.Code != 500 || p.Hint == "" || !strings.Contains(p.Error, "disk on fire") {
		t.Errorf("%d %s: want 500 with the cause and advice", r.Code, r.Body)
	}
	w = newWorld(t)
	w.places[siteA], w.places[siteB] = rack(), &place{err: errors.New("disk on fire")}
	for range 500 { // more than is made before an answer begins
		w.places[siteA].devices = append(w.places[siteA].devices, rack().devices...)
	}
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("ended with %v; want the connection cut", r)
		}
	}()
	get(t, w.headquarters(), "/api/v1/devices")
}

func TestMethods(t *testing.T) {
	t.Parallel()
	h := newWorld(t).box()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		r := send(t, h, method, "/api/v1/status", "{}")
		if r.Code != http.StatusMethodNotAllowed || r.Header().Get("Allow") != "GET" || !strings.Contains(r.Body.String(), "read-only") {
			t.Errorf("%s: %d %v %s; want 405 with Allow", method, r.Code, r.Header(), r.Body)
		}
	}
	if r := send(t, h, http.MethodHead, "/api/v1/status", ""); r.Code != 200 {
		t.Errorf("HEAD: %d", r.Code)
	}
	if csp := get(t, h, "/api/v1/status").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
}

// TestMissingParts: what has nothing to stand on is not there.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := api.New(api.Config{Own: siteA, Sites: w}).Local()
	for path, want := range map[string]int{"/api/v1/devices": 200, "/api/v1/changes": 404, "/api/v1/snapshot": 404, "/metrics": 404, "/api/v1/consumers": 404, "/api/v1/status": 404, "/api/v1/aggregate?sensor=a": 404} {
		if r := get(t, h, path); r.Code != want {
			t.Errorf("GET %s: %d; want %d", path, r.Code, want)
		}
	}
}
