package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/web"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// rack is a Source and a History that say what their fields hold.
type rack struct {
	status  web.Status
	devices []web.Device
	points  []web.Point
	facts   []web.Fact
	err     error
	asked   *web.SeriesQuery
}

func (r rack) Status(context.Context) (web.Status, error)    { return r.status, r.err }
func (r rack) Devices(context.Context) ([]web.Device, error) { return r.devices, r.err }

func (r rack) Device(_ context.Context, id hw.DeviceID) (web.Device, error) {
	for _, d := range r.devices {
		if d.ID == id {
			return d, r.err
		}
	}
	return web.Device{}, web.ErrUnknownDevice
}

func (r rack) Series(_ context.Context, q web.SeriesQuery, fn func(web.Point) error) error {
	if r.asked != nil {
		*r.asked = q
	}
	for _, p := range r.points {
		if err := fn(p); err != nil {
			return err
		}
	}
	return r.err
}

func (r rack) Facts(_ context.Context, q web.FactQuery) ([]web.Fact, error) {
	return r.facts[max(0, len(r.facts)-q.Limit):], r.err
}

func (r rack) Latest(_ context.Context, id hw.DeviceID) ([]web.Reading, error) {
	if _, err := r.Device(context.Background(), id); err != nil {
		return nil, err
	}
	return []web.Reading{{Component: "cpu/1", Sensor: "busy_percent", Point: web.Point{At: now, Value: &web.Number{Gauge: 7}}}}, nil
}

func handlerOf(r rack) http.Handler {
	return web.New(web.Config{Source: r, History: r, Now: func() time.Time { return now }})
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func sample() rack {
	age := 4.0
	return rack{
		status: web.Status{Name: "box-a", Site: web.Site{Name: "FRA-3"}, Time: now, Devices: web.Counts{Total: 1}},
		devices: []web.Device{{
			ID: "sw", Kind: "cisco-catalyst", Name: "Core <script>alert(1)</script> \xff", Configured: true,
			Health: hw.Critical, Age: &age,
			Unit:       &web.Unit{Model: "WS-C3750\x1b[31m"},
			Alerts:     []web.Alert{{Component: "port/Gi1/0/1", Code: "link-down", Level: "high", Since: now}},
			Gaps:       []web.Gap{{What: "memory", Reason: hw.NoAnswer}},
			Components: []web.Component{{Path: "port/Gi1/0/1", Health: hw.Critical, Attrs: hw.Attrs{{Key: "alias", Value: "<b>"}}}},
		}},
	}
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	w := get(t, handlerOf(sample()), "/nosuch")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "nothing here") || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestStoreFailure(t *testing.T) {
	t.Parallel()
	if w := get(t, handlerOf(rack{err: errors.New("disk on fire")}), "/"); w.Code != 500 || !strings.Contains(w.Body.String(), "could not answer") {
		t.Errorf("page: %d %s", w.Code, w.Body)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		handlerOf(sample()).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("%s: %d; want 405 with Allow", method, w.Code)
		}
	}
}

func TestLocalOnly(t *testing.T) {
	t.Parallel()
	h := web.LocalOnly(handlerOf(sample()))
	for host, want := range map[string]int{
		"127.0.0.1:8480": 200, "localhost:8480": 200, "[::1]:8480": 200, "localhost": 200, "127.0.0.9": 200,
		"rack.example:8480": 403, "192.0.2.1": 403, "": 403, "127.0.0.1.rack.example": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %q: %d; want %d", host, w.Code, want)
		}
	}
}

// busySource holds every request until it is let go.
type busySource struct {
	rack
	entered, leave chan struct{}
}

func (b busySource) Status(context.Context) (web.Status, error) {
	b.entered <- struct{}{}
	<-b.leave
	return web.Status{}, nil
}

func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	b := busySource{entered: make(chan struct{}, 64), leave: make(chan struct{})}
	h := web.New(web.Config{Source: b, History: b})
	done := make(chan struct{}, 16)
	for range 16 {
		go func() {
			get(t, h, "/")
			done <- struct{}{}
		}()
		<-b.entered
	}
	w := get(t, h, "/")
	close(b.leave)
	for range 16 {
		<-done
	}
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("the 17th request at once: %d; want 503 with Retry-After", w.Code)
	}
	if w := get(t, h, "/"); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d; want 200", w.Code)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := handlerOf(sample())
	for path, want := range map[string][]string{
		"/":               {"FRA-3", "Core &lt;script&gt;", `class="health critical"`, "the link is down", "no answer", "4 s"},
		"/devices/sw":     {"port/Gi1/0/1", "&lt;b&gt;", "High"},
		"/devices/nosuch": {"There is no such device"},
	} {
		w := get(t, h, path)
		body := w.Body.String()
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("GET %s: no %q in:\n%s", path, s, body)
			}
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "http://") || strings.Contains(body, "https://") {
			t.Errorf("GET %s: a script or an external address in:\n%s", path, body)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("GET %s: policy %q", path, csp)
		}
	}
}

