package bmc_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/collectors/sim/bmc"
)

func TestMadeTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, body := range map[string]string{
		"redfish/v1/Systems/index.json":   `{"@odata.id":"/redfish/v1/Systems","Members":[{"@odata.id":"/redfish/v1/Systems/1"}]}`,
		"redfish/v1/Systems/1.json":       `{"@odata.id":"/redfish/v1/Systems/1","Id":"1","IndicatorLED":"Off"}`,
		"redfish/v1/Chassis/1/index.json": `{"Id": broken`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := newClock()
	b, err := bmc.NewRecorded(dir, bmc.Options{Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	l := serve(t, b, c)
	l.login(sessions)
	if o := l.get("/redfish/v1/Systems?$expand=.($levels=1)"); members(o)[0].(map[string]any)["Id"] != "1" {
		t.Errorf("expand: %v", o)
	}
	if a := l.do("GET", "/redfish/v1/chassis/1/", nil); string(a.body) != `{"Id": broken` {
		t.Errorf("broken: %d %s", a.code, a.body)
	}
	if o := l.get("/redfish/v1"); at(o, "Systems/@odata.id") != "/redfish/v1/Systems" {
		t.Errorf("root: %v", o)
	}
	if a := l.do("PATCH", "/redfish/v1/Systems/1", map[string]any{"IndicatorLED": "Lit"}); a.code != 200 || l.get("/redfish/v1/Systems/1")["IndicatorLED"] != "Lit" {
		t.Errorf("patch: %d %s", a.code, a.body)
	}
	if err := b.Fault("drive-failed", ""); err == nil {
		t.Error("a recording lost a drive")
	}
	l.fault("busy", "")
	if a := l.do("GET", "/redfish/v1/Systems", nil); a.code != 503 {
		t.Errorf("busy: %d", a.code)
	}
	l.fault("clear", "")
	for _, name := range b.KnownFaults() {
		if name == "clear" || name == "log-flood" || name == "fail-path" {
			continue
		}
		l.fault(name, "")
		l.fault("clear", "")
	}
	if err := b.Fault("log-flood", ""); err == nil {
		t.Error("a recording without a log was flooded")
	}
	if _, err := bmc.NewRecorded(t.TempDir(), bmc.Options{}); err == nil || !strings.Contains(err.Error(), "redfish/v1") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestRecordedTrees serves the recordings and reads each document back as it was recorded.
func TestRecordedTrees(t *testing.T) {
	const folder = "../../../../shared/data/redfish"
	all, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(all) == 0 {
		t.Skipf("no recorded trees in %s", folder)
	}
	for _, dir := range all {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c := newClock()
			b, err := bmc.NewRecorded(dir, bmc.Options{Clock: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			l := serve(t, b, c)
			at := sessions
			if s, ok := b.SessionPath(); ok {
				at = s
			}
			l.login(at)
			read := 0
			for _, path := range b.Paths() {
				if strings.Contains(path, "?") || strings.Contains(path, "Sessions") || strings.Contains(path, "Schema") || strings.ContainsAny(path, "#%") {
					continue
				}
				want, err := os.ReadFile(filepath.Join(dir, path, "index.json"))
				if err != nil {
					if want, err = os.ReadFile(filepath.Join(dir, path+".json")); err != nil {
						continue
					}
				}
				a := l.do("GET", path, nil)
				if read++; a.code != 200 || !same(a.body, want) {
					t.Errorf("%s: %d, %d bytes", path, a.code, len(a.body))
				}
			}
			if c := b.Counters(); read == 0 || c.Connections != 1 || c.Handshakes != 1 {
				t.Errorf("%d documents over %d connections", read, c.Connections)
			}
		})
	}
}

// same compares documents, or bytes that are none.
func same(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return bytes.Equal(a, b)
	}
	p, err := json.Marshal(x)
	q, err2 := json.Marshal(y)
	return err == nil && err2 == nil && bytes.Equal(p, q)
}
