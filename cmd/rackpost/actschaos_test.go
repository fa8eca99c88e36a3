package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
)

// chaos is a life of the box in which everything may go wrong, and that may end at any word or deed.
type chaos struct {
	*stage
	r    *rand.Rand
	dead bool // under stage.mu
}

var errDead = errors.New("the box is dead")

// dies says whether this life is over, and ends it at times.
func (c *chaos) dies(one int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = c.dead || c.r.IntN(one) == 0
	return c.dead
}

func (c *chaos) roll(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

func (c *chaos) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *chaos) Say(ctx context.Context, facts []hw.Fact) error {
	if c.dies(12) {
		return errDead
	}
	if err := c.stage.Say(ctx, facts); err != nil || c.dies(12) {
		return errors.Join(err, errDead)
	}
	return nil
}

// Act does it, or does not, and says so, or not.
func (c *chaos) Act(ctx context.Context, id hw.DeviceID, a hw.Action) error {
	if c.isDead() {
		return collectors.ErrBusy
	}
	how := c.roll(7)
	time.Sleep(time.Duration(how) * time.Second)
	away := &collectors.VisitError{Reason: hw.NoAnswer}
	switch how {
	case 1:
		return &collectors.VisitError{Reason: hw.Refused}
	case 2:
		return collectors.ErrBusy
	case 3:
		return away
	case 4:
		return errors.Join(c.stage.Act(ctx, id, a), away)
	case 5:
		c.dies(2)
		return away
	}
	return c.stage.Act(ctx, id, a)
}

// live runs a life of acts, in which people ask for this and that.
func (c *chaos) live() {
	a := newActs(c, c, c.stage, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	for range c.roll(8) {
		if c.isDead() {
			break
		}
		part := []string{"drive/1", "drive/2", hw.ChassisPath}[c.roll(3)]
		_, _ = a.Locate(c.t.Context(), "e", "srv-1", part, c.roll(3) > 0, time.Duration(1+c.roll(1200))*time.Second)
		time.Sleep(time.Duration(c.roll(600)) * time.Second)
	}
	cancel()
	if err := <-done; err != nil {
		c.t.Error(err)
	}
}

// TestNothingBlinksForEver: whatever devices do and whenever boxes die, in the end no light is on and no act is
// left open.
func TestNothingBlinksForEver(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			s, r := newStage(t), rand.New(rand.NewPCG(seed, 1))
			for range 6 {
				(&chaos{stage: s, r: r}).live()
				time.Sleep(time.Duration(r.IntN(1800)) * time.Second)
			}
			s.with(func(*acts) { time.Sleep(time.Hour) })
			_, _, lit := s.heard()
			for part, on := range lit {
				if on {
					t.Errorf("seed %d: %s still blinks; said %q", seed, part, s.said)
				}
			}
			for _, f := range s.Acts() {
				if v := f.Value.(hw.ActValue); v.Phase != hw.ActDone && v.Phase != hw.ActFailed || v.On && v.Phase == hw.ActDone {
					t.Errorf("seed %d: %s is left %s %t; said %q", seed, f.Component, v.Phase, v.On, s.said)
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}
