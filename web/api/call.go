package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// call is one request being answered.
type call struct {
	api   *API
	w     http.ResponseWriter
	r     *http.Request
	route route
	who   *asker
	args  args
	known []Site // once they were asked for
	begun bool   // something was written

	since  time.Time // the answer began
	plain  int       // bytes of a long answer that were made, before packing
	lastly time.Time // when the answer ends at the latest; zero: by its pace
}

// maxBody bounds what is sent.
const maxBody = 8 << 10

// refused is an answer that is not a success.
type refused struct {
	code  int
	after time.Duration // when to ask again; 0: nothing is said
	web.Problem
	body any // instead of the problem; nil: that
}

// Error implements error.
func (r *refused) Error() string { return r.Problem.Error }

func refusal(code int, text, advice string) error {
	return &refused{code: code, Problem: web.Problem{Error: text, Hint: advice}}
}

func badRequest(text, advice string) error { return refusal(http.StatusBadRequest, text, advice) }

func notFound(text, advice string) error { return refusal(http.StatusNotFound, text, advice) }

// read checks what is asked.
func (c *call) read() (err error) {
	c.args, err = c.route.readArgs(c.r)
	return err
}

// body reads what was sent into v. A page of another origin can send no application/json without being asked first, and never is.
func (c *call) body(v any) error {
	if media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || media != asJSON {
		return refusal(http.StatusUnsupportedMediaType, "the body is not called JSON", "send it with Content-Type: application/json")
	}
	d := json.NewDecoder(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("something stands behind it")
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refusal(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody), "send one object as "+documentPath+" describes it")
	case errors.Is(err, io.EOF):
		return badRequest("there is no body", "send one object as "+documentPath+" describes it")
	case err != nil:
		return badRequest("the body cannot be read: "+err.Error(), "send one object as "+documentPath+" describes it")
	}
	return nil
}

// fail answers with what err means; after the answer has begun it can only be cut off.
func (c *call) fail(err error) {
	if c.begun {
		if c.r.Context().Err() == nil {
			c.api.Logger.Error("an answer was cut off", "path", c.r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	c.api.refuse(c.w, c.r, err)
}

// refuse writes err as what it means.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *refused
	switch {
	case errors.As(err, &known):
	case r.Context().Err() != nil: // nobody waits any more; or one does who closed its own half, and an empty 200 would tell it that there is nothing
		panic(http.ErrAbortHandler)
	case errors.Is(err, web.ErrTooMany):
		known = &refused{code: http.StatusBadRequest, Problem: web.Problem{Error: err.Error(), Hint: "ask for a shorter time, or for one device"}}
	case errors.Is(err, web.ErrUnknownDevice), errors.Is(err, ErrUnknownSite):
		known = &refused{code: http.StatusNotFound, Problem: web.Problem{Error: err.Error(), Hint: "GET /api/v1/sites and GET /api/v1/devices list what there is"}}
	default:
		a.Logger.Error("answer a request", "path", r.URL.Path, "error", err)
		known = &refused{code: http.StatusInternalServerError, Problem: web.Problem{Error: "the store could not answer: " + err.Error(), Hint: "the log of the appliance says more"}}
	}
	if known.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(known.after, time.Second)/time.Second)))
	}
	if known.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="rackpost"`)
		w.Header().Set("Connection", "close") // a stranger holds no connection
	}
	if known.body != nil {
		web.WriteJSON(w, known.code, known.body)
		return
	}
	web.WriteJSON(w, known.code, known.Problem)
}

// sitesHere are the sites whose records are here.
func (c *call) sitesHere() (all []Site, err error) {
	if c.known == nil {
		c.known, err = c.api.Sites.Sites(c.r.Context())
	}
	return c.known, err
}

// site is the one that is asked for: zero is every site, which only headquarters has.
func (c *call) site() (journal.ID, error) {
	named := c.args.text("site")
	if named == "" {
		return c.api.Own, nil
	}
	sites, err := c.sitesHere()
	if err != nil {
		return journal.ID{}, err
	}
	id, notID := journal.ParseID(named)
	names := make([]string, 0, len(sites))
	for _, s := range sites {
		if s.Name == named || notID == nil && s.ID == id.String() {
			return journal.ParseID(s.ID)
		}
		names = append(names, s.Name)
	}
	return journal.ID{}, notFound(fmt.Sprintf("there is no site %q", named), nearestOf(named, names))
}

// place is the one site that is asked for, or meant.
func (c *call) place() (Site, Place, error) {
	id, err := c.site()
	if err != nil {
		return Site{}, nil, err
	}
	if id == (journal.ID{}) {
		return Site{}, nil, noSiteNamed()
	}
	places, err := c.places(id)
	if err != nil {
		return Site{}, nil, err
	}
	p, err := c.api.Sites.Place(c.r.Context(), id)
	return places[0], p, err
}

func noSiteNamed() error {
	return badRequest("no site is named, and there are many here", "write site=NAME, in a command SITE/DEVICE; GET /api/v1/sites lists them")
}

// places are the sites that are asked for: all of them where id is zero.
func (c *call) places(id journal.ID) ([]Site, error) {
	sites, err := c.sitesHere()
	if err != nil || id == (journal.ID{}) {
		return sites, err
	}
	sites = slices.DeleteFunc(slices.Clone(sites), func(s Site) bool { return s.ID != id.String() })
	if len(sites) == 0 {
		return nil, ErrUnknownSite
	}
	return sites, nil
}

// unknown makes of an unknown device an error that names the nearest one.
func (c *call) unknown(p Place, id hw.DeviceID, err error) error {
	if !errors.Is(err, web.ErrUnknownDevice) {
		return err
	}
	devices, listErr := p.Devices(c.r.Context())
	if listErr != nil {
		return err
	}
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = string(d.ID)
	}
	return notFound(fmt.Sprintf("%s: %q", web.ErrUnknownDevice, id), nearestOf(string(id), names))
}

// maxTurn is how long a request may have a turn: a client that reads slowly must not keep the others out.
const maxTurn = time.Minute

// maxQueue is how long a request waits for its turn.
const maxQueue = 20 * time.Second

// inTurn waits for its turn to read the history.
func (c *call) inTurn() (leave func(), err error) { return c.turnOf(c.api.Turns) }

// turnOf waits for one of these turns, which the request has for a bounded time.
func (c *call) turnOf(turns web.Turns) (leave func(), err error) {
	leave, err = c.take(turns)
	c.lastly = time.Now().Add(c.api.pace.turn)
	return leave, err
}

// take waits for one of these turns, but not for ever: others may read slowly.
func (c *call) take(turns web.Turns) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), c.api.queue)
	defer cancel()
	if leave, err = turns.Take(ctx); err != nil && c.r.Context().Err() == nil {
		return nil, &refused{code: http.StatusServiceUnavailable, after: c.api.queue, Problem: web.Problem{Error: "others are still reading what they asked for", Hint: "ask again later, and for less at once"}}
	}
	return leave, err
}

// answer writes one object, packed as the client takes it where it is long.
func (c *call) answer(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the answer as JSON: %w", err)
	}
	if len(b) < leastPacked {
		web.WriteJSON(c.w, http.StatusOK, json.RawMessage(b))
		return nil
	}
	out, err := c.stream(asJSON)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return errors.Join(err, out.end())
}

// wants says whether the client takes a coding, with a weight above 0.
func wants(r *http.Request, coding string) bool {
	for _, part := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, weighed := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		f, err := strconv.ParseFloat(cmp.Or(q, "1"), 64)
		return !weighed || err == nil && f > 0
	}
	return false
}
