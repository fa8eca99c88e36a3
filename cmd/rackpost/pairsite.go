package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"time"

	"rackpost/collectors/all"
	"rackpost/hw/journal"
	"rackpost/replicate/control"
)

// siteName stands for the file in the places of errors.
const siteName = "site.yaml"

// agreedSite is what of the agreed site this box works with.
type agreedSite struct {
	version uint64 // 0: none yet
	refused string // why it is not the newest, when that lasts; empty: it is
	err     error  // the same, at once
	tried   []byte // names and versions of what was tried last
}

// pairSecrets is where the secrets of a pair's site.yaml come from.
func (p *pairing) pairSecrets(state control.State) secretSource {
	return secretSource{getenv: os.Getenv, sealed: func(name string) (string, error) { return p.openSecret(state, name) }, shared: true}
}

// heeded is a source of secrets that can tell by a checksum which ones were read from it.
func heeded(s secretSource) (secretSource, func() [sha256.Size]byte) {
	sum, sealed := sha256.New(), s.sealed
	s.sealed = func(name string) (string, error) {
		text, err := sealed(name)
		fmt.Fprintf(sum, "%q=%q\n", name, text)
		return text, err
	}
	return s, func() [sha256.Size]byte { return [sha256.Size]byte(sum.Sum(nil)) }
}

// siteSettles is how long a version may be refused without a word: a member that is caught up sees all states that ever were.
const siteSettles = 3 * time.Second

// follow works with the newest version of the site until ctx ends.
func (a *appliance) follow(ctx context.Context) error {
	var since time.Time // that it is refused
	for {
		changed := a.pair.agreed.Watch()
		err := a.takeAgreed(a.pair.agreed.State())
		var settled <-chan time.Time
		switch {
		case err == nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
			settled = time.After(siteSettles)
		case time.Since(since) >= siteSettles:
			a.refuseAgreed(err)
		default:
			settled = time.After(siteSettles - time.Since(since))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-settled:
		}
	}
}

// refuseAgreed says why this box does not work with the newest version.
func (a *appliance) refuseAgreed(err error) {
	now := *a.agreed.Load()
	words := fmt.Sprintf("%v; this box works with version %d", err, now.version)
	if now.refused == words {
		return
	}
	now.refused = words
	a.agreed.Store(&now)
	a.logger.Error("a version of the site is refused", "works_with", now.version, "error", err)
}

// takeAgreed works with the newest version that this box understands, and returns why that is not the newest one.
func (a *appliance) takeAgreed(state control.State) error {
	tried := triedOf(state)
	now := a.agreed.Load()
	if bytes.Equal(tried, now.tried) {
		return now.err
	}
	next := &agreedSite{version: now.version, tried: tried}
	history := state.History()
	for i, d := range slices.Backward(history) {
		err := a.takeVersion(state, d)
		if err == nil {
			next.version = d.Version
			break
		}
		if i == len(history)-1 {
			next.err = fmt.Errorf("version %d of site.yaml by %s is refused here: %w", d.Version, d.Who, err)
		}
		if now.version > 0 && d.Version <= now.version+1 {
			break // the one that it works with goes on
		}
	}
	a.agreed.Store(next)
	return next.err
}

// triedOf are the names and versions of the site and of all secrets.
func triedOf(state control.State) []byte {
	var b []byte
	if d, ok := state.Document(control.Site); ok {
		b = fmt.Appendf(b, "%s %d\n", d.Name, d.Version)
	}
	for _, d := range state.Documents(control.Secret) {
		b = fmt.Appendf(b, "%s %d\n", d.Name, d.Version)
	}
	return b
}

// takeVersion works with one version of the site, or changes nothing.
func (a *appliance) takeVersion(state control.State, d control.Document) error {
	if !a.pair.vouched(d) {
		return errNotVouched
	}
	source, read := heeded(a.pair.pairSecrets(state))
	site, notes, err := parseSite(siteName, d.Content, all.Kinds(), source)
	if err != nil {
		return err
	}
	if site.secrets = read(); d.Version == a.agreed.Load().version && site.secrets == a.site.Load().secrets {
		return nil // a secret changed that is not the site's, or was sealed to a new member
	}
	if tune := a.pair.cuts.tune; tune != nil {
		tune(&site)
	}
	if err := sameJournal(site.id, a.site.Load().id); err != nil {
		return err
	}
	if err := a.poller.Replace(site.devices); err != nil {
		return err
	}
	logNotes(a.logger, notes)
	a.site.Store(&site)
	if d.Version == a.agreed.Load().version {
		a.logger.Info("secrets of the site changed", "version", d.Version, "devices", len(site.devices))
		return nil
	}
	a.logger.Info("the site is taken over", "version", d.Version, "devices", len(site.devices), "who", d.Who, "why", d.Why)
	return nil
}

func sameJournal(now, was journal.ID) error {
	if now != was {
		return fmt.Errorf("the id of the site changed; a journal belongs to one site: put the old id %s back", was)
	}
	return nil
}
