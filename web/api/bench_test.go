package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

// referenceSite writes hours of 120 devices with 258 readings each at 60 s: 31,000 series, 520 samples/s.
func referenceSite(b *testing.B, minutes int) *world {
	b.Helper()
	w := newWorld(b)
	for d := range 120 {
		id := hw.DeviceID(fmt.Sprintf("device-%d", d))
		w.places[siteA].devices = append(w.places[siteA].devices, web.Device{ID: id, Health: hw.OK})
	}
	for m := range minutes {
		for d, x := range w.places[siteA].devices {
			var samples []hw.Sample
			for i := range 43 {
				port := fmt.Sprintf("port/Gi1/0/%d", i)
				for k, sensor := range []string{"rx_bytes_total", "tx_bytes_total", "rx_errors_total", "tx_errors_total", "rx_discards_total"} {
					n := uint64(m*(i+d)*1000) % 1e9
					if k > 1 {
						n = uint64(i)
					}
					samples = append(samples, hw.Sample{Component: port, Sensor: sensor, Type: hw.Counter, Count: n, StartMS: 1})
				}
				samples = append(samples, gauge(port, "poe_watts", float64(i)/10))
			}
			w.visit(siteA, x.ID, now.Add(time.Duration(m-minutes)*time.Minute), []hw.Scope{fast}, samples...)
		}
	}
	return w
}

// pulled asks and returns how many bytes came.
func pulled(b *testing.B, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := get(b, h, path, header...)
	if r.Code != 200 {
		b.Fatalf("%s: %d %s", path, r.Code, r.Body)
	}
	return r
}

// trailerOf reads the last line of a packed answer.
func trailerOf(b *testing.B, packed []byte) (next string, more bool) {
	b.Helper()
	d, err := zstd.NewReader(bytes.NewReader(packed))
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	plain, err := io.ReadAll(d)
	if err != nil {
		b.Fatal(err)
	}
	var t api.Trailer
	if err := json.Unmarshal(plain[bytes.LastIndex(plain, []byte(`{"next"`)):], &t); err != nil {
		b.Fatal(err)
	}
	return string(t.Next), t.More
}

// BenchmarkChanges pulls an hour of a site with 520 samples/s from memory, as lines, packed as zstd.
func BenchmarkChanges(b *testing.B) {
	w := referenceSite(b, 60)
	w.tells = true
	h := w.box()
	samples, bytesOut := 0, 0
	for b.Loop() {
		for after, more := "", true; more; {
			r := pulled(b, h, "/api/v1/changes?limit=100000&after="+after, "Accept-Encoding", "zstd")
			bytesOut += r.Body.Len()
			after, more = trailerOf(b, r.Body.Bytes())
		}
		samples += 60 * 120 * 258
	}
	b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
	b.ReportMetric(float64(bytesOut)/float64(samples), "B/sample")
}

// BenchmarkMetrics scrapes a site with 31,000 series, each device read again since the last time.
func BenchmarkMetrics(b *testing.B) {
	w := referenceSite(b, 3)
	metrics := w.box()
	n := 0
	for b.Loop() {
		r := pulled(b, metrics, "/metrics")
		n = bytes.Count(r.Body.Bytes(), []byte("\n"))
		_, _ = io.Copy(io.Discard, r.Body)
	}
	b.ReportMetric(float64(n), "lines")
}
