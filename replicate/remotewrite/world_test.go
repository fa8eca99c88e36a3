package remotewrite_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/remotewrite"
)

var siteA = journal.ID{0xa}

// world is a journal in memory, the clock, and what is known of a site.
type world struct {
	t    testing.TB
	pack journal.Compressor
	file string

	mu      sync.Mutex
	batches []journal.Batch
	first   int // so many were dropped
	life    string
	changed chan struct{}
	places  map[journal.ID]remotewrite.Place
	offset  time.Duration
	mode    journal.Mode
	origin  journal.ID
	seqs    map[journal.StreamKey]uint64
	want    map[key]float64 // what a receiver is to have in the end
	counted func(component, sensor string, at time.Time) bool
	limit   int // batches of an answer; 0: any
	awaits  bool
}

func newWorld(t testing.TB) *world {
	return &world{t: t, file: filepath.Join(t.TempDir(), "remote-write"), changed: make(chan struct{}), mode: journal.Lone, origin: journal.ID{1},
		seqs: map[journal.StreamKey]uint64{}, want: map[key]float64{}, life: "a",
		places: map[journal.ID]remotewrite.Place{siteA: {Site: "FRA-3", Devices: map[hw.DeviceID]remotewrite.Device{"sw-1": {Customer: "acme", Rack: "r7"}, "sw-2": {Rack: "r7"}}}}}
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset)
}

func (w *world) Watch() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *world) text(n int) remotewrite.Position {
	if n == 0 {
		return ""
	}
	return remotewrite.Position(w.life + strconv.Itoa(n))
}

func (w *world) number(p remotewrite.Position, otherwise int) (int, error) {
	if p == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(string(p[1:]))
	if err != nil || string(p[:1]) != w.life || n < w.first {
		return 0, remotewrite.ErrGone
	}
	return n, nil
}

func (w *world) Head(context.Context) remotewrite.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text(len(w.batches))
}

func (w *world) Changes(_ context.Context, after, until remotewrite.Position, limit int) (c remotewrite.Changes, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, err := w.number(after, w.first)
	if err != nil {
		return c, err
	}
	to, err := w.number(until, len(w.batches))
	if err != nil {
		to = len(w.batches)
	}
	for n := from; n < to && limit > 0 && (w.limit == 0 || len(c.Batches) < w.limit); n++ {
		from = n + 1
		limit -= len(w.batches[n].Bytes)
		c.Batches, c.Behind = append(c.Batches, w.batches[n]), append(c.Behind, w.text(n+1))
	}
	c.Next, c.Head = w.text(from), w.text(len(w.batches))
	return c, nil
}

