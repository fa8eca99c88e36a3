package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/discovery"
)

const (
	siteHead  = "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: x}\ncredentials: {c: {community: {credential: x}}}\n"
	siteAdded = "  # found\n  - id: new\n    kind: cisco-asa\n    address: 192.0.2.9\n    credentials: c\n"
)

var siteBlock = [][]string{deviceLines("found", [2]string{"id", "new"}, [2]string{"kind", "cisco-asa"}, [2]string{"address", "192.0.2.9"}, [2]string{"credentials", "c"})}

// parsedSite returns the checked site of data.
func parsedSite(t interface{ Fatalf(string, ...any) }, data []byte) siteConfig {
	site, _, err := parseSite("f.yaml", data, all.Kinds(), secretSource{getenv: noEnv, outside: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return site
}

func TestAddToDevices(t *testing.T) {
	t.Parallel()
	const one = "- {id: a, kind: cisco-asa, address: 192.0.2.1, credentials: c}\n"
	for name, test := range map[string]struct{ before, after string }{
		"at the end":               {siteHead + "devices:\n  " + one, siteHead + "devices:\n  " + one + siteAdded},
		"no final newline":         {siteHead + "devices:\n  " + strings.TrimSpace(one), siteHead + "devices:\n  " + one + siteAdded},
		"before the policy":        {siteHead + "devices:\n  " + one + "\n# of all\npolicy:\n  timeout: 2s\n", siteHead + "devices:\n  " + one + siteAdded + "\n# of all\npolicy:\n  timeout: 2s\n"},
		"own comments stay before": {siteHead + "devices:\n  " + one + "  # - {id: b}\n\n\n# the end\n", siteHead + "devices:\n  " + one + "  # - {id: b}\n" + siteAdded + "\n\n# the end\n"},
		"dashes at the margin": {"devices:\n- id: a\n  kind: cisco-asa\n  address: 192.0.2.1\n  credentials: c\n" + siteHead,
			"devices:\n- id: a\n  kind: cisco-asa\n  address: 192.0.2.1\n  credentials: c\n# found\n- id: new\n  kind: cisco-asa\n  address: 192.0.2.9\n  credentials: c\n" + siteHead},
		"deep dashes":        {siteHead + "devices:\n        -   id: a\n            kind: cisco-asa\n            address: 192.0.2.1\n            credentials: c\n", siteHead + "devices:\n        -   id: a\n            kind: cisco-asa\n            address: 192.0.2.1\n            credentials: c\n" + strings.ReplaceAll("\n"+strings.TrimSuffix(siteAdded, "\n"), "\n", "\n      ")[1:] + "\n"},
		"empty brackets":     {siteHead + "devices: []\n", siteHead + "devices:\n" + siteAdded},
		"brackets, comment":  {siteHead + "devices:   [ ]   # none yet\npolicy: {timeout: 2s}\n", siteHead + "devices:   # none yet\n" + siteAdded + "policy: {timeout: 2s}\n"},
		"brackets, the end":  {siteHead + "devices: []", siteHead + "devices:\n" + siteAdded},
		"nothing after it":   {siteHead + "devices:\n", siteHead + "devices:\n" + siteAdded},
		"only comments":      {siteHead + "devices:\n  # - id: x\n# y\n", siteHead + "devices:\n  # - id: x\n" + siteAdded + "# y\n"},
		"no such key":        {siteHead, siteHead + "\ndevices:\n" + siteAdded},
		"no such key, no nl": {strings.TrimSpace(siteHead) + "\n# y", siteHead + "# y\n\ndevices:\n" + siteAdded},
		"CRLF":               {crlf(siteHead + "devices:\n  " + one), crlf(siteHead + "devices:\n  " + one + siteAdded)},
		"CRLF, brackets":     {crlf(siteHead + "devices: []\n\n# y\n"), crlf(siteHead + "devices:\n" + siteAdded + "\n# y\n")},
		"quoted key":         {siteHead + "\"devices\":\n  " + one, siteHead + "\"devices\":\n  " + one + siteAdded},
		"end of document":    {"---\n" + siteHead + "devices:\n  " + one + "...\n", "---\n" + siteHead + "devices:\n  " + one + siteAdded + "...\n"},
		"all indented":       {indented(siteHead) + "  devices:\n", indented(siteHead) + "  devices:\n" + strings.ReplaceAll("\n"+strings.TrimSuffix(siteAdded, "\n"), "\n", "\n  ")[1:] + "\n"},
		"a text of lines":    {siteHead + "devices:\n  - id: a\n    kind: cisco-asa\n    address: 192.0.2.1\n    credentials: c\n    name: |\n      # no comment\n\n# y\n", siteHead + "devices:\n  - id: a\n    kind: cisco-asa\n    address: 192.0.2.1\n    credentials: c\n    name: |\n      # no comment\n" + siteAdded + "\n# y\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := parsedSite(t, []byte(test.before))
			got, err := addToDevices("f.yaml", []byte(test.before), siteBlock, true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(got)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			if err := sameDevices(before, parsedSite(t, got), []string{"new"}); err != nil {
				t.Error(err)
			}
		})
	}
}

func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// Comments alone do not make a list of an empty one.
func TestAddOnlyComments(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		siteHead + "devices: []\n": siteHead + "devices: []\n  # found\n",
		siteHead + "devices:\n":    siteHead + "devices:\n  # found\n",
		siteHead:                   siteHead + "  # found\n",
	} {
		got, err := addToDevices("f.yaml", []byte(before), [][]string{{"# found"}}, false)
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		parsedSite(t, got)
	}
}

func TestAddToDevicesRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, want string }{
		"full brackets":  {siteHead + "devices: [{id: a, kind: cisco-asa, address: 192.0.2.1, credentials: c}]\n", "f.yaml:3:1: devices: the list is in brackets"},
		"brackets apart": {siteHead + "devices: [\n]\n", "f.yaml:3:1: devices: the list is in brackets"},
		"null":           {siteHead + "devices: ~\n", "f.yaml:3:1: devices: it is null; write devices: with nothing after it"},
		"one value":      {"{site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: x}, devices: []}\n", "f.yaml:1:1: the file is one value in brackets"},
		"no YAML":        {"a: [\n", "f.yaml:1:"},
	} {
		_, err := addToDevices("f.yaml", []byte(test.before), siteBlock, true)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

// TestAddKeepsTheFile: of any file that is right, every byte is kept around the lines that are
// added, and every device is what it was.
func TestAddKeepsTheFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := []byte(drawSite(t))
		before := parsedSite(t, data)
		got, err := addToDevices("f.yaml", data, siteBlock, true)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if err := sameDevices(before, parsedSite(t, got), []string{"new"}); err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		old := slices.Collect(strings.Lines(string(data)))
		for line := range strings.Lines(string(got)) {
			if len(old) > 0 && (line == old[0] || strings.TrimRight(line, "\r\n") == old[0] || strings.Contains(old[0], "[]") && strings.Contains(line, "devices:")) {
				old = old[1:]
			}
		}
		if len(old) > 0 {
			t.Fatalf("this line is lost, or moved: %q\n%s", old[0], got)
		}
	})
}

