package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// listenEvery is how long a path waits that cannot be listened on: its cable may not be in yet.
const listenEvery = time.Second

// listen takes callers of one path until ctx ends.
func (w *Wire) listen(ctx context.Context, p Path) {
	said := ""
	for ctx.Err() == nil {
		l, err := w.cfg.Listen(ctx, p.Name, p.Address)
		if err == nil {
			w.cfg.Logger.Info("pair listens", "path", p.Name, "address", l.Addr().String())
			said, err = "", w.accept(ctx, l, p.Name)
		}
		if ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			w.cfg.Logger.Warn("pair cannot listen and tries again until it can", "path", p.Name, "address", p.Address, "error", err)
		}
		pause(ctx, listenEvery)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// accept hands each caller to a goroutine of its own, as far as there are places.
func (w *Wire) accept(ctx context.Context, l net.Listener, path string) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer func() {
		stop()
		_ = l.Close()
	}()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		from := addressOf(c.RemoteAddr())
		leave, ok := w.gate.enter(from, time.Now())
		if !ok || !w.crew.start(func() { w.serve(ctx, c, path, from, leave) }) {
			_ = c.Close()
		}
	}
}

func addressOf(a net.Addr) netip.Addr {
	p, _ := netip.ParseAddrPort(a.String())
	return p.Addr().Unmap().WithZone("")
}

// serve takes a caller through its handshake and gives it to what it came for.
func (w *Wire) serve(ctx context.Context, raw net.Conn, path string, from netip.Addr, leave func()) {
	defer leave()
	tune(raw)
	m := &meter{Conn: raw}
	c := tls.Server(m, w.serverConfig())
	done := until(ctx, m, time.Now().Add(w.cfg.Handshake))
	if err := c.HandshakeContext(ctx); err != nil {
		done()
		w.unwanted(ctx, m, from, path, c.ConnectionState().NegotiatedProtocol, err)
		_ = m.Close()
		return
	}
	if c.ConnectionState().NegotiatedProtocol == Join {
		defer c.Close()
		done()
		w.serveJoin(ctx, c, m, from, leave)
		return
	}
	conn := w.receive(c, m, path, from)
	if conn == nil {
		done()
		_ = c.Close()
		return
	}
	if !done() {
		conn.drop()
		return
	}
	leave()
	w.dispatch(ctx, conn)
}

func (w *Wire) serverConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			protos := []string{Raft, Journal, Health, Control}
			if slices.Equal(hello.SupportedProtos, []string{Join}) {
				protos = []string{Join}
			}
			return strict(w.cfg.Trust.Server(protos), protos...), nil
		},
	}
}

// dispatch gives a connection that is wanted to what it is for.
func (w *Wire) dispatch(ctx context.Context, c *Conn) {
	switch c.proto {
	case Raft:
		w.deliver(c)
	case Journal:
		w.offer(ctx, c)
	case Health:
		w.answerPings(ctx, c)
		_ = c.Close()
	case Control:
		w.answer(ctx, c)
		_ = c.Close()
	}
}

// offer waits a while for somebody who takes journals.
func (w *Wire) offer(ctx context.Context, c *Conn) {
	t := time.NewTimer(w.cfg.Request)
	defer t.Stop()
	select {
	case w.journals <- c:
		return
	case <-ctx.Done():
	case <-t.C:
	}
	c.drop()
}

// AcceptJournal waits for a box that connects.
func (w *Wire) AcceptJournal(ctx context.Context) (*Conn, error) {
	select {
	case c := <-w.journals:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.over:
		return nil, ErrNotRunning
	}
}

// unwanted ends a caller whose TLS failed: one who spoke HTTP is told so, one who said nothing or
// only looked is not worth a word.
func (w *Wire) unwanted(ctx context.Context, m *meter, from netip.Addr, path, proto string, err error) {
	r := Refusal{Address: from.String(), Path: path, Protocol: proto, Reason: Untrusted, Words: err.Error()}
	var record tls.RecordHeaderError
	switch {
	case ctx.Err() != nil, isEnd(err), errors.Is(err, net.ErrClosed), isReset(err):
		w.cfg.Logger.Debug("pair caller left", "address", r.Address, "path", path, "error", err)
		return
	case isAlert(err):
		_ = w.broken(r, err)
		return
	case isTimeout(err):
		r.Words = "it did not finish its handshake in time"
	case errors.Is(err, errTooMuch):
		r.Words = "it sent more than a handshake has"
	case errors.As(err, &record) && speaksHTTP(record.RecordHeader):
		r.Words = "it speaks HTTP: the page and the API are on another port"
		answerHTTP(m)
	case errors.As(err, &record):
		r.Words = "what it sent is not TLS"
	}
	w.refuse(r)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func speaksHTTP(b [5]byte) bool {
	for _, method := range []string{"GET ", "HEAD ", "POST ", "PUT ", "DELETE", "OPTIONS", "CONNECT", "PRI *"} {
		if strings.HasPrefix(string(b[:]), method[:min(len(method), len(b))]) {
			return true
		}
	}
	return false
}

const httpAnswer = "This port is for the members of a rackpost pair. The page and the API are on another one.\n"

// answerHTTP says so in the caller's words, and waits a moment for it to have read them.
func answerHTTP(c *meter) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+httpAnswer)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.Copy(io.Discard, c)
	}
}
