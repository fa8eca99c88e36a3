package redfish

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

const (
	rootPath     = "/redfish/v1/"
	sessionsPath = "/redfish/v1/SessionService/Sessions" // where the root does not say; iDRAC8 has the other
	oldSessions  = "/redfish/v1/Sessions"

	// holdLogin is how long no login is tried after a refused one: an iDRAC bars the address at three within 60 s.
	holdLogin = 75 * time.Second
	// barredFor is how long silence after a refused login is taken for its consequence.
	barredFor = 10 * time.Minute
	// minLife is the shortest life a SessionTimeout is believed: an iLO gives minutes for seconds. Below it, a 401 tells.
	minLife = 5 * time.Minute
	// maxAge is the oldest a session grows: some iDRAC9 firmware slows down under one of days.
	maxAge = 24 * time.Hour
	// agedOften is how many sessions in a row must end at their life, though used, for the service to count from the
	// login: one may be lost by chance. It is believed for agedFor; then one session is let live to see whether it still holds.
	agedOften = 2
	agedFor   = 24 * time.Hour
	maxDenied = 64
)

// session is how we are known to the device.
type session struct {
	token, path string
	basic       bool // sessions are impossible here
	born, used  time.Time

	life      time.Duration   // SessionTimeout: how long it lives unused
	aged      int             // sessions in a row that ended that long after the login, though used
	agedAt    time.Time       // when the last of them did
	asked     bool            // SessionTimeout was asked for
	swept     bool            // earlier sessions of ours were looked for
	denied    map[string]bool // paths that answer 401 to a fresh session
	refusal   error
	refusedAt time.Time
}

// stale reports whether the session has used up four fifths of its life, or is too old.
func (s *session) stale(now time.Time) bool {
	spent := now.Sub(s.used)
	if s.byAge(now) {
		spent = now.Sub(s.born)
	}
	return s.life >= minLife && spent > s.life/5*4 || now.Sub(s.born) > maxAge
}

// byAge reports whether the service is taken to count a session's life from its login.
func (s *session) byAge(now time.Time) bool {
	return s.aged >= agedOften && now.Sub(s.agedAt) < agedFor
}

// learn draws the conclusion from a session that ended before its time: a service may count from the login.
func (s *session) learn(now time.Time) {
	age, idle := now.Sub(s.born), now.Sub(s.used)
	if s.life >= minLife && age >= s.life && s.used.Sub(s.born) <= s.life && idle < s.life/5*4 {
		s.aged, s.agedAt = s.aged+1, now
	}
}

// served notes that the session served a request. One that is well older than its life shows that use prolongs it.
func (s *session) served(now time.Time) {
	s.used = now
	if s.life >= minLife && now.Sub(s.born) > s.life/5*6 {
		s.aged = 0
	}
}

func (s *session) deny(path string) {
	if s.denied == nil {
		s.denied = map[string]bool{}
	}
	if len(s.denied) < maxDenied {
		s.denied[path] = true
	}
}

// barred reports whether the device may have shut us out for logins that failed.
func (s *session) barred(now time.Time) bool {
	return s.refusal != nil && now.Sub(s.refusedAt) < barredFor
}

func (s *session) authorize(user, password string) func(http.Header) {
	if !s.basic {
		token := s.token
		return func(h http.Header) { h.Set("X-Auth-Token", token) }
	}
	return func(h http.Header) {
		r := http.Request{Header: h}
		r.SetBasicAuth(user, password)
	}
}

// login makes sure that there is a session that is good for some time.
func (c *Client) login(ctx context.Context) error {
	s, now := &c.session, c.now()
	if s.refusal != nil && now.Sub(s.refusedAt) < holdLogin {
		return s.refusal
	}
	if s.basic || s.token != "" && !s.stale(now) {
		return nil
	}
	if s.token != "" {
		c.end(ctx)
	}
	root, err := c.readRoot(ctx)
	if err != nil {
		return err
	}
	if err := c.open(ctx, root); err != nil || s.basic {
		return err
	}
	c.counters.Logins++
	s.refusal = nil
	return c.settle(ctx, root)
}

// readRoot reads the service root without a login, and tells what stands there when it is none.
func (c *Client) readRoot(ctx context.Context) (*ServiceRoot, error) {
	if c.root != nil {
		return c.root, nil
	}
	q := query{method: http.MethodGet, path: rootPath}
	a, err := c.send(ctx, q)
	var v *collectors.VisitError
	var e *Error
	if errors.As(err, &v) && errors.As(err, &e) {
		closed := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
		if closed && e.ofRedfish() {
			return &ServiceRoot{}, nil // against the standard; the usual paths may do
		}
		e.device = true
		if closed || e.Status != 0 && (v.Reason == hw.NotSupported || v.Reason == hw.Garbage) {
			return nil, notRedfish(e)
		}
		return nil, err
	}
	var r ServiceRoot
	if a.Odd, err = a.Doc.decode(&r); err != nil || r.RedfishVersion == "" && !strings.HasPrefix(r.Type, "#ServiceRoot.") {
		return nil, notRedfish(&Error{Method: q.method, Path: q.path, Status: a.Status, Err: errors.Join(err, errors.New("the answer is no service root")), device: true})
	}
	c.root = &r
	return c.root, nil
}

func notRedfish(e *Error) error {
	return visitError(e, hw.WrongKind, "no Redfish service answers here: another sort of device, another port, or Redfish is switched off", 0)
}

