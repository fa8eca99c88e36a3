package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/web"
)

const hqPath = "/hq"

// hqView is GET /api/v1/hq.
type hqView struct {
	Name        string              `json:"name"`
	ID          string              `json:"id"`
	Time        time.Time           `json:"time"`
	URLs        []string            `json:"urls"`
	CA          string              `json:"ca_sha256"`
	Intake      intake.Status       `json:"intake"`
	Sites       []enroll.Site       `json:"sites"`
	Invitations []enroll.Invitation `json:"invitations"`
	Journal     web.Journal         `json:"journal"`
}

// siteInvited is the answer to an order to enroll.
type siteInvited struct {
	Site    string    `json:"site"`
	Token   string    `json:"token"`
	URLs    []string  `json:"urls"`
	Expires time.Time `json:"expires"`
}

// hqOrder is the body of POST /api/v1/hq/VERB.
type hqOrder struct {
	Site  string    `json:"site"`
	Again bool      `json:"again,omitempty"` // enroll: it joined already
	Why   string    `json:"why,omitempty"`   // revoke
	Data  bool      `json:"data,omitempty"`  // forget: what it sent too
	Pace  ship.Pace `json:"pace,omitzero"`   // pace
}

// control is the handler of the unix socket.
func (h *headquarters) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1"+hqPath, func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, h.view()) })
	for verb, do := range map[string]func(context.Context, string, hqOrder) (any, error){
		"enroll": h.enroll, "revoke": h.revoke, "forget": h.forget, "pace": h.pace,
	} {
		mux.HandleFunc("POST /api/v1"+hqPath+"/"+verb, h.order(do))
	}
	mux.Handle("/", h.api.People())
	return mux
}

func (h *headquarters) view() hqView {
	_, ca := h.registry.CA()
	return hqView{
		Name: h.cfg.name, ID: h.registry.HQ().String(), Time: time.Now(), URLs: h.cfg.urls, CA: ca.String(), Intake: h.intake.Status(),
		Sites: append([]enroll.Site{}, h.registry.List()...), Invitations: append([]enroll.Invitation{}, h.registry.Invitations()...),
		Journal: journalOf(h.store, h.logger),
	}
}

// order reads what is asked and has it done in the name of the person at the other end.
func (h *headquarters) order(do func(ctx context.Context, who string, o hqOrder) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o hqOrder
		if !readOrder(w, r, maxOrder, &o) {
			return
		}
		who := personOf(r)
		answer, err := do(r.Context(), who, o)
		var refused *enroll.Refusal
		switch {
		case err == nil:
			what := []any{"path", r.URL.Path, "site", o.Site, "who", who}
			if p, ok := answer.(ship.Pace); ok {
				what = append(what, "pace", paceText(p), "why", p.Why)
			}
			h.logger.Info("an order of a person", what...)
			tell(w, http.StatusOK, answer)
			return
		case errors.As(err, &refused):
			fail(w, http.StatusConflict, web.Problem{Error: refused.What, Hint: refused.Advice})
		case errors.Is(err, errNoSite):
			fail(w, http.StatusNotFound, web.Problem{Error: err.Error(), Hint: "rackpost hq sites lists them"})
		default:
			fail(w, http.StatusInternalServerError, web.Problem{Error: err.Error()})
		}
		h.logger.Warn("an order of a person", "path", r.URL.Path, "site", o.Site, "who", who, "err", err)
	}
}

var errNoSite = errors.New("there is no site of that name")

func (h *headquarters) enroll(_ context.Context, _ string, o hqOrder) (any, error) {
	token, inv, err := h.registry.Invite(o.Site, o.Again)
	if err != nil {
		return nil, err
	}
	return siteInvited{Site: inv.Site, Token: token.Text(), URLs: h.cfg.urls, Expires: inv.Expires}, nil
}

func (h *headquarters) revoke(_ context.Context, who string, o hqOrder) (any, error) {
	if _, err := h.named(o.Site); err != nil {
		return nil, err
	}
	why := "by " + who
	if o.Why != "" {
		why += ": " + o.Why
	}
	return struct{}{}, h.registry.Revoke(o.Site, why)
}

func (h *headquarters) forget(ctx context.Context, _ string, o hqOrder) (any, error) {
	id, err := h.named(o.Site)
	if errors.Is(err, errNoSite) && h.registry.Forget(o.Site) == nil { // only its token was there
		return struct{}{}, nil
	}
	if err != nil {
		return nil, err
	}
	if err := h.registry.Forget(o.Site); err != nil {
		return nil, err
	}
	if err := h.paces.set(id, ship.Pace{}); err != nil {
		return nil, err
	}
	if o.Data {
		err = h.store.Forget(ctx, id)
	}
	return struct{}{}, err
}

func (h *headquarters) pace(_ context.Context, _ string, o hqOrder) (any, error) {
	id, err := h.named(o.Site)
	if err != nil {
		return nil, err
	}
	if err := h.intake.SetPace(id, o.Pace); err != nil {
		return nil, err
	}
	return o.Pace, h.paces.set(id, o.Pace)
}

// named finds a site that joined.
func (h *headquarters) named(name string) (journal.ID, error) {
	var names []string
	for _, s := range h.registry.List() {
		if s.Name == name || s.ID.String() == name {
			return s.ID, nil
		}
		names = append(names, s.Name)
	}
	if near := hw.Nearest(name, names); near != "" {
		return journal.ID{}, fmt.Errorf("%w; did you mean %q?", errNoSite, near)
	}
	return journal.ID{}, errNoSite
}