// drawSite makes a site.yaml as people write them.
func drawSite(t *rapid.T) string {
	noise := func(indent int) string {
		var b strings.Builder
		for range rapid.IntRange(0, 2).Draw(t, "noise") {
			b.WriteString(rapid.SampledFrom([]string{"\n", "# a: b\n", strings.Repeat(" ", indent) + "# - id: c\n", "  \n"}).Draw(t, "line"))
		}
		return b.String()
	}
	indent := rapid.IntRange(0, 6).Draw(t, "indent")
	var devices strings.Builder
	n := rapid.IntRange(0, 3).Draw(t, "devices")
	devices.WriteString("devices:" + rapid.SampledFrom([]string{"\n", " # all\n"}).Draw(t, "after the key"))
	for i := range n {
		pad := strings.Repeat(" ", indent)
		devices.WriteString(noise(indent))
		if rapid.Bool().Draw(t, "flow") {
			fmt.Fprintf(&devices, "%s- {id: d%d, kind: cisco-asa, address: 192.0.2.%d, credentials: c} # here\n", pad, i, i)
		} else {
			fmt.Fprintf(&devices, "%s- id: d%d\n%s  kind: cisco-catalyst\n\n%s  address: \"192.0.2.%d\"\n%s# inner\n%s  credentials: c\n%s  periods:\n%s    ports: 5m\n", pad, i, pad, pad, i, pad, pad, pad, pad)
		}
	}
	parts := []string{siteHead, "racks:\n  - name: A\n", "policy:\n  timeout: 2s\n"}
	switch rapid.IntRange(0, 5).Draw(t, "form") {
	case 0:
	case 1:
		parts = append(parts, "devices: []\n")
	default:
		parts = append(parts, devices.String())
	}
	parts = rapid.Permutation(parts).Draw(t, "order")
	s := noise(0)
	for _, p := range parts {
		s += p + noise(indent)
	}
	if rapid.Bool().Draw(t, "no final newline") {
		s = strings.TrimRight(s, " \n")
	}
	if rapid.Bool().Draw(t, "CRLF") {
		s = crlf(s)
	}
	return s
}

func TestSiteFileWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real.yaml"), filepath.Join(dir, "site.yaml")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.yaml", link); err != nil {
		t.Fatal(err)
	}
	f := siteFile{path: link}
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	if err := f.write([]byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, error %v; want -rw-r-----", info.Mode(), err)
	}
	if err := f.write([]byte("old"), []byte("newer")); err == nil || !strings.Contains(err.Error(), "was changed by somebody") {
		t.Errorf("a file changed meanwhile: error %v", err)
	}
	fresh := siteFile{path: link, fresh: []byte("x")}
	if err := fresh.check(); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("-new over a file: error %v", err)
	}
	if err := fresh.write(nil, []byte("x")); err == nil {
		t.Error("-new over a file made meanwhile: no error")
	}
	fresh.path = filepath.Join(dir, "fresh.yaml")
	if err := fresh.write(nil, []byte("fresh")); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{path: "new", fresh.path: "fresh"} {
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%s holds %q, error %v; want %q", file, got, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".site-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// A comment in a file of CRLF must not shift the places that are told.
func TestPlaceInCRLF(t *testing.T) {
	t.Parallel()
	_, _, err := parseSite("f.yaml", []byte("# a\r\n# b\r\nsite: {id: x, name: y}\r\n"), all.Kinds(), secretSource{getenv: noEnv})
	if err == nil || !strings.HasPrefix(err.Error(), "f.yaml:3:12: ") {
		t.Errorf("error %v, want it at f.yaml:3:12", err)
	}
}

// Credentials are tried in the order of the file; those that cannot be read have none.
func TestLoginsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	site := parsedSite(t, []byte("site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: x}\ncredentials:\n  z: {community: {credential: a}}\n  m: {user: u}\n  a: {user: v}\n"))
	want := []discovery.Login{{Name: "z"}, {Name: "m", Credentials: collectors.Credentials{V3: &collectors.V3{User: "u"}}}, {Name: "a", Credentials: collectors.Credentials{V3: &collectors.V3{User: "v"}}}}
	if diff := cmp.Diff(want, site.logins); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}

// FuzzAddToDevices: whatever the file holds, nothing panics; of a right one the lines are added
// or it is refused, and nothing is lost.
func FuzzAddToDevices(f *testing.F) {
	for _, s := range []string{
		siteHead, siteHead + "devices: []\r", siteHead + "devices:\n- {id: a, kind: cisco-asa, address: a.b, credentials: c}\r\rracks: []\r", "devices:\r\n\rsite: {}", "? devices\n: []\n",
		siteHead + "devices: # x\n    - id: a\n      kind: cisco-asa\n      name: 'a\n\n\n        b'\n      address: a.b\n      credentials: c\n# y\n", "\"devices\": []\n" + siteHead, "devices: !!seq []\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, _, wrong := parseSite("f.yaml", data, all.Kinds(), secretSource{getenv: noEnv, outside: true})
		got, err := addToDevices("f.yaml", data, [][]string{{"# found"}}, false)
		if wrong != nil || err != nil {
			return
		}
		after, _, err := parseSite("f.yaml", got, all.Kinds(), secretSource{getenv: noEnv, outside: true})
		if err == nil {
			err = sameDevices(before, after, nil)
		}
		if err == nil && len(got) < len(data) {
			t.Fatalf("%d bytes of %d are left", len(got), len(data))
		}
	})
}
