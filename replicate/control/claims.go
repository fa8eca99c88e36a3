package control

import (
	"cmp"
	"slices"
)

func (s State) claimAt(key string) (int, bool) {
	return slices.BinarySearchFunc(s.claims, key, func(c *Claim, key string) int { return cmp.Compare(c.Key, key) })
}

func (c *Claim) settled() bool { return c.Outcome == Done || c.Outcome == Failed }

func (p *Start) apply(s *State, index uint64) error {
	i, exists := s.claimAt(p.Key)
	next := &Claim{Key: p.Key, Kind: p.Kind, Node: p.Node, What: p.What, Attempt: p.Attempt, At: p.At, Index: index}
	if !exists {
		if p.Attempt != 1 {
			return refuse("nobody tried %s before, or it is forgotten: this is attempt 1, not %d", p.Key, p.Attempt)
		}
		if s.unsettled() >= maxUnsaid {
			return refuse("%d things are under way or in doubt, the most there may be: settle some first", maxUnsaid)
		}
		s.claims = slices.Insert(slices.Clone(s.claims), i, next)
		return nil
	}
	old := s.claims[i]
	if old.Outcome == Open && old.Attempt == p.Attempt && old.Node == p.Node && old.Kind == p.Kind && old.What == p.What && old.At.Equal(p.At) {
		return nil // proposed again, after an answer was lost
	}
	switch {
	case old.Outcome == Open:
		return refuse("%s: %s is at it since %s", p.Key, s.name(old.Node), moment(old.At))
	case old.Outcome == Done:
		return refuse("%s: %s has done it, %s", p.Key, s.name(old.Node), moment(old.Settled))
	case p.Attempt != old.Attempt+1:
		return refuse("%s: the last attempt was number %d (%s); look at it before the next", p.Key, old.Attempt, old.Outcome)
	case old.Outcome == Failed && s.unsettled() >= maxUnsaid:
		return refuse("%d things are under way or in doubt, the most there may be: settle some first", maxUnsaid)
	}
	s.claims = slices.Clone(s.claims)
	s.claims[i] = next
	return nil
}

func (s State) unsettled() int {
	n := 0
	for _, c := range s.claims {
		if !c.settled() {
			n++
		}
	}
	return n
}

func (p *Settle) apply(s *State, index uint64) error {
	i, exists := s.claimAt(p.Key)
	if !exists {
		return refuse("nobody claimed %s, or it is forgotten", p.Key)
	}
	old := s.claims[i]
	switch {
	case old.Attempt != p.Attempt:
		return refuse("%s: attempt %d is settled too late or too early, the last one is number %d", p.Key, p.Attempt, old.Attempt)
	case old.settled() && old.Outcome == p.Outcome:
		return nil // proposed again, or by two that looked
	case old.settled():
		return refuse("%s: it is settled as %s, %s", p.Key, old.Outcome, moment(old.Settled))
	}
	next := *old
	next.Outcome, next.Detail, next.Settled, next.Index = p.Outcome, p.Detail, p.At, index
	s.claims = slices.Clone(s.claims)
	s.claims[i] = &next
	s.forget()
	return nil
}

// forget drops the claim that was settled first when there are too many.
func (s *State) forget() {
	if len(s.claims)-s.unsettled() <= maxSettled {
		return
	}
	oldest := -1
	for i, c := range s.claims {
		if c.settled() && (oldest < 0 || c.Index < s.claims[oldest].Index) {
			oldest = i
		}
	}
	s.claims = slices.Delete(s.claims, oldest, oldest+1)
}

func (p *Inherit) apply(s *State, index uint64) error {
	claims := slices.Clone(s.claims)
	for i, c := range claims {
		if c.Outcome == Open {
			next := *c
			next.Outcome, next.Settled, next.Index = Doubt, p.At, index
			next.Detail = "who was at it lost authority"
			claims[i] = &next
		}
	}
	s.claims = claims
	return nil
}

// Claims returns the claims that stand so, by key; with no outcome, all.
func (s State) Claims(outcomes ...Outcome) []Claim {
	var out []Claim
	for _, c := range s.claims {
		if len(outcomes) == 0 || slices.Contains(outcomes, c.Outcome) {
			out = append(out, *c)
		}
	}
	return out
}

// Claim returns the claim of key.
func (s State) Claim(key string) (Claim, bool) {
	if i, ok := s.claimAt(key); ok {
		return *s.claims[i], true
	}
	return Claim{}, false
}
