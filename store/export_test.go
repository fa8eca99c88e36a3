package store

import (
	"context"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// PutTogether makes reports durable by one flush, as if they had waited for the same one.
// Run must not be running.
func (s *Store) PutTogether(reports []hw.Report) error {
	waiting := make([]putRequest, len(reports))
	for i, r := range reports {
		waiting[i] = putRequest{report: r}
	}
	return s.flush(waiting)
}

// Shed drops the next thing in order, as if the journal had no budget at all. It returns false
// when nothing may be dropped.
func (s *Store) Shed(ctx context.Context) (bool, error) {
	s.keeping.Lock()
	defer s.keeping.Unlock()
	budget := s.opt.Budget
	defer func() { s.opt.Budget = budget }()
	s.opt.Budget = 0
	return s.shedOne(ctx)
}

// AggregateIn is Aggregate with so many readings in memory at once.
func (s *Store) AggregateIn(ctx context.Context, q AggregateQuery, readings int, fn func(Bucket) error) error {
	return s.aggregate(ctx, q, readings, fn)
}

// GoOnAs makes the store go on as an incarnation that is running already, as a machine does that was put back with its memory.
func (s *Store) GoOnAs(inc journal.Incarnation) {
	s.inc = incarnation{id: inc, begun: true}
}
