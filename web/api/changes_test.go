package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web/api"
)

// everyRecord writes one record of every type.
func everyRecord(w *world) {
	complete := []hw.Scope{{Section: "ports", Extent: hw.Complete}}
	w.visit(siteA, "sw", now, complete,
		hw.Sample{Component: "cpu/1", Sensor: "busy_1m_percent", Gauge: 7.25},
		hw.Sample{Component: "cpu/1", Sensor: "rx_bytes_total", Type: hw.Counter, Count: math.MaxUint64, StartMS: now.UnixMilli()},
		hw.Sample{Component: "cpu/1", Sensor: "tiny_watts", Gauge: 1e-9},
		hw.Sample{Component: "cpu/1", Sensor: "wrong_volts", Gauge: math.Inf(1)},
		hw.Sample{Component: "port/\"<é>", Sensor: "link", Absent: hw.NotReady})
	logs := journal.AppendLogLine(nil, "sw", hw.LogLine{Unit: "SIM1", Log: "sel", Entry: "3", At: now, Level: "warning", Code: "FAN0001", Text: "Fan 1 <slow>"})
	w.write(siteA, journal.Logs, now, nil, journal.AppendLogCursor(logs, "sw", hw.LogCursor{Log: "sel", Cursor: "3"}))
	facts := journal.AppendBegin(nil, journal.Begin{Previous: 5, Version: "1.2.3", Clean: true})
	facts = journal.AppendTombstone(facts, journal.Tombstone{StreamKey: journal.StreamKey{Site: siteA, Origin: origin, Incarnation: 5, Stream: journal.Logs}, Interval: journal.Interval{First: 1, Last: 9}, HadHQ: true, Reason: "dropped"})
	w.write(siteA, journal.Facts, now, nil, append(facts, 99, 2, 'h', 'i')) // and one of a type nobody knows
}

// linesOf reads an answer of lines: the records, and the trailer.
func linesOf(t *testing.T, body io.Reader) ([]api.Line, api.Trailer) {
	t.Helper()
	var out []api.Line
	s := bufio.NewScanner(body)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		if bytes.HasPrefix(s.Bytes(), []byte(`{"next"`)) {
			var end api.Trailer
			if err := json.Unmarshal(s.Bytes(), &end); err != nil {
				t.Fatal(err)
			}
			return out, end
		}
		var l api.Line
		d := json.NewDecoder(bytes.NewReader(s.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v: %s", err, s.Bytes())
		}
		out = append(out, l)
	}
	t.Fatalf("no trailer behind %d lines: %v", len(out), s.Err())
	return nil, api.Trailer{}
}

func changes(t *testing.T, h http.Handler, query string) ([]api.Line, api.Trailer) {
	t.Helper()
	r := get(t, h, "/api/v1/changes?"+query)
	if r.Code != 200 {
		t.Fatalf("changes?%s: %d %s", query, r.Code, r.Body)
	}
	return linesOf(t, r.Body)
}

// TestEveryRecord: every type of record is a line, and the one of a visit, which is written by hand, is what reflection would write.
func TestEveryRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(siteA, now, "port/Gi1/0/1")
	everyRecord(w)
	body := get(t, w.box(), "/api/v1/changes").Body.String()
	lines, end := linesOf(t, strings.NewReader(body))
	var types []string
	for _, l := range lines {
		types = append(types, l.Type)
	}
	if diff := cmp.Diff([]string{"fact", "visit", "log", "cursor", "begin", "tombstone", "unread"}, types); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(api.Trailer{Next: "p4", Head: "p4", Oldest: "p0"}, end); diff != "" {
		t.Error(diff)
	}
	again, err := json.Marshal(lines[1])
	if err != nil {
		t.Fatal(err)
	}
	if written := strings.Split(body, "\n")[1]; written != string(again) {
		t.Errorf("by hand   %s\nreflected %s", written, again)
	}
	samples := lines[1].Samples
	if len(samples) != 5 || samples[1].Value.Count != math.MaxUint64 || !samples[1].Start.Equal(now) || samples[3].Absent != hw.OutOfRange || samples[4].Absent != hw.NotReady || samples[4].Component != "port/\"<é>" {
		t.Errorf("samples %+v", samples)
	}
	if l := lines[0]; l.Kind != "component" || l.Component != "port/Gi1/0/1" || l.Value["health"] != "ok" || !l.At.Equal(now) {
		t.Errorf("fact %+v", l)
	}
	if l := lines[5]; l.Dropped == nil || l.Dropped.Last != 9 || !l.Dropped.HadHQ {
		t.Errorf("tombstone %+v", l)
	}
	if l := lines[6]; string(l.Bytes) != "hi" || l.Reason == "" {
		t.Errorf("unread %+v", l)
	}
}

