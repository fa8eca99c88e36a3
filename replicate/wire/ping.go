package wire

import (
	"encoding/binary"
	"errors"
	"io"

	"rackpost/replicate/mode"
)

// ping is what health connections carry, both ways: the caller's, and its answer. What does not
// change while a connection lasts is in the hello and not here.
type ping struct {
	answer     bool
	number     uint64 // of the ping, from 1; the answer has the same
	answered   uint64 // highest number answered so far, of a caller
	mode       mode.Mode
	authority  bool
	isolated   bool
	full       bool
	rested     bool
	generation mode.Generation
	term       uint64
	applied    uint64
}

// The flags of a ping.
const (
	pingAnswer    = 1 << 0
	pingAuthority = 1 << 1
	pingIsolated  = 1 << 2
	pingFull      = 1 << 3
	pingRested    = 1 << 4
)

var errPing = errors.New("what was sent is no ping")

func pingOf(h mode.Hello) ping {
	return ping{mode: h.Mode, authority: h.Authority, isolated: h.Isolated, full: h.Full, rested: h.Rested, generation: h.Generation, term: h.Term, applied: h.Applied}
}

// in returns the hello with what the ping says anew.
func (p ping) in(h mode.Hello) mode.Hello {
	h.Mode, h.Authority, h.Isolated, h.Full, h.Rested = p.mode, p.authority, p.isolated, p.full, p.rested
	h.Generation, h.Term, h.Applied = p.generation, p.term, p.applied
	return h
}

// frame is the ping after its length.
func (p ping) frame() []byte {
	flags := flag(p.answer)*pingAnswer | flag(p.authority)*pingAuthority | flag(p.isolated)*pingIsolated | flag(p.full)*pingFull | flag(p.rested)*pingRested
	b := []byte{0, flags, byte(p.mode)}
	for _, v := range []uint64{p.number, p.answered, p.generation.Counter, p.term, p.applied} {
		b = binary.AppendUvarint(b, v)
	}
	b = binary.BigEndian.AppendUint64(b, p.generation.Random)
	b[0] = byte(len(b) - 1)
	return b
}

// parsePing reads what frame wrote, without the length. More at the end is of a later version.
func parsePing(b []byte) (ping, error) {
	if len(b) < 2 {
		return ping{}, errPing
	}
	p := ping{answer: b[0]&pingAnswer != 0, authority: b[0]&pingAuthority != 0, isolated: b[0]&pingIsolated != 0,
		full: b[0]&pingFull != 0, rested: b[0]&pingRested != 0, mode: mode.Mode(b[1])}
	b = b[2:]
	for _, v := range []*uint64{&p.number, &p.answered, &p.generation.Counter, &p.term, &p.applied} {
		n := 0
		if *v, n = binary.Uvarint(b); n <= 0 {
			return ping{}, errPing
		}
		b = b[n:]
	}
	if len(b) < 8 {
		return ping{}, errPing
	}
	p.generation.Random = binary.BigEndian.Uint64(b)
	return p, nil
}

func readPing(r io.Reader) (ping, error) {
	var b [256]byte
	if _, err := io.ReadFull(r, b[:1]); err != nil {
		return ping{}, err
	}
	frame := b[1 : 1+int(b[0])]
	if _, err := io.ReadFull(r, frame); err != nil {
		return ping{}, err
	}
	return parsePing(frame)
}
