package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"rackpost/hw"
)

// The bounds of a query.
const (
	DefaultLimit  = 10_000
	MaxLimit      = 100_000
	defaultSince  = time.Hour
	maxParameters = 16
)

var errEnough = errors.New("enough")

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	s, err := h.Source.Status(r.Context())
	h.answer(w, r, s, err)
}

func (h *handler) devices(w http.ResponseWriter, r *http.Request) {
	d, err := h.Source.Devices(r.Context())
	if d == nil {
		d = []Device{}
	}
	h.answer(w, r, struct {
		Devices []Device `json:"devices"`
	}{d}, err)
}

func (h *handler) device(w http.ResponseWriter, r *http.Request) {
	d, err := h.Source.Device(r.Context(), hw.DeviceID(r.PathValue("id")))
	h.answer(w, r, d, err)
}

func (h *handler) latest(w http.ResponseWriter, r *http.Request) {
	id := hw.DeviceID(r.PathValue("id"))
	readings, err := h.History.Latest(r.Context(), id)
	h.answer(w, r, Latest{id, append([]Reading{}, readings...)}, err)
}

func (h *handler) query(w http.ResponseWriter, r *http.Request) {
	p := h.parameters(r, "device", "component", "sensor")
	q := SeriesQuery{p.device(), p.values["component"], p.values["sensor"], p.from, p.to}
	if p.err == nil && (q.Device == "" || q.Component == "" || q.Sensor == "") {
		p.err = &Problem{"device, component and sensor are all needed", "GET /api/v1/devices/ID/latest names the components and sensors"}
	}
	if p.err != nil {
		h.fail(w, http.StatusBadRequest, *p.err)
		return
	}
	s := Series{Device: q.Device, Component: q.Component, Sensor: q.Sensor, From: q.From, To: q.To, Points: []Point{}}
	err := h.History.Series(r.Context(), q, func(x Point) error {
		if s.Truncated = len(s.Points) == p.limit; s.Truncated {
			return errEnough
		}
		s.Points = append(s.Points, x)
		return nil
	})
	h.answer(w, r, s, ignoreEnough(err))
}

func (h *handler) facts(w http.ResponseWriter, r *http.Request) {
	p := h.parameters(r, "device")
	if p.err != nil {
		h.fail(w, http.StatusBadRequest, *p.err)
		return
	}
	facts, err := h.History.Facts(r.Context(), FactQuery{p.device(), p.from, p.to, p.limit + 1})
	a := Facts{Facts: append([]Fact{}, facts...)}
	if a.Truncated = len(facts) > p.limit; a.Truncated {
		a.Facts = a.Facts[1:]
	}
	h.answer(w, r, a, err)
}

func ignoreEnough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (h *handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.fail(w, http.StatusNotFound, Problem{"there is nothing here", "the status page is /, the interface begins at /api/v1/status"})
}

// answer writes v, or err as what it means.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, v)
	case errors.Is(err, ErrUnknownDevice):
		h.fail(w, http.StatusNotFound, Problem{err.Error(), "rackpost status and GET /api/v1/devices list them"})
	case errors.Is(err, ErrTooMany):
		h.fail(w, http.StatusBadRequest, Problem{err.Error(), "ask for a shorter time"})
	case r.Context().Err() != nil:
		// Nobody waits for the answer any more.
	default:
		h.Logger.Error("answer a request", "path", r.URL.Path, "error", err)
		h.fail(w, http.StatusInternalServerError, Problem{"the store could not answer: " + err.Error(), "the log of the appliance says more"})
	}
}

func (h *handler) fail(w http.ResponseWriter, code int, p Problem) { writeJSON(w, code, p) }

// writeJSON writes one object on one line. Text of devices that is no UTF-8 comes out with
// replacement characters, and <, > and & escaped.
func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)+1))
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // the client may be gone
}

// parameters are the checked parts of a query string.
type parameters struct {
	values   map[string]string
	from, to time.Time
	limit    int
	err      *Problem
}

func (p *parameters) device() hw.DeviceID { return hw.DeviceID(p.values["device"]) }

// parameters reads the query string; names are allowed besides since, from, to and limit.
func (h *handler) parameters(r *http.Request, names ...string) *parameters {
	p := &parameters{values: map[string]string{}, to: h.Now(), limit: DefaultLimit}
	p.from = p.to.Add(-defaultSince)
	allowed := map[string]bool{"since": true, "from": true, "to": true, "limit": true}
	for _, n := range names {
		allowed[n] = true
	}
	query := r.URL.Query()
	if len(query) > maxParameters {
		p.err = &Problem{"too many parameters", ""}
		return p
	}
	for name, values := range query {
		if !allowed[name] || len(values) != 1 {
			p.err = &Problem{fmt.Sprintf("parameter %q is unknown or there twice", name), fmt.Sprintf("the parameters are %v, since, from, to and limit", names)}
			return p
		}
		p.values[name] = values[0]
	}
	p.limits()
	return p
}

// limits reads since, from, to and limit.
func (p *parameters) limits() {
	if s := p.values["to"]; s != "" {
		p.to = p.time("to", s)
		p.from = p.to.Add(-defaultSince)
	}
	if s := p.values["from"]; s != "" {
		p.from = p.time("from", s)
	}
	if s := p.values["since"]; s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			p.err = &Problem{fmt.Sprintf("since: %q is no duration", s), "write a number and a unit: 90s, 30m, 1h"}
		}
		p.from = p.to.Add(-d)
	}
	if s := p.values["limit"]; s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > MaxLimit {
			p.err = &Problem{fmt.Sprintf("limit: %q is out of bounds", s), fmt.Sprintf("write 1 to %d", MaxLimit)}
		}
		p.limit = n
	}
	switch {
	case p.err != nil:
	case p.values["since"] != "" && p.values["from"] != "":
		p.err = &Problem{"since and from stand together", "write one of them"}
	case !p.from.Before(p.to):
		p.err = &Problem{"from is not before to", "both are times such as 2026-11-21T10:00:00Z"}
	}
}

func (p *parameters) time(name, s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		p.err = &Problem{fmt.Sprintf("%s: %q is no time", name, s), "write a time such as 2026-11-21T10:00:00Z"}
	}
	return t
}
