package store

import "time"

// At returns a position before everything that tells of t or of a later time: a segment at most stands between.
func (s *Store) At(t time.Time) Position {
	all := s.listed()
	s.state.RLock()
	defer s.state.RUnlock()
	for i, g := range all {
		if i == len(all)-1 || g.span.last >= t.UnixMilli() {
			return Position{Segment: g.id}
		}
	}
	return Position{}
}
