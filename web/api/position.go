package api

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rackpost/hw/journal"
)

// A position is a place in the order of whoever gave it, as its store writes places, and behind a dot what its reader has of a site: that
// is the same everywhere, so that another box of the site can go on. A place alone leads on where it was given.

const (
	// maxPosition is the longest position, in bytes: it must fit into a request line. What would be longer is a place alone.
	maxPosition = maxText
	// MaxSeen is of how many streams a position tells at most; more never fit.
	MaxSeen = maxPosition / 5
	// maxBegun bounds the batches of which a position says that a part was read: there is one more after each change of boxes in mid-batch.
	maxBegun = 16

	seenVersion = 1
)

// cursor is a position.
type cursor struct {
	after Position
	taken uint32   // of the batch behind after so many records were taken
	of    Position // where that one ends; empty: seen names it
	seen  *seen    // nil: not known, or too much to tell
}

// seen is what a reader has of some streams of a site.
type seen struct {
	site    journal.ID
	streams []journal.Stream // in order; none: all
	whole   journal.Vector
	begun   map[journal.Key]uint32 // and of these batches so many records
}

// String returns the text readCursor reads. Consumers see it as a position.
func (p cursor) String() string {
	if p.seen != nil {
		if text := string(p.after) + "." + p.seen.text(string(p.after)); len(text) <= maxPosition {
			return text
		}
	}
	if p.taken == 0 {
		return string(p.after)
	}
	return fmt.Sprintf("%s~%d@%s", p.after, p.taken, p.of)
}

func readCursor(s string) (cursor, error) {
	bad := fmt.Errorf("%w: %.100q", ErrPosition, s)
	if len(s) > maxPosition {
		return cursor{}, bad
	}
	if place, text, tells := strings.Cut(s, "."); tells {
		seen, err := readSeen(place, text)
		if err != nil {
			return cursor{}, bad
		}
		return cursor{after: Position(place), seen: seen}, nil
	}
	after, rest, inside := strings.Cut(s, "~")
	if !inside {
		return cursor{after: Position(s)}, nil
	}
	count, of, ok := strings.Cut(rest, "@")
	n, err := strconv.ParseUint(count, 10, 32)
	if !ok || err != nil || n == 0 {
		return cursor{}, bad
	}
	return cursor{after: Position(after), taken: uint32(n), of: Position(of)}, nil
}

// skips returns how many records of a batch, which ends at behind, the reader has.
func (p *cursor) skips(k journal.Key, behind Position) uint32 {
	n := uint32(0)
	if p.of == behind && p.taken > 0 {
		n = p.taken
	}
	if p.seen != nil {
		n = max(n, p.seen.begun[k])
	}
	return n
}

// stop notes that taken records of a batch were taken, which ends at behind.
func (p *cursor) stop(k journal.Key, taken uint32, behind Position) {
	p.taken, p.of = taken, behind
	if p.seen == nil {
		return
	}
	if _, again := p.seen.begun[k]; !again && len(p.seen.begun) >= maxBegun {
		p.seen = nil // the place is right, and leads on here
		return
	}
	p.seen.begun[k] = taken
}

// pass notes that a batch was taken whole, which ends at behind.
func (p *cursor) pass(k journal.Key, behind Position) {
	p.after, p.taken, p.of = behind, 0, ""
	if p.seen != nil {
		p.seen.whole.Add(k.StreamKey, k.Seq, k.Seq)
		delete(p.seen.begun, k)
	}
}

// newSeen makes what a reader has who stands where before is behind him, and had more, perhaps of other streams.
func newSeen(site journal.ID, streams []journal.Stream, before journal.Vector, had *seen) *seen {
	s := &seen{site: site, streams: orderly(streams), whole: before, begun: map[journal.Key]uint32{}}
	if had == nil || had.site != site {
		return s
	}
	other := func(t journal.Stream) bool { return len(streams) > 0 && !slices.Contains(streams, t) }
	for k, runs := range had.whole {
		for _, iv := range runs {
			if !other(k.Stream) {
				s.whole.Add(k, iv.First, iv.Last)
			}
		}
	}
	maps.Copy(s.begun, had.begun)
	maps.DeleteFunc(s.begun, func(k journal.Key, _ uint32) bool { return other(k.Stream) })
	return s
}

func orderly(streams []journal.Stream) []journal.Stream {
	return slices.Compact(slices.Sorted(slices.Values(streams)))
}

// of returns what s tells of the streams that are asked for. ok is false where they are more than s knows of.
func (s *seen) of(site journal.ID, streams []journal.Stream) (out *seen, ok bool) {
	streams = orderly(streams)
	switch {
	case s.site != site:
		return nil, false
	case slices.Equal(s.streams, streams):
		return s, true
	case len(streams) == 0 || len(s.streams) > 0 && slices.ContainsFunc(streams, func(t journal.Stream) bool { return !slices.Contains(s.streams, t) }):
		return nil, false
	}
	other := func(t journal.Stream) bool { return !slices.Contains(streams, t) }
	maps.DeleteFunc(s.whole, func(k journal.StreamKey, _ []journal.Interval) bool { return other(k.Stream) })
	maps.DeleteFunc(s.begun, func(k journal.Key, _ uint32) bool { return other(k.Stream) })
	return &seen{site, streams, s.whole, s.begun}, true
}

