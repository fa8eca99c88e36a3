package bmc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of an iDRAC.
const (
	maxSessions  = 8
	sessionLife  = 1800 * time.Second // without use
	maxFailures  = 3
	failureTime  = 60 * time.Second
	lockTime     = 60 * time.Second
	maxAddresses = 1000
	maxBody      = 64 << 10
)

// session is one of the table.
type session struct {
	id, token, user, from, sort string
	used                        time.Time
	foreign                     bool // taken by fault sessions-full
}

// access keeps who is logged in and who may not.
type access struct {
	sessions []session
	issued   int
	failures map[string][]time.Time // of an address
	locked   map[string]time.Time   // until when
}

func newAccess() access {
	return access{issued: 300, failures: map[string][]time.Time{}, locked: map[string]time.Time{}}
}

// expire drops what was not used and returns how many of clients are left.
func (a *access) expire(now time.Time) int {
	a.sessions = slices.DeleteFunc(a.sessions, func(s session) bool { return !s.foreign && now.Sub(s.used) >= sessionLife })
	n := 0
	for i := range a.sessions {
		if !a.sessions[i].foreign {
			n++
		}
	}
	return n
}

// isLocked says whether an address may not log in.
func (a *access) isLocked(from string, now time.Time) bool {
	until, ok := a.locked[from]
	if ok && !now.Before(until) {
		delete(a.locked, from)
		return false
	}
	return ok
}

// fail notes a wrong password and says whether it locked the address.
func (a *access) fail(from string, now time.Time) bool {
	if len(a.failures) >= maxAddresses {
		clear(a.failures)
	}
	recent := slices.DeleteFunc(a.failures[from], func(t time.Time) bool { return now.Sub(t) >= failureTime })
	recent = append(recent, now)
	if len(recent) < maxFailures {
		a.failures[from] = recent
		return false
	}
	delete(a.failures, from)
	if len(a.locked) >= maxAddresses {
		clear(a.locked)
	}
	a.locked[from] = now.Add(lockTime)
	return true
}

// open adds a session; full is true when there is no place.
func (b *BMC) open(user, from, sort string, foreign bool, now time.Time) (s session, full bool) {
	a := &b.access
	a.expire(now)
	if len(a.sessions) >= maxSessions {
		return session{}, true
	}
	a.issued++
	id := strconv.Itoa(a.issued)
	s = session{id: id, token: b.token("session " + id), user: user, from: from, sort: sort, used: now, foreign: foreign}
	a.sessions = append(a.sessions, s)
	b.counters.Sessions = a.expire(now)
	b.counters.MostSessions = max(b.counters.MostSessions, b.counters.Sessions)
	return s, false
}

// login checks a user and notes the attempt; nil is right. The lock is held.
func (b *BMC) login(user, password, from string, now time.Time) *reply {
	switch {
	case b.access.isLocked(from, now) || b.state.talk.lockedOut:
		b.counters.FailedLogins++
		return b.refusal(http.StatusUnauthorized, "RAC0212", "Unable to log in because the IP address is blocked. Log in delayed for 60 seconds.", "Wait until the IP address is no longer blocked and retry the operation.")
	case user != b.opt.User || password != b.opt.Password || b.state.talk.noLogin:
		b.counters.FailedLogins++
		b.state.lc.add(now, healthWarning, "USR0031", "Audit", fmt.Sprintf("Unable to log in for %s from %s using REDFISH.", user, from), user, from, "REDFISH")
		if b.access.fail(from, now) {
			b.state.lc.add(now, healthWarning, "USR0034", "Audit", fmt.Sprintf("Login attempt alert for %s from %s using REDFISH, IP will be blocked for 60 seconds.", user, from), user, from, "REDFISH", "60")
		}
		return b.unauthorized()
	}
	return nil
}

func (b *BMC) unauthorized() *reply {
	return b.refusal(http.StatusUnauthorized, "SYS402", "Unable to authenticate because the user name or password is invalid, or the session has ended.", "Enter a valid user name and password or log in again.")
}

func (b *BMC) tooMany() *reply {
	return b.refusal(http.StatusServiceUnavailable, "RAC0218", "The maximum number of user sessions is reached", "Close unused sessions and retry the operation.")
}

// admit checks who asks. The lock is held.
func (b *BMC) admit(q *http.Request, now time.Time) *reply {
	if open(q.URL.Path) || q.Method == http.MethodPost && (b.isSessions(q.URL.Path) || strings.TrimSuffix(q.URL.Path, "/") == sessionPath) {
		return nil
	}
	from := address(q)
	if token := q.Header.Get("X-Auth-Token"); token != "" {
		b.access.expire(now)
		for i := range b.access.sessions {
			if s := &b.access.sessions[i]; s.token == token {
				s.used = now
				return nil
			}
		}
		return b.unauthorized()
	}
	user, password, ok := q.BasicAuth()
	if !ok {
		return b.unauthorized()
	}
	if r := b.login(user, password, from, now); r != nil {
		return r
	}
	b.access.expire(now)
	if len(b.access.sessions) >= maxSessions {
		return b.tooMany() // a session for as long as the request takes
	}
	b.counters.Logins++
	b.logged(user, from, now)
	return nil
}

