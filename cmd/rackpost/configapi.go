package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors/all"
	"rackpost/replicate/control"
	"rackpost/replicate/trust"
	"rackpost/web"
)

// handleConfig adds what is asked of the configuration and the secrets of a pair to the mux of the socket.
func (a *appliance) handleConfig(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1"+configPath, a.inPair(func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, a.siteHistory())
	}))
	mux.HandleFunc("GET /api/v1"+configPath+"/versions/{version}", a.inPair(a.siteVersion))
	mux.HandleFunc("POST /api/v1"+configPath, a.inPair(pairOrder(a.host, a.applySite)))
	mux.HandleFunc("GET /api/v1"+secretsPath, a.inPair(func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, a.keptSecrets())
	}))
	mux.HandleFunc("POST /api/v1"+secretsPath+"/{name}", a.inPair(func(w http.ResponseWriter, r *http.Request) {
		pairOrder(a.host, func(ctx context.Context, who string, o secretOrder) (any, error) {
			return struct{}{}, a.setSecret(ctx, who, r.PathValue("name"), o)
		})(w, r)
	}))
}

// inPair answers a lone box's person what is the truth there.
func (a *appliance) inPair(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if a.pair == nil {
			fail(w, http.StatusConflict, web.Problem{Error: fmt.Sprintf("this box is in no pair: its configuration is the file %s, without versions, and its secrets are where the file says", a.box.site),
				Hint: "edit it, rackpost check, systemctl reload rackpost; rackpost pair init begins a pair with versions and kept secrets, for one box too"})
			return
		}
		next(w, r)
	}
}

func (a *appliance) siteHistory() siteHistory {
	now := a.agreed.Load()
	h := siteHistory{Versions: []siteVersion{}, Running: now.version, Refused: now.refused}
	for _, d := range slices.Backward(a.pair.agreed.State().History()) {
		h.Versions = append(h.Versions, versionOf(d, false))
	}
	return h
}

func versionOf(d control.Document, withText bool) siteVersion {
	v := siteVersion{Version: d.Version, Who: d.Who, Why: d.Why, At: d.At, Bytes: len(d.Content)}
	if withText {
		v.Text = string(d.Content)
	}
	return v
}

func (a *appliance) siteVersion(w http.ResponseWriter, r *http.Request) {
	history := a.pair.agreed.State().History()
	word := r.PathValue("version")
	if len(history) == 0 {
		fail(w, http.StatusServiceUnavailable, web.Problem{Error: "no configuration is known yet", Hint: "rackpost pair status tells how the pair stands"})
		return
	}
	newest := history[len(history)-1]
	if word == "newest" {
		tell(w, http.StatusOK, versionOf(newest, true))
		return
	}
	n, _ := strconv.ParseUint(word, 10, 64)
	for _, d := range history {
		if d.Version == n {
			tell(w, http.StatusOK, versionOf(d, true))
			return
		}
	}
	fail(w, http.StatusNotFound, web.Problem{Error: fmt.Sprintf("there is no version %s; kept are %d to %d", shorten(word), history[0].Version, newest.Version), Hint: "rackpost config history lists them"})
}

// applySite makes a text the newest version, if it is right and nobody changed the site since its base.
func (a *appliance) applySite(ctx context.Context, who string, o siteOrder) (any, error) {
	file := cmp.Or(o.File, siteName)
	if len(o.Text) > maxSiteBytes {
		return nil, pairRefused("%s has %d bytes; a pair keeps at most %d", file, len(o.Text), maxSiteBytes)
	}
	state := a.pair.agreed.State()
	now, _ := state.Document(control.Site)
	if now.Version != o.Base {
		return nil, changedMeanwhile(state, o.Base)
	}
	site, notes, err := parseSite(file, []byte(o.Text), all.Kinds(), a.pair.pairSecrets(state))
	if err == nil {
		err = sameJournal(site.id, a.site.Load().id)
	}
	if err != nil {
		return siteTaken{Notes: []string{}, Problems: strings.Split(err.Error(), "\n")}, nil
	}
	if string(now.Content) == o.Text {
		return siteTaken{Version: now.Version, Devices: len(site.devices), Notes: []string{fmt.Sprintf("%s: this is what version %d says already", file, now.Version)}}, nil
	}
	err = a.pair.propose(ctx, &control.Put{Name: control.Site, Expected: o.Base, Content: []byte(o.Text), Who: who, Why: o.Why, At: time.Now()})
	if err != nil {
		state := a.pair.siteAfter(ctx, o.Base)
		if newestSite(state) == o.Base {
			return nil, err
		}
		if !madeOf(state, o, who) { // else only the answer was lost
			return nil, changedMeanwhile(state, o.Base)
		}
	}
	taken := siteTaken{Version: newestSite(a.pair.agreed.State()), Devices: len(site.devices), Notes: []string{}}
	for _, n := range notes {
		taken.Notes = append(taken.Notes, n.Error())
	}
	return taken, nil
}

