package intake

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

// Where the lanes are, and what they upgrade to.
const (
	LivePath   = "/uplink/v1/live"
	BehindPath = "/uplink/v1/behind"
	Protocol   = "rackpost-ship/1"
)

// ServeHTTP lets the lanes of a site in: GET LivePath and BehindPath with Upgrade to Protocol. What
// follows the 101 are the frames of a ship session. A refusal is a problem in JSON with 400, 401, 403, 404, 429 or
// 503, the last two with Retry-After. It returns as soon as the lane is in: Run waits for those.
func (in *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, err := in.enter(r)
	if err == nil {
		err = in.upgrade(w, e)
	}
	if err != nil {
		enroll.Refuse(w, err)
	}
}

// entrance is a connection that was let in.
type entrance struct {
	site   *site
	origin journal.ID // of the box
	kind   ship.Lane
	window int
	from   string
	state  *tls.ConnectionState
	ctx    context.Context // of all connections
}

// enter says who may come in, and takes the room it needs.
func (in *Intake) enter(r *http.Request) (e entrance, err error) {
	if e.kind, err = laneOf(r); err != nil {
		return e, err
	}
	if h := r.Header.Get(ship.OriginHeader); h != "" {
		if e.origin, err = journal.ParseID(h); err != nil {
			return e, malformed("the header %s holds no id: %v", ship.OriginHeader, err)
		}
	}
	in.entering.RLock()
	defer in.entering.RUnlock()
	id, name, err := in.identify(r)
	if err != nil {
		return e, err
	}
	e.site, e.from, e.state = in.site(id, name), r.RemoteAddr, r.TLS
	if wait, ok := e.site.mayVisit(name); !ok {
		return e, in.later(e.site, "too_often", wait, "site %s connects too often", name)
	}
	if in.commit.load().closed {
		return e, in.unavailable(e.site, "store", failedRetry, "headquarters cannot store records now", "see its log")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.base == nil || in.base.Err() != nil {
		in.away++
		return e, &enroll.Refusal{Reason: enroll.Unavailable, What: "headquarters is starting or stopping", After: stoppingRetry}
	}
	wait, ok := in.gate.admit(time.Now(), visitor{id, e.origin, e.kind})
	if !ok {
		in.away++
		return e, in.later(e.site, "pace", wait, "more sites connect than are let in at once")
	}
	most := in.cfg.Limits.Window
	if e.kind == ship.Live {
		most = in.cfg.Limits.LiveWindow
	}
	if in.pool.lanes < in.cfg.Limits.Connections {
		e.window = in.pool.grant(most, in.expect)
	}
	if e.window == 0 {
		in.away++
		in.full = time.Now()
		return e, in.unavailable(e.site, "room", fullRetry, fmt.Sprintf("headquarters has %d connections and takes no more", in.pool.lanes), "it is outgrown, or one site holds too many")
	}
	if !e.site.enter() {
		in.pool.release(e.window)
		return e, errLeaving()
	}
	e.ctx = in.base
	in.lanes.Add(1)
	return e, nil
}

// When to come again.
const (
	failedRetry   = 10 * time.Second
	stoppingRetry = 5 * time.Second
	fullRetry     = 30 * time.Second
)

// laneOf returns which lane is asked for.
func laneOf(r *http.Request) (ship.Lane, error) {
	kind := ship.Live
	switch r.URL.Path {
	case LivePath:
	case BehindPath:
		kind = ship.Behind
	default:
		return 0, malformed("there is nothing at %s", r.URL.Path)
	}
	switch {
	case r.Method != http.MethodGet:
		return 0, malformed("%s, where GET belongs", r.Method)
	case !lists(r.Header.Values("Connection"), "upgrade") || !lists(r.Header.Values("Upgrade"), Protocol):
		return 0, malformed("the request does not upgrade to %s: is a proxy between that changes requests?", Protocol)
	case r.ProtoMajor != 1:
		return 0, malformed("lanes need HTTP/1.1")
	}
	return kind, nil
}

func malformed(format string, args ...any) error {
	return &enroll.Refusal{Reason: enroll.Malformed, What: fmt.Sprintf(format, args...)}
}

// lists says whether a header that is a list has a token in it.
func lists(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// identify returns whose connection it is.
func (in *Intake) identify(r *http.Request) (id journal.ID, name string, err error) {
	var state tls.ConnectionState
	if r.TLS != nil {
		state = *r.TLS
	}
	id, name, err = in.cfg.Door.Check(state)
	if err == nil && id == in.cfg.Site {
		err = &enroll.Refusal{Reason: enroll.Taken, What: "the site's id is headquarters' own", Advice: "enroll it with an id of its own"}
	}
	if err == nil {
		return id, name, nil
	}
	in.mu.Lock()
	in.strange++
	_, say := in.log.take(time.Now())
	in.mu.Unlock()
	if say {
		in.cfg.Logger.Warn("a connection is refused", "address", r.RemoteAddr, "err", err)
	}
	return id, name, err
}

// later is a refusal for now, of who comes too fast.
func (in *Intake) later(s *site, reason string, wait time.Duration, format string, args ...any) error {
	r := &enroll.Refusal{Reason: enroll.TooMany, What: fmt.Sprintf(format, args...), Advice: "come again when Retry-After says", After: wait}
	s.turnedAway(reason, r.What)
	return r
}

// unavailable is a refusal for now, of anybody.
func (in *Intake) unavailable(s *site, reason string, wait time.Duration, what, advice string) error {
	s.turnedAway(reason, what)
	return &enroll.Refusal{Reason: enroll.Unavailable, What: what, Advice: advice, After: wait}
}

// mayVisit says whether the site may connect once more, or after how long.
func (s *site) mayVisit(name string) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "" {
		s.name = name
	}
	wait, ok := s.visits.take(time.Now())
	return between(wait), ok
}

// answerTime is how long the answer to the request may take.
const answerTime = 10 * time.Second

// upgrade takes the connection from HTTP and serves it in a goroutine of its own, so that nothing of HTTP stays in
// memory. An error means that it still speaks HTTP.
func (in *Intake) upgrade(w http.ResponseWriter, e entrance) error {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		in.leave(e)
		return malformed("the connection cannot be upgraded: %v", err)
	}
	admitted(conn)
	v := &voiced{Conn: conn, site: e.site, early: early(rw.Reader)}
	go func() { // Run waits for it: lanes
		defer in.leave(e)
		defer v.Close()
		if err := v.answer(); err == nil { // else it is gone already
			in.serve(e, v)
		}
	}()
	return nil
}

