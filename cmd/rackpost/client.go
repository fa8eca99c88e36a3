package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"rackpost/web"
)

const (
	clientTimeout = 60 * time.Second // of a long query
	statusTimeout = 10 * time.Second
	maxAnswer     = 256 << 20 // bytes; a full answer of api.MaxLimit points has a tenth
)

// client asks the appliance of this machine through its unix socket.
type client struct {
	socket string
	http   *http.Client
	site   string // that is asked of; empty: the box's own, or all of headquarters
}

// usualSockets are those of usualSocket, for people.
const usualSockets = defaultSocket + ", or\n                 " + defaultHQSocket + " where only that one is"

// usualSocket is the one that is asked where none is named: that of the box of this machine, and of headquarters where there is no box.
func usualSocket(there func(path string) bool) string {
	if !there(defaultSocket) && there(defaultHQSocket) {
		return defaultHQSocket
	}
	return defaultSocket
}

// isThere says whether something has this path; what may not be looked at has.
func isThere(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// newClient returns a client for the socket of the flag, else of RACKPOST_SOCKET, else the
// usual one.
func newClient(socket string) *client {
	if socket == "" {
		socket = os.Getenv("RACKPOST_SOCKET")
	}
	if socket == "" {
		socket = usualSocket(isThere)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &client{socket: socket, http: &http.Client{
		Timeout:   clientTimeout,
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// get reads one answer into v. The error tells what to do next.
func (c *client) get(ctx context.Context, path string, query url.Values, v any) error {
	return c.ask(ctx, http.MethodGet, path, query, nil, v)
}

// ofSite reads SITE/DEVICE, as headquarters is asked: what follows is asked of that site. It returns the device.
func (c *client) ofSite(word string) string {
	if i := strings.LastIndexByte(word, '/'); i > 0 {
		c.site, word = word[:i], word[i+1:]
	}
	return word
}

// getOf is get of one site, or of all where none was named.
func (c *client) getOf(ctx context.Context, path string, query url.Values, v any) error {
	if c.site != "" {
		query = maps.Clone(query)
		if query == nil {
			query = url.Values{}
		}
		query.Set("site", c.site)
	}
	return c.get(ctx, path, query, v)
}

// post has something done and reads what came of it into v.
func (c *client) post(ctx context.Context, path string, body, v any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.ask(ctx, http.MethodPost, path, nil, bytes.NewReader(b), v)
}

func (c *client) ask(ctx context.Context, method, path string, query url.Values, send io.Reader, v any) error {
	u := url.URL{Scheme: "http", Host: "rackpost", Path: "/api/v1" + path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), send)
	if err != nil {
		return err
	}
	if send != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.explain(err)
	}
	defer answer.Body.Close()
	body := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode == http.StatusOK {
		if err := body.Decode(v); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		return nil
	}
	var p web.Problem
	if err := body.Decode(&p); err != nil || p.Error == "" {
		return fmt.Errorf("the appliance answered %s", answer.Status)
	}
	if answer.StatusCode == http.StatusNotFound && strings.HasPrefix(p.Error, "there is nothing at ") {
		return fmt.Errorf("what answers at %s is not asked for this: a box has one socket and headquarters another, %s and %s; name it with -socket", c.socket, defaultSocket, defaultHQSocket)
	}
	if p.Hint != "" {
		return fmt.Errorf("%s (%s)", p.Error, p.Hint)
	}
	return errors.New(p.Error)
}

// absentError says that no process answers at a socket.
type absentError struct{ text string }

// Error implements error.
func (e *absentError) Error() string { return e.text }

func (c *client) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &absentError{fmt.Sprintf("there is no socket %s: start the appliance (rackpost run, rackpost hq), or name its socket with -socket or RACKPOST_SOCKET", c.socket)}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission for %s: be a member of the group that owns it", c.socket)
	case os.IsTimeout(err):
		return fmt.Errorf("the appliance at %s does not answer: see its log, and start it again", c.socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return &absentError{fmt.Sprintf("nothing answers at %s: the appliance that made it is gone; start it again", c.socket)}
	}
	return fmt.Errorf("ask the appliance at %s: %w", c.socket, err)
}
