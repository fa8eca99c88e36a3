package redfish_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

const (
	user     = "monitor"
	password = "not-a-secret"
	sessions = "/redfish/v1/SessionService/Sessions"
)

// bmc is a Redfish service over TLS. Its fields are set before it answers, or under mu.
type bmc struct {
	*httptest.Server
	mu       sync.Mutex
	docs     map[string]string // by path, with its query if it matters
	sessions map[string]map[string]any
	login    string                                                   // path of the session collection; empty: it has none
	hook     func(w http.ResponseWriter, r *http.Request) (done bool) // asked first
	log      []string                                                 // method and path of every request
	logins   int
	basic    int // requests with Basic
	flying   int
	most     int // requests in flight at once
	conns    int
}

// newBMC starts a service; change may be nil.
func newBMC(t testing.TB, change func(*bmc)) *bmc {
	t.Helper()
	b := &bmc{sessions: map[string]map[string]any{}, login: sessions, docs: map[string]string{
		"/redfish/v1": `{"@odata.id":"/redfish/v1","@odata.type":"#ServiceRoot.v1_10_0.ServiceRoot","Id":"RootService","RedfishVersion":"1.13.1",
			"SessionService":{"@odata.id":"/redfish/v1/SessionService"},"Links":{"Sessions":{"@odata.id":"` + sessions + `"}}}`,
		"/redfish/v1/SessionService": `{"@odata.id":"/redfish/v1/SessionService","@odata.type":"#SessionService.v1_1_8.SessionService","Id":"SessionService","SessionTimeout":1800}`,
		"/redfish/v1/Systems/1":      `{"@odata.id":"/redfish/v1/Systems/1","@odata.type":"#ComputerSystem.v1_16_0.ComputerSystem","Id":"1","PowerState":"On","Status":{"Health":"OK"}}`,
	}}
	b.Server = httptest.NewUnstartedServer(b)
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if s == http.StateNew {
			b.conns++
		}
	}
	if change != nil {
		change(b)
	}
	b.StartTLS()
	t.Cleanup(b.Close)
	return b
}

func (b *bmc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.log = append(b.log, r.Method+" "+r.URL.RequestURI())
	b.flying++
	b.most = max(b.most, b.flying)
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.flying--
		b.mu.Unlock()
	}()
	if b.hook != nil && b.hook(w, r) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch path := strings.TrimRight(r.URL.Path, "/"); {
	case r.Method == http.MethodPost && (path == b.login || strings.HasSuffix(path, "/Sessions")):
		b.logIn(w, r, path)
	case path != "/redfish/v1" && !b.knows(r):
		http.Error(w, `{"error":{"code":"Base.1.8.NoValidSession","message":"no valid session"}}`, http.StatusUnauthorized)
	case r.Method == http.MethodDelete:
		delete(b.sessions, path)
	case path == b.login:
		b.listSessions(w)
	case b.sessions[path] != nil:
		_ = json.NewEncoder(w).Encode(b.sessions[path])
	default:
		b.serve(w, r, path)
	}
}

func (b *bmc) serve(w http.ResponseWriter, r *http.Request, path string) {
	doc, ok := b.docs[r.URL.RequestURI()]
	if !ok {
		doc, ok = b.docs[path]
	}
	if !ok {
		http.Error(w, `{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.ResourceMissingAtURI","Message":"not here"}]}}`, http.StatusNotFound)
		return
	}
	fmt.Fprint(w, doc)
}

func (b *bmc) logIn(w http.ResponseWriter, r *http.Request, path string) {
	var sent struct{ UserName, Password string }
	switch err := json.NewDecoder(r.Body).Decode(&sent); {
	case path != b.login:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case sent.UserName != user || sent.Password != password:
		http.Error(w, `{"error":{"@Message.ExtendedInfo":[{"MessageId":"Base.1.8.ResourceAtUriUnauthorized","Message":"the credentials are invalid"}]}}`, http.StatusUnauthorized)
	default:
		b.logins++
		id := fmt.Sprintf("%s/%d", b.login, 100+b.logins)
		b.sessions[id] = session(id, r.RemoteAddr, time.Now())
		w.Header().Set("X-Auth-Token", "token"+id)
		w.Header().Set("Location", id)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(b.sessions[id])
	}
}

func session(id, remote string, created time.Time) map[string]any {
	host, _, _ := net.SplitHostPort(remote)
	return map[string]any{
		"@odata.id": id, "@odata.type": "#Session.v1_5_0.Session", "Id": id[strings.LastIndexByte(id, '/')+1:], "UserName": user,
		"ClientOriginIPAddress": host, "SessionType": "Redfish", "CreatedTime": created.Format(time.RFC3339),
	}
}

func (b *bmc) knows(r *http.Request) bool {
	if u, p, ok := r.BasicAuth(); ok {
		b.basic++
		return u == user && p == password
	}
	id, ok := strings.CutPrefix(r.Header.Get("X-Auth-Token"), "token")
	return ok && b.sessions[id] != nil
}

func (b *bmc) listSessions(w http.ResponseWriter) {
	links := []map[string]string{}
	for id := range b.sessions {
		links = append(links, map[string]string{"@odata.id": id})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"@odata.id": b.login, "Members": links, "Members@odata.count": len(links)})
}

func (b *bmc) asked(prefix string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(b.log), func(s string) bool { return !strings.HasPrefix(s, prefix) }))
}

func (b *bmc) open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sessions)
}

func (b *bmc) address() string {
	return strings.TrimPrefix(strings.TrimPrefix(b.URL, "https://"), "http://")
}

func config(b *bmc) redfish.Config {
	return redfish.Config{Address: b.address(), User: user, Password: password, Rate: 1e6, Burst: 1000, Timeout: 10 * time.Second}
}

// newClient makes a client that is closed at the end of the test; change may be nil.
func newClient(t testing.TB, b *bmc, change func(*redfish.Config)) *redfish.Client {
	t.Helper()
	cfg := config(b)
	if change != nil {
		change(&cfg)
	}
	c, err := redfish.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	return c
}

// wantError checks that err is a visit's error with this reason, says one of these words and concerns the device or not.
func wantError(t *testing.T, err error, reason hw.Reason, device bool, words string) *collectors.VisitError {
	t.Helper()
	var v *collectors.VisitError
	if !errors.As(err, &v) || v.Reason != reason || redfish.Over(err) != device || !strings.Contains(err.Error(), words) {
		t.Fatalf("error %v (%s, over %v), want %s with %q, over %v", err, collectors.ReasonOf(err), redfish.Over(err), reason, words, device)
	}
	return v
}

func answer(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func on(prefix string, do func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.Method+" "+r.URL.RequestURI(), prefix) {
			return false
		}
		do(w)
		return true
	}
}

func withTLS(conf *tls.Config) func(*bmc) { return func(b *bmc) { b.TLS = conf } }