// siteSeen is how long a box may take to hear of a version that the leader refused another one for.
const siteSeen = 2 * time.Second

// siteAfter is what is agreed on as soon as the site is no longer of version base, or after a while.
func (p *pairing) siteAfter(ctx context.Context, base uint64) control.State {
	ctx, cancel := context.WithTimeout(ctx, siteSeen)
	defer cancel()
	for {
		changed := p.agreed.Watch()
		state := p.agreed.State()
		if newestSite(state) != base || ctx.Err() != nil {
			return state
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// madeOf says whether the version after the base of an order is that order's.
func madeOf(state control.State, o siteOrder, who string) bool {
	return slices.ContainsFunc(state.History(), func(d control.Document) bool {
		return d.Version == o.Base+1 && d.Who == who && d.Why == o.Why && string(d.Content) == o.Text
	})
}

func newestSite(state control.State) uint64 {
	d, _ := state.Document(control.Site)
	return d.Version
}

// changedMeanwhile says who changed the site since a version.
func changedMeanwhile(state control.State, base uint64) error {
	var words []string
	for _, d := range state.History() {
		if d.Version > base {
			words = append(words, fmt.Sprintf("version %d by %s at %s%s", d.Version, d.Who, d.At.Local().Format(time.DateTime), within(": ", d.Why)))
		}
	}
	if len(words) == 0 {
		return pairRefused("there is no version %d; the newest is %d", base, newestSite(state))
	}
	const most = 5
	if len(words) > most {
		words = append([]string{fmt.Sprintf("%d changes more", len(words)-most)}, words[len(words)-most:]...)
	}
	return pairRefused("the configuration is no longer version %d, with which this began: %s; rackpost config diff %d shows what changed, rackpost config show > FILE begins anew", base, strings.Join(words, ", "), base)
}

func (a *appliance) keptSecrets() keptSecrets {
	state := a.pair.agreed.State()
	site, _ := state.Document(control.Site)
	asked := secretNames(siteName, site.Content)
	list := keptSecrets{Secrets: []keptSecret{}}
	for _, d := range state.Documents(control.Secret) {
		s := keptSecret{Name: strings.TrimPrefix(d.Name, control.Secret), Who: d.Who, At: d.At}
		if s.Name == credentialSecret {
			continue // rackpost uplink tells of it
		}
		s.Used = slices.Contains(asked, s.Name)
		if _, err := a.pair.openSecret(state, s.Name); err != nil {
			s.Lost = err.Error()
		}
		list.Secrets = append(list.Secrets, s)
	}
	return list
}

// setSecret keeps a secret sealed to all boxes, or forgets one.
func (a *appliance) setSecret(ctx context.Context, who, name string, o secretOrder) error {
	state := a.pair.agreed.State()
	now, known := state.Document(control.Secret + name)
	switch {
	case !idPattern.MatchString(name):
		return pairRefused("%q is no name of a secret", shorten(name))
	case name == credentialSecret:
		return pairRefused("%q is where the pair keeps what lets it send to headquarters; rackpost uplink join and leave change that, take another name", name)
	case o.Remove && !known:
		return pairRefused("the pair keeps no secret %q; rackpost secret list names them", name)
	case o.Remove:
		if site, _ := state.Document(control.Site); slices.Contains(secretNames(siteName, site.Content), name) {
			return pairRefused("site.yaml asks for the secret %q; take it out there first", name)
		}
		return a.pair.propose(ctx, &control.Delete{Name: now.Name, Expected: now.Version, Who: who, Why: "removed", At: time.Now()})
	case o.Value == "" || len(o.Value) > maxSecret || strings.ContainsAny(o.Value, "\n\x00"):
		return pairRefused("a secret is one line of at most %d bytes", maxSecret)
	}
	sealed, err := trust.Seal(name, []byte(o.Value), trust.Recipients(a.pair.members()))
	if err != nil {
		return err
	}
	content, err := json.Marshal(sealed)
	if err != nil {
		return err
	}
	return a.pair.propose(ctx, &control.Put{Name: control.Secret + name, Expected: now.Version, Content: content, Who: who, Why: "set", At: time.Now()})
}
