package api_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
	"rackpost/web/api"
)

var (
	now    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	siteA  = mustID("6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01")
	siteB  = mustID("6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a02")
	origin = mustID("00000000-0000-4000-8000-0000000000aa")
)

func mustID(s string) journal.ID {
	id, err := journal.ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// place is a site whose devices and readings are what its fields hold.
type place struct {
	devices []web.Device
	points  []web.Point
	facts   []web.Fact
	err     error
	asked   *web.SeriesQuery
}

func (p *place) Status(context.Context) (web.Status, error) {
	age := 1.5
	return web.Status{
		Name: "box-a", Version: "1.2.3", Site: web.Site{ID: siteA.String(), Name: "FRA-3"}, Time: now, Started: now.Add(-time.Hour), Notices: []string{},
		Devices: web.CountOf(p.devices), Journal: web.Journal{Samples: 12, LastFlush: now, Quarantined: []string{}}, Clock: &web.Clock{Trusted: true, Source: "ntp"},
		Pair: &web.Pair{Self: web.PairMember{Mode: "leader", Paths: []web.PairPath{}}, Members: []web.PairMember{{Name: "box-b", Silent: &age, Paths: []web.PairPath{}, Journal: &web.PairJournal{}}},
			Powers: []string{}, Alarms: []web.PairAlarm{}, Refusals: []string{}, Conflicts: []web.PairConflict{}},
		Uplink: &web.Uplink{Connected: true, Lag: &age, Ways: []web.UplinkWay{{Name: "fibre", InUse: true, Answers: true}}, Backlog: web.UplinkBacklog{Known: true, Records: 5, Drain: &age}},
		RemoteWrite: []web.RemoteWrite{
			{Name: "victoria", Writing: true, Lag: &age, Behind: now.Add(-90 * time.Second), Accepted: now, Samples: 7, Bytes: 70, Requests: 2, OffsetMS: new(int64),
				Missing: []web.RemoteWriteMissing{{Reason: "too-old", Samples: 3}}},
			{Name: "other", Writing: true, Problem: "connection refused", Missing: []web.RemoteWriteMissing{}},
			{Name: "waits", Missing: []web.RemoteWriteMissing{}},
		},
	}, p.err
}

func (p *place) Devices(context.Context) ([]web.Device, error) {
	out := make([]web.Device, len(p.devices))
	for i, d := range p.devices {
		d.Components = nil
		out[i] = d
	}
	return out, p.err
}

func (p *place) Device(_ context.Context, id hw.DeviceID) (web.Device, error) {
	for _, d := range p.devices {
		if d.ID == id {
			return d, p.err
		}
	}
	return web.Device{}, web.ErrUnknownDevice
}

func (p *place) Latest(ctx context.Context, id hw.DeviceID) ([]web.Reading, error) {
	if _, err := p.Device(ctx, id); err != nil {
		return nil, err
	}
	return []web.Reading{{Component: "cpu/1", Sensor: "busy_1m_percent", Point: web.Point{At: now, Value: &web.Number{Gauge: 7}}}}, nil
}

func (p *place) Series(ctx context.Context, q web.SeriesQuery, fn func(web.Point) error) error {
	if p.asked != nil {
		*p.asked = q
	}
	if _, err := p.Device(ctx, q.Device); err != nil {
		return err
	}
	for _, x := range p.points {
		if err := fn(x); err != nil {
			return err
		}
	}
	return p.err
}

func (p *place) Facts(_ context.Context, q web.FactQuery) ([]web.Fact, error) {
	facts := slices.DeleteFunc(slices.Clone(p.facts), func(f web.Fact) bool { return q.Kind != 0 && f.Kind != q.Kind.String() })
	return facts[max(0, len(facts)-q.Limit):], p.err
}

// world is a box or a headquarters in memory.
type world struct {
	t      testing.TB
	places map[journal.ID]*place
	pack   *journal.Compressor

	mu      sync.Mutex
	batches []journal.Batch
	times   []time.Time
	gone    int  // so many are trimmed
	tells   bool // what stands before a position
	bare    bool // nothing was read in the time asked for
	looked  int  // batches that were given
	changed chan struct{}
	seqs    map[journal.StreamKey]uint64
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, pack: &journal.Compressor{}, places: map[journal.ID]*place{}, changed: make(chan struct{}), seqs: map[journal.StreamKey]uint64{}}
	w.places[siteA] = &place{}
	return w
}

// reset forgets every record: an API and its compressor are dear to make.
func (w *world) reset() {
	w.batches, w.times = nil, nil
	clear(w.seqs)
}

var siteNames = map[journal.ID]string{siteA: "FRA-3", siteB: "OSL-1"}

