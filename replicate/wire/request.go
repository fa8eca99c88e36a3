package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"rackpost/replicate/mode"
)

// How much of a request is in flight and what it may be.
const (
	mostServed  = 32 // requests being answered at once
	mostJoining = 2
	mostMethod  = 64
	mostCode    = 64
	mostJoin    = 64 << 10 // bytes of a join request, of its answer as many as of any
)

// MethodNode is the method of Ask.
const MethodNode = "node"

// Handler answers a member's request; it ends when ctx does. An error of type *Failure goes to
// the other side with its code, another one with its words.
type Handler func(ctx context.Context, from mode.NodeID, body []byte) ([]byte, error)

// JoinHandler answers a caller who has no certificate yet: it judges the token in the body.
type JoinHandler func(ctx context.Context, from netip.Addr, body []byte) ([]byte, error)

// Failure is a handler's error as the other side gets it.
type Failure struct {
	Code  string // for programs; may be empty
	Words string
}

// Error implements error.
func (f *Failure) Error() string { return f.Words }

// Handle has requests of this method answered from now on.
func (w *Wire) Handle(method string, h Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handlers[method] = h
}

// HandleJoin has callers without a certificate answered from now on; with nil, nobody is.
func (w *Wire) HandleJoin(h JoinHandler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.join = h
}

// status is the first byte of an answer.
type status byte

const (
	statusOK      status = iota
	statusFailed         // the handler's own error
	statusUnheard        // the handler was not called
)

// Ask is a Request of the method MethodNode.
func (w *Wire) Ask(ctx context.Context, to mode.NodeID, request []byte) ([]byte, error) {
	return w.Request(ctx, to, MethodNode, request)
}

// Request asks a member over its healthiest path. An error that wraps ErrUndelivered means that
// the handler there was not called; a *Failure is the handler's own; after any other the request
// may have been answered or not.
func (w *Wire) Request(ctx context.Context, to mode.NodeID, method string, body []byte) ([]byte, error) {
	if len(body) > w.cfg.MaxBody || len(method) > mostMethod {
		return nil, fmt.Errorf("%w: %q with %d bytes: at most %d can be sent", ErrUndelivered, method, len(body), w.cfg.MaxBody)
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Request)
	defer cancel()
	c, err := w.dial(ctx, to, Control)
	if err != nil {
		return nil, fmt.Errorf("%w: call %s: %w", ErrUndelivered, to.Short(), err)
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	defer until(ctx, c, deadline)()
	answer, err := ask(c, method, body, w.cfg.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", method, to.Short(), err)
	}
	return answer, nil
}

// Introduce sends a join request to a member this one does not know yet; conf says how it is
// recognised. The answer has at most 1 MB.
func Introduce(ctx context.Context, address string, conf *tls.Config, body []byte) ([]byte, error) {
	if len(body) > mostJoin {
		return nil, fmt.Errorf("a join request of %d bytes: at most %d can be sent", len(body), mostJoin)
	}
	raw, err := dialTCP(ctx, "", "", address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndelivered, err)
	}
	c := tls.Client(raw, strict(conf, Join))
	defer c.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Minute)
	}
	defer until(ctx, raw, deadline)()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: handshake with %s: %w", ErrUndelivered, address, err)
	}
	return ask(c, "", body, 1<<20)
}

// ask sends a request and reads its answer.
func ask(c net.Conn, method string, body []byte, most int) ([]byte, error) {
	if err := writeMessage(c, []byte{byte(len(method))}, method, body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndelivered, err)
	}
	var head [2]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, fmt.Errorf("wait for the answer: %w", err)
	}
	code := make([]byte, head[1])
	if _, err := io.ReadFull(c, code); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	answer, err := readBody(c, most)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	switch status(head[0]) {
	case statusOK:
		return answer, nil
	case statusUnheard:
		return nil, fmt.Errorf("%w: %s", ErrUndelivered, clean(string(answer)))
	}
	return nil, &Failure{clean(string(code)), clean(string(answer))}
}

