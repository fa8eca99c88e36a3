package redfish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

const (
	maxSilent = 2                // requests in a row without an answer before the device counts as dead for this visit
	staleIdle = 20 * time.Second // a connection that rested longer may be dead: nothing but a GET is tried on it
)

// busy is what is known of how the device bears us.
type busy struct {
	until  time.Time // it asked to be left alone until then
	why    error
	path   string // what it refused when it asked so
	prev   string // path of the request before, if that was refused as busy
	silent int    // requests in a row without an answer
	last   time.Time
}

// usable returns an error while nothing may be sent.
func (c *Client) usable(method, path string) error {
	e := &Error{Method: method, Path: path, device: true}
	if c.closed {
		e.Err = errors.New("the client is closed")
		return visitError(e, hw.Cancelled, "", 0)
	}
	left := c.busy.until.Sub(c.now())
	if left <= 0 {
		return nil
	}
	e.Err = fmt.Errorf("it asked to be left alone for %s more: %w", left.Round(time.Second), c.busy.why)
	var v *collectors.VisitError
	if errors.As(c.busy.why, &v) {
		return visitError(e, v.Reason, v.Hint, left)
	}
	return visitError(e, hw.NotReady, "", left)
}

// exchange makes one request within a session.
func (c *Client) exchange(ctx context.Context, q query) (Answer, error) {
	if err := c.usable(q.method, q.path); err != nil {
		return Answer{}, err
	}
	for try := 0; ; try++ {
		if err := c.login(ctx); err != nil {
			return Answer{}, err
		}
		q.auth = c.session.authorize(c.user, c.password)
		a, err := c.send(ctx, q)
		if a.Status != http.StatusUnauthorized {
			if a.Status != 0 {
				c.session.served(c.now())
			}
			return a, err
		}
		if c.session.basic {
			return a, c.refused(err)
		}
		if try > 0 {
			c.session.deny(q.path)
		}
		if c.session.denied[q.path] {
			return a, err
		}
		c.session.learn(c.now())
		c.end(ctx)   // it may be alive: no session is left behind
		c.root = nil // and the firmware another one
		clear(c.expanding)
	}
}

// send makes one request and follows redirects of a GET on the device itself. It obeys and remembers how the device bears us.
func (c *Client) send(ctx context.Context, q query) (Answer, error) {
	path := q.path
	for n := 0; ; n++ {
		a, to, err := c.once(ctx, q)
		if to == "" {
			c.weigh(path, err)
			return a, err
		}
		if n == maxRedirects || samePath(to, q.path) && !strings.HasSuffix(to, "/") == !strings.HasSuffix(q.path, "/") {
			return a, unreadable(&Error{Method: q.method, Path: path, Status: a.Status, Err: errors.New("it redirects in a circle")})
		}
		q.path = to
	}
}

// weigh decides whether a refusal concerns the device or this resource only. One resource that is never ready must not keep the
// others from being read: the device is left alone if it named a time, and not at the same place again, or if it refuses twice in a row.
func (c *Client) weigh(path string, err error) {
	b := &c.busy
	prev := b.prev
	b.prev = ""
	var v *collectors.VisitError
	var e *Error
	if !errors.As(err, &v) || !errors.As(err, &e) {
		b.silent = 0
		return
	}
	if e.silent {
		b.silent++
		e.device = b.silent >= maxSilent
		return
	}
	b.silent = 0
	if !e.again {
		return
	}
	named := e.asked && b.path != path
	b.prev = path
	if e.device = e.device || named || prev != "" && prev != path; e.device {
		b.until, b.why, b.path = c.now().Add(v.RetryAfter), err, path
	}
}

// once sends one request and reads its answer. to is where the device says it is instead.
func (c *Client) once(ctx context.Context, q query) (a Answer, to string, err error) {
	e := &Error{Method: q.method, Path: q.path}
	if err := c.wait(ctx); err != nil {
		e.Err = err
		return a, "", failure(ctx, e, false)
	}
	limit := c.timeout
	if q.slow {
		limit *= slowFactor
	}
	reqCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var sent, reused atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { sent.Store(false) }, // also when the one that rested turns out to be closed
		GotConn: func(i httptrace.GotConnInfo) { sent.Store(true); reused.Store(i.Reused) },
	}
	req, err := c.request(httptrace.WithClientTrace(reqCtx, trace), q)
	if err != nil {
		e.Err = err
		return a, "", unreadable(e)
	}
	if q.method != http.MethodGet && c.now().Sub(c.busy.last) > staleIdle {
		c.wire.CloseIdleConnections()
	}
	c.wire.expect()
	c.counters.Requests++
	c.log.Debug(Asks, "method", q.method, "path", q.path)
	begun := c.now()
	defer func() {
		c.busy.last = c.now()
		c.counters.Busy += c.busy.last.Sub(begun)
	}()
	resp, err := c.wire.RoundTrip(req)
	if err != nil {
		e.Err, e.sent, e.reused = err, sent.Load(), reused.Load()
		return a, "", failure(ctx, e, c.session.barred(c.now()))
	}
	defer resp.Body.Close()
	if err := c.wire.pin(resp.TLS); err != nil {
		e.Err, e.device = err, true
		return a, "", visitError(e, hw.DeviceError, "", 0)
	}
	body, err := c.body(resp)
	if err != nil && resp.StatusCode/100 == 2 {
		return a, "", cutOff(ctx, e, err)
	}
	return c.judge(e, resp, body)
}

