package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw"
)

// book is the ledger of a pair, made up: what every box agrees on, and whether this one may act.
type book struct {
	mu     sync.Mutex
	barred error // by Verify
	torn   error // nothing is agreed on
	open   map[string]claimed
	doubt  []claimed
	said   []string
	next   int
}

func newBook() *book { return &book{open: map[string]claimed{}} }

func (b *book) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *book) Verify(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.barred
}

func (b *book) Begin(_ context.Context, what claimed) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.torn != nil {
		return "", b.torn
	}
	b.next++
	key := fmt.Sprintf("claim-%d", b.next)
	b.open[key] = what
	b.said = append(b.said, fmt.Sprintf("%s %s %t by %s", key, what.Component, what.On, what.Who))
	return key, nil
}

func (b *book) End(_ context.Context, key string, done bool, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.torn != nil {
		return b.torn
	}
	delete(b.open, key)
	b.said = append(b.said, fmt.Sprintf("%s done=%t", key, done))
	return nil
}

func (b *book) Inherit(context.Context) ([]claimed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doubt, b.torn
}

func (b *book) wantSaid(t *testing.T, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.said, want) {
		t.Errorf("agreed on %q, want %q", b.said, want)
	}
}

// with runs f beside the acts of a box of a pair, while it may act.
func (b *book) with(s *stage, f func(a *acts)) {
	s.t.Helper()
	a := newActs(s, s, s, slog.New(slog.DiscardHandler))
	a.ledger = b
	a.ready.Store(false)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	box := &appliance{acts: a}
	go func() { done <- box.act(ctx) }()
	synctest.Wait()
	f(a)
	cancel()
	if err := <-done; err != nil {
		s.t.Error(err)
	}
}

// TestClaimLastsAsLongAsTheLight: what may blink is agreed on before the device hears of it, and until it is dark.
func TestClaimLastsAsLongAsTheLight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		b.with(s, func(a *acts) {
			s.locate(a, "drive/1", true, 10*time.Minute)
			s.locate(a, "drive/2", true, time.Hour)
			s.locate(a, "drive/1", true, 20*time.Minute) // the claim before it is of no more use
			b.wantSaid(t, "claim-1 drive/1 true by engineer", "claim-2 drive/2 true by engineer", "claim-3 drive/1 true by engineer", "claim-1 done=true")
			s.locate(a, "drive/2", false, 0)
			time.Sleep(30 * time.Minute)
		})
		b.wantSaid(t, "claim-1 drive/1 true by engineer", "claim-2 drive/2 true by engineer", "claim-3 drive/1 true by engineer", "claim-1 done=true",
			"claim-4 drive/2 false by engineer", "claim-2 done=true", "claim-4 done=true", "claim-3 done=true")
		s.wantLit()
		if len(b.open) > 0 {
			t.Errorf("left open: %v", b.open)
		}
	})
}

// TestNoActWithoutAuthority: a box that may not act tells the device nothing, and writes nothing.
func TestNoActWithoutAuthority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		b.with(s, func(a *acts) {
			for _, bar := range []func(error){func(err error) { b.barred = err }, func(err error) { b.torn = err }} {
				b.set(func() { bar(errors.New("an island")) })
				if _, err := a.Locate(t.Context(), "engineer", "srv-1", "drive/1", true, 0); !errors.Is(err, errActBusy) {
					t.Errorf("barred: %v", err)
				}
				b.set(func() { bar(nil) })
			}
			if said, told, _ := s.heard(); len(said)+len(told) > 0 {
				t.Errorf("said %v, told %v", said, told)
			}
			s.locate(a, "drive/1", true, time.Minute)
			b.set(func() { b.barred = errors.New("an island") })
			time.Sleep(10 * time.Minute) // the light stays: who has authority ends it
			s.wantLit("drive/1")
			b.set(func() { b.barred = nil })
			time.Sleep(15 * time.Minute)
			s.wantLit()
		})
		if len(b.open) > 0 {
			t.Errorf("left open: %v", b.open)
		}
	})
}

// TestInheritedClaim: what another box began, and of which the journal here says nothing, is unknown, looked at, never begun
// again, and ended at its end.
func TestInheritedClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		s.lit["drive/1"], s.lit["drive/2"] = true, true
		b.doubt = []claimed{
			{Key: "old-1", Device: "srv-1", Component: "drive/1", On: true, Who: "engineer", At: s.begun, Until: s.begun.Add(10 * time.Minute)},
			{Key: "old-2", Device: "srv-1", Component: "drive/2", On: false, Who: "engineer", At: s.begun},
		}
		b.with(s, func(a *acts) {
			s.wantLit("drive/1")
			time.Sleep(20 * time.Minute)
			s.wantLit()
			_, told, _ := s.heard()
			if want := []string{"0s locate drive/2 false", "10m0s locate drive/1 false"}; !slices.Equal(told, want) {
				t.Errorf("the device was told %v, want %v", told, want)
			}
		})
		b.wantSaid(t, "old-2 done=true", "old-1 done=true")
		if said, _, _ := s.heard(); !slices.Contains(said, "0s drive/1 unknown true engineer appliance-crash") {
			t.Errorf("said %q", said)
		}
	})
}

// TestClaimsSettleLater: where the pair does not agree at the moment on what came of an act, it is said later.
func TestClaimsSettleLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		s.do = func(context.Context, hw.Action) error { b.set(func() { b.torn = errors.New("no quorum") }); return nil }
		b.with(s, func(a *acts) {
			s.locate(a, "drive/1", false, 0)
			b.wantSaid(t, "claim-1 drive/1 false by engineer")
			time.Sleep(time.Minute)
			b.set(func() { b.torn = nil })
			time.Sleep(time.Minute)
			b.wantSaid(t, "claim-1 drive/1 false by engineer", "claim-1 done=true")
		})
	})
}

// TestTakingOver: as long as it is not known what another box left, nothing is begun.
func TestTakingOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		b.torn = errors.New("no quorum")
		b.with(s, func(a *acts) {
			b.set(func() { b.torn = nil })
			if _, err := a.Locate(t.Context(), "engineer", "srv-1", "drive/1", true, 0); !errors.Is(err, errActBusy) {
				t.Errorf("before it took over: %v", err)
			}
			time.Sleep(2 * claimRetry)
			s.locate(a, "drive/1", true, time.Minute)
			time.Sleep(2 * time.Minute)
		})
		s.wantLit()
	})
}

// TestActing: who hands authority over tells whether a device may be at something: while it is told so, and for half a minute after that was
// cut off.
func TestActing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStage(t), newBook()
		var a *acts
		b.with(s, func(of *acts) {
			a = of
			s.do = func(ctx context.Context, action hw.Action) error {
				if !a.acting() {
					t.Error("a device is told something, and nobody knows")
				}
				if action.Component == "drive/1" {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			}
			s.locate(a, "drive/1", true, time.Hour)
			if a.acting() {
				t.Error("what is done is under way")
			}
			go func() { _, _ = a.Locate(t.Context(), "engineer", "srv-1", "drive/2", true, time.Hour) }()
			synctest.Wait()
		}) // the power ends meanwhile
		synctest.Wait()
		if !a.acting() {
			t.Error("what was cut off may still be done, and nobody knows")
		}
		time.Sleep(31 * time.Second)
		if a.acting() {
			t.Error("what was cut off is never over")
		}
	})
}
