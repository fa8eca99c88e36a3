package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

// TestPrometheus: a real Prometheus scrapes /metrics with a token, stores every reading under its own time, and stores no reading that
// says nothing about now.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	program := tool(t, "prometheus")
	w := newWorld(t)
	w.places[siteA].devices = []web.Device{{ID: "sw", Health: hw.OK}, {ID: "gone", Stale: true}}
	read := time.Now().Add(-20 * time.Second).Truncate(time.Millisecond)
	w.visit(siteA, "sw", read, []hw.Scope{fast}, cpu(57), hw.Sample{Component: "port/\"1\\", Sensor: "rx_bytes_total", Type: hw.Counter, Count: 1 << 50})
	w.visit(siteA, "gone", read, []hw.Scope{fast}, cpu(99))
	config := w.config()
	config.Now, config.Consumers = time.Now, w.consumers()
	token, err := config.Consumers.Add(t.Context(), "prometheus", []api.Scope{api.ScopeMetrics}, "")
	if err != nil {
		t.Fatal(err)
	}
	box := httptest.NewServer(api.New(config).Remote())
	defer box.Close()
	ask := startPrometheus(t, program, fmt.Sprintf(`
scrape_configs:
  - job_name: rackpost
    scrape_interval: 1s
    authorization: {credentials: %s}
    static_configs: [{targets: [%q]}]
`, token, strings.TrimPrefix(box.URL, "http://")))
	await(t, "the box is scraped", func() bool {
		return len(ask(`up{job="rackpost"} == 1`)) > 0 && len(ask(`rackpost_cpu_busy_1m_ratio`)) > 0
	})
	for query, want := range map[string]string{
		`rackpost_cpu_busy_1m_ratio{device="sw",site="FRA-3",component="cpu/1"}`: "0.57",
		`timestamp(rackpost_cpu_busy_1m_ratio{device="sw"})`:                     fmt.Sprintf("%.3f", float64(read.UnixMilli())/1000),
		`rackpost_port_rx_bytes_total{component="port/\"1\\"}`:                   "1125899906842624",
		`rackpost_device_health{device="sw",health="ok"}`:                        "1",
		`rackpost_uplink_backlog_records`:                                        "5",
		`count(rackpost_device_info)`:                                            "2",
		`rackpost_device_stale{device="gone"}`:                                   "1",
		`scrape_samples_scraped - scrape_samples_post_metric_relabeling`:         "0",
	} {
		if got := ask(query); len(got) != 1 || strings.TrimRight(strings.TrimRight(got[0], "0"), ".") != strings.TrimRight(strings.TrimRight(want, "0"), ".") {
			t.Errorf("%s: %v; want %s", query, got, want)
		}
	}
	if got := ask(`rackpost_cpu_busy_1m_ratio{device="gone"}`); len(got) != 0 {
		t.Errorf("a stale device is told as fresh: %v", got)
	}
}

// startPrometheus runs the program and returns what asks it: the values of a query's series.
func startPrometheus(t *testing.T, program, config string) func(query string) []string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	var log bytes.Buffer
	run := exec.CommandContext(t.Context(), program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	run.Stderr = &log
	run.WaitDelay = time.Second
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Logf("prometheus says:\n%s", log.String())
		}
	})
	return func(query string) []string {
		r, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			return nil // it starts
		}
		defer r.Body.Close()
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
			return nil
		}
		var out []string
		for _, x := range answer.Data.Result {
			out = append(out, fmt.Sprint(x.Value[1]))
		}
		return out
	}
}

// await waits for something a program does.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	end := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(end) {
			t.Fatalf("still not so after 30 s: %s", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