func (w *world) Sites(context.Context) ([]api.Site, error) {
	var out []api.Site
	for _, id := range []journal.ID{siteA, siteB} {
		if w.places[id] != nil {
			silent := 2.0
			x := api.Site{ID: id.String(), Name: siteNames[id], State: api.SiteJoined, Connected: true, Heard: now, Silent: &silent, Version: "1.2.3"}
			if id == siteB {
				missing := uint64(7)
				x.Paused, x.Missing = true, &missing
			}
			out = append(out, x)
		}
	}
	return out, nil
}

func (w *world) Place(_ context.Context, id journal.ID) (api.Place, error) {
	if p := w.places[id]; p != nil {
		return p, nil
	}
	return nil, api.ErrUnknownSite
}

// Changes reads positions that are numbers of batches: p7.
func (w *world) Changes(_ context.Context, q api.ChangesQuery) (api.Changes, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, head := w.gone, w.position(len(w.batches))
	switch n, err := strconv.Atoi(strings.TrimPrefix(string(q.After), "p")); {
	case q.After == "":
		for !q.Since.IsZero() && at < len(w.batches) && w.times[at].Before(q.Since) {
			at++
		}
	case strings.HasPrefix(string(q.After), "other:") && q.Seen != nil: // before the oldest that is not seen
	case strings.HasPrefix(string(q.After), "other:"):
		return api.Changes{}, fmt.Errorf("%w: another life", api.ErrGone)
	case err != nil || n > len(w.batches):
		return api.Changes{}, api.ErrPosition
	case n < w.gone:
		return api.Changes{}, api.ErrGone
	default:
		at = n
	}
	out := api.Changes{Oldest: w.position(w.gone), Head: head}
	wanted := func(b *journal.Batch) bool {
		return (q.Site == (journal.ID{}) || b.Site == q.Site) && (len(q.Streams) == 0 || slices.Contains(q.Streams, b.Stream))
	}
	if q.Tell && w.tells {
		out.Before = journal.Vector{}
		for i := range w.batches[:at] {
			if b := &w.batches[i]; wanted(b) {
				out.Before.Add(b.StreamKey, b.Seq, b.Seq)
			}
		}
	}
	bytes := 0
	for ; at < len(w.batches) && len(out.Batches) < q.Batches && bytes < q.Bytes; at++ {
		b := w.batches[at]
		if !wanted(&b) || q.Seen.Has(b.StreamKey, b.Seq) {
			continue
		}
		bytes += len(b.Bytes)
		w.looked++
		out.Batches, out.Behind = append(out.Batches, b), append(out.Behind, w.position(at+1))
	}
	out.Next = w.position(at)
	return out, nil
}

func (w *world) position(n int) api.Position { return api.Position(fmt.Sprintf("p%d", n)) }

func (w *world) Ends(context.Context) (oldest, head api.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position(w.gone), w.position(len(w.batches))
}

func (w *world) Watch(journal.ID) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *world) Snapshot(_ context.Context, site journal.ID, fn func(api.Register) error) (api.Position, error) {
	_, head := w.Ends(context.Background())
	for _, id := range []journal.ID{siteA, siteB} {
		if w.places[id] == nil || site != (journal.ID{}) && id != site {
			continue
		}
		f := hw.Fact{Kind: hw.AlertFact, Version: 1, Device: "sw", Component: "port/Gi1/0/1", Group: "link-down", At: now, Value: hw.AlertValue{Open: true, Level: hw.LevelHigh, Since: now}}
		if err := fn(api.Register{Site: id, Order: journal.Order{Turn: 9, Origin: origin, Incarnation: 7, Seq: 2}, Mode: journal.Lone, Fact: f, Shown: true}); err != nil {
			return head, err
		}
	}
	return head, nil
}

// Known knows the sensor that was read in former times.
func (w *world) Known(_ context.Context, q api.AggregateQuery) (bool, error) {
	return q.Sensor == "former_celsius", nil
}

func (w *world) Aggregate(_ context.Context, q api.AggregateQuery, fn func(api.Bucket) error) error {
	if w.bare {
		return nil
	}
	b := api.Bucket{Site: siteA, Device: "sw", Component: "cpu/1", Sensor: q.Sensor, Start: q.From, End: q.To, Min: 1, Max: 3, Mean: 2, Last: 3, LastAt: q.To, Count: 3, Completeness: 0.75, Series: 1}
	if err := fn(b); err != nil {
		return err
	}
	b.Component, b.Count, b.Completeness, b.Type = "cpu/2", 0, 0, hw.Counter
	return fn(b)
}

