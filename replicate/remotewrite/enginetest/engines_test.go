package enginetest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// engine is a program that is written to.
type engine struct {
	t       testing.TB
	base    string
	victory bool // VictoriaMetrics; else Prometheus
}

func tool(t testing.TB, name string) string {
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

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func victoria(t testing.TB) *engine {
	program := tool(t, "victoria-metrics")
	address := freeAddress(t)
	e := &engine{t: t, base: "http://" + address, victory: true}
	e.run(program, "-httpListenAddr="+address, "-storageDataPath="+t.TempDir(), "-retentionPeriod=3", "-memory.allowedPercent=10")
	return e
}

// prometheus starts one with an out-of-order window; empty: none.
func prometheus(t testing.TB, window string) *engine {
	program := tool(t, "prometheus")
	dir, address := t.TempDir(), freeAddress(t)
	config := "global: {scrape_interval: 1m}\n"
	if window != "" {
		config += "storage: {tsdb: {out_of_order_time_window: " + window + "}}\n"
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, base: "http://" + address}
	e.run(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--web.enable-remote-write-receiver")
	return e
}

func (e *engine) run(program string, args ...string) {
	e.t.Helper()
	var log bytes.Buffer
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = &log, &log
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if e.t.Failed() {
			e.t.Logf("%s says:\n%s", filepath.Base(program), log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	e.await("it answers", func() bool {
		r, err := http.Get(e.base + "/-/ready")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

func (e *engine) await(what string, done func() bool) {
	e.t.Helper()
	end := time.Now().Add(60 * time.Second)
	for !done() {
		if time.Now().After(end) {
			e.t.Fatalf("still not so after 60 s: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (e *engine) write() string { return e.base + "/api/v1/write" }

func (e *engine) get(path string, query url.Values) []byte {
	e.t.Helper()
	r, err := http.Get(e.base + path + "?" + query.Encode())
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		e.t.Fatalf("%s: %s %v %.200s", path, r.Status, err, b)
	}
	return b
}

// held returns every sample of ours that the engine holds, and how many it holds twice.
func (e *engine) held() (map[key]float64, int) {
	e.t.Helper()
	if e.victory {
		e.get("/internal/force_flush", nil)
		return e.exported()
	}
	b := e.get("/api/v1/query", url.Values{"query": {`{__name__=~"rackpost_.+"}[5d]`}})
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		e.t.Fatal(err)
	}
	out, twice := map[key]float64{}, 0
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			value, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
			if err != nil {
				e.t.Fatal(err)
			}
			twice += e.add(out, r.Metric, int64(v[0].(float64)*1000+0.5), value)
		}
	}
	return out, twice
}

func (e *engine) exported() (map[key]float64, int) {
	e.t.Helper()
	b := e.get("/api/v1/export", url.Values{"match[]": {`{__name__=~"rackpost_.+"}`}, "reduce_mem_usage": {"1"}})
	out, twice := map[key]float64{}, 0
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var x struct {
			Metric     map[string]string
			Values     []*float64
			Timestamps []int64
		}
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			e.t.Fatal(err)
		}
		for i, v := range x.Values {
			if v != nil { // a marker
				twice += e.add(out, x.Metric, x.Timestamps[i], *v)
			}
		}
	}
	return out, twice
}

func (e *engine) add(to map[key]float64, m map[string]string, atMS int64, v float64) (twice int) {
	if m["site"] != "FRA-3" {
		e.t.Errorf("labels %v", m)
	}
	k := key{m["__name__"], m["component"], m["device"], atMS}
	if _, again := to[k]; again {
		twice = 1
	}
	to[k] = v
	return twice
}

// same says how two sets of samples differ.
func same(t testing.TB, got, want map[key]float64, twice int) {
	t.Helper()
	var lines []string
	missing, wrong, more := 0, 0, 0
	for k, v := range want {
		switch x, ok := got[k]; {
		case !ok:
			missing++
			lines = append(lines, fmt.Sprintf("missing %v = %v", k, v))
		case x != v:
			wrong++
			lines = append(lines, fmt.Sprintf("%v = %v, want %v", k, x, v))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			more++
		}
	}
	if missing+wrong+more+twice > 0 {
		slices.Sort(lines)
		t.Errorf("of %d samples %d are missing, %d wrong, %d too many, %d twice: %q", len(want), missing, wrong, more, twice, lines[:min(4, len(lines))])
	}
}
