package ship

import (
	"encoding/binary"
	"strings"
	"time"

	"rackpost/hw/journal"
)

// The versions of the protocol this program speaks.
const (
	lowest  = 1
	highest = 1
)

const helloMagic = "RPS"

// hello is the first frame of both ends. Later versions may add to its end.
type hello struct {
	lowest, highest byte
	site, origin    journal.ID
	window          uint64 // bytes of batches that may be under way to its writer
	lane            Lane
}

func (h hello) bytes() []byte {
	b := append([]byte(helloMagic), h.lowest, h.highest)
	b = append(append(b, h.site[:]...), h.origin[:]...)
	return append(binary.AppendUvarint(b, h.window), byte(h.lane))
}

func parseHello(b []byte) (h hello, err error) {
	const fixed = len(helloMagic) + 2 + 2*len(journal.ID{})
	if len(b) < fixed || string(b[:len(helloMagic)]) != helloMagic {
		return h, broken("no greeting")
	}
	h.lowest, h.highest = b[3], b[4]
	copy(h.site[:], b[5:])
	copy(h.origin[:], b[5+len(h.site):])
	if h.window, b, err = uvarint(b[fixed:]); err == nil && h.lowest > h.highest {
		err = broken("versions %d to %d", h.lowest, h.highest)
	}
	if len(b) > 0 { // an earlier version says none: it knows Both
		h.lane = Lane(b[0])
	}
	return h, err
}

func uvarint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, broken("cut short")
	}
	return v, b[n:], nil
}

// maxText bounds the texts of the protocol.
const maxText = 400

// short returns s as a text of the protocol: bounded, on one line.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// answer says that everything up to a batch of this connection, counted from 1, was dealt with, and
// which batches are held because of it.
func answerBytes(through uint64, held []byte) []byte {
	return append(binary.AppendUvarint(nil, through), held...)
}

func parseAnswer(b []byte) (through uint64, held journal.Vector, err error) {
	if through, b, err = uvarint(b); err != nil {
		return 0, nil, err
	}
	held, err = journal.UnmarshalVector(b)
	return through, held, err
}

// refuse says why a batch of this connection, counted from 1, was not taken.
func refuseBytes(number uint64, reason string) []byte {
	return append(binary.AppendUvarint(nil, number), short(reason)...)
}

func parseRefuse(b []byte) (number uint64, reason string, err error) {
	number, b, err = uvarint(b)
	return number, short(string(b)), err
}

// ping says that its writer is there, and what it has still to send.
type ping struct {
	caughtUp bool
	behind   Backlog
}

func (p ping) bytes() []byte {
	b := []byte{0}
	if p.caughtUp {
		b[0] = 1
	}
	b = binary.AppendUvarint(b, p.behind.Batches)
	b = binary.AppendUvarint(b, p.behind.Bytes)
	ms := uint64(0)
	if !p.behind.Oldest.IsZero() {
		ms = uint64(max(1, p.behind.Oldest.UnixMilli()))
	}
	return binary.AppendUvarint(b, ms)
}

// lastMS is the last moment of the year 9999: a later one cannot be told in JSON.
const lastMS = 253_402_300_799_999

func parsePing(b []byte) (p ping, err error) {
	if len(b) == 0 {
		return p, broken("cut short")
	}
	p.caughtUp = b[0] == 1
	var ms uint64
	if p.behind.Batches, b, err = uvarint(b[1:]); err == nil {
		if p.behind.Bytes, b, err = uvarint(b); err == nil {
			ms, _, err = uvarint(b)
		}
	}
	if ms > 0 && ms <= lastMS {
		p.behind.Oldest = time.UnixMilli(int64(ms)).UTC() // east of Greenwich it would be the year 10000
	}
	return p, err
}

// digest names what a base makes good: the vector of the facts that were dropped.
type digest [32]byte

// offerBytes is for offers and for what asks for what was offered.
func offerBytes(site journal.ID, d digest) []byte { return append(site[:], d[:]...) }

func parseOffer(b []byte) (site journal.ID, d digest, err error) {
	if len(b) < len(site)+len(d) {
		return site, d, broken("cut short")
	}
	copy(site[:], b)
	copy(d[:], b[len(site):])
	return site, d, nil
}

// What an end keeps of the other's vector. A journal of ten years has a hundredth of that.
const (
	maxKeys      = 1 << 16
	maxIntervals = 1 << 18
)

// vectorParts encodes v in pieces that fit into a frame with a byte before them; at least one.
func vectorParts(v journal.Vector) [][]byte {
	const perKey, perInterval, room = 60, 20, maxFrame - 64
	var out [][]byte
	part, size := journal.Vector{}, 0
	cut := func() {
		out = append(out, part.Marshal())
		part, size = journal.Vector{}, 0
	}
	for _, k := range v.Keys() {
		size += perKey
		for _, iv := range v[k] {
			if size+perInterval > room {
				cut()
				size = perKey
			}
			part.Add(k, iv.First, iv.Last)
			size += perInterval
		}
	}
	if len(part) > 0 || len(out) == 0 {
		cut()
	}
	return out
}

// intervals returns how much memory v takes, in intervals.
func intervals(v journal.Vector) (n int) {
	for _, iv := range v {
		n += len(iv)
	}
	return n
}