// write appends a batch of one stream of a site.
func (w *world) write(site journal.ID, stream journal.Stream, at time.Time, layouts []journal.Layout, body []byte) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	key := journal.StreamKey{Site: site, Origin: origin, Incarnation: 7, Stream: stream}
	w.seqs[key]++
	h := journal.Header{Format: journal.Format, Key: journal.Key{StreamKey: key, Seq: w.seqs[key]}, Turn: uint64(at.UnixMilli()), WallMS: at.UnixMilli(), Mode: journal.Lone, Records: 1}
	for _, l := range layouts {
		h.Uses = append(h.Uses, l.ID)
	}
	raw, err := w.pack.AppendBatch(nil, h, body)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := journal.ParseBatch(raw)
	if err != nil {
		w.t.Fatal(err)
	}
	b.Layouts = layouts
	w.batches, w.times = append(w.batches, b), append(w.times, at)
	close(w.changed)
	w.changed = make(chan struct{})
}

// visit appends a visit of a device that read these sections.
func (w *world) visit(site journal.ID, device hw.DeviceID, at time.Time, read []hw.Scope, samples ...hw.Sample) {
	w.t.Helper()
	slices.SortFunc(samples, func(a, b hw.Sample) int {
		return cmp.Or(strings.Compare(a.Component, b.Component), strings.Compare(a.Sensor, b.Sensor), cmp.Compare(a.Type, b.Type))
	})
	var entries []journal.Entry
	for _, s := range samples {
		entries = append(entries, journal.Entry{Component: s.Component, Sensor: s.Sensor, Type: s.Type})
	}
	layout, err := w.pack.NewLayout(entries)
	if err != nil {
		w.t.Fatal(err)
	}
	r := hw.Report{Device: device, Started: at, Took: 20 * time.Millisecond, Period: time.Minute, Requests: 3, Read: read, Samples: samples}
	w.write(site, journal.Samples, at, []journal.Layout{layout}, journal.AppendVisit(nil, &r, 0, samples, at.UnixMilli()))
}

// fact appends facts, all in one batch.
func (w *world) fact(site journal.ID, at time.Time, components ...string) {
	w.t.Helper()
	var body []byte
	var err error
	for _, c := range components {
		f := hw.Fact{Kind: hw.ComponentFact, Device: "sw", Component: c, Group: "ports", At: at, Value: hw.ComponentValue{Health: hw.OK, State: hw.Attrs{{Key: "oper", Value: "up"}}}}
		if body, err = journal.AppendFact(body, f, at.UnixMilli()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.write(site, journal.Facts, at, nil, body)
}

// config is that of a box; headquarters has no site of its own.
func (w *world) config() api.Config {
	return api.Config{Own: siteA, Box: w.places[siteA], Sites: w, Records: w, Registers: w, Readings: w, Now: func() time.Time { return now }}
}

func (w *world) box() http.Handler { return api.New(w.config()).Local() }

func (w *world) headquarters() http.Handler {
	c := w.config()
	c.Own = journal.ID{}
	return api.New(c).Local()
}

func (w *world) consumers() *api.Consumers {
	c, err := api.OpenConsumers(w.t.TempDir()+"/consumers.json", func() time.Time { return now })
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func get(t testing.TB, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, h, http.MethodGet, path, "", header...)
}

func send(t testing.TB, h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// rack is a site with a switch and a server.
func rack() *place {
	age := 4.0
	return &place{
		devices: []web.Device{
			{ID: "sw", Kind: "cisco-catalyst", Name: "Core \xff", Configured: true, Health: hw.Critical, Age: &age, Period: 60, Unit: &web.Unit{Model: "WS-C3750", Serial: "SIM1"},
				Alerts:     []web.Alert{{Component: "port/Gi1/0/1", Code: "link-down", Level: "high", Since: now}},
				Gaps:       []web.Gap{{What: "memory", Reason: hw.NoAnswer}},
				Components: []web.Component{{Path: "port/Gi1/0/1", Health: hw.Critical, Attrs: hw.Attrs{{Key: "alias", Value: "<b>"}}}, {Path: "port/Gi1/0/2"}}},
			{ID: "srv-1", Kind: "dell-idrac", Name: "Database", HasRaid: true, Alerts: []web.Alert{}, Gaps: []web.Gap{}, Stale: true},
		},
		points: []web.Point{{At: now, Value: &web.Number{Type: hw.Counter, Count: 1<<64 - 1}}, {At: now, Absent: hw.NotReady}, {At: now, Value: &web.Number{Gauge: 1e6}}},
		facts:  []web.Fact{{Group: "older"}, web.FactOf(hw.Fact{Kind: hw.GapFact, Device: "sw", Group: "visit", At: now, Value: hw.GapValue{Reason: hw.NoAnswer, From: now}}, 7)},
	}
}