// cutOff returns the error for an answer that was not read to its end. It concerns the resource: others may be shorter.
func cutOff(ctx context.Context, e *Error, err error) error {
	e.Err = err
	if errors.Is(err, errTooLarge) {
		return visitError(e, hw.TooMuch, "", 0)
	}
	err = failure(ctx, e, false)
	if ctx.Err() == nil {
		e.device, e.silent = false, true
	}
	return err
}

// wait keeps the pace.
func (c *Client) wait(ctx context.Context) error {
	d := c.bucket.wait(c.now())
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			c.bucket.back()
		}
	}
	return ctx.Err()
}

func (c *Client) request(ctx context.Context, q query) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, "https://"+c.wire.host+q.path, body)
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("Accept", "application/json")
	h.Set("OData-Version", "4.0")
	h.Set("User-Agent", "rackpost")
	if q.body != nil {
		h.Set("Content-Type", "application/json")
	}
	if q.etag != "" {
		h.Set("If-Match", q.etag)
	}
	if q.auth != nil {
		q.auth(h)
	}
	return req, nil
}

var errTooLarge = fmt.Errorf("the answer is larger than %d MB", maxBody>>20)

func (c *Client) body(resp *http.Response) ([]byte, error) {
	if resp.ContentLength > maxBody {
		return nil, errTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	c.counters.Received += int64(len(b))
	if err == nil && len(b) > maxBody {
		err = errTooLarge
	}
	return b, err
}

// judge says what an answer is: the resource, a redirect, or a refusal.
func (c *Client) judge(e *Error, resp *http.Response, body []byte) (a Answer, to string, err error) {
	h := resp.Header
	a = Answer{Status: resp.StatusCode, ETag: h.Get("ETag"), Location: c.path(h.Get("Location")), token: h.Get("X-Auth-Token")}
	e.Status, e.odata = resp.StatusCode, h.Get("OData-Version") != ""
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return c.redirect(e, a, h.Get("Location"))
	}
	doc, problem := document(body)
	isError := false
	if problem == nil || errors.Is(problem, errTrailing) {
		e.Messages, isError = messages(doc)
		c.hide(e.Messages)
	}
	switch ok := resp.StatusCode >= 200 && resp.StatusCode < 300; {
	case !ok, isError:
		if len(e.Messages) == 0 && isError {
			e.Err = errors.New("an error object in place of the resource")
		}
		return a, "", refusal(e, h, c.now())
	case problem == nil:
		a.Doc = doc
		return a, "", nil
	case len(bytes.TrimSpace(body)) == 0 && (e.Method != http.MethodGet || resp.StatusCode == http.StatusNoContent):
		return a, "", nil
	}
	e.Messages, e.Err = nil, fmt.Errorf("the answer cannot be used: %w", problem)
	return a, "", unreadable(e)
}

func unreadable(e *Error) error { return visitError(e, hw.Garbage, "", 0) }

// redirect says where to go on: on this device, for a GET.
func (c *Client) redirect(e *Error, a Answer, location string) (Answer, string, error) {
	to := c.sameHost(location)
	if e.Method == http.MethodGet && to != "" {
		return a, to, nil
	}
	e.Err = fmt.Errorf("it redirects to %q", clip(location))
	return a, "", visitError(e, hw.Garbage, "redirects are followed on the device itself only", 0)
}

// sameHost returns the path a redirect names, empty when it is not one of this device.
func (c *Client) sameHost(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "" && u.Scheme != "https" || u.Host != "" && !strings.EqualFold(strings.TrimSuffix(u.Host, ":443"), c.wire.host) {
		return ""
	}
	return c.path(location)
}

// path returns the path that a Location names. The host is not looked at: BMCs give their own name, and the path is used here only.
func (c *Client) path(location string) string {
	u, err := url.Parse(location)
	if err != nil || !localPath(u.RequestURI()) {
		return ""
	}
	return u.RequestURI()
}