func TestStaleAgeIsMarked(t *testing.T) {
	t.Parallel()
	r := sample()
	r.devices[0].Stale, r.devices[0].Health = true, hw.Unknown
	body := get(t, handlerOf(r), "/").Body.String()
	if !strings.Contains(body, `class="stale">4 s (old)`) {
		t.Errorf("no mark at the old age:\n%s", body)
	}
	r.devices[0].Components[0].Health = hw.OK
	body = get(t, handlerOf(r), "/devices/sw").Body.String()
	if !strings.Contains(body, "was ok</span>") || strings.Contains(body, "health ok") {
		t.Errorf("an old ok is shown as ok:\n%s", body)
	}
}

func TestStyleSheetIsServed(t *testing.T) {
	t.Parallel()
	h := handlerOf(sample())
	m := regexp.MustCompile(`href="(/static/[^"]+\.css)"`).FindStringSubmatch(get(t, h, "/").Body.String())
	if m == nil {
		t.Fatal("the page names no style sheet")
	}
	w := get(t, h, m[1])
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("GET %s: %d %v", m[1], w.Code, w.Header())
	}
}

// TestEveryWordIsKnown finds words that a template asks for and no text has: such a page
// would show the key.
func TestEveryWordIsKnown(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("texts.go")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("templates/*.html")
	if err != nil || len(files) < 3 {
		t.Fatalf("templates: %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\bt "([a-z-]+)"`).FindAllStringSubmatch(string(b), -1) {
			if !strings.Contains(string(source), fmt.Sprintf("\t%q:", m[1])) {
				t.Errorf("%s: no text for %q", f, m[1])
			}
		}
	}
}

func TestNumberRoundTrip(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]web.Number{
		"18446744073709551615": {Type: hw.Counter, Count: math.MaxUint64},
		"0.5":                  {Gauge: 0.5},
		"-3":                   {Gauge: -3},
	} {
		var n web.Number
		if err := json.Unmarshal([]byte(s), &n); err != nil || cmp.Diff(want, n) != "" || n.String() != s {
			t.Errorf("%s: %v %v, written %s", s, n, err, n)
		}
	}
	if n, absent := web.NumberOf(hw.Sample{Gauge: math.NaN()}); n != nil || absent != hw.OutOfRange {
		t.Errorf("NaN: %v %q; want out of range", n, absent)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx, ln, handlerOf(sample()), slog.New(slog.DiscardHandler)) }()
	answer, err := http.Get("http://" + ln.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v; want nil", err)
	}
}

// TestUplinkLine: what a person reads of the way to headquarters.
func TestUplinkLine(t *testing.T) {
	t.Parallel()
	drain := 90.0
	for want, u := range map[string]web.Uplink{
		"headquarters: the other box sends":    {},
		"headquarters is not reached":          {Sending: true},
		"headquarters is not reached: revoked": {Sending: true, Refusal: "revoked"},
		"headquarters is not reached: 1 record behind, since 2026-11-22 10:00 UTC; the journal keeps it": {Sending: true, Backlog: web.UplinkBacklog{Known: true, Records: 1, Oldest: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}},
		"headquarters is live; 7 records behind, there in 1 min":                                         {Sending: true, Connected: true, Backlog: web.UplinkBacklog{Known: true, Records: 7, Drain: &drain}},
		"headquarters is live; 7 records behind":                                                         {Sending: true, Connected: true, Backlog: web.UplinkBacklog{Known: true, Records: 7}},
		"headquarters is live and has everything":                                                        {Sending: true, Connected: true, Backlog: web.UplinkBacklog{Known: true}},
		"headquarters is reached, and has not said yet what it has":                                      {Sending: true, Connected: true},
		"headquarters paused this site (by Eve): 7 records wait, since 2026-11-22 10:00 UTC": {Sending: true, Connected: true, Paused: true, HeldBack: "by Eve",
			Backlog: web.UplinkBacklog{Known: true, Records: 7, Oldest: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}},
		"headquarters takes nothing but facts of this site: nothing waits yet":                                    {Sending: true, Connected: true, FactsOnly: true, Backlog: web.UplinkBacklog{Known: true}},
		"headquarters is live; 1 record behind: headquarters takes what is behind no faster than 1.0 kB a second": {Sending: true, Connected: true, Slowed: 1000, Backlog: web.UplinkBacklog{Known: true, Records: 1}},
	} {
		if got := u.Line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
