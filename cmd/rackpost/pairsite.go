package main

import (
	"bytes"
	"context"
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
	refused string // why it is not the newest; empty: it is
	tried   []byte // names and versions of what was tried last
}

// pairSecrets is where the secrets of a pair's site.yaml come from.
func (p *pairing) pairSecrets() secretSource {
	return secretSource{getenv: os.Getenv, sealed: p.openSecret, shared: true}
}

// follow works with the newest version of the site until ctx ends.
func (a *appliance) follow(ctx context.Context) error {
	for {
		changed := a.pair.agreed.Watch()
		a.takeAgreed(a.pair.agreed.State())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// takeAgreed works with the newest version that this box understands.
func (a *appliance) takeAgreed(state control.State) {
	tried := triedOf(state)
	now := a.agreed.Load()
	if bytes.Equal(tried, now.tried) {
		return
	}
	next := &agreedSite{version: now.version, tried: tried}
	history := state.History()
	for i, d := range slices.Backward(history) {
		err := a.takeVersion(d)
		if err == nil {
			next.version = d.Version
			break
		}
		if i == len(history)-1 {
			next.refused = fmt.Sprintf("version %d of site.yaml was refused at %s: %v", d.Version, time.Now().Format(time.DateTime), err)
			a.logger.Error("a version of the site is refused", "version", d.Version, "error", err)
		}
		if d.Version <= now.version || now.version > 0 && d.Version == now.version+1 {
			break // the one that it works with goes on
		}
	}
	if next.refused != "" {
		next.refused += fmt.Sprintf("; this box works with version %d", next.version)
	}
	a.agreed.Store(next)
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
func (a *appliance) takeVersion(d control.Document) error {
	site, notes, err := parseSite(siteName, d.Content, all.Kinds(), a.pair.pairSecrets())
	if err != nil {
		return err
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
	a.logger.Info("the site is taken over", "version", d.Version, "devices", len(site.devices), "who", d.Who, "why", d.Why)
	return nil
}

func sameJournal(now, was journal.ID) error {
	if now != was {
		return fmt.Errorf("the id of the site changed; a journal belongs to one site: put the old id %s back", was)
	}
	return nil
}
