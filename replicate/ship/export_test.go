package ship

import (
	"io"
	"time"

	"rackpost/hw/journal"
)

// What a peer that lies is made of.
const (
	KindHello  = kindHello
	KindHeld   = kindHeld
	KindLayout = kindLayout
	KindBatch  = kindBatch
	KindAnswer = kindAnswer
	KindRefuse = kindRefuse
	KindPing   = kindPing
	KindOffer  = kindOffer
	KindAsk    = kindAsk
	KindBase   = kindBase
	KindAgain  = kindAgain
	KindPart   = kindPart
	KindNote   = kindNote
	KindBye    = kindBye
	KindPace   = kindPace
	MaxFrame   = maxFrame
	MaxTries   = maxTries
)

// Kind is a frame's.
type Kind = kind

// AppendFrame writes a frame.
func AppendFrame(dst []byte, k Kind, payload []byte) []byte { return appendFrame(dst, k, payload) }

// ReadFrame reads one.
func ReadFrame(r io.Reader, buf *[]byte) (Kind, []byte, error) { return readFrame(r, buf) }

// Hello is a greeting of the versions given.
func Hello(low, high byte, site, origin journal.ID, window uint64) []byte {
	return hello{lowest: low, highest: high, site: site, origin: origin, window: window}.bytes()
}

// AnswerBytes is the payload of an answer.
func AnswerBytes(through uint64, v journal.Vector) []byte { return answerBytes(through, v.Marshal()) }

// RefuseBytes is the payload of a refusal.
func RefuseBytes(number uint64, reason string) []byte { return refuseBytes(number, reason) }

// VectorParts are the payloads of what is held, but for their first byte.
func VectorParts(v journal.Vector) [][]byte { return vectorParts(v) }

// Parse reads a payload as what its kind says, and throws it away.
func Parse(k Kind, b []byte) (err error) {
	switch k {
	case kindHello:
		_, err = parseHello(b)
	case kindAnswer:
		_, _, err = parseAnswer(b)
	case kindRefuse:
		_, _, err = parseRefuse(b)
	case kindPing:
		_, err = parsePing(b)
	case kindOffer, kindAsk:
		_, _, err = parseOffer(b)
	case kindPace:
		_, err = parsePace(b)
	}
	return err
}

// Bucket is a bucket.
type Bucket struct{ b bucket }

// Set changes the rate.
func (b *Bucket) Set(now time.Time, rate uint64) { b.b.set(now, rate) }

// Wait returns how long until something may pass.
func (b *Bucket) Wait(now time.Time) time.Duration { return b.b.wait(now) }

// Spend notes that something passed.
func (b *Bucket) Spend(now time.Time, n int) { b.b.spend(now, n) }

// Valve is a valve.
type Valve struct{ v valve }

// Bytes returns what may be under way.
func (v *Valve) Bytes() uint64 { return v.v.bytes() }

// Answered takes an answer.
func (v *Valve) Answered(now, sent time.Time, n int) { v.v.answered(now, sent, n) }

// ParsePace reads what PaceBytes wrote.
func ParsePace(b []byte) (Pace, error) { return parsePace(b) }

// PaceBytes is the payload of a pace frame.
func PaceBytes(p Pace) []byte { return p.bytes() }
