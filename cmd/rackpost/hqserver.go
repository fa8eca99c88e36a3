package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/web"
	"rackpost/web/api"
)

const hqPath = "/hq"

// hqView is GET /api/v1/hq. Its sites are those of GET /api/v1/sites.
type hqView struct {
	Name        string         `json:"name"`
	ID          string         `json:"id"`
	Version     string         `json:"version"`
	Time        time.Time      `json:"time"`
	Started     time.Time      `json:"started"`
	URLs        []string       `json:"urls"`
	CA          string         `json:"ca_sha256"`
	Sites       []api.Site     `json:"sites"`
	Invitations []hqInvitation `json:"invitations"` // tokens that nobody joined with yet
	Totals      intake.Totals  `json:"totals"`
	Journal     web.Journal    `json:"journal"`
	Notes       []string       `json:"notes"` // what a person is to see to
}

// hqInvitation is a token that was made for a site and is not used.
type hqInvitation struct {
	Site    string    `json:"site"`
	Again   bool      `json:"again,omitempty"` // the site joined already
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

// hqPaced is the answer to an order about the pace of a site.
type hqPaced struct {
	Pace      ship.Pace `json:"pace"`
	Connected bool      `json:"connected"`           // else the site hears of it when it is
	HeldBack  string    `json:"held_back,omitempty"` // what holds it back all the same, in words
}

// hqForgotten is the answer to an order to forget.
type hqForgotten struct {
	Token bool `json:"token,omitempty"` // nobody had joined: its token was taken back
}

// hqRevoked is the answer to an order to revoke.
type hqRevoked struct {
	Before string `json:"before,omitempty"` // it was revoked already: by whom and why
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
	mux.HandleFunc("GET /api/v1"+hqPath, func(w http.ResponseWriter, r *http.Request) {
		v, err := h.view(r.Context())
		if err != nil {
			fail(w, http.StatusInternalServerError, web.Problem{Error: err.Error()})
			return
		}
		tell(w, http.StatusOK, v)
	})
	for verb, do := range map[string]func(context.Context, string, hqOrder) (any, error){
		"enroll": h.enroll, "revoke": h.revoke, "forget": h.forget, "pace": h.pace,
	} {
		mux.HandleFunc("POST /api/v1"+hqPath+"/"+verb, h.order(do))
	}
	mux.Handle("/", h.api.People())
	return mux
}

func (h *headquarters) view(ctx context.Context) (hqView, error) {
	_, ca := h.registry.CA()
	v := hqView{
		Name: h.cfg.name, ID: h.registry.HQ().String(), Version: versionText(), Time: time.Now(), Started: h.started, URLs: h.cfg.urls, CA: ca.String(),
		Totals: h.intake.Status().Totals, Journal: journalOf(h.store, h.cfg.data, h.logger), Invitations: []hqInvitation{},
	}
	for _, i := range h.registry.Invitations() {
		if !i.Used && v.Time.Before(i.Expires) {
			v.Invitations = append(v.Invitations, hqInvitation{Site: i.Site, Again: i.Again, Made: i.Made, Expires: i.Expires})
		}
	}
	var err error
	v.Sites, err = h.Sites(ctx)
	v.Notes = append([]string{}, v.troubles()...)
	return v, err
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
			if p, ok := answer.(hqPaced); ok {
				what = append(what, "pace", paceText(p.Pace), "why", p.Pace.Why)
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
	if strings.Contains(o.Site, "/") {
		return nil, &enroll.Refusal{What: fmt.Sprintf("a device is asked for as SITE/DEVICE, so the name of a site holds no \"/\": %q", o.Site),
			Advice: "write it otherwise here; the site joins by that name with rackpost uplink join -name"}
	}
	token, inv, err := h.registry.Invite(o.Site, o.Again)
	if err != nil {
		return nil, err
	}
	return siteInvited{Site: inv.Site, Token: token.Text(), URLs: h.cfg.urls, Expires: inv.Expires}, nil
}

func (h *headquarters) revoke(_ context.Context, who string, o hqOrder) (any, error) {
	s, err := h.named(o.Site)
	if err != nil {
		return nil, err
	}
	if !s.Revoked.IsZero() && o.Why == "" {
		return hqRevoked{Before: s.Why}, nil
	}
	why := "by " + who
	if o.Why != "" {
		why += ": " + o.Why
	}
	return hqRevoked{}, h.registry.Revoke(s.Name, why)
}

func (h *headquarters) forget(ctx context.Context, _ string, o hqOrder) (any, error) {
	s, err := h.named(o.Site)
	switch {
	case errors.Is(err, errNoSite) && o.Data && h.forgotten(o.Site) != (journal.ID{}):
		return hqForgotten{}, h.drop(ctx, h.forgotten(o.Site))
	case errors.Is(err, errNoSite):
		var none *enroll.Refusal
		if bare := h.registry.Forget(o.Site); !errors.As(bare, &none) { // it had but a token, or that could not be written
			return hqForgotten{Token: true}, bare
		}
		return nil, err
	case err != nil:
		return nil, err
	}
	if err := h.registry.Forget(s.Name); err != nil {
		return nil, err
	}
	if err := h.paces.set(s.ID, ship.Pace{}); err != nil {
		return nil, err
	}
	if o.Data {
		return hqForgotten{}, h.drop(ctx, s.ID)
	}
	return hqForgotten{}, h.intake.Forget(ctx, s.ID)
}

// drop drops the records of a site that may not send any more, when none is on its way here.
func (h *headquarters) drop(ctx context.Context, id journal.ID) error {
	if err := h.intake.Forget(ctx, id); err != nil {
		return err
	}
	return h.store.Forget(ctx, id)
}

// forgotten returns the id of a site that is not enrolled any more, and of which something is here; zero: it is none.
func (h *headquarters) forgotten(name string) journal.ID {
	id, err := journal.ParseID(name)
	if err != nil || id == h.registry.HQ() || !slices.Contains(h.store.Sites(), id) {
		return journal.ID{}
	}
	return id
}

func (h *headquarters) pace(_ context.Context, _ string, o hqOrder) (any, error) {
	s, err := h.named(o.Site)
	if err != nil {
		return nil, err
	}
	if !s.Revoked.IsZero() {
		return nil, &enroll.Refusal{What: revokedText(s.Name, s.Why), Advice: "rackpost hq enroll " + siteWord(s.Name) + " -again makes a token with which it joins anew"}
	}
	if err := h.intake.SetPace(s.ID, o.Pace); err != nil {
		return nil, err
	}
	done := hqPaced{Pace: o.Pace}
	for _, row := range h.intake.Status().Sites {
		if row.Site == s.ID {
			done.Connected = row.Live.Connected
			if o.Pace == (ship.Pace{}) {
				done.HeldBack = strings.Join(row.PaceReasons, "; ")
			}
		}
	}
	if err := h.paces.set(s.ID, o.Pace); err != nil {
		return nil, fmt.Errorf("it holds until headquarters starts anew, and could not be kept for longer: %w", err)
	}
	return done, nil
}

// revokedText says that a site may not send.
func revokedText(name, why string) string {
	return name + " is revoked" + within(" ", why) + ": it sends nothing"
}

// named finds a site that joined.
func (h *headquarters) named(name string) (enroll.Site, error) {
	var names []string
	for _, s := range h.registry.List() {
		if s.Name == name || s.ID.String() == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	for _, i := range h.registry.Invitations() {
		if i.Site == name && !i.Used && time.Now().Before(i.Expires) {
			return enroll.Site{}, fmt.Errorf("%w: %s has a token and has not joined yet", errNoSite, name)
		}
	}
	if h.forgotten(name) != (journal.ID{}) {
		return enroll.Site{}, fmt.Errorf("%w: the site %s was forgotten; rackpost hq forget %s -data drops what it sent", errNoSite, name, siteWord(name))
	}
	if near := hw.Nearest(name, names); near != "" {
		return enroll.Site{}, fmt.Errorf("%w; did you mean %q?", errNoSite, near)
	}
	return enroll.Site{}, errNoSite
}