func (b *BMC) logged(user, from string, now time.Time) {
	b.state.lc.add(now, healthOK, "USR0030", "Audit", fmt.Sprintf("Successfully logged in using %s, from %s and REDFISH.", user, from), user, from, "REDFISH")
}

// open paths need no login.
func open(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "/redfish", root, root + "/odata", root + "/$metadata":
		return true
	}
	return false
}

// address is where a request comes from, without the port.
func address(q *http.Request) string {
	host, _, err := net.SplitHostPort(q.RemoteAddr)
	if err != nil {
		return q.RemoteAddr
	}
	return host
}

func (b *BMC) isSessions(path string) bool {
	return strings.EqualFold(strings.TrimSuffix(path, "/"), b.model.sessions)
}

// sessionRequest answers what changes the session collection and its members; nil is another request.
func (b *BMC) sessionRequest(q *http.Request, now time.Time) *reply {
	path := strings.TrimSuffix(q.URL.Path, "/")
	id, member := strings.CutPrefix(path, b.model.sessions+"/")
	switch {
	case b.isSessions(path) && q.Method == http.MethodPost:
		return b.openSession(q, now)
	case b.isSessions(path) && read(q):
		return nil
	case path == sessionPath || strings.HasPrefix(path, sessionPath+"/"):
		if !member && !b.isSessions(path) || q.Method != http.MethodDelete && !read(q) {
			if read(q) {
				return b.missing(path)
			}
			return b.notAllowed(q.Method) // iDRAC8 has the collection elsewhere
		}
	}
	if !member {
		return nil
	}
	i := slices.IndexFunc(b.access.sessions, func(s session) bool { return s.id == id })
	if i < 0 {
		return b.missing(path)
	}
	s := b.access.sessions[i]
	switch {
	case q.Method == http.MethodDelete:
		b.access.sessions = slices.Delete(b.access.sessions, i, i+1)
		b.state.lc.add(now, healthOK, "USR0032", "Audit", fmt.Sprintf("The session for %s from %s using REDFISH is logged off.", s.user, s.from), s.user, s.from, "REDFISH")
		return b.success()
	case read(q):
		return nil
	}
	return b.notAllowed(q.Method)
}

// sessionDocument is the session collection or one of its members: of a recorded tree too those of now.
func (b *BMC) sessionDocument(path string) (o object, ok, known bool) {
	id, member := strings.CutPrefix(path, b.model.sessions+"/")
	if !member && !b.isSessions(path) {
		return nil, false, false
	}
	b.access.expire(b.opt.Clock())
	members := []any{}
	for i := len(b.access.sessions) - 1; i >= 0; i-- {
		s := &b.access.sessions[i]
		if member && s.id == id {
			return s.document(b.model.sessions), true, true
		}
		members = append(members, link(b.model.sessions+"/"+s.id))
	}
	return object{
		"@odata.id": b.model.sessions, "@odata.type": "#SessionCollection.SessionCollection", "@odata.context": root + "/$metadata#SessionCollection.SessionCollection",
		"Name": "Session Collection", "Members": members, "Members@odata.count": len(members),
	}, !member, true
}

func (s *session) document(base string) object {
	return resource(base+"/"+s.id, "Session.v1_3_0.Session", s.id, "User Session", object{
		"UserName": s.user, "ClientOriginIPAddress": s.from, "SessionType": s.sort, "Password": nil, "Description": "User Session",
	})
}

func (b *BMC) openSession(q *http.Request, now time.Time) *reply {
	var login struct{ UserName, Password string }
	if err := json.NewDecoder(io.LimitReader(q.Body, maxBody)).Decode(&login); err != nil {
		return b.malformed()
	}
	from := address(q)
	if r := b.login(login.UserName, login.Password, from, now); r != nil {
		return r
	}
	s, full := b.open(login.UserName, from, "Redfish", false, now)
	if full {
		return b.tooMany()
	}
	b.counters.Logins++
	b.logged(s.user, from, now)
	header := http.Header{}
	header.Set("X-Auth-Token", s.token)
	header.Set("Location", b.model.sessions+"/"+s.id)
	return &reply{code: http.StatusCreated, doc: s.document(b.model.sessions), header: header}
}

func read(q *http.Request) bool {
	return cmp.Or(q.Method, http.MethodGet) == http.MethodGet || q.Method == http.MethodHead
}
