package redfish_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/hw"
)

const recordings = "../../../shared/data/redfish"

// tree is a recorded service: documents by path.
type tree map[string]string

// trees returns the recorded services that have a root, and skips the test where there are none.
func trees(t *testing.T) map[string]tree {
	t.Helper()
	roots, _ := filepath.Glob(recordings + "/*/redfish/v1/index.json")
	if len(roots) == 0 {
		t.Skip("no recorded trees in " + recordings)
	}
	all := map[string]tree{}
	for _, root := range roots {
		top := strings.TrimSuffix(root, "/redfish/v1/index.json")
		all[filepath.Base(top)] = readTree(t, top)
	}
	return all
}

func readTree(t *testing.T, top string) tree {
	t.Helper()
	docs := tree{}
	err := filepath.Walk(top+"/redfish", func(file string, _ os.FileInfo, err error) error {
		if err != nil || filepath.Base(file) != "index.json" {
			return err
		}
		b, err := os.ReadFile(file)
		docs[strings.TrimPrefix(filepath.Dir(file), top)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// kind returns the first word of a document's type, such as Drive.
func kind(doc string) string {
	var x struct {
		Type any `json:"@odata.type"`
	}
	if json.Unmarshal([]byte(doc), &x) != nil {
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprint(x.Type), "#"), ".")
	return word
}

// serve starts the recorded service, which answers $expand if its root says that it can.
func (d tree) serve(t *testing.T) *bmc {
	t.Helper()
	return newBMC(t, func(b *bmc) {
		for path, doc := range d {
			if !strings.HasPrefix(path, sessions) {
				b.docs[path] = doc
			}
		}
		b.hook = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.RawQuery, "$expand=") || r.Header.Get("X-Auth-Token") == "" {
				return false
			}
			_ = json.NewEncoder(w).Encode(d.expand(d[r.URL.Path]))
			return true
		}
	})
}

// expand returns the document with its links replaced by what they link to, one level deep.
func (d tree) expand(doc string) map[string]any {
	var x map[string]any
	_ = json.Unmarshal([]byte(doc), &x)
	for _, v := range x {
		list, _ := v.([]any)
		for i := range list {
			m, _ := list[i].(map[string]any)
			id, _ := m["@odata.id"].(string)
			var whole map[string]any
			if len(m) == 1 && json.Unmarshal([]byte(d[strings.TrimRight(id, "/")]), &whole) == nil {
				list[i] = whole
			}
		}
	}
	return x
}

// TestRecordedResources: every resource of a type this package knows is read over TLS, and holds what a plain decoder finds.
func TestRecordedResources(t *testing.T) {
	t.Parallel()
	for name, docs := range trees(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := docs.serve(t)
			c := newClient(t, b, nil)
			read, odd := map[string]int{}, 0
			for path, doc := range b.docs {
				known, ok := kinds()[kind(doc)]
				if !ok || strings.HasPrefix(path, "/redfish/v1/SessionService") {
					continue
				}
				v := known()
				a, err := c.Get(t.Context(), path, v)
				if err != nil {
					t.Errorf("%v", err)
					continue
				}
				odd += len(a.Odd)
				for _, o := range a.Odd {
					t.Logf("%s %s", path, o)
				}
				var plain any
				if err := json.Unmarshal([]byte(doc), &plain); err != nil {
					t.Fatal(err)
				}
				agree(t, path, reflect.ValueOf(v).Elem(), plain)
				read[kind(doc)]++
			}
			t.Logf("%v, %d odd properties; %+v", read, odd, c.Counters())
			if n := c.Counters(); n.Logins != 1 || n.Connections != 1 {
				t.Errorf("counters %+v", n)
			}
		})
	}
}

// agree fails where v does not hold what the plain decoder found.
func agree(t *testing.T, at string, v reflect.Value, plain any) {
	t.Helper()
	if plain == nil {
		return
	}
	switch x := v.Interface().(type) {
	case redfish.Raw:
		var again any
		if err := json.Unmarshal(x, &again); err != nil || !reflect.DeepEqual(again, plain) {
			t.Errorf("%s: raw is %s, %v", at, x, err)
		}
		return
	case redfish.Link:
		if m, ok := plain.(map[string]any); ok && m["@odata.id"] != nil && x.Path != m["@odata.id"] {
			t.Errorf("%s: link is %q, want %v", at, x.Path, m["@odata.id"])
		}
		return
	case *int64, *float64, *bool, string, redfish.Loose:
		agreeScalar(t, at, v, plain)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		m, _ := plain.(map[string]any)
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.Anonymous || !f.IsExported() {
				continue
			}
			name := f.Name
			if tag := f.Tag.Get("json"); tag != "" {
				name = tag
			}
			agree(t, at+"."+name, v.FieldByIndex(f.Index), m[name])
		}
	case reflect.Slice:
		list, ok := plain.([]any)
		if ok && len(list) != v.Len() {
			t.Errorf("%s: %d elements, want %d", at, v.Len(), len(list))
			return
		}
		for i := range list {
			agree(t, fmt.Sprintf("%s[%d]", at, i), v.Index(i), list[i])
		}
	}
}

func agreeScalar(t *testing.T, at string, v reflect.Value, plain any) {
	t.Helper()
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			if s, ok := plain.(string); !ok || s != "" {
				t.Errorf("%s: nothing, want %v", at, plain)
			}
			return
		}
		v = v.Elem()
	}
	if n, ok := plain.(float64); ok && v.CanInt() {
		plain = int64(n)
	}
	if got := v.Interface(); fmt.Sprint(got) != fmt.Sprint(plain) {
		t.Errorf("%s: %v, want %v", at, got, plain)
	}
}

