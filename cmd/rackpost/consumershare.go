package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/web/api"
)

// Who may pull from a pair is agreed on: names, scopes and hashes of tokens, never a token. Each box keeps a copy in its
// consumers.json, with which it answers also when nobody is there to agree. What a consumer did last, and how far it says it has come, a box knows of itself.

// methodConsumers has a box tell the other one what the consumers did there.
const methodConsumers = "consumers"

// elsewhereTime is how long the other box may take to tell it.
const elsewhereTime = time.Second

// consumersDocument is the name by which a pair keeps them.
const consumersDocument = "consumers"

// maxForgotten bounds the hashes of removed tokens that are remembered.
const maxForgotten = 256

// agreedConsumers is the content of the document.
type agreedConsumers struct {
	Format    int         `json:"format"`
	Consumers []api.Grant `json:"consumers"`
	// Removed are the hashes of tokens that were taken away, the last ones. A box that was out of the pair meanwhile, and comes back, does not bring them in again.
	Removed []string `json:"removed_sha256"`
}

const consumersFormat = 1

// consumerShare is how a box agrees with the other one of its pair on who may pull.
type consumerShare struct {
	*pairing
	consumers *api.Consumers                               // of this box
	agree     func(context.Context, control.Command) error // has it agreed on

	taking sync.Mutex // so that what is taken last is the newest
}

// shareConsumers has the consumers of a box be its pair's; of one that is in none they are its own.
func shareConsumers(p *pairing, consumers *api.Consumers) *consumerShare {
	if p == nil {
		consumers.Share(nil, "")
		return nil
	}
	s := &consumerShare{pairing: p, consumers: consumers, agree: p.propose}
	consumers.Share(s, p.keeper.Identity().CA.String())
	return s
}

// load returns what is agreed on, and its version. What no box said does not count, and where nothing is agreed on, as in a new pair, it is what this box has: ok is false
// for both.
func (s *consumerShare) load() (a agreedConsumers, version uint64, ok bool, err error) {
	d, _ := s.agreed.State().Document(consumersDocument)
	if d.Version == 0 || !s.vouched(d) {
		return agreedConsumers{Consumers: s.consumers.Grants()}, d.Version, false, nil
	}
	a, err = parseConsumers(d.Content)
	return a, d.Version, true, err
}

func parseConsumers(content []byte) (a agreedConsumers, err error) {
	if err = json.Unmarshal(content, &a); err == nil && (a.Format > consumersFormat || a.Format < 1) {
		err = fmt.Errorf("it is of format %d: update this box", a.Format)
	}
	for i := 0; err == nil && i < len(a.Consumers); i++ {
		err = a.Consumers[i].Check()
	}
	if err == nil && len(a.Consumers) > api.MaxConsumers {
		err = fmt.Errorf("there are %d", len(a.Consumers))
	}
	if err != nil {
		return agreedConsumers{}, fmt.Errorf("who may pull from the pair cannot be read: %w", err)
	}
	return a, nil
}

// Change implements api.Sharing. Who else changes them at the same time is not overwritten.
func (s *consumerShare) Change(ctx context.Context, why string, fn func([]api.Grant) ([]api.Grant, error)) error {
	return s.change(ctx, why, func(had agreedConsumers) (agreedConsumers, error) {
		grants, err := fn(slices.Clone(had.Consumers))
		return had.with(grants), err
	})
}

func (s *consumerShare) change(ctx context.Context, why string, fn func(agreedConsumers) (agreedConsumers, error)) error {
	for try := 1; ; try++ {
		later := s.agreed.Watch()
		had, version, _, err := s.load()
		if err != nil {
			return err
		}
		next, err := fn(had)
		if err != nil {
			return err
		}
		content, err := json.Marshal(next)
		if err != nil {
			return err
		}
		err = s.agree(ctx, &control.Put{Name: consumersDocument, Expected: version, Content: content, Who: s.self.Name, Why: why, At: time.Now()})
		if err == nil {
			return s.take()
		}
		if !errors.As(err, new(*replicate.RefusedError)) || try == keepTries {
			return notShared(err)
		}
		select { // somebody was faster
		case <-later:
		case <-time.After(keepSettle):
			return notShared(err)
		case <-ctx.Done():
			return notShared(err)
		}
	}
}

// notShared says why nothing was agreed on, and how to go on.
func notShared(err error) error {
	switch {
	case errors.Is(err, replicate.ErrNoAuthority), errors.Is(err, replicate.ErrNotRunning):
		return fmt.Errorf("%w: no box of the pair has authority, and nothing was changed", api.ErrNotNow)
	case errors.Is(err, replicate.ErrUnknown):
		return fmt.Errorf("%w: the box with authority was lost meanwhile, and it may have been changed: rackpost consumer list tells; remove one whose token you do not have, and add it again", api.ErrNotNow)
	}
	return err
}

// with is what is agreed on when these are the grants there are next, and the tokens of these hashes are removed.
func (a agreedConsumers) with(next []api.Grant, gone ...string) agreedConsumers {
	next = slices.DeleteFunc(next, func(g api.Grant) bool { return slices.Contains(gone, g.Hash) })
	for _, hash := range gone {
		if !slices.Contains(a.Removed, hash) {
			a.Removed = append(slices.Clone(a.Removed), hash)
		}
	}
	return agreedConsumers{Format: consumersFormat, Consumers: next, Removed: forgotten(a, next)}
}

