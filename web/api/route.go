package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"rackpost/hw"
)

// The forms of an answer.
const (
	asJSON    = "application/json"
	asLines   = "application/x-ndjson"
	asMetrics = "text/plain; version=0.0.4; charset=utf-8"
)

// route is one thing that can be asked for. The handler and the OpenAPI document are made of the same table.
type route struct {
	method, path string
	name         string // operationId
	does         string
	scope        Scope // that a token needs; empty: any token does
	people       bool  // only over the socket
	params       []param
	body         any    // a value of what is sent; nil: nothing is
	form         string // of the answer
	answer       any    // a value of it; of lines: of the kinds of line; nil: none, or a text
	patient      bool   // it may wait, or goes on for long: it does not count as an answer being made
	missing      bool   // what it stands on is not there
	serve        func(c *call) error
}

// handler answers by the table.
func (a *API) handler(by access) http.Handler {
	mux := http.NewServeMux()
	paths := map[string]map[string]route{}
	for _, r := range a.routes() {
		if r.missing || r.people && by != people {
			continue
		}
		if paths[r.path] == nil {
			paths[r.path] = map[string]route{}
		}
		paths[r.path][r.method] = r
	}
	var known []string
	for path, methods := range paths {
		known = append(known, path)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.dispatch(w, r, by, methods) })
	}
	slices.Sort(known)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, notFound("there is nothing at "+r.URL.Path, "GET "+documentPath+" tells what there is"+meant(r.URL.Path, known)))
	})
	return secured(mux)
}

// meant names the path that was most likely meant.
func meant(path string, known []string) string {
	if near := hw.Nearest(path, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// secured sets the headers of every answer.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// dispatch finds the method, sees who asks and what for, and has it answered within the bounds.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request, by access, methods map[string]route) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	to, ok := methods[method]
	if !ok {
		allowed := slices.Sorted(maps.Keys(methods))
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		text := fmt.Sprintf("%s is not for %s", r.URL.Path, r.Method)
		if slices.Equal(allowed, []string{http.MethodGet}) {
			text = r.URL.Path + " is read-only"
		}
		a.refuse(w, r, refusal(http.StatusMethodNotAllowed, text, "use "+strings.Join(allowed, " or ")))
		return
	}
	who, err := a.whoAsks(r, by)
	if err == nil {
		err = who.may(to)
	}
	var leave func()
	if err == nil {
		leave, err = a.bounds.enter(who.name, to)
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	defer leave()
	c := &call{api: a, w: w, r: r, route: to, who: who}
	if err = c.read(); err == nil {
		err = to.serve(c)
	}
	if err != nil {
		c.fail(err)
	}
}