// TestRecordedCollections: every collection is read whole, one by one and expanded, and the second time with one request a page.
func TestRecordedCollections(t *testing.T) {
	t.Parallel()
	for name, docs := range trees(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := docs.serve(t)
			c := newClient(t, b, nil)
			for path, doc := range docs {
				var x struct {
					Members []struct {
						ID string `json:"@odata.id"`
					}
					Count *int `json:"Members@odata.count"`
				}
				if strings.Contains(path, "?") {
					continue // a page: it belongs to its collection
				}
				if json.Unmarshal([]byte(doc), &x) != nil || len(x.Members) == 0 || strings.HasPrefix(path, sessions) {
					continue
				}
				if slices.ContainsFunc(x.Members, func(m struct {
					ID string `json:"@odata.id"`
				}) bool {
					return docs[strings.TrimRight(m.ID, "/")] == ""
				}) {
					continue // not recorded whole
				}
				want := len(x.Members)
				if x.Count != nil {
					want = *x.Count
				}
				for range 2 {
					m, err := redfish.ReadMembers[redfish.Resource](t.Context(), c, path, 1000)
					if err != nil || !m.Complete || len(m.Items) != want {
						t.Errorf("%s: %d of %d, complete %v, failed %v, %v", path, len(m.Items), want, m.Complete, m.Failed, err)
						break
					}
				}
			}
			t.Logf("%+v", c.Counters())
		})
	}
}

// TestRecordedMutations: a property that is gone, null or of another type costs nothing but itself.
func TestRecordedMutations(t *testing.T) {
	t.Parallel()
	for name, docs := range trees(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := map[string]bool{}
			for _, path := range slices.Sorted(maps.Keys(docs)) {
				doc := docs[path]
				word := kind(doc)
				known, ok := kinds()[word]
				if !ok || done[word] || len(doc) > 30_000 {
					continue
				}
				done[word] = true
				mutate(t, path, doc, known)
			}
		})
	}
}

func mutate(t *testing.T, path, doc string, known func() any) {
	t.Helper()
	var small bytes.Buffer // as the changed ones are written
	if err := json.Compact(&small, []byte(doc)); err != nil {
		t.Fatal(err)
	}
	whole := known()
	if _, err := redfish.Decode(small.Bytes(), whole); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(doc), &parts); err != nil {
		t.Fatal(err)
	}
	for property, was := range parts {
		for _, other := range []string{"", "null", `"x"`, "-1e400", "[null,1,[{}]]", `{"Health":[],"@odata.id":1}`} {
			if parts[property] = json.RawMessage(other); other == "" {
				delete(parts, property)
			}
			changed, err := json.Marshal(parts)
			if err != nil {
				t.Fatal(err)
			}
			got := known()
			if _, err := redfish.Decode(changed, got); err != nil {
				t.Errorf("%s with %s %s: %v", path, property, other, err)
			}
			same(t, path, property, reflect.ValueOf(whole).Elem(), reflect.ValueOf(got).Elem())
		}
		parts[property] = was
	}
}

// same fails if a field differs that is not the one of that property.
func same(t *testing.T, path, property string, want, got reflect.Value) {
	t.Helper()
	for _, f := range reflect.VisibleFields(want.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || f.Name == property || name == property || f.Type == reflect.TypeFor[redfish.Raw]() {
			continue
		}
		if !reflect.DeepEqual(want.FieldByIndex(f.Index).Interface(), got.FieldByIndex(f.Index).Interface()) {
			t.Errorf("%s: %s was lost with %s", path, f.Name, property)
		}
	}
}

// TestBrokenRecordings: a document that is no JSON is told by its path, and costs nothing else.
func TestBrokenRecordings(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(recordings + "/*/_unplaced/*invalid.json")
	if len(files) == 0 {
		t.Skip("no broken documents in " + recordings)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			const path = "/redfish/v1/Chassis/1/Broken"
			b := newBMC(t, func(b *bmc) { b.docs[path] = string(doc) })
			c := newClient(t, b, nil)
			_, err = c.Get(t.Context(), path, nil)
			wantError(t, err, hw.Garbage, false, path)
			get(t, c)
		})
	}
}

// TestRecordedErrors: what real services say is kept in their words.
func TestRecordedErrors(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(recordings + "/*/redfish/*error.json")
	more, _ := filepath.Glob(recordings + "/*/_unplaced/error*.json")
	if files = append(files, more...); len(files) == 0 {
		t.Skip("no recorded errors in " + recordings)
	}
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{200, 400} {
			b := newBMC(t, func(b *bmc) { b.hook = on("GET /redfish/v1/X", answer(status, string(doc))) })
			_, err = newClient(t, b, nil).Get(t.Context(), "/redfish/v1/X", nil)
			if err == nil || !strings.Contains(err.Error(), "/redfish/v1/X") || !strings.Contains(string(doc), words(err)) {
				t.Errorf("%s with %d: %v", file, status, err)
			}
		}
	}
}

// words returns the identifier of the first message in err.
func words(err error) string {
	_, said, _ := strings.Cut(err.Error(), "00: ")
	id, _, _ := strings.Cut(said, " ")
	return id
}
