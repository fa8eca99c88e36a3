package control

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// check requires of a state that was read what every command keeps.
func (s State) check() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
	switch {
	case !rising(s.documents, func(a, b *Document) int { return cmp.Compare(a.Name, b.Name) }):
		return wrong("its documents are out of order")
	case !rising(s.claims, func(a, b *Claim) int { return cmp.Compare(a.Key, b.Key) }):
		return wrong("its claims are out of order")
	case !rising(s.tokens, func(a, b *Token) int { return bytes.Compare(a.Hash[:], b.Hash[:]) }):
		return wrong("its tokens are out of order")
	case !rising(s.takeovers, func(a, b *Takeover) int { return cmp.Compare(a.Generation.Counter, b.Generation.Counter) }):
		return wrong("its takeovers are out of order")
	case !rising(s.History(), func(a, b Document) int { return cmp.Compare(a.Version, b.Version) }):
		return wrong("its versions are out of order")
	case slices.ContainsFunc(s.history, func(d *Document) bool { return d.Name != Site }):
		return wrong("an older version of what has none")
	case s.unsettled() > maxUnsaid || len(s.claims)-s.unsettled() > maxSettled:
		return wrong("too many claims")
	}
	for _, d := range s.documents {
		if id, isMember := strings.CutPrefix(d.Name, Peer); isMember {
			if err := s.admitsMember(id, d.Content); err != nil {
				return err
			}
		}
	}
	return nil
}

// rising says whether a is sorted and nothing is in it twice.
func rising[T any](a []T, compare func(a, b T) int) bool {
	for i := range a {
		if i > 0 && compare(a[i-1], a[i]) >= 0 {
			return false
		}
	}
	return true
}
