package control

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
)

// magic begins a snapshot; the byte after it is the format.
const magic = "rackpost control "

// Encode returns the one form of s in bytes, its SHA-256 at the end.
func (s State) Encode() []byte {
	size := 4096
	for _, d := range slices.Concat(s.documents, s.history) {
		size += len(d.Content) + 256
	}
	c := &codec{b: append(append(make([]byte, 0, size), magic...), format)}
	s.fields(c)
	sum := sha256.Sum256(c.b)
	return append(c.b, sum[:]...)
}

// Sum returns the SHA-256 of s: members of one Applied have one Sum.
func (s State) Sum() [32]byte {
	b := s.Encode()
	return [32]byte(b[len(b)-sha256.Size:])
}

func (s *State) fields(c *codec) {
	c.num(&s.applied)
	c.small(&s.level)
	c.num(&s.floor)
	shared(c, &s.documents, maxDocuments, (*Document).fields)
	shared(c, &s.history, maxVersions, (*Document).fields)
	shared(c, &s.claims, maxUnsaid+maxSettled, (*Claim).fields)
	shared(c, &s.tokens, maxTokens, (*Token).fields)
	shared(c, &s.takeovers, maxTakeover, (*Takeover).fields)
}

// DecodeState reads what Encode wrote. No bytes at all are the state before the first command.
func DecodeState(b []byte) (State, error) {
	var s State
	if len(b) == 0 {
		return s, nil
	}
	body, found := bytes.CutPrefix(b, []byte(magic))
	if !found || len(body) < 1+sha256.Size || len(b) > maxState {
		return State{}, fmt.Errorf("read a state: %w: %d bytes", ErrMalformed, len(b))
	}
	if body[0] > format {
		return State{}, fmt.Errorf("read a state: format %d is %w", body[0], ErrNewer)
	}
	end := len(b) - sha256.Size
	if body[0] == 0 || sha256.Sum256(b[:end]) != [32]byte(b[end:]) {
		return State{}, fmt.Errorf("read a state: %w: its format or SHA-256 is another one", ErrMalformed)
	}
	c := &codec{b: body[1 : len(body)-sha256.Size], reading: true}
	s.fields(c)
	if err := c.end(); err != nil {
		return State{}, fmt.Errorf("read a state: %w", err)
	}
	if s.level > Level {
		return State{}, fmt.Errorf("read a state: feature level %d is %w", s.level, ErrNewer)
	}
	if err := s.check(); err != nil {
		return State{}, fmt.Errorf("read a state: %w", err)
	}
	return s, nil
}
