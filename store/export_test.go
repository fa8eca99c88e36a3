package store

import "rackpost/hw"

// PutTogether makes reports durable by one flush, as if they had waited for the same one.
// Run must not be running.
func (s *Store) PutTogether(reports []hw.Report) error {
	waiting := make([]putRequest, len(reports))
	for i, r := range reports {
		waiting[i] = putRequest{report: r}
	}
	return s.flush(waiting)
}