// text returns what readSeen reads behind a place.
func (s *seen) text(place string) string {
	b := append([]byte{seenVersion}, s.site[:]...)
	b = append(b, byte(len(s.streams)))
	for _, t := range s.streams {
		b = append(b, byte(t))
	}
	b = binary.AppendUvarint(b, uint64(len(s.begun)))
	for _, k := range slices.SortedFunc(maps.Keys(s.begun), func(a, b journal.Key) int { return cmp.Or(a.Compare(b.StreamKey), cmp.Compare(a.Seq, b.Seq)) }) {
		b = append(b, k.Origin[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(k.Incarnation))
		b = append(b, byte(k.Stream))
		b = binary.AppendUvarint(b, k.Seq)
		b = binary.AppendUvarint(b, uint64(s.begun[k]))
	}
	b = appendVector(b, s.whole)
	b = binary.BigEndian.AppendUint32(b, checkOf(place, b))
	return base64.RawURLEncoding.EncodeToString(b)
}

// What a vector of one site consists of, in order of the keys.
const (
	itemOrigin      = iota // 16 bytes
	itemIncarnation        // of that origin: 8 bytes, and how many batches of facts, samples and logs, each from 1 on: of nearly every one that is all
	itemStream             // of that incarnation: 1 byte, and intervals
)

// counted are the streams of itemIncarnation.
var counted = [...]journal.Stream{journal.Facts, journal.Samples, journal.Logs}

// countOf returns how many there are from 1 on where that is all.
func countOf(iv []journal.Interval) uint64 {
	if len(iv) == 1 && iv[0].First == 1 {
		return iv[0].Last
	}
	return 0
}

func appendVector(b []byte, v journal.Vector) []byte {
	var before journal.StreamKey
	for i, k := range v.Keys() {
		if i == 0 || k.Origin != before.Origin {
			b = append(append(b, itemOrigin), k.Origin[:]...)
		}
		if i == 0 || k.Origin != before.Origin || k.Incarnation != before.Incarnation {
			b = binary.BigEndian.AppendUint64(append(b, itemIncarnation), uint64(k.Incarnation))
			for _, t := range counted {
				b = binary.AppendUvarint(b, countOf(v[journal.StreamKey{Site: k.Site, Origin: k.Origin, Incarnation: k.Incarnation, Stream: t}]))
			}
		}
		before = k
		iv := v[k]
		if slices.Contains(counted[:], k.Stream) && countOf(iv) > 0 {
			continue
		}
		b = binary.AppendUvarint(append(b, itemStream, byte(k.Stream)), uint64(len(iv)))
		last := uint64(0)
		for _, x := range iv {
			b = binary.AppendUvarint(b, x.First-last)
			b = binary.AppendUvarint(b, x.Last-x.First)
			last = x.Last
		}
	}
	return b
}

func checkOf(place string, b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(place), table), table, b)
}

var errSeen = errors.New("not what a position tells")

// readSeen reads what text returned.
func readSeen(place, text string) (*seen, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 4 {
		return nil, errSeen
	}
	body := raw[:len(raw)-4]
	if checkOf(place, body) != binary.BigEndian.Uint32(raw[len(body):]) {
		return nil, errSeen
	}
	r := &reader{b: body}
	s := &seen{begun: map[journal.Key]uint32{}}
	if r.byte() != seenVersion {
		return nil, errSeen
	}
	copy(s.site[:], r.bytes(len(s.site)))
	for range r.byte() {
		s.streams = append(s.streams, journal.Stream(r.byte()))
	}
	n := r.number()
	if n > maxBegun {
		return nil, errSeen
	}
	for range n {
		k := journal.Key{StreamKey: journal.StreamKey{Site: s.site}}
		copy(k.Origin[:], r.bytes(len(k.Origin)))
		k.Incarnation, k.Stream, k.Seq = r.incarnation(), journal.Stream(r.byte()), r.number()
		taken := r.number()
		if taken == 0 || taken > journal.MaxRecords {
			return nil, errSeen
		}
		s.begun[k] = uint32(taken)
	}
	s.whole = r.vector(s.site)
	if r.bad || !slices.Equal(orderly(s.streams), s.streams) || s.text(place) != text { // there is one text for what it tells
		return nil, errSeen
	}
	return s, nil
}

// reader reads numbers and bytes; what goes wrong it remembers.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte { return r.bytes(1)[0] }

func (r *reader) incarnation() journal.Incarnation {
	return journal.Incarnation(binary.BigEndian.Uint64(r.bytes(8)))
}

// number reads one that can be a sequence number.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > journal.MaxSeq {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// vector reads what appendVector wrote.
func (r *reader) vector(site journal.ID) journal.Vector {
	v, k := journal.Vector{}, journal.StreamKey{Site: site}
	for len(r.b) > 0 {
		switch r.byte() {
		case itemOrigin:
			copy(k.Origin[:], r.bytes(len(k.Origin)))
		case itemIncarnation:
			k.Incarnation = r.incarnation()
			for _, k.Stream = range counted {
				if n := r.number(); n > 0 {
					v.Add(k, 1, n)
				}
			}
		case itemStream:
			k.Stream = journal.Stream(r.byte())
			r.runs(v, k)
		default:
			r.bad = true
		}
	}
	return v
}

func (r *reader) runs(v journal.Vector, k journal.StreamKey) {
	n := r.number()
	last := uint64(0)
	for range n {
		gap, length := r.number(), r.number()
		if r.bad || gap == 0 || last+gap+length > journal.MaxSeq {
			r.bad, r.b = true, nil
			return
		}
		v.Add(k, last+gap, last+gap+length)
		last += gap + length
	}
}

// PlaceOf returns the place of a position, without what its reader has: that is for programs.
func PlaceOf(p Position) Position {
	place, _, _ := strings.Cut(string(p), ".")
	return Position(place)
}