// answer says that the lane is in.
func (v *voiced) answer() error {
	if err := v.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(v, "HTTP/1.1 101 Switching Protocols\r\nDate: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", v.site.in.now().UTC().Format(http.TimeFormat), Protocol); err != nil {
		return err
	}
	return v.SetDeadline(time.Time{})
}

// leave gives back the room of a connection.
func (in *Intake) leave(e entrance) {
	in.mu.Lock()
	in.pool.release(e.window)
	in.mu.Unlock()
	e.site.exit()
	in.lanes.Done()
}

// serve runs the session.
func (in *Intake) serve(e entrance, conn net.Conn) {
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	lane, line, number := e.site.join(e, cancel)
	if e.state != nil { // who may send may have changed while it came in
		if _, _, err := in.cfg.Door.Check(*e.state); err != nil {
			cancel(err)
		}
	}
	err := line.Run(ctx, conn)
	if err == nil {
		err = context.Cause(ctx)
	}
	e.site.leave(lane, number, err, e.ctx.Err() != nil)
}

// early returns what came with the request, which HTTP has read already.
func early(r *bufio.Reader) []byte {
	b, _ := r.Peek(r.Buffered())
	return append([]byte(nil), b...)
}

// voiced is a connection whose site is heard by what comes.
type voiced struct {
	net.Conn
	site  *site
	early []byte
}

func (v *voiced) Read(p []byte) (n int, err error) {
	if len(v.early) > 0 {
		n = copy(p, v.early)
		v.early = v.early[n:]
	} else {
		n, err = v.Conn.Read(p)
	}
	if n > 0 {
		v.site.voice.Store(int64(v.site.in.age()))
	}
	return n, err
}
