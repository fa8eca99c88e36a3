package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"rackpost/hw"
	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
	"rackpost/web"
)

// What only the box that visits can do is asked of it by the others, over the pair's wire.

// forwardTimeout is the longest that another box may take to answer.
const forwardTimeout = actTimeout

// methodHTTP carries a request of one box's socket to another box.
const methodHTTP = "http"

// forwarded is such a request, and its answer.
type forwarded struct {
	Method string `json:"method,omitempty"`
	URL    string `json:"url,omitempty"`
	Who    string `json:"who,omitempty"`
	Code   int    `json:"code,omitempty"`
	Body   []byte `json:"body,omitempty"`
}

// whoKey is where the context of a forwarded request has who made it.
type whoKey struct{}

// elsewhere returns the box that has authority where this one does not visit.
func (a *appliance) elsewhere() (mode.NodeID, bool) {
	if a.pair == nil || a.visiting.Load() {
		return mode.NodeID{}, false
	}
	leader := a.pair.node.Status().Leader
	return leader, leader != a.pair.self.Node && leader != (mode.NodeID{})
}

// atVisitor has the box answer that visits.
func (a *appliance) atVisitor(here http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		to, other := a.elsewhere()
		if !other || r.Context().Value(whoKey{}) != nil { // what was forwarded goes no further
			here(w, r)
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * actWait))
		if err := a.forward(w, r, to); err != nil {
			hint := "what was asked may have been done: rackpost query DEVICE; rackpost pair status tells how the pair stands"
			if errors.Is(err, wire.ErrUndelivered) {
				hint = "nothing was done; if it is gone, the other box visits within seconds: rackpost pair status tells how the pair stands, then ask again"
			}
			fail(w, http.StatusBadGateway, web.Problem{Error: fmt.Sprintf("%s, which visits the devices, does not answer: %v", a.pair.nameOf(to), err), Hint: hint})
		}
	}
}

func (a *appliance) forward(w http.ResponseWriter, r *http.Request, to mode.NodeID) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder+1))
	if err != nil {
		return err
	}
	b, err := json.Marshal(forwarded{Method: r.Method, URL: r.URL.RequestURI(), Who: personOf(r), Body: body})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), forwardTimeout)
	defer cancel()
	got, err := a.pair.wire.Request(ctx, to, methodHTTP, b)
	if err != nil {
		return err
	}
	var answer forwarded
	if err := json.Unmarshal(got, &answer); err != nil {
		return err
	}
	if answer.Code < 200 || answer.Code > 599 {
		return fmt.Errorf("it answers with the status %d", answer.Code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body) // the client may be gone
	return nil
}

// maxWho is how much of a name another box is believed.
const maxWho = 64

// answerForwarded answers another box's request for what only the box that visits can do. Who asks is who the other box
// says, at that box: its certificate says which.
func (a *appliance) answerForwarded(boxOf func(mode.NodeID) (name string, ok bool)) func(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error) {
	mux := http.NewServeMux()
	a.handleVisitor(mux, func(h http.HandlerFunc) http.HandlerFunc { return h })
	return func(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error) {
		name, ok := boxOf(from)
		if !ok {
			return nil, errors.New("only a box of the pair asks for that")
		}
		var f forwarded
		if err := json.Unmarshal(body, &f); err != nil {
			return nil, errors.New("the request cannot be read: update the older of the two boxes")
		}
		who := fmt.Sprintf("%.*s at %s", maxWho, hw.Clean(f.Who), name)
		r, err := http.NewRequestWithContext(context.WithValue(ctx, whoKey{}, who), f.Method, f.URL, bytes.NewReader(f.Body))
		if err != nil {
			return nil, errors.New("the request cannot be read: update the older of the two boxes")
		}
		w := &kept{header: http.Header{}, code: http.StatusOK}
		a.serveForwarded(mux, w, r)
		return json.Marshal(forwarded{Code: w.code, Body: w.body.Bytes()})
	}
}

// serveForwarded is what http.Server does for a request of the socket: a handler that panics ends its request alone.
func (a *appliance) serveForwarded(mux *http.ServeMux, w *kept, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			a.logger.Error("a request of another box ended in a panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			w.code = http.StatusInternalServerError
			w.body.Reset()
		}
	}()
	mux.ServeHTTP(w, r)
}

// boxNamed is the name of a member that is a box.
func (p *pairing) boxNamed(id mode.NodeID) (string, bool) {
	return p.nameOf(id), p.roles()[id] == mode.Box
}

// kept is an answer that is kept to be sent.
type kept struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(code int) { k.code = code }

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

// SetWriteDeadline keeps http.ResponseController content: the request's context bounds it.
func (k *kept) SetWriteDeadline(time.Time) error { return nil }
