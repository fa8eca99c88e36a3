package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/web"
	"rackpost/web/api"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// described makes the OpenAPI document of the table of routes.
func described(t *testing.T, a *api.API) []byte {
	t.Helper()
	s := newSchemas(t)
	paths := object{}
	problem := s.of(reflect.TypeFor[web.Problem]())
	for _, r := range a.Describe() {
		p, _ := paths[r.Path].(object)
		if p == nil {
			p = object{}
			paths[r.Path] = p
		}
		p[strings.ToLower(r.Method)] = operation(s, r, problem)
	}
	b, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "rackpost", "version": "1", "description": "What programs pull from a box or from headquarters. Every answer that is not a success is a Problem. " +
			"Fields may be added; none changes its meaning. docs/api.md tells how to use it."},
		"paths": paths,
		"components": object{
			"schemas":         s.all,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "of a consumer: rackpost consumer add. On the machine itself none is needed."}},
		},
		"security": []any{object{"token": []any{}}},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func operation(s *schemas, r api.Described, problem object) object {
	answer := object{}
	switch {
	case r.Lines != nil:
		var kinds []any
		for _, l := range r.Lines {
			kinds = append(kinds, s.of(reflect.TypeOf(l)))
		}
		answer["schema"] = object{"type": "string", "description": "one object a line; the last is the Trailer"}
		answer["x-itemSchema"] = object{"anyOf": kinds}
	case r.Answer != nil:
		answer["schema"] = s.of(reflect.TypeOf(r.Answer))
	default:
		answer["schema"] = object{"type": "string"}
	}
	responses := object{
		"200":     object{"description": "the answer", "content": object{r.Form: answer}},
		"default": object{"description": "why not, and what to do", "content": object{"application/json": object{"schema": problem}}},
	}
	if r.Name == "changes" || r.Name == "ack" {
		responses["410"] = object{"description": "what stood behind the position is gone", "content": object{"application/json": object{"schema": s.of(reflect.TypeFor[api.Gone]())}}}
	}
	o := object{"operationId": r.Name, "summary": r.Does, "responses": responses}
	if r.Scope != "" {
		o["x-scope"] = r.Scope
	}
	if r.People {
		o["x-only"] = "the unix socket"
	}
	if r.Body != nil {
		o["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(r.Body))}}}
	}
	var params []any
	for _, p := range r.Params {
		params = append(params, parameter(p))
	}
	if params != nil {
		o["parameters"] = params
	}
	return o
}

func parameter(p api.DescribedParam) object {
	x := object{"type": p.Type}
	if p.Type == "array" {
		x["items"] = object{"type": "string", "enum": p.Words}
	} else if p.Words != nil {
		x["enum"] = p.Words
	}
	if p.Type == "integer" {
		x["minimum"], x["maximum"] = p.Least, p.Most
	}
	if p.Format != "" {
		x["format"] = p.Format
	}
	if p.Usual != "" {
		x["default"] = p.Usual
		if p.Type == "integer" {
			x["default"] = json.Number(p.Usual)
		}
	}
	o := object{"name": p.Name, "in": "query", "description": p.Does, "schema": x}
	if p.InPath {
		o["in"] = "path"
	}
	if p.Type == "array" {
		o["style"], o["explode"] = "form", false
	}
	if p.Needed {
		o["required"] = true
	}
	if p.Example != "" {
		o["example"] = p.Example
		if p.Type == "integer" {
			o["example"] = json.Number(p.Example)
		}
		if p.Type == "array" {
			o["example"] = strings.Split(p.Example, ",")
		}
	}
	return o
}

// TestDocumentIsOpenAPI31: strict tools refuse a document that has a field which its version does not know.
func TestDocumentIsOpenAPI31(t *testing.T) {
	t.Parallel()
	_, a, _ := whole(t)
	var doc object
	if err := json.Unmarshal(described(t, a), &doc); err != nil {
		t.Fatal(err)
	}
	known := func(where string, of any, fields ...string) object {
		x, _ := of.(object)
		for name := range x {
			if !slices.Contains(fields, name) && !strings.HasPrefix(name, "x-") {
				t.Errorf("%s: OpenAPI 3.1 knows no field %q there", where, name)
			}
		}
		return x
	}
	known("the document", doc, "openapi", "info", "paths", "components", "security")
	for path, methods := range doc["paths"].(object) {
		for method, of := range known(path, methods, "get", "post", "delete") {
			where := method + " " + path
			op := known(where, of, "operationId", "summary", "parameters", "requestBody", "responses")
			params, _ := op["parameters"].([]any)
			for _, p := range params {
				known(where+", a parameter", p, "name", "in", "description", "required", "schema", "style", "explode", "example")
			}
			for code, answer := range op["responses"].(object) {
				for media, form := range known(where+" "+code, answer, "description", "content")["content"].(object) {
					known(where+" "+code+" "+media, form, "schema")
				}
			}
		}
	}
}

// whole is an API with every part.
func whole(t *testing.T) (*world, *api.API, *api.Consumers) {
	w := newWorld(t)
	w.places[siteA] = rack()
	w.fact(siteA, now, "port/Gi1/0/1", "port/Gi1/0/2")
	everyRecord(w)
	c := w.config()
	c.Consumers = w.consumers()
	return w, api.New(c), c.Consumers
}

// TestDocument: the document that is served is that of the table of routes and of the models.
func TestDocument(t *testing.T) {
	t.Parallel()
	_, a, _ := whole(t)
	want := described(t, a)
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got := get(t, a.Remote(), "/api/v1/openapi.json")
	if got.Code != 401 {
		t.Errorf("without a token: %d; want 401", got.Code)
	}
	if got = get(t, a.Local(), "/api/v1/openapi.json"); !bytes.Equal(got.Body.Bytes(), want) {
		t.Errorf("openapi.json is not that of the routes: go test ./web/api -run TestDocument -update\n%s", cmp.Diff(string(want), got.Body.String()))
	}
}

// TestDocumentedParameters: every documented parameter is taken with its example and without it where it need not be there, and no
// other is; every real answer is valid against its schema.
func TestDocumentedParameters(t *testing.T) {
	t.Parallel()
	w, a, consumers := whole(t)
	if _, err := consumers.Add(t.Context(), "cmdb", api.Scopes(), ""); err != nil {
		t.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(described(t, a), &doc); err != nil {
		t.Fatal(err)
	}
	real := map[string]string{"id": "sw", "name": "cmdb", "device": "sw", "site": "FRA-3"} // of this world, for the examples
	for path, methods := range doc["paths"].(object) {
		for method, o := range methods.(object) {
			op := o.(object)
			v := validator{t: t, doc: doc, where: method + " " + path}
			full, least := url.Values{}, url.Values{}
			at := path
			params, _ := op["parameters"].([]any)
			for _, p := range params {
				p := p.(object)
				name := p["name"].(string)
				value := real[name]
				if value == "" {
					value = exampleOf(p["example"])
				}
				switch {
				case p["in"] == "path":
					at = strings.ReplaceAll(at, "{"+name+"}", value)
					continue
				case p["required"] == true:
					least.Set(name, value)
				}
				if name != "since" && value != "" { // since and from exclude each other
					full.Set(name, value)
				}
			}
			body := map[string]string{"ack": `{"position":"p1","consumer":"cmdb"}`, "addConsumer": `{"name":"cmdb-2","scopes":["read"]}`}[op["operationId"].(string)]
			for _, q := range []url.Values{least, full} {
				if body != "" && len(q) == 0 && op["operationId"] == "addConsumer" {
					_ = consumers.Remove(t.Context(), "cmdb-2")
				}
				r := send(t, a.People(), strings.ToUpper(method), at+"?"+q.Encode(), body)
				if r.Code != 200 {
					t.Errorf("%s %s?%s: %d %.300s", method, at, q.Encode(), r.Code, r.Body)
					continue
				}
				v.answer(op, r.Header().Get("Content-Type"), r.Body.Bytes())
				if method == "delete" {
					_, _ = consumers.Add(t.Context(), "cmdb", api.Scopes(), "")
				}
			}
			if r := send(t, a.People(), strings.ToUpper(method), at+"?undocumented=1", body); r.Code != 400 {
				t.Errorf("%s %s takes a parameter that is not documented: %d", method, at, r.Code)
			}
		}
	}
	_ = w
}

func exampleOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		b, _ := json.Marshal(v)
		return string(b)
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, x.(string))
		}
		return strings.Join(all, ",")
	}
	return ""
}
