package parts_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// recordings are real devices, kept outside the repository.
const recordings = "../../../../shared/data/redfish"

// docs are documents by their paths.
type docs map[string][]byte

// model returns the documents of a simulated server.
func model(t testing.TB, name string, faults ...string) docs {
	t.Helper()
	b, err := bmc.New(name, bmc.Options{Clock: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		fault, arg, _ := strings.Cut(f, " ")
		if err := b.Fault(fault, arg); err != nil {
			t.Fatal(err)
		}
	}
	out := docs{}
	for at, d := range b.Documents() {
		if out[at], err = json.Marshal(d); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// recorded returns the documents of a recorded server, or skips the test.
func recorded(t testing.TB, folder string) docs {
	t.Helper()
	root := filepath.Join(recordings, folder)
	out := docs{}
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".json") || strings.Contains(strings.ToLower(file), "schema") || strings.Contains(file, "Registries") {
			return err
		}
		b, err := os.ReadFile(file)
		rel, _ := filepath.Rel(root, strings.TrimSuffix(strings.TrimSuffix(file, ".json"), "/index"))
		out["/"+filepath.ToSlash(rel)] = b
		return err
	})
	if err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	return out
}

// decoded reads a document; it fails the test where it is not there.
func decoded[T any](t testing.TB, d docs, at string) T {
	t.Helper()
	var v T
	if _, err := redfish.Decode(d[at], &v); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return v
}

// collection reads the members of a collection, as ReadMembers does.
func collection[T any](t testing.TB, d docs, at string) redfish.Members[T] {
	t.Helper()
	m := redfish.Members[T]{Complete: true}
	for _, l := range decoded[struct{ Members []redfish.Link }](t, d, at).Members {
		link := strings.TrimSuffix(l.Path, "/")
		m.Items = append(m.Items, redfish.Item[T]{Path: l.Path, Value: decoded[T](t, d, link)})
	}
	return m
}

// plain reads a document without any of our types.
func plain(t testing.TB, d docs, at string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(d[at], &v); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return v
}

// at returns what stands below names.
func at(doc any, names ...string) any {
	for _, n := range names {
		m, _ := doc.(map[string]any)
		doc = m[n]
	}
	return doc
}

func text(doc any, names ...string) string {
	s, _ := at(doc, names...).(string)
	return s
}

// elements returns the objects of a list that are not Absent.
func elements(doc any, names ...string) []any {
	list, _ := at(doc, names...).([]any)
	return slices.DeleteFunc(slices.Clone(list), func(x any) bool { return text(x, "Status", "State") == "Absent" })
}

// members returns the documents of a collection by id that are not Absent.
func members(t testing.TB, d docs, collection string) map[string]any {
	t.Helper()
	out := map[string]any{}
	list, _ := plain(t, d, collection)["Members"].([]any)
	for _, m := range list {
		link := strings.TrimSuffix(text(m, "@odata.id"), "/")
		if x := plain(t, d, link); text(x, "Status", "State") != "Absent" {
			out[path.Base(link)] = x
		}
	}
	return out
}

// valid fails the test unless parts make a report that is stored as it is.
func valid(t testing.TB, list ...parts.Part) {
	t.Helper()
	r := parts.Report{Report: hw.Report{Device: "d1", Kind: "redfish", Started: time.Unix(1e9, 0), Period: time.Minute}}
	r.Begin("s")
	r.Add(list...)
	if err := collectors.CheckReport(r.Report); err != nil {
		t.Error(err)
	}
	for _, p := range list {
		for _, s := range p.Samples {
			if s.Component != p.Path {
				t.Errorf("a sample of %s is with %s", s.Component, p.Path)
			}
		}
	}
}
