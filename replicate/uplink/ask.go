package uplink

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

// Upgrade is what a lane asks the connection to become.
const Upgrade = "rackpost-ship/1"

// The paths of the lanes.
const (
	PathLive   = "/uplink/v1/live"
	PathBehind = "/uplink/v1/behind"
)

// maxHead bounds the head of an answer.
const maxHead = 32 << 10

// bodyLife is for the body of a refusal, which is small.
const bodyLife = 3 * time.Second

// upgraded is the connection after the answer to the upgrade; what was read with it comes first.
type upgraded struct {
	net.Conn
	r io.Reader
}

// Read implements net.Conn.
func (c *upgraded) Read(b []byte) (int, error) { return c.r.Read(b) }

// upgrade asks for a lane. Its error is an enroll.Refusal when headquarters, or who is between, refused it.
func (u *Uplink) upgrade(ctx context.Context, r reached, path string) (net.Conn, error) {
	header := http.Header{"Connection": {"Upgrade"}, "Upgrade": {Upgrade}, ship.OriginHeader: {u.cfg.Ship.Origin.String()}}
	resp, rest, err := u.ask(ctx, r, path, header)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != Upgrade {
		_ = r.conn.SetReadDeadline(time.Now().Add(bodyLife))
		return nil, enroll.Refused(resp, u.cfg.Now())
	}
	buffered, err := rest.Peek(rest.Buffered())
	if err != nil {
		return nil, err
	}
	if len(buffered) == 0 {
		return r.conn, nil
	}
	first := append([]byte(nil), buffered...)
	return &upgraded{Conn: r.conn, r: io.MultiReader(&once{first}, r.conn)}, nil
}

// once reads some bytes, once.
type once struct{ left []byte }

// Read implements io.Reader.
func (o *once) Read(b []byte) (int, error) {
	if len(o.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b, o.left)
	o.left = o.left[n:]
	return n, nil
}

// ask sends a request over a connection and returns the answer, of which the body is not read yet.
func (u *Uplink) ask(ctx context.Context, r reached, path string, header http.Header) (*http.Response, *bufio.Reader, error) {
	ctx, done := whileHeard(ctx, r.pulse, u.cfg.Timing.Quiet)
	defer done()
	stop := context.AfterFunc(ctx, func() { _ = r.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String()+path, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header = header
	req.Header.Set("User-Agent", "rackpost")
	sent := time.Now()
	if err := req.Write(r.conn); err != nil {
		return nil, nil, fmt.Errorf("ask headquarters: %w", ship.Plain(cause(ctx, err)))
	}
	limited := &io.LimitedReader{R: r.conn, N: maxHead}
	rest := bufio.NewReader(limited)
	resp, err := http.ReadResponse(rest, req)
	if err != nil {
		return nil, nil, fmt.Errorf("headquarters' answer: %w", ship.Plain(cause(ctx, err)))
	}
	if !stop() {
		return nil, nil, ship.Plain(cause(ctx, ctx.Err()))
	}
	u.clock.add(resp.Header, sent, time.Now())
	return resp, rest, nil
}

// cause is why a context ended, when it is that.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// look asks headquarters for the time over a way: it answers, and says how far its clock is from ours.
func (u *Uplink) look(ctx context.Context, way int) {
	a := &attempt{way: way, began: time.Now(), pulse: make(chan *pulse, 1)}
	urls := u.places()
	u.calling(way, a.began)
	if a.reached, a.err = u.attempt(ctx, a, urls[0]); a.err == nil {
		_, _, a.err = u.ask(ctx, a.reached, enroll.PathClock, http.Header{"Connection": {"close"}}) // any answer shows that the way is good
		_ = a.reached.conn.Close()
	}
	u.called(ctx, a)
}
