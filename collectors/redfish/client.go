package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// The limits a Config may change, and those it may not.
const (
	DefaultRate    = 2.0 // requests a second
	DefaultBurst   = 8
	DefaultTimeout = 30 * time.Second
	slowFactor     = 2 // what GetSlow allows a request, in Timeouts
	maxBody        = 8 << 20
	maxRequest     = 1 << 20
	maxRedirects   = 3
	closeTimeout   = 5 * time.Second
)

// Asks is what a Client logs at level debug for every request, with its method and path.
const Asks = "asks over Redfish"

// Config is one BMC and how to treat it.
type Config struct {
	Address  string // host or host:port; always HTTPS
	User     string
	Password string
	// LegacyTLS allows TLS 1.0 and 1.1, RSA key exchange and CBC: old iDRAC7 and iDRAC8 firmware offers nothing else.
	LegacyTLS bool
	// LeaveSessions keeps the client from ending sessions of an earlier run that it only believes to be ours. Set it where another
	// process of this box may hold a session of the same user: a probe beside the running service.
	LeaveSessions bool
	// Box names this box among those of a pair, which share their Pins through the journal and may both visit when they are cut
	// apart. With it no session is ended but one that this box opened by what is remembered. Empty: a lone box.
	Box     string
	Pins    Pins             // nil: forgotten with the client
	Rate    float64          // requests a second; 0 is DefaultRate
	Burst   int              // requests at once after a rest; 0 is DefaultBurst
	Timeout time.Duration    // of one request; 0 is DefaultTimeout
	Logger  *slog.Logger     // nil: silent
	Clock   func() time.Time // nil is time.Now; what a session lives and what is left alone goes by it
}

// Counters are what a Client did since it was made.
type Counters struct {
	Requests    int           // sent, logins and redirects included
	Logins      int           // sessions opened
	Connections int           // TCP connections opened
	Received    int64         // bytes of bodies
	Busy        time.Duration // from sending a request to the end of its answer
}

// Answer is what came with a document.
type Answer struct {
	Status   int
	ETag     string
	Location string // path of what a POST or PATCH created, such as a job; empty if it named none on this device
	Doc      Raw    // the document; empty where the service sent none
	Odd      []Odd  // what was odd in it; see Decode

	token string
}

// Client speaks to one BMC. It holds at most one connection, one session and has at most one request in flight, whoever calls it.
// Its methods are safe for concurrent use; each takes its turn.
type Client struct {
	user, password string
	leave          bool   // what is only believed to be ours stays
	box            string // that our session is remembered under
	timeout        time.Duration
	log            *slog.Logger
	wire           *wire
	pins           Pins
	now            func() time.Time
	turn           chan struct{} // holds one token: who has it may use what is below

	bucket    bucket
	counters  Counters
	closed    bool
	session   session
	root      *ServiceRoot
	busy      busy
	expanding map[string]*expansion
}