// open makes a session where the service keeps them, or falls back to Basic where it keeps none.
func (c *Client) open(ctx context.Context, root *ServiceRoot) error {
	body, err := plainJSON(struct{ UserName, Password string }{c.user, c.password})
	if err != nil {
		return err
	}
	var tried []string
	for _, path := range []string{root.Links.Sessions.Path, sessionsPath, oldSessions} {
		if !localPath(path) || contains(tried, path) {
			continue
		}
		tried = append(tried, path)
		a, err := c.send(ctx, query{method: http.MethodPost, path: path, body: body})
		var e *Error
		if errors.As(err, &e) && e.onDeadConnection() && ctx.Err() == nil {
			c.wire.CloseIdleConnections() // as after a restart of the BMC: the next one is fresh
			c.session.swept = false       // should the first have arrived, its session is looked for
			a, err = c.send(ctx, query{method: http.MethodPost, path: path, body: body})
		}
		switch {
		case a.Status == 0 && err != nil:
			c.session.swept = false // the session may have been made
			return whole(err)
		case err == nil:
			return c.opened(path, a)
		case a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed, a.Status == http.StatusNotImplemented:
			continue
		case errors.As(err, &e) && e.isLogin():
			return c.refused(err)
		}
		return whole(err)
	}
	c.log.Warn("the device knows no sessions: every request carries the password", "tried", tried)
	c.session.basic = true
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if samePath(x, s) {
			return true
		}
	}
	return false
}

// whole marks err as one of the device.
func whole(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.device = true
	}
	return err
}

func (c *Client) opened(collection string, a Answer) error {
	s := &c.session
	s.path = a.Location
	if s.path == "" {
		s.path = identity(a.Doc)
	}
	if s.token = a.token; s.token == "" {
		e := &Error{Method: http.MethodPost, Path: collection, Status: a.Status, Err: errors.New("a login without a token"), device: true}
		return unreadable(e)
	}
	if !localPath(s.path) || samePath(s.path, collection) {
		s.path = ""
	}
	s.born = c.now()
	s.used = s.born
	return nil
}

// onDeadConnection reports whether a request broke with a connection that had rested: the device may never have seen it.
func (e *Error) onDeadConnection() bool {
	return e.Status == 0 && e.reused && !e.silent
}

// isLogin reports whether a refused login is one, and not a device that is busy or broken.
func (e *Error) isLogin() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.lockedOut() ||
		e.Status == http.StatusBadRequest && e.says("UnauthorizedLoginAttempt", "NoValidSession", "AccessDenied", "InsufficientPrivilege", "ResourceAtUriUnauthorized")
}

// refused turns the error of a login into what it means, and keeps further logins back for a while.
func (c *Client) refused(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.device = true
	var v *collectors.VisitError
	errors.As(err, &v)
	after := v.RetryAfter
	s := &c.session
	s.refusedAt, s.token = c.now(), ""
	switch {
	case e.says("PasswordChangeRequired"):
		s.refusal = err
	case e.lockedOut():
		s.refusal = visitError(e, hw.LockedOut, "it bars this box's address or the account after failed logins: wait, then check user and password", max(after, 2*time.Minute))
	case e.Status == http.StatusForbidden:
		s.refusal = visitError(e, hw.AuthFailed, "the user may not log in over Redfish: check user, password and the privilege to log in", after)
	default:
		s.refusal = visitError(e, hw.AuthFailed, "check user and password", after)
	}
	return s.refusal
}

// settle remembers the new session, asks once how long it lives, and looks once for sessions an earlier run left.
func (c *Client) settle(ctx context.Context, root *ServiceRoot) error {
	s := &c.session
	left, _ := c.remembered()
	if err := c.remember(s.path); err != nil {
		c.log.Warn("the session will not be found again after a crash", "err", err)
	}
	if !s.asked {
		s.asked = true
		var service SessionService
		path := root.SessionService.Path
		if localPath(path) {
			a, err := c.inSession(ctx, http.MethodGet, path)
			if err != nil && Over(err) {
				return err
			}
			if _, err := a.Doc.decode(&service); err == nil && service.SessionTimeout != nil {
				s.life = min(time.Duration(max(*service.SessionTimeout, 0)), 7*24*3600) * time.Second
			}
		}
	}
	if s.swept {
		return nil
	}
	s.swept = true
	return c.sweep(ctx, root, left)
}

// inSession makes one request with the session there is.
func (c *Client) inSession(ctx context.Context, method, path string) (Answer, error) {
	return c.send(ctx, query{method: method, path: path, auth: c.session.authorize(c.user, c.password)})
}

// end ends the session, as far as it can.
func (c *Client) end(ctx context.Context) {
	if err := c.logout(ctx); err != nil {
		c.session.swept = false // the next login looks for it
		c.log.Debug("the session was not ended", "err", err)
	}
}

// logout ends the session. That the device does not know it any more is no error. It does not wait for its turn in the pace.
func (c *Client) logout(ctx context.Context) error {
	s := &c.session
	if s.token == "" {
		return nil
	}
	auth, path := s.authorize(c.user, c.password), s.path
	defer func() { s.token, s.path = "", "" }()
	if path == "" {
		return nil
	}
	c.bucket.back()
	a, _, err := c.once(ctx, query{method: http.MethodDelete, path: path, auth: auth})
	switch a.Status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusGone:
		err = nil
	}
	if err != nil {
		return err
	}
	return c.remember("")
}
