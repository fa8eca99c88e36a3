package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

// locateClaim is the kind of the claims of acts. Such a claim is open for as long as a part may blink: whoever has
// authority then ends it.
const locateClaim = "locate"

const (
	claimTime  = 10 * time.Second // to agree on one
	claimRetry = 5 * time.Second
)

// claimed is what a claim of an act says of it.
type claimed struct {
	Key       string      `json:"-"`
	Device    hw.DeviceID `json:"device"`
	Component string      `json:"component"`
	On        bool        `json:"on"`
	Who       string      `json:"who"`
	At        time.Time   `json:"at"`
	Until     time.Time   `json:"until,omitzero"`
}

// claims is the ledger of a pair.
type claims struct{ *pairing }

// Verify implements ledger.
func (c *claims) Verify(ctx context.Context) error {
	err := c.node.Verify(ctx, mode.Act)
	if err == nil {
		return nil
	}
	switch s := c.node.Status(); {
	case s.ActsIn > 0 && errors.Is(err, replicate.ErrNoPower):
		return fmt.Errorf("%s has just taken over and makes no device do anything for another %s: the other box may not be done; ask again then", c.self.Name, wholeSeconds(s.ActsIn))
	case s.Why != "" && !s.Authority:
		return fmt.Errorf("%s (%s) makes no device do anything now: %s", c.self.Name, s.Mode, s.Why)
	}
	return err
}

// Begin implements ledger.
func (c *claims) Begin(ctx context.Context, what claimed) (string, error) {
	b, err := json.Marshal(what)
	if err != nil {
		return "", err
	}
	id := make([]byte, 12)
	_, _ = rand.Read(id) // it never fails: it ends the process instead
	key := locateClaim + "-" + hex.EncodeToString(id)
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	return key, c.propose(ctx, &control.Start{Key: key, Kind: locateClaim, Node: c.self.Node, What: string(b), Attempt: 1, At: what.At})
}

// End implements ledger.
func (c *claims) End(ctx context.Context, key string, done bool, detail string) error {
	now, ok := c.agreed.State().Claim(key)
	if !ok || now.Outcome == control.Done || now.Outcome == control.Failed {
		return nil
	}
	outcome := control.Failed
	if done {
		outcome = control.Done
	}
	ctx, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	return c.propose(ctx, &control.Settle{Key: key, Attempt: now.Attempt, Outcome: outcome, Detail: hw.Clean(detail), At: time.Now()})
}

// Inherit implements ledger.
func (c *claims) Inherit(ctx context.Context) ([]claimed, error) {
	asking, cancel := context.WithTimeout(ctx, claimTime)
	defer cancel()
	if err := c.propose(asking, &control.Inherit{Node: c.self.Node, At: time.Now()}); err != nil {
		return nil, err
	}
	var left []claimed
	for _, x := range c.agreed.State().Claims(control.Doubt) {
		var what claimed
		if x.Kind != locateClaim || json.Unmarshal([]byte(x.What), &what) != nil {
			continue
		}
		what.Key = x.Key
		left = append(left, what)
	}
	return left, nil
}
