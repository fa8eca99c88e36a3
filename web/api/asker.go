package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"rackpost/web"
)

// asker is who makes a request.
type asker struct {
	name   string // of the consumer; empty: somebody on this machine
	scopes []Scope
	all    bool // may do everything that is served where it asks
}

// whoAsks finds out who makes a request.
func (a *API) whoAsks(r *http.Request, by access) (*asker, error) {
	header := r.Header.Values("Authorization")
	if len(header) == 0 && by != remote {
		return &asker{all: true}, nil
	}
	scheme, token, ok := strings.Cut(strings.Join(header, ","), " ")
	if ok && strings.EqualFold(scheme, "Bearer") && a.Consumers != nil {
		if c, known := a.Consumers.of(strings.TrimSpace(token)); known {
			return &asker{name: c.Name, scopes: c.Scopes}, nil
		}
	}
	if len(header) == 0 {
		return nil, refusal(http.StatusUnauthorized, "there is no token", "send Authorization: Bearer TOKEN; rackpost consumer add makes one")
	}
	return nil, refusal(http.StatusUnauthorized, "the token is unknown", "it may have been removed: rackpost consumer list tells; rackpost consumer add makes one")
}

// may says whether the asker may ask for what a route gives.
func (w *asker) may(to route) error {
	if w.all || to.scope == "" || slices.Contains(w.scopes, to.scope) {
		return nil
	}
	return refusal(http.StatusForbidden, fmt.Sprintf("the token of %q lacks the scope %q", w.name, to.scope), "a consumer's scopes are given when it is added: rackpost consumer remove, then add with "+string(to.scope))
}

// The bounds of what is asked at once, and how often.
const (
	maxBusy    = 16  // answers being made
	maxPatient = 256 // requests that wait for something to come, or go on for long
	maxScrapes = 16  // of metrics: whoever reads something else slowly must not blind who watches
	maxOfOne   = 8   // requests of one consumer at once
	maxTold    = 2   // snapshots of one consumer at once
	perSecond  = 50  // requests of one consumer, on the average
	maxBurst   = 100 // of them at once
)

// bounds are how much is asked now.
type bounds struct {
	now func() time.Time

	mu      sync.Mutex
	busy    int
	patient int
	scrapes int
	of      map[string]*share // of a consumer; as many as there are
}

// share is what one consumer asks for.
type share struct {
	now    int
	told   int // snapshots
	bucket bucket
}

// bucket is filled at a pace and empties with use.
type bucket struct {
	level float64
	at    time.Time
}

func (b *bucket) fill(now time.Time, pace, most float64) {
	if b.at.IsZero() {
		b.level = most
	} else {
		b.level = min(most, b.level+pace*max(0, now.Sub(b.at).Seconds()))
	}
	b.at = now
}

func newBounds(now func() time.Time) *bounds { return &bounds{now: now, of: map[string]*share{}} }

// enter lets a request in, or says why not. leave ends it.
func (b *bounds) enter(consumer string, to route) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all, most := &b.busy, maxBusy
	switch {
	case to.patient:
		all, most = &b.patient, maxPatient
	case to.form == asMetrics:
		all, most = &b.scrapes, maxScrapes
	}
	if *all >= most {
		return nil, &refused{code: http.StatusServiceUnavailable, after: time.Second, Problem: web.Problem{Error: "too many requests at once", Hint: "ask again in a second"}}
	}
	s := b.of[consumer]
	if s == nil {
		s = &share{}
		b.of[consumer] = s
	}
	if consumer != "" {
		s.bucket.fill(b.now(), perSecond, maxBurst)
		if s.now >= maxOfOne || s.bucket.level < 1 {
			return nil, &refused{code: http.StatusTooManyRequests, after: time.Second, Problem: web.Problem{
				Error: fmt.Sprintf("%q asks too often: at most %d requests at once and %d a second are answered", consumer, maxOfOne, perSecond),
				Hint:  "ask again in a second; changes with wait= answers when there is something",
			}}
		}
		s.bucket.level--
	}
	*all++
	s.now++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		*all--
		s.now--
	}, nil
}

// tell lets a consumer that was let in have a snapshot, or says why not. leave ends it.
func (b *bounds) tell(consumer string) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.of[consumer]
	if s.told >= maxTold {
		return nil, &refused{code: http.StatusTooManyRequests, after: maxQueue, Problem: web.Problem{
			Error: fmt.Sprintf("%d snapshots are being read already with the same token, or with none", maxTold), Hint: "ask again when one of them has ended",
		}}
	}
	s.told++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		s.told--
	}, nil
}
