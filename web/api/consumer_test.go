package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/web/api"
)

func TestConsumers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "consumers.json")
	open := func() *api.Consumers {
		c, err := api.OpenConsumers(file, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	token, err := c.Add(t.Context(), "cmdb", []api.Scope{api.ScopeRead}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(t.Context(), "cmdb", []api.Scope{api.ScopeRead}, ""); !errors.Is(err, api.ErrNameTaken) {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := c.Add(t.Context(), "cmdb-2", api.Scopes(), token); !errors.Is(err, api.ErrConsumer) || !strings.Contains(err.Error(), `"cmdb"`) || strings.Contains(err.Error(), token) {
		t.Errorf("a token of two, which removing one of them would leave good: %v", err)
	}
	there := token[:len(token)-1] + map[bool]string{true: "a", false: "b"}[strings.HasSuffix(token, "b")]
	if same, err := c.Add(t.Context(), "cmdb-2", api.Scopes(), there); err != nil || same != there {
		t.Errorf("the token of the other box: %q, %v", same, err)
	}
	for name, scopes := range map[string][]api.Scope{"": {api.ScopeRead}, "a b": {api.ScopeRead}, strings.Repeat("a", 65): {api.ScopeRead}, "x": nil, "y": {"root"}, "z": {api.ScopeRead, api.ScopeRead}} {
		if _, err := c.Add(t.Context(), name, scopes, ""); !errors.Is(err, api.ErrConsumer) {
			t.Errorf("%q with %v: %v", name, scopes, err)
		}
	}
	if _, err := c.Add(t.Context(), "weak", api.Scopes(), "secret"); !errors.Is(err, api.ErrConsumer) {
		t.Errorf("a token that anybody could guess: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), strings.TrimPrefix(token, "rackpost-")) {
		t.Errorf("the file holds the token: %v", err)
	}
	if all := open().List(); len(all) != 2 || all[0].Name != "cmdb" || all[0].Scopes[0] != api.ScopeRead || !all[0].Created.Equal(now) {
		t.Errorf("after a restart: %+v", all)
	}
	if err := c.Remove(t.Context(), "cmdb-3"); !errors.Is(err, api.ErrUnknownConsumer) {
		t.Errorf("remove nobody: %v", err)
	}
	if err := c.Remove(t.Context(), "cmdb-2"); err != nil {
		t.Error(err)
	}
	if all := open().List(); len(all) != 1 {
		t.Errorf("after a removal: %+v", all)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.OpenConsumers(file, time.Now); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("a damaged file: %v", err)
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Add(t.Context(), "late", api.Scopes(), ""); err == nil || len(c.List()) != 1 {
		t.Errorf("what cannot be written is not there: %v, %+v", err, c.List())
	}
}

// TestConsumersWithoutRoom: what cannot be written holds all the same, is no reason to end, and is written when it can be.
func TestConsumersWithoutRoom(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, "consumers.json")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c, err := api.OpenConsumers(file, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		c.Share(elsewhere{}, "them")
		first := api.Grant{Name: "cmdb", Scopes: api.Scopes(), Hash: strings.Repeat("0a", 32)}
		if _, err := c.Take([]api.Grant{first}); err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		if err := os.Rename(dir, dir+"-away"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Take(nil); err == nil || len(c.List()) != 0 {
			t.Errorf("removed by the others, and the disk is full: %v, %+v", err, c.List())
		}
		time.Sleep(time.Minute)
		if err := os.Rename(dir+"-away", dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if kept, err := api.OpenConsumers(file, time.Now); err != nil || len(kept.List()) != 0 {
			t.Errorf("there is room again: %v, %+v", err, kept.List())
		}
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// elsewhere is another box that shares the consumers.
type elsewhere []api.Consumer

func (elsewhere) Change(_ context.Context, _ string, fn func([]api.Grant) ([]api.Grant, error)) error {
	_, err := fn(nil)
	return err
}

func (e elsewhere) Elsewhere(context.Context) []api.Consumer { return e }

// TestNewestOfBoth: what is listed of a consumer is what it did last at either box.
func TestNewestOfBoth(t *testing.T) {
	t.Parallel()
	w, a, c := whole(t)
	w.fact(siteA, now, "a")
	for _, name := range []string{"cmdb", "graphs"} {
		if _, err := c.Add(t.Context(), name, api.Scopes(), ""); err != nil {
			t.Fatal(err)
		}
		if r := send(t, a.Local(), "POST", "/api/v1/ack", `{"position":"p1","consumer":"`+name+`"}`); r.Code != 200 {
			t.Fatal(r.Body)
		}
	}
	later := now.Add(time.Minute)
	c.Share(elsewhere{{Name: "cmdb", Seen: later, Position: "p2", Acked: later}, {Name: "graphs", Seen: now.Add(-time.Hour), Position: "p0", Acked: now.Add(-time.Hour)}, {Name: "stranger"}}, "them")
	var list api.ConsumerList
	if err := json.Unmarshal(get(t, a.Local(), "/api/v1/consumers").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if l := list.Consumers; len(l) != 2 || l[0].Position != "p2" || !l[0].Seen.Equal(later) || l[1].Position != "p1" || !l[1].Acked.Equal(now) {
		t.Errorf("%+v", l)
	}
}

// TestTokens: over the network only a token that has the scope is answered; on the machine none is needed, and a wrong one is refused
// all the same.
func TestTokens(t *testing.T) {
	t.Parallel()
	_, a, c := whole(t)
	token, err := c.Add(t.Context(), "graphs", []api.Scope{api.ScopeMetrics}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		h     http.Handler
		token string
		path  string
		code  int
		want  string
	}{
		{a.Remote(), "", "/metrics", 401, "there is no token"},
		{a.Remote(), "", "/api/v1/openapi.json", 401, "there is no token"},
		{a.Remote(), "Bearer nonsense", "/metrics", 401, "the token is unknown"},
		{a.Remote(), "Basic " + token, "/metrics", 401, "unknown"},
		{a.Remote(), "bearer " + token, "/metrics", 200, "rackpost_build_info"},
		{a.Remote(), "Bearer " + token, "/api/v1/openapi.json", 200, "openapi"},
		{a.Remote(), "Bearer " + token, "/api/v1/changes", 403, `lacks the scope \"changes\"`},
		{a.Local(), "", "/api/v1/changes", 200, `"next"`},
		{a.Local(), "Bearer nonsense", "/api/v1/changes", 401, "unknown"},
		{a.Local(), "Bearer " + token, "/api/v1/changes", 403, "lacks"},
	} {
		var header []string
		if x.token != "" {
			header = []string{"Authorization", x.token}
		}
		r := get(t, x.h, x.path, header...)
		if r.Code != x.code || !strings.Contains(r.Body.String(), x.want) {
			t.Errorf("%s with %q: %d %.200s; want %d and %s", x.path, x.token, r.Code, r.Body, x.code, x.want)
		}
		if (r.Code == 401) != (r.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d with %v", x.path, r.Code, r.Header())
		}
	}
	if err := c.Remove(t.Context(), "graphs"); err != nil {
		t.Fatal(err)
	}
	if r := get(t, a.Remote(), "/metrics", "Authorization", "Bearer "+token); r.Code != 401 {
		t.Errorf("a removed one: %d", r.Code)
	}
}

// TestConsumersOverTheSocket: only there they are added and removed.
func TestConsumersOverTheSocket(t *testing.T) {
	t.Parallel()
	_, a, _ := whole(t)
	body := `{"name":"cmdb","scopes":["read","ack"]}`
	if r := send(t, a.Local(), "POST", "/api/v1/consumers", body); r.Code != 405 {
		t.Errorf("from a program of the machine: %d %s", r.Code, r.Body)
	}
	r := send(t, a.People(), "POST", "/api/v1/consumers", body)
	var made api.Token
	if err := json.Unmarshal(r.Body.Bytes(), &made); err != nil || r.Code != 200 || !strings.HasPrefix(made.Token, "rackpost-") {
		t.Fatalf("%d %s", r.Code, r.Body)
	}
	if r := send(t, a.People(), "POST", "/api/v1/consumers", body); r.Code != 409 {
		t.Errorf("twice: %d %s", r.Code, r.Body)
	}
	if r := get(t, a.Local(), "/api/v1/consumers"); !strings.Contains(r.Body.String(), `"name":"cmdb","scopes":["read","ack"]`) || strings.Contains(r.Body.String(), "token") {
		t.Errorf("listed: %s", r.Body)
	}
	if r := send(t, a.People(), "DELETE", "/api/v1/consumers/cmbd", ""); r.Code != 404 || !strings.Contains(r.Body.String(), `did you mean \"cmdb\"`) {
		t.Errorf("an unknown one: %d %s", r.Code, r.Body)
	}
	if r := send(t, a.People(), "DELETE", "/api/v1/consumers/cmdb", ""); r.Code != 200 || strings.TrimSpace(r.Body.String()) != `{"consumers":[]}` {
		t.Errorf("removed: %d %s", r.Code, r.Body)
	}
}

func TestAck(t *testing.T) {
	t.Parallel()
	_, a, c := whole(t)
	token, err := c.Add(t.Context(), "cmdb", []api.Scope{api.ScopeAck}, "")
	if err != nil {
		t.Fatal(err)
	}
	with := []string{"Authorization", "Bearer " + token}
	for _, x := range []struct {
		name, body string
		header     []string
		code       int
		want       string
	}{
		{"with its token", `{"position":"p1"}`, with, 200, `"position":"p1"`},
		{"by its name", `{"position":"p2","consumer":"cmdb"}`, nil, 200, `"position":"p2"`},
		{"nobody", `{"position":"p1"}`, nil, 400, "nobody is named"},
		{"another", `{"position":"p1","consumer":"graphs"}`, with, 403, "and not of"},
		{"an unknown one", `{"position":"p1","consumer":"cmd"}`, nil, 404, `did you mean \"cmdb\"`},
		{"no position", `{"consumer":"cmdb"}`, nil, 400, "none"},
		{"nonsense", `{"position":"x","consumer":"cmdb"}`, nil, 400, "none"},
		{"another life", `{"position":"other:1","consumer":"cmdb"}`, nil, 410, `"snapshot"`},
		{"a word nobody knows", `{"position":"p1","who":"cmdb"}`, nil, 400, "unknown field"},
		{"two objects", `{"position":"p1","consumer":"cmdb"}{}`, nil, 400, "behind it"},
		{"no JSON", `position=p1`, nil, 400, "cannot be read"},
		{"too much", `{"position":"` + strings.Repeat("p", 9000) + `"}`, nil, 413, "8192 bytes"},
	} {
		r := send(t, a.Local(), "POST", "/api/v1/ack", x.body, x.header...)
		if r.Code != x.code || !strings.Contains(r.Body.String(), x.want) {
			t.Errorf("%s: %d %s; want %d and %s", x.name, r.Code, r.Body, x.code, x.want)
		}
	}
	if r := send(t, a.Local(), "POST", "/api/v1/ack", `{"position":"p1","consumer":"cmdb"}`, "Content-Type", "text/plain"); r.Code != 415 {
		t.Errorf("what any page in a browser may send: %d", r.Code)
	}
	if all := c.List(); all[0].Position != "p2" || !all[0].Acked.Equal(now) {
		t.Errorf("%+v", all)
	}
}

// TestAckIsKept: what a consumer told is written down, at the end at the latest.
func TestAckIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fact(siteA, now, "a")
		file := filepath.Join(t.TempDir(), "consumers.json")
		c, err := api.OpenConsumers(file, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Add(t.Context(), "cmdb", api.Scopes(), ""); err != nil {
			t.Fatal(err)
		}
		config := w.config()
		config.Consumers = c
		h := api.New(config).Local()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		kept := func() api.Position {
			again, err := api.OpenConsumers(file, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			return again.List()[0].Position
		}
		send(t, h, "POST", "/api/v1/ack", `{"position":"p1","consumer":"cmdb"}`)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := kept(); got != "p1" {
			t.Errorf("after a minute: %q", got)
		}
		send(t, h, "POST", "/api/v1/ack", `{"position":"p0","consumer":"cmdb"}`)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := kept(); got != "p0" {
			t.Errorf("at the end: %q", got)
		}
	})
}

// TestBounds: one consumer cannot keep the others out, and all together cannot ask for more than is made at once.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		config := w.config()
		config.Consumers, config.Now = w.consumers(), time.Now
		a := api.New(config)
		var header [2][]string
		for i, name := range []string{"greedy", "other"} {
			token, err := config.Consumers.Add(t.Context(), name, api.Scopes(), "")
			if err != nil {
				t.Fatal(err)
			}
			header[i] = []string{"Authorization", "Bearer " + token}
		}
		done := make(chan int, 8)
		for range 8 {
			go func() { done <- get(t, a.Remote(), "/api/v1/changes?wait=30s", header[0]...).Code }()
		}
		synctest.Wait()
		if r := get(t, a.Remote(), "/api/v1/sites", header[0]...); r.Code != 429 || r.Header().Get("Retry-After") == "" {
			t.Errorf("the ninth at once: %d %v", r.Code, r.Header())
		}
		if r := get(t, a.Remote(), "/api/v1/sites", header[1]...); r.Code != 200 {
			t.Errorf("another consumer: %d", r.Code)
		}
		for range 8 {
			if code := <-done; code != 200 {
				t.Errorf("one that waited: %d", code)
			}
		}
		refused := 0
		for range 150 {
			if get(t, a.Remote(), "/api/v1/sites", header[0]...).Code == 429 {
				refused++
			}
		}
		if refused != 50 {
			t.Errorf("%d of 150 at once are refused; want 50", refused)
		}
		time.Sleep(time.Second)
		if r := get(t, a.Remote(), "/api/v1/sites", header[0]...); r.Code != 200 {
			t.Errorf("a second later: %d", r.Code)
		}
	})
}

// stuck is a client that does not read.
type stuck struct {
	*httptest.ResponseRecorder
	asked, free chan struct{}
}

func (s stuck) Write(b []byte) (int, error) {
	s.asked <- struct{}{}
	<-s.free
	return len(b), nil
}

// TestSlowReaders: those who ask for the snapshot and do not read it keep nobody from the readings.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.places[siteA] = rack()
	h := w.box()
	s := stuck{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	done := make(chan struct{})
	for range 2 {
		go func() {
			defer func() { done <- struct{}{} }()
			one := s
			one.ResponseRecorder = httptest.NewRecorder()
			h.ServeHTTP(one, httptest.NewRequest(http.MethodGet, "/api/v1/snapshot", nil))
		}()
		<-s.asked
	}
	if r := get(t, h, "/api/v1/devices/sw/latest"); r.Code != 200 {
		t.Errorf("the readings: %d", r.Code)
	}
	close(s.free)
	for range 2 {
		<-done
	}
}
