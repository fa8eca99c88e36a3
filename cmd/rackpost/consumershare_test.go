package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/web/api"
)

// sharing is a box that shares its consumers.
type sharing struct {
	t *testing.T
	*consumerShare
	file string
}

// newSharing is a box of the pair of v, with the consumers of its file.
func (v *vouching) newSharing(t *testing.T, file string) *sharing {
	t.Helper()
	consumers, err := api.OpenConsumers(file, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := shareConsumers(v.pairing, consumers)
	s.agree = v.agree(nil)
	return &sharing{t, s, file}
}

// loneConsumers are the consumers of a box that is in no pair.
func loneConsumers(t *testing.T, file string) *api.Consumers {
	t.Helper()
	c, err := api.OpenConsumers(file, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	shareConsumers(nil, c)
	return c
}

func consumersOf(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), consumersFile)
}

func (s *sharing) add(name string) (token string) {
	s.t.Helper()
	return addedTo(s.t, s.consumers, name)
}

func addedTo(t *testing.T, c *api.Consumers, name string) string {
	t.Helper()
	token, err := c.Add(t.Context(), name, []api.Scope{api.ScopeRead}, "")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (s *sharing) exchanges() {
	s.t.Helper()
	if err := s.exchange(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// names are those that the box lists.
func (s *sharing) names() string {
	var names []string
	for _, c := range s.consumers.List() {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

// lets says whether the box answers who has a token.
func lets(t *testing.T, c *api.Consumers, token string) bool {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/consumers", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	api.New(api.Config{Consumers: c}).Remote().ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

// TestSharedConsumers: who is added at one box is let in by both, who is removed by neither, also by one that was away and one that starts
// while nobody is there to agree.
func TestSharedConsumers(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	a, b := v.newSharing(t, consumersOf(t)), v.newSharing(t, consumersOf(t))
	first, second := a.add("cmdb"), a.add("graphs")
	b.exchanges()
	if !lets(t, a.consumers, first) || !lets(t, b.consumers, first) || !lets(t, b.consumers, second) {
		t.Error("a token of the pair is refused")
	}
	if _, err := b.consumers.Add(t.Context(), "cmdb", api.Scopes(), ""); !errors.Is(err, api.ErrNameTaken) {
		t.Errorf("a name of the other box: %v", err)
	}
	if err := b.consumers.Remove(t.Context(), "cmdb"); err != nil { // a is away
		t.Fatal(err)
	}
	again := v.newSharing(t, a.file)
	if !lets(t, again.consumers, second) {
		t.Error("a box that starts does not know whom it let in")
	}
	again.agree = func(context.Context, control.Command) error { return replicate.ErrNoAuthority }
	if err := again.consumers.Remove(t.Context(), "graphs"); !errors.Is(err, api.ErrNotNow) || !lets(t, again.consumers, second) {
		t.Errorf("removed at a box that started alone, though the other one lets it in: %v", err)
	}
	again.agree = v.agree(nil)
	again.exchanges()
	if lets(t, b.consumers, first) || lets(t, again.consumers, first) {
		t.Error("a removed token is let in")
	}
	if a.names() != "cmdb graphs" || again.names() != "graphs" || b.names() != "graphs" {
		t.Errorf("%q, again %q, %q", a.names(), again.names(), b.names())
	}
	content, _ := v.agreed.State().Document(consumersDocument)
	if strings.Contains(string(content.Content), strings.TrimPrefix(second, "rackpost-")) {
		t.Error("a token stands in what is agreed on")
	}
}

// TestConsumersOfANewPair: what both boxes had before goes on, two of one name too; a box that leaves keeps what is there, and one that
// comes back brings in nothing that was removed meanwhile.
func TestConsumersOfANewPair(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	fileA, fileB := consumersOf(t), consumersOf(t)
	one, two := addedTo(t, loneConsumers(t, fileA), "cmdb"), addedTo(t, loneConsumers(t, fileB), "cmdb")
	three, same := addedTo(t, loneConsumers(t, fileB), "graphs"), addedTo(t, loneConsumers(t, fileA), "both")
	if _, err := loneConsumers(t, fileB).Add(t.Context(), "both", api.Scopes(), same); err != nil {
		t.Fatal(err)
	}
	a, b := v.newSharing(t, fileA), v.newSharing(t, fileB)
	a.exchanges()
	b.exchanges()
	a.exchanges()
	for _, token := range []string{one, two, three, same} {
		if !lets(t, a.consumers, token) || !lets(t, b.consumers, token) {
			t.Errorf("a token of before is refused: %q, %q", a.names(), b.names())
		}
	}
	if want := "both cmdb cmdb-2 graphs"; a.names() != want || b.names() != want {
		t.Errorf("%q and %q, want %q", a.names(), b.names(), want)
	}
	left := loneConsumers(t, fileB)
	if err := a.consumers.Remove(t.Context(), "graphs"); err != nil {
		t.Fatal(err)
	}
	if !lets(t, left, three) || !lets(t, left, one) {
		t.Error("who left forgot")
	}
	fresh := addedTo(t, left, "fresh")
	b = v.newSharing(t, fileB)
	b.exchanges()
	a.exchanges()
	if lets(t, a.consumers, three) || lets(t, b.consumers, three) || !lets(t, a.consumers, fresh) || !lets(t, b.consumers, two) {
		t.Errorf("back again: %q and %q", a.names(), b.names())
	}
}

// TestConsumersAtOnce: two that are added at both boxes at the same time are both there.
func TestConsumersAtOnce(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	a, b := v.newSharing(t, consumersOf(t)), v.newSharing(t, consumersOf(t))
	a.agree = v.agree(func() { b.add("graphs") })
	a.add("cmdb")
	b.exchanges()
	if a.names() != "cmdb graphs" || b.names() != "cmdb graphs" {
		t.Errorf("%q and %q", a.names(), b.names())
	}
}

// TestRemovedMeanwhile: who is removed while the pair is asked to take it over does not come back, also where the box ends before that is agreed on; given
// anew with its token, it does.
func TestRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"it goes on": false, "it ends": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVouching(t)
			file := consumersOf(t)
			token := addedTo(t, loneConsumers(t, file), "cmdb")
			a, b := v.newSharing(t, file), v.newSharing(t, consumersOf(t))
			agree := v.agree(nil)
			a.agree = v.agree(func() {
				a.agree = agree
				if err := a.consumers.Remove(t.Context(), "cmdb"); err != nil {
					t.Error(err)
				}
			})
			if ends {
				if err := a.bringIn(t.Context()); err != nil {
					t.Fatal(err)
				}
				a = v.newSharing(t, file)
			}
			a.exchanges()
			b.exchanges()
			a.exchanges()
			if lets(t, a.consumers, token) || lets(t, b.consumers, token) {
				t.Errorf("a removed token is let in: %q and %q", a.names(), b.names())
			}
			if _, err := a.consumers.Add(t.Context(), "cmdb", api.Scopes(), token); err != nil {
				t.Fatal(err)
			}
			b.exchanges()
			a.exchanges()
			if !lets(t, a.consumers, token) || !lets(t, b.consumers, token) {
				t.Errorf("a token that is given anew is refused: %q and %q", a.names(), b.names())
			}
		})
	}
}

// TestLaterScopes: a scope of a later version is passed over and kept: what else that one changed holds here, and what is changed here takes none from it.
func TestLaterScopes(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	a, b := v.newSharing(t, consumersOf(t)), v.newSharing(t, consumersOf(t))
	gone, token := a.add("graphs"), a.add("cmdb")
	b.exchanges()
	err := b.Change(t.Context(), "by a later version", func(all []api.Grant) ([]api.Grant, error) {
		i := slices.IndexFunc(all, func(g api.Grant) bool { return g.Name == "cmdb" })
		all[i].Scopes = []api.Scope{"forecast", api.ScopeRead}
		return all[i : i+1], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.exchanges()
	if lets(t, a.consumers, gone) || !lets(t, a.consumers, token) {
		t.Errorf("what a later version changed does not hold: %q", a.names())
	}
	if got := a.consumers.List(); len(got) != 1 || !slices.Equal(got[0].Scopes, []api.Scope{api.ScopeRead}) {
		t.Errorf("listed %v", got)
	}
	again := v.newSharing(t, a.file)
	again.add("fresh")
	if now, _, _, err := again.load(); err != nil || len(now.Consumers) != 2 || !slices.Equal(now.Consumers[0].Scopes, []api.Scope{"forecast", api.ScopeRead}) {
		t.Errorf("a later version's scope is lost: %v, %v", now.Consumers, err)
	}
	for _, bad := range [][]api.Scope{{}, {""}, {"a b"}, {"read", "read"}} {
		if err := (api.Grant{Name: "x", Scopes: bad, Hash: strings.Repeat("0", 64)}).Check(); !errors.Is(err, api.ErrConsumer) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := a.consumers.Add(t.Context(), "x", []api.Scope{"forecast"}, ""); !errors.Is(err, api.ErrConsumer) {
		t.Errorf("an unknown scope is given: %v", err)
	}
}

// TestConsumersWithoutAuthority: who is there is let in; a change is refused in words that tell what to do.
func TestConsumersWithoutAuthority(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	a := v.newSharing(t, consumersOf(t))
	token := a.add("cmdb")
	for why, want := range map[error]string{replicate.ErrNoAuthority: "no box of the pair has authority, and nothing was changed", replicate.ErrUnknown: "it may have been changed: rackpost consumer list tells"} {
		a.agree = func(context.Context, control.Command) error { return why }
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/consumers", strings.NewReader(`{"name":"graphs","scopes":["read"]}`))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.New(api.Config{Consumers: a.consumers}).People().ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "rackpost pair status") {
			t.Errorf("%v: %d %s", why, w.Code, w.Body)
		}
		if err := a.consumers.Remove(t.Context(), "cmdb"); !errors.Is(err, api.ErrNotNow) {
			t.Errorf("%v: removed: %v", why, err)
		}
	}
	if !lets(t, a.consumers, token) || a.names() != "cmdb" {
		t.Errorf("who is there is refused: %q", a.names())
	}
}

// TestForgedConsumers: what a member wrote that is no box, or deleted, lets nobody in and keeps nobody out; a box writes it anew.
func TestForgedConsumers(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	a, b := v.newSharing(t, consumersOf(t)), v.newSharing(t, consumersOf(t))
	token := a.add("cmdb")
	b.exchanges()
	evil := loneConsumers(t, consumersOf(t))
	stolen := addedTo(t, evil, "evil")
	content, err := json.Marshal(agreedConsumers{Format: 1, Consumers: evil.Grants()})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := v.agreed.State().Document(consumersDocument)
	for _, c := range []control.Command{
		&control.Put{Name: consumersDocument, Expected: d.Version, Content: content, Who: "w", Why: "mine", At: time.Now(), Proof: []byte("none")},
		&control.Delete{Name: consumersDocument, Expected: d.Version + 2, Who: "w", Why: "mine", At: time.Now()},
	} {
		v.raft(c)
		b.exchanges()
		a.exchanges()
		if lets(t, a.consumers, stolen) || lets(t, b.consumers, stolen) || !lets(t, a.consumers, token) || !lets(t, b.consumers, token) {
			t.Errorf("%T: %q and %q", c, a.names(), b.names())
		}
		if now, ok := v.agreed.State().Document(consumersDocument); !ok || !v.vouched(now) {
			t.Errorf("%T: it is not written anew", c)
		}
	}
}