// writeMessage writes a head, a short text and a body with its length.
func writeMessage(c io.Writer, head []byte, text string, body []byte) error {
	b := append(head, text...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	_, err := c.Write(append(b, body...))
	return err
}

// readBody reads a body after its length. It makes room as the bytes come, not as they are promised.
func readBody(r io.Reader, most int) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(size[:]))
	if n > int64(most) {
		return nil, fmt.Errorf("%d bytes: at most %d are taken", n, most)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func readRequest(r io.Reader, most int) (method string, body []byte, err error) {
	var n [1]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return "", nil, err
	}
	if n[0] > mostMethod {
		return "", nil, fmt.Errorf("a method of %d bytes: at most %d are taken", n[0], mostMethod)
	}
	name := make([]byte, n[0])
	if _, err := io.ReadFull(r, name); err != nil {
		return "", nil, err
	}
	body, err = readBody(r, most)
	return string(name), body, err
}

// answer serves the one request of a control connection.
func (w *Wire) answer(ctx context.Context, c *Conn) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Request)
	defer cancel()
	defer context.AfterFunc(ctx, c.drop)()
	method, body, err := readRequest(c, w.cfg.MaxBody)
	if err != nil {
		unheard(c, err.Error())
		return
	}
	w.mu.Lock()
	h := w.handlers[method]
	w.mu.Unlock()
	if h == nil {
		unheard(c, fmt.Sprintf("this member does not answer %q: it starts, or is older or newer", method))
		return
	}
	select {
	case w.serving <- struct{}{}:
		defer func() { <-w.serving }()
	default:
		unheard(c, "too many requests at once: try again")
		return
	}
	answer, err := h(ctx, c.Peer.Node, body)
	_ = w.reply(c, answer, err)
}

// unheard says why the handler is not called. What the other side still sends is taken for a
// moment: a connection closed over it would lose the words.
func unheard(c net.Conn, words string) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if writeMessage(c, []byte{byte(statusUnheard), 0}, "", []byte(clean(words))) == nil {
		_, _ = io.CopyN(io.Discard, c, mostBody)
	}
}

func (w *Wire) reply(c net.Conn, answer []byte, err error) error {
	if err == nil && len(answer) > w.cfg.MaxBody {
		err = fmt.Errorf("the answer has %d bytes: at most %d can be sent", len(answer), w.cfg.MaxBody)
	}
	if err == nil {
		return writeMessage(c, []byte{byte(statusOK), 0}, "", answer)
	}
	code := ""
	if f := (*Failure)(nil); errors.As(err, &f) {
		code = f.Code[:min(len(f.Code), mostCode)]
	}
	return writeMessage(c, []byte{byte(statusFailed), byte(len(code))}, code, []byte(clean(err.Error())))
}

// serveJoin answers one who has no certificate, within narrow bounds: anybody can be that. The
// place at the gate is kept until the request is there, so that who says nothing keeps nobody out.
func (w *Wire) serveJoin(ctx context.Context, c *tls.Conn, m *meter, from netip.Addr, leave func()) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Request)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = m.Close() })()
	w.mu.Lock()
	h := w.join
	w.mu.Unlock()
	switch {
	case h == nil:
		unheard(c, "nobody can join here: ask the box that has authority (\"rackpost pair status\")")
		return
	case !w.joins.try(from, time.Now()):
		unheard(c, "too many tries from this address: wait a minute")
		return
	}
	m.allow(mostJoin)
	_ = c.SetReadDeadline(time.Now().Add(w.cfg.Handshake))
	_, body, err := readRequest(c, mostJoin)
	leave()
	if err != nil {
		unheard(c, err.Error())
		return
	}
	select {
	case w.joining <- struct{}{}:
		defer func() { <-w.joining }()
	default:
		unheard(c, "others are joining: try again in a minute")
		return
	}
	answer, err := h(ctx, from, body)
	_ = c.SetWriteDeadline(time.Now().Add(w.cfg.Handshake))
	_ = w.reply(c, answer, err)
}
