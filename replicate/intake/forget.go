package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
)

// errForgotten ends the connections of a site that is forgotten.
var errForgotten = errors.New("headquarters forgets this site")

// errLeaving turns away who comes meanwhile.
func errLeaving() error {
	return &enroll.Refusal{Reason: enroll.Unavailable, What: "headquarters is just forgetting this site", Advice: "come again in a moment", After: stoppingRetry}
}

// Forget ends the connections of a site that the Door lets in no more, and returns when all of them have ended and nothing that they
// brought is merged any more: then its records may be dropped. When ctx ends first, that is the error.
func (in *Intake) Forget(ctx context.Context, id journal.ID) error {
	in.entering.Lock() // whoever was let in before is counted
	in.mu.Lock()
	s := in.sites[id]
	in.mu.Unlock()
	in.entering.Unlock()
	if s != nil {
		if err := s.leaveAll(ctx); err != nil {
			return fmt.Errorf("end the connections of site %s: %w", id, err)
		}
		in.mu.Lock()
		if in.sites[id] == s {
			in.used[id] = s.usage()
			delete(in.sites, id)
		}
		in.mu.Unlock()
	}
	return in.commit.settle(ctx)
}

// leaveAll ends all connections, lets none in, and waits until they have ended.
func (s *site) leaveAll(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		s.leaving = true
		for l := range s.lanes() {
			if l.cancel != nil {
				l.cancel(errForgotten)
			}
		}
		left := s.inside
		s.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.leaving = false
			s.mu.Unlock()
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// enter counts a connection, unless the site is being forgotten.
func (s *site) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving {
		return false
	}
	s.inside++
	s.away = "" // it is over
	return true
}

func (s *site) exit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
}