// TestVisitLine: whatever a visit has read, its line is what reflection would write.
func TestVisitLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.box()
	rapid.Check(t, func(rt *rapid.T) {
		w.reset()
		seen := map[string]bool{}
		var samples []hw.Sample
		for _, c := range rapid.SliceOfNDistinct(rapid.String(), 0, 6, rapid.ID[string]).Draw(rt, "components") {
			if seen[c] || len(c) > 100 {
				continue
			}
			seen[c] = true
			s := hw.Sample{Component: c, Sensor: "x", Gauge: rapid.Float64().Draw(rt, "gauge"), Absent: rapid.SampledFrom([]hw.Reason{"", "", hw.NoAnswer}).Draw(rt, "absent")}
			if rapid.Bool().Draw(rt, "counter") {
				s.Type, s.Count, s.StartMS = hw.Counter, rapid.Uint64().Draw(rt, "count"), rapid.Int64Range(0, 1<<41).Draw(rt, "start")
			}
			samples = append(samples, s)
		}
		w.visit(siteA, hw.DeviceID(rapid.StringN(1, 10, 30).Draw(rt, "device")), now, []hw.Scope{{Section: "ports", Extent: hw.Partial}}, samples...)
		body := get(t, h, "/api/v1/changes").Body.String()
		lines, _ := linesOf(t, strings.NewReader(body))
		again, err := json.Marshal(lines[0])
		if err != nil {
			rt.Fatal(err)
		}
		if written := strings.Split(body, "\n")[0]; written != string(again) {
			rt.Fatalf("by hand   %s\nreflected %s", written, again)
		}
	})
}

// TestGoingOn: whatever the limit is, going on from next gives every record once, in order.
func TestGoingOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteB] = &place{}
	h := w.headquarters()
	rapid.Check(t, func(rt *rapid.T) {
		w.reset()
		var want []string
		only := rapid.Bool().Draw(rt, "one site")
		for i := range rapid.IntRange(0, 12).Draw(rt, "batches") {
			site := rapid.SampledFrom([]journal.ID{siteA, siteB}).Draw(rt, "site")
			var components []string
			for j := range rapid.IntRange(0, 4).Draw(rt, "facts") {
				name := fmt.Sprintf("c/%d/%d", i, j)
				if components = append(components, name); !only || site == siteB {
					want = append(want, name)
				}
			}
			w.fact(site, now, components...)
		}
		query := fmt.Sprintf("limit=%d", rapid.IntRange(1, 5).Draw(rt, "limit"))
		if only {
			query += "&site=OSL-1"
		}
		var got []string
		end := api.Trailer{More: true}
		for n := 0; end.More && n < 100; n++ {
			var lines []api.Line
			lines, end = changes(t, h, query+"&after="+string(end.Next))
			for _, l := range lines {
				got = append(got, l.Component)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || end.More {
			rt.Fatalf("%s%+v", diff, end)
		}
	})
}

// TestBatchReplaced: where another batch stands behind a position inside of one, nothing of it is passed over.
func TestBatchReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(siteA, now, "a", "b", "c")
	h := w.box()
	lines, end := changes(t, h, "limit=2")
	if len(lines) != 2 || !end.More || end.Next != "~2@p1" {
		t.Fatalf("%d lines, %+v", len(lines), end)
	}
	if lines, _ = changes(t, h, "after=~2@p1"); len(lines) != 1 || lines[0].Component != "c" {
		t.Errorf("behind it: %+v", lines)
	}
	if lines, _ = changes(t, h, "after=~2@p9"); len(lines) != 3 {
		t.Errorf("behind another batch: %d lines", len(lines))
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everyRecord(w)
	for streams, want := range map[string]int{"facts": 3, "samples": 1, "logs": 2, "facts,logs": 5} {
		if lines, end := changes(t, w.box(), "streams="+streams); len(lines) != want || end.More {
			t.Errorf("%s: %d lines, %+v; want %d", streams, len(lines), end, want)
		}
	}
}

// TestAnswerIsBounded: an answer ends where it would grow too large, and the next one goes on.
func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var samples []hw.Sample
	for i := range 20_000 {
		samples = append(samples, hw.Sample{Component: fmt.Sprintf("port/%05d", i), Sensor: "rx_bytes_total", Type: hw.Counter, Count: uint64(i)})
	}
	for range 12 {
		w.visit(siteA, "sw", now, nil, samples...)
	}
	h := w.box()
	first := get(t, h, "/api/v1/changes").Body.Bytes()
	if n := len(first); n < api.MaxPlain || n > api.MaxPlain+4<<20 {
		t.Errorf("an answer of %d bytes", n)
	}
	_, end := linesOf(t, bytes.NewReader(first[bytes.LastIndex(first, []byte(`{"next"`)):]))
	rest := get(t, h, "/api/v1/changes?after="+string(end.Next)).Body.Bytes()
	if n := bytes.Count(first, []byte("\n")) + bytes.Count(rest, []byte("\n")); n != 12+2 || !end.More {
		t.Errorf("%d lines, %+v", n, end)
	}
}

func TestTrimmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everyRecord(w)
	w.gone = 2
	r := get(t, w.box(), "/api/v1/changes?after=p1&site=FRA-3")
	var gone api.Gone
	if err := json.Unmarshal(r.Body.Bytes(), &gone); err != nil || r.Code != http.StatusGone || gone.Oldest != "p2" || gone.Snapshot != "/api/v1/snapshot?site=FRA-3" || !strings.Contains(gone.Hint, "snapshot") {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	s := get(t, w.box(), gone.Snapshot)
	lines, end := linesOf(t, s.Body)
	if len(lines) != 1 || lines[0].Type != "register" || lines[0].Group != "link-down" || lines[0].Turn != 9 || end.Next != "p3" {
		t.Errorf("snapshot %+v, %+v", lines, end)
	}
	if _, end := changes(t, w.box(), "after="+string(end.Next)); end.More {
		t.Errorf("behind the snapshot: %+v", end)
	}
}

// TestPacked: the answer is packed as the client takes it.
func TestPacked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everyRecord(w)
	plain := get(t, w.box(), "/api/v1/changes").Body.String()
	for accept, coding := range map[string]string{"zstd": "zstd", "gzip, zstd;q=0.5": "zstd", "gzip": "gzip", "br, identity": "", "zstd;q=0, gzip": "gzip", "*": ""} {
		r := get(t, w.box(), "/api/v1/changes", "Accept-Encoding", accept)
		var body io.Reader = r.Body
		switch got := r.Header().Get("Content-Encoding"); {
		case got != coding:
			t.Errorf("%q: packed as %q; want %q", accept, got, coding)
			continue
		case coding == "zstd":
			d, err := zstd.NewReader(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			body = d
		case coding == "gzip":
			d, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = d
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != plain {
			t.Errorf("%q: %v, %.200s", accept, err, got)
		}
	}
}

// TestWaiting: who waits is answered when something comes, after the time it would wait, or not at all once it is gone.
func TestWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := w.box()
		began := time.Now()
		lines, end := changes(t, h, "wait=30s")
		if waited := time.Since(began); len(lines) != 0 || waited != 30*time.Second || end.More {
			t.Errorf("nothing came: %d lines after %s, %+v", len(lines), waited, end)
		}
		began = time.Now()
		time.AfterFunc(5*time.Second, func() { w.fact(siteA, now, "a") })
		if lines, _ = changes(t, h, "wait=30s&after="+string(end.Next)); len(lines) != 1 || time.Since(began) > 6*time.Second {
			t.Errorf("something came: %d lines after %s", len(lines), time.Since(began))
		}
		began = time.Now()
		time.AfterFunc(5*time.Second, func() { w.fact(siteA, now, "b") }) // not asked for
		if lines, _ = changes(t, h, "wait=30s&streams=logs&after=p1"); len(lines) != 0 || time.Since(began) != 30*time.Second {
			t.Errorf("something else came: %d lines after %s", len(lines), time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/changes?wait=30s&after=p2", nil)
		began = time.Now()
		h.ServeHTTP(httptest.NewRecorder(), r)
		if time.Since(began) > 2*time.Second {
			t.Errorf("who is gone was waited for: %s", time.Since(began))
		}
	})
}

// FuzzPosition: whatever stands after after=, it is an answer or a refusal.
func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "p1", "~2@p1", "+0@p1", "p1+4294967296@p1", "p-1", "+@", "p1+1@", "other:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := newWorld(t)
		everyRecord(w)
		r := httptest.NewRequest(http.MethodGet, "/api/v1/changes", nil)
		r.URL.RawQuery = "after=" + urlEscape(s)
		got := httptest.NewRecorder()
		w.box().ServeHTTP(got, r)
		if got.Code != 200 && got.Code != 400 && got.Code != 410 {
			t.Errorf("%q: %d %s", s, got.Code, got.Body)
		}
	})
}

func urlEscape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// TestDurations: days are taken, and what is no duration is not.
func TestDurations(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "90s": 90 * time.Second, "1h30m": 90 * time.Minute} {
		if got, err := api.ReadDuration(s); err != nil || got != want {
			t.Errorf("%s: %s, %v", s, got, err)
		}
	}
	for _, s := range []string{"d", "-1d", "1.5d", "65536d", "7", ""} {
		if got, err := api.ReadDuration(s); err == nil {
			t.Errorf("%q is %s", s, got)
		}
	}
}