// forgotten are the hashes of the tokens that are removed, when these are the grants there are next.
func forgotten(had agreedConsumers, next []api.Grant) []string {
	out := append([]string{}, had.Removed...)
	for _, g := range had.Consumers {
		out = append(out, g.Hash)
	}
	out = slices.DeleteFunc(out, func(hash string) bool {
		return slices.ContainsFunc(next, func(g api.Grant) bool { return g.Hash == hash })
	})
	return out[max(0, len(out)-maxForgotten):]
}

// follow has the consumers of this box be those that are agreed on, and those that it alone has agreed on, until ctx ends.
func (s *consumerShare) follow(ctx context.Context) error {
	told := ""
	for {
		changed, news := s.agreed.Watch(), s.node.Watch()
		var again <-chan time.Time
		if s.node.Status().Current { // before that the state is an old one
			news = nil
			err := s.exchange(ctx)
			if err != nil && ctx.Err() == nil {
				if told != err.Error() && !errors.Is(err, api.ErrNotNow) {
					s.logger.Warn("who may pull is not agreed on with the pair yet", "err", err)
				}
				told = err.Error()
				again = time.After(stewardWait)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-news:
		case <-again:
		}
	}
}

// exchange takes what is agreed on, and brings in what only this box has, and takes out what was removed at it alone: meanwhile, too.
func (s *consumerShare) exchange(ctx context.Context) error {
	for {
		if err := s.take(); err != nil {
			return err
		}
		had, _, ok, err := s.load()
		if own := s.consumers.Unshared(); err != nil || len(own) == 0 && len(s.consumers.Gone()) == 0 && (ok || len(had.Consumers) == 0) {
			return err
		}
		if err := s.bringIn(ctx); err != nil || len(s.consumers.Gone()) == 0 {
			return err
		}
	}
}

func (s *consumerShare) bringIn(ctx context.Context) error {
	var refused []api.Grant
	var gone []string
	err := s.change(ctx, "the consumers of "+s.self.Name+" are the pair's", func(had agreedConsumers) (agreedConsumers, error) {
		own := s.consumers.Unshared()
		gone = s.consumers.Gone() // read later: who is removed now is in neither, or in this
		var all []api.Grant
		all, refused = merged(had, own)
		return had.with(all, gone...), nil
	})
	if err != nil {
		return err
	}
	s.consumers.Forget(gone)
	for _, g := range refused {
		if slices.Contains(gone, g.Hash) {
			continue
		}
		s.logger.Warn("a consumer of this box is none of the pair: its token was removed there, or there are too many", "consumer", g.Name)
		if err := s.consumers.Remove(ctx, g.Name); err != nil {
			return err
		}
		s.consumers.Forget([]string{g.Hash}) // the pair has it not
	}
	return nil
}

// merged puts those of one box to those of the pair. Those whose token the pair has removed, or for which it has no room, are refused.
func merged(had agreedConsumers, own []api.Grant) (all, refused []api.Grant) {
	all = slices.Clone(had.Consumers)
	for _, g := range own {
		switch {
		case slices.ContainsFunc(all, func(x api.Grant) bool { return x.Hash == g.Hash }):
		case slices.Contains(had.Removed, g.Hash), len(all) >= api.MaxConsumers:
			refused = append(refused, g)
		default:
			g.Name = api.FreeName(all, g.Name)
			all = append(all, g)
		}
	}
	return all, refused
}

// take has the consumers of this box be those that are agreed on now.
func (s *consumerShare) take() error {
	s.taking.Lock()
	defer s.taking.Unlock()
	now, _, ok, err := s.load()
	if err != nil || !ok {
		return err
	}
	renamed, err := s.consumers.Take(now.Consumers)
	for was, name := range renamed {
		s.logger.Warn("the pair has another consumer of that name: this box's own goes on under a new one", "consumer", was, "now", name)
	}
	return err
}

// Elsewhere implements api.Sharing.
func (s *consumerShare) Elsewhere(ctx context.Context) (out []api.Consumer) {
	ctx, cancel := context.WithTimeout(ctx, elsewhereTime)
	defer cancel()
	for _, m := range s.members() {
		if m.Node == s.self.Node || m.Role != mode.Box || !s.hears(m.Node) {
			continue
		}
		var there []api.Consumer
		b, err := s.wire.Request(ctx, m.Node, methodConsumers, nil)
		if err == nil {
			err = json.Unmarshal(b, &there)
		}
		if err != nil { // it informs, and nothing stands on it
			s.logger.Debug("the other box does not tell what the consumers did there", "member", m.Name, "err", err)
			continue
		}
		out = append(out, there...)
	}
	return out
}

// answer tells the other box.
func (s *consumerShare) answer(_ context.Context, from mode.NodeID, _ []byte) ([]byte, error) {
	if _, ok := s.boxNamed(from); !ok {
		return nil, errors.New("only a box of the pair asks for that")
	}
	return json.Marshal(s.consumers.List())
}
