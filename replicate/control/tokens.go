package control

import (
	"bytes"
	"slices"
)

func (s State) tokenAt(hash [32]byte) (int, bool) {
	return slices.BinarySearchFunc(s.tokens, hash, func(t *Token, h [32]byte) int { return bytes.Compare(t.Hash[:], h[:]) })
}

func (p *Invite) apply(s *State, _ uint64) error {
	if !p.Expires.After(p.At) {
		return refuse("the token would have expired before it was made")
	}
	tokens := slices.DeleteFunc(slices.Clone(s.tokens), func(t *Token) bool { return !t.Expires.After(p.At) })
	i, exists := slices.BinarySearchFunc(tokens, p.Hash, func(t *Token, h [32]byte) int { return bytes.Compare(t.Hash[:], h[:]) })
	switch {
	case exists && tokens[i].Who == p.Who && tokens[i].At.Equal(p.At):
		return nil // proposed again
	case exists:
		return refuse("this token was made already")
	case len(tokens) >= maxTokens:
		return refuse("%d tokens have not expired yet, the most there may be: wait, or use one of them", maxTokens)
	}
	s.tokens = slices.Insert(tokens, i, &Token{Hash: p.Hash, Role: p.Role, Who: p.Who, At: p.At, Expires: p.Expires, Proof: p.Proof})
	return nil
}

func (p *Redeem) apply(s *State, _ uint64) error {
	i, exists := s.tokenAt(p.Hash)
	if !exists {
		return refuse("this token is not known here: it is mistyped, of another pair or expired long ago; make a new one")
	}
	t := s.tokens[i]
	switch {
	case !t.Used.IsZero() && t.By == p.Node && t.Used.Equal(p.At):
		return nil // proposed again
	case !t.Used.IsZero():
		return refuse("this token was used already, by %s, %s: if that was not you, remove that member; make a new token for this one", s.name(t.By), moment(t.Used))
	case !p.At.Before(t.Expires):
		return refuse("this token expired %s: make a new one", moment(t.Expires))
	}
	used := *t
	used.Used, used.By = p.At, p.Node
	s.tokens = slices.Clone(s.tokens)
	s.tokens[i] = &used
	return nil
}

// forgetTokens drops the tokens that a member used: who has lost an answer may join twice with one, who was removed may not.
func (s *State) forgetTokens(id string) {
	s.tokens = slices.DeleteFunc(slices.Clone(s.tokens), func(t *Token) bool { return !t.Used.IsZero() && t.By.String() == id })
}

// Tokens returns the tokens that have not expired by the time the last one was made.
func (s State) Tokens() []Token {
	var out []Token
	for _, t := range s.tokens {
		out = append(out, *t)
	}
	return out
}

// Token returns the token of a hash.
func (s State) Token(hash [32]byte) (Token, bool) {
	if i, ok := s.tokenAt(hash); ok {
		return *s.tokens[i], true
	}
	return Token{}, false
}

func (f *Forced) apply(s *State, index uint64) error {
	t := &Takeover{Generation: f.Generation, From: f.From, Who: f.Who, Why: f.Why, At: f.At, Index: index}
	if n := len(s.takeovers); n > 0 {
		last := s.takeovers[n-1]
		if last.Generation == f.Generation {
			return nil // proposed again
		}
		if last.Generation.Counter >= f.Generation.Counter {
			return refuse("a takeover of generation %d is recorded, this one is of %d", last.Generation.Counter, f.Generation.Counter)
		}
	}
	s.takeovers = append(slices.Clone(s.takeovers), t)
	s.takeovers = s.takeovers[max(0, len(s.takeovers)-maxTakeover):]
	return nil
}

// Takeovers returns the last takeovers, the newest at the end.
func (s State) Takeovers() []Takeover {
	var out []Takeover
	for _, t := range s.takeovers {
		out = append(out, *t)
	}
	return out
}
