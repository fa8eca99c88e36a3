package idrac_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"context"

	"rackpost/collectors"
	"rackpost/hw"
)

// tree serves documents that a test may change between visits. It expands nothing.
type tree struct {
	mu   sync.Mutex
	docs map[string]any
}

func (x *tree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	at := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodPost:
		w.Header().Set("X-Auth-Token", "token")
		w.Header().Set("Location", at+"/1")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"@odata.id": %q, "Id": "1"}`, at+"/1")
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	case x.docs[at] == nil:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error": {"code": "Base.1.12.GeneralError", "message": "no such resource"}}`)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(x.docs[at])
	}
}

// set puts another document in the place of one; nil removes it.
func (x *tree) set(at string, doc any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.docs[at] = doc
}

// clone is a deep copy of what JSON holds.
func clone(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	_ = json.Unmarshal(b, &out)
	return out
}

// modelTree are the documents of a simulated server.
func modelTree(t testing.TB, model string, faults ...string) map[string]any {
	docs := frozenBMC(t, model, faults...).Documents()
	for at, d := range docs {
		docs[at] = clone(d)
	}
	return docs
}

// recordedTree are the documents of a recorded server that are JSON; the test is skipped where it is not there.
func recordedTree(t testing.TB, folder string) map[string]any {
	t.Helper()
	root := filepath.Join(redfishRecordings, folder)
	docs := map[string]any{}
	err := filepath.WalkDir(filepath.Join(root, "redfish"), func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "index.json" || strings.Contains(file, "Schemas") || strings.Contains(file, "Registries") {
			return err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var doc map[string]any
		if json.Unmarshal(b, &doc) == nil {
			rel, _ := filepath.Rel(root, filepath.Dir(file))
			docs["/"+filepath.ToSlash(rel)] = any(doc)
		}
		return nil
	})
	if err != nil {
		t.Skipf("no recordings of real devices here: %v", err)
	}
	return docs
}

// at returns what stands in documents below a path: at(docs, "/redfish/v1/...", "Fans") and so on.
func at(doc any, keys ...string) any {
	for _, k := range keys {
		m, _ := doc.(map[string]any)
		doc = m[k]
	}
	return doc
}

func text(doc any, keys ...string) string {
	s, _ := at(doc, keys...).(string)
	return s
}

func list(doc any, keys ...string) []any {
	l, _ := at(doc, keys...).([]any)
	return l
}

// members returns the documents a collection links to.
func members(docs map[string]any, collection string) map[string]any {
	out := map[string]any{}
	for _, m := range list(docs[collection], "Members") {
		link := text(m, "@odata.id")
		out[path.Base(link)] = docs[strings.TrimSuffix(link, "/")]
	}
	return out
}

// treeVisitor visits a tree.
func treeVisitor(t testing.TB, docs map[string]any) (*redfishVisitor, *tree) {
	t.Helper()
	x := &tree{docs: docs}
	server := httptest.NewUnstartedServer(x)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	c, err := overRedfish.New(collectors.Target{
		Device:      hw.Device{ID: "d1", Kind: overRedfish.Name, Address: strings.TrimPrefix(server.URL, "https://")},
		Credentials: collectors.Credentials{User: "root", Password: "simulated"},
		Timeout:     10 * time.Second, Memory: &collectors.Memory{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return &redfishVisitor{TB: t, collector: c}, x
}
