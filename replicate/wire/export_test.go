package wire

import (
	"io"
	"net/netip"
	"time"

	"rackpost/replicate/mode"
)

func AppendHello(h Hello) []byte            { return h.append(nil) }
func ParseHello(b []byte) (Hello, error)    { return parseHello(b) }
func ReadFrame(r io.Reader) ([]byte, error) { return readFrame(r) }
func (m Memory) With(h mode.Hello) Memory   { return m.with(h) }
func (m Memory) Forgot(h mode.Hello) string { return m.forgot(h) }
func Clean(s string) string                 { return clean(s) }

func Judge(self, other Hello, proto string, known *Peer, m Memory) (Reason, string) {
	v := judge(self, other, proto, known, m)
	return v.reason, v.words
}

func ReadRequest(r io.Reader, most int) (string, []byte, error) { return readRequest(r, most) }

// PingFrame is a ping as it goes over the wire.
func PingFrame(h mode.Hello, number, answered uint64) []byte {
	p := pingOf(h)
	p.number, p.answered = number, answered
	return p.frame()
}

// ReadPing reads one back: what it says of the other side, and its numbers.
func ReadPing(r io.Reader) (h mode.Hello, number, answered uint64, frame []byte, err error) {
	p, err := readPing(r)
	return p.in(mode.Hello{}), p.number, p.answered, p.frame(), err
}

// Pace is how often an address may try to join.
type Pace struct{ p pace }

func (p *Pace) Try(from netip.Addr, now time.Time) bool { return p.p.try(from, now) }

// Order sorts ways by what was proven on them.
func Order(ways []Path, silent map[string]time.Duration, trips map[string]time.Duration, silence time.Duration) []Path {
	c, now := newContacts(nil), time.Now()
	for path, d := range silent {
		c.proven(mode.NodeID{1}, path, now.Add(-d), trips[path])
	}
	return c.order(mode.NodeID{1}, ways, now, silence)
}