func (w *world) Counted(_ context.Context, _ journal.ID, d hw.DeviceID, from, to time.Time, fn func(origin journal.ID, component, sensor string, at time.Time)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.batches {
		b := &w.batches[i]
		body, err := w.pack.Body(b)
		if err != nil {
			return err
		}
		err = journal.Records(body, func(r journal.Record) error {
			v, err := journal.ParseVisit(r.Payload, b.WallMS)
			if err != nil || v.Device != d || v.Started.Before(from) || v.Started.After(to) {
				return err
			}
			entries, err := w.pack.Entries(b.Layouts[v.Layout])
			for _, e := range entries {
				if b.Mode == journal.Island && w.counted(e.Component, e.Sensor, v.Started) {
					fn(b.Origin, e.Component, e.Sensor, v.Started)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Settled implements remotewrite.Islands.
func (w *world) Settled(journal.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.awaits
}

// Batches implements remotewrite.Islands.
func (w *world) Batches(_ context.Context, v journal.Vector, limit int) (out []journal.Batch, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.batches[w.first:] {
		if v.Has(b.StreamKey, b.Seq) && len(out) < limit {
			out = append(out, b)
		}
	}
	return out, nil
}

// one is a reading of a visit.
func one(component, sensor string, v float64) hw.Sample {
	return hw.Sample{Component: component, Sensor: sensor, Gauge: v}
}

func count(component, sensor string, n uint64, start time.Time) hw.Sample {
	return hw.Sample{Component: component, Sensor: sensor, Type: hw.Counter, Count: n, StartMS: start.UnixMilli()}
}

// visit writes one visit of a device as a batch of its own.
func (w *world) visit(d hw.DeviceID, at time.Time, samples ...hw.Sample) {
	w.t.Helper()
	w.report(siteA, hw.Report{Device: d, Started: at, Period: time.Minute, Read: []hw.Scope{{Section: "fast", Extent: hw.Complete}}, Samples: samples})
}

// report writes reports of a site as one batch.
func (w *world) report(site journal.ID, reports ...hw.Report) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	k := journal.StreamKey{Site: site, Origin: w.origin, Incarnation: 7, Stream: journal.Samples}
	w.seqs[k]++
	h := journal.Header{Format: journal.Format, Key: journal.Key{StreamKey: k, Seq: w.seqs[k]}, Turn: uint64(len(w.batches) + 1), WallMS: reports[0].Started.UnixMilli(), Mode: w.mode, Records: len(reports)}
	var body []byte
	var layouts []journal.Layout
	for _, r := range reports {
		slices.SortFunc(r.Samples, func(a, b hw.Sample) int {
			return journal.Entry{Component: a.Component, Sensor: a.Sensor, Type: a.Type}.Compare(journal.Entry{Component: b.Component, Sensor: b.Sensor, Type: b.Type})
		})
		var entries []journal.Entry
		for _, s := range r.Samples {
			entries = append(entries, journal.Entry{Component: s.Component, Sensor: s.Sensor, Type: s.Type})
			w.expect(site, r.Device, r.Started, s)
		}
		l, err := w.pack.NewLayout(entries)
		if err != nil {
			w.t.Fatal(err)
		}
		n := slices.Index(h.Uses, l.ID)
		if n < 0 {
			n = len(h.Uses)
			h.Uses, layouts = append(h.Uses, l.ID), append(layouts, l)
		}
		body = journal.AppendVisit(body, &r, n, r.Samples, h.WallMS)
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
	w.batches = append(w.batches, b)
	close(w.changed)
	w.changed = make(chan struct{})
}

// expect notes what a receiver is to have of a sample. The caller holds mu.
func (w *world) expect(site journal.ID, d hw.DeviceID, at time.Time, s hw.Sample) {
	if s.Absent != "" {
		return
	}
	m := hw.MetricOf(s.Component, s.Sensor, s.Type)
	value := s.Gauge
	if s.Type == hw.Counter {
		value = float64(s.Count)
	}
	w.want[key{w.name(site, m.Name, s.Component, d), at.UnixMilli()}] = m.Value(value)
}

func (w *world) name(site journal.ID, metric, component string, d hw.DeviceID) string {
	p := w.places[site]
	text := fmt.Sprintf("__name__=%q component=%q ", metric, component)
	if c := p.Devices[d].Customer; c != "" {
		text += fmt.Sprintf("customer=%q ", c)
	}
	text += fmt.Sprintf("device=%q ", d)
	if r := p.Devices[d].Rack; r != "" {
		text += fmt.Sprintf("rack=%q ", r)
	}
	return text + fmt.Sprintf("site=%q", p.Site)
}

// config is one for a receiver.
func (w *world) config(r *receiver) remotewrite.Config {
	c := remotewrite.Config{URL: r.URL + "/api/v1/write", Journal: w, File: w.file, Now: w.Now, Logger: slog.New(slog.DiscardHandler),
		Places: func(id journal.ID) (remotewrite.Place, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			p, ok := w.places[id]
			return p, ok
		}}
	c.Quick()
	return c
}

// running is a Sender at work.
type running struct {
	*remotewrite.Sender
	stop func()
}

func (w *world) run(c remotewrite.Config) *running {
	w.t.Helper()
	s, err := remotewrite.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{Sender: s}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.t.Cleanup(r.stop)
	return r
}

// await waits for something.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for !done() {
		if time.Now().After(end) {
			t.Fatalf("still not so after a minute: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// all waits until a receiver has all that it is to have, and says that it has nothing else and nothing twice.
func (w *world) all(r *receiver) {
	w.t.Helper()
	w.mu.Lock()
	want := len(w.want)
	w.mu.Unlock()
	await(w.t, "all is there", func() bool { got, _ := r.got(); return len(got) >= want })
	got, twice := r.got()
	if d := differ(got, w.want); d != "" {
		w.t.Fatal(d)
	}
	if twice > 0 {
		w.t.Fatalf("%d samples came twice", twice)
	}
}

// errAbort ends a connection without an answer.
func errAbort() error { return http.ErrAbortHandler }
