package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// Turns are taken by whatever reads the history: an answer may hold a million readings, 100 MB. As many as there are
// are had at once, and the others wait.
type Turns chan struct{}

// NewTurns returns the turns of a box.
func NewTurns() Turns { return make(Turns, 2) }

// Take waits for a turn. leave gives it back.
func (t Turns) Take(ctx context.Context) (leave func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// WriteJSON writes one object on one line. Text of devices that is no UTF-8 comes out with
// replacement characters, and <, > and & escaped.
func WriteJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // the client may be gone
}

func (h *handler) fail(w http.ResponseWriter, code int, p Problem) { WriteJSON(w, code, p) }

func (h *handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.fail(w, http.StatusNotFound, Problem{"there is nothing here", "the status page is /, what programs ask for is under /api/v1: GET /api/v1/openapi.json tells"})
}