// New makes a client. It does not speak to the device.
func New(cfg Config) (*Client, error) {
	switch {
	case cfg.User == "" || cfg.Password == "":
		return nil, errors.New("redfish: a user and a password are needed")
	case strings.ContainsAny(cfg.Box, " =/"):
		return nil, fmt.Errorf("redfish: the name %q of the box may have no space, = or /", cfg.Box)
	case cfg.Rate < 0 || cfg.Burst < 0 || cfg.Timeout < 0:
		return nil, errors.New("redfish: rate, burst and timeout may not be negative")
	}
	if cfg.Rate == 0 {
		cfg.Rate = DefaultRate
	}
	if cfg.Burst == 0 {
		cfg.Burst = DefaultBurst
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Pins == nil {
		cfg.Pins = &collectors.Memory{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	w, err := newWire(cfg.Address, cfg.LegacyTLS, cfg.Pins)
	if err != nil {
		return nil, fmt.Errorf("redfish: address %w", err)
	}
	c := &Client{
		user: cfg.User, password: cfg.Password, leave: cfg.LeaveSessions || cfg.Box != "", box: cfg.Box, timeout: cfg.Timeout, log: cfg.Logger,
		wire: w, pins: cfg.Pins, now: cfg.Clock, turn: make(chan struct{}, 1), expanding: map[string]*expansion{},
	}
	c.bucket = newBucket(cfg.Rate, cfg.Burst, c.now())
	c.turn <- struct{}{}
	return c, nil
}

// take waits for this caller's turn.
func (c *Client) take(ctx context.Context) error {
	if ctx.Err() == nil {
		select {
		case <-c.turn:
			return nil
		case <-ctx.Done():
		}
	}
	return failure(ctx, &Error{Method: "wait for", Path: "another request", Err: ctx.Err()}, false)
}

func (c *Client) give() { c.turn <- struct{}{} }

// Counters returns what was done so far. It waits for a request in flight.
func (c *Client) Counters() Counters {
	<-c.turn
	defer c.give()
	n := c.counters
	_, n.Connections = c.wire.seen()
	return n
}

// Local returns this box's address on the connection to the device; it is not valid before there was one.
func (c *Client) Local() netip.Addr {
	<-c.turn
	defer c.give()
	local, _ := c.wire.seen()
	return local
}

// Root returns the service root, read once. It needs no login, so a wrong password is not told here.
func (c *Client) Root(ctx context.Context) (ServiceRoot, error) {
	if err := c.take(ctx); err != nil {
		return ServiceRoot{}, err
	}
	defer c.give()
	if err := c.usable("GET", rootPath); err != nil {
		return ServiceRoot{}, err
	}
	r, err := c.readRoot(ctx)
	if err != nil {
		return ServiceRoot{}, err
	}
	return *r, nil
}

// Get reads the resource at path into v, a pointer to a struct as Decode takes it, or nil.
func (c *Client) Get(ctx context.Context, path string, v any) (Answer, error) {
	return c.Do(ctx, Request{Path: path}, v)
}

// Request is one request for Do.
type Request struct {
	Method string // empty is GET
	Path   string // below /redfish, with a query if need be
	Body   any    // nil, or what is sent as JSON
	ETag   string // sent as If-Match when not empty
	Slow   bool   // twice the time: logs, and what else a BMC gathers on demand
}

// Do makes one request, after a login if there is no session, and reads the answer into v, a pointer to a struct or nil. Where the
// session turns out to be gone it logs in again and repeats the request, once.
func (c *Client) Do(ctx context.Context, r Request, v any) (Answer, error) {
	q, err := c.query(r)
	if err != nil {
		return Answer{}, err
	}
	if err := c.take(ctx); err != nil {
		return Answer{}, err
	}
	defer c.give()
	a, err := c.exchange(ctx, q)
	if err != nil || v == nil {
		return a, err
	}
	return a, read(&a, q.path, v)
}

// read decodes the answer, and notes it when the document says it is another one.
func read(a *Answer, path string, v any) error {
	odd, err := a.Doc.decode(v)
	if err != nil {
		return unreadable(&Error{Method: http.MethodGet, Path: path, Err: err})
	}
	a.Odd = append(a.Odd, odd...)
	if id := identity(a.Doc); id != "" && !samePath(id, path) {
		a.Odd = append(a.Odd, Odd{"@odata.id", "it names another resource, " + clip(id)})
	}
	return nil
}

func (r Raw) decode(v any) ([]Odd, error) {
	if len(r) == 0 {
		return nil, nil
	}
	return decode(r, v)
}

func identity(doc Raw) string {
	var link Link
	if _, err := doc.decode(&link); err != nil {
		return ""
	}
	return asSent(link.Path)
}

// asSent is a path as it is asked for: an iDRAC8 names a DIMM iDRAC.Embedded.1#DIMMSLOTA1, and what follows a # is
// not sent. One before a / points into a document.
func asSent(p string) string {
	if i := strings.IndexByte(p, '#'); i >= 0 && i+1 < len(p) && p[i+1] != '/' {
		return p[:i] + "%23" + p[i+1:]
	}
	return p
}

// samePath compares paths as services write them: with or without a slash at the end, a query, a fragment.
func samePath(a, b string) bool { return strings.EqualFold(bare(a), bare(b)) }

func bare(p string) string {
	p = asSent(p)
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		p = p[:i]
	}
	return strings.TrimRight(p, "/")
}

// query is a request as it is sent.
type query struct {
	method, path, etag string
	body               []byte
	slow               bool
	auth               func(http.Header)
}

func (c *Client) query(r Request) (query, error) {
	q := query{method: r.Method, path: r.Path, etag: r.ETag, slow: r.Slow}
	if q.method == "" {
		q.method = http.MethodGet
	}
	e := &Error{Method: q.method, Path: clip(q.path)}
	if q.path == "" {
		e.Path, e.Err = "(no path)", errors.New("the device does not link to it")
		return q, visitError(e, hw.NotSupported, "", 0)
	}
	if !localPath(q.path) {
		e.Err = errors.New("this is no path of a Redfish service")
		return q, unreadable(e)
	}
	if r.Body != nil {
		b, err := plainJSON(r.Body)
		if err == nil && len(b) > maxRequest {
			err = fmt.Errorf("%d bytes are more than the %d that may be sent", len(b), maxRequest)
		}
		if err != nil {
			e.Err = err
			return q, unreadable(e)
		}
		q.body = b
	}
	return q, nil
}

// plainJSON writes <, > and & as they are: some BMCs do not know them escaped.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// localPath says that p is a path below /redfish and nothing else: no other host, no way up.
func localPath(p string) bool {
	if !strings.HasPrefix(p, "/redfish/") && p != "/redfish" || len(p) > 2048 || strings.Contains(p, "//") {
		return false
	}
	for _, c := range []byte(p) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	path, _, _ := strings.Cut(p, "?")
	return !strings.Contains(path+"/", "/../") && !strings.Contains(path+"/", "/./")
}

// Close ends the session, in at most 5 s, and the connection. The client is not used again. That a session could not be ended is an
// error; it then ends when it times out on the device, or when the next client for it cleans up.
func (c *Client) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	if c.closed {
		return nil
	}
	c.closed = true
	defer c.wire.CloseIdleConnections()
	return c.logout(ctx)
}
