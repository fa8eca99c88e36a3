package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw/journal"
	"rackpost/replicate/control"
)

// TestSiteOfANewerBox: a version of site.yaml that only a newer box can read changes nothing on an older one, which says so
// and goes on with the version before.
func TestSiteOfANewerBox(t *testing.T) {
	t.Parallel()
	const first = "site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}\ndevices: []\n"
	v := newVouching(t)
	put := func(expected uint64, text string) {
		v.box(&control.Put{Name: control.Site, Expected: expected, Content: []byte(text), Who: "anna", At: time.Now()})
	}
	put(0, first)
	a := &appliance{pair: v.pairing, logger: slog.New(slog.DiscardHandler)}
	a.agreed.Store(&agreedSite{version: 1, tried: triedOf(v.agreed.State())})
	put(1, first+"of_tomorrow: {}\n")
	for range 2 {
		err := a.takeAgreed(v.agreed.State())
		if err == nil || !strings.Contains(err.Error(), "version 2 of site.yaml by anna is refused here") || !strings.Contains(err.Error(), "of_tomorrow") {
			t.Fatalf("it says %v", err)
		}
		a.refuseAgreed(err)
	}
	now := a.agreed.Load()
	if now.version != 1 || !strings.Contains(now.refused, "this box works with version 1") {
		t.Errorf("it works with version %d and says %q", now.version, now.refused)
	}
}

// TestVersionIsToldOnce: a secret of the site that changes is told once, and not as a new version; another one, such as what lets the
// pair send to headquarters, is not told at all.
func TestVersionIsToldOnce(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	var log bytes.Buffer
	a := &appliance{pair: v.pairing, logger: slog.New(slog.NewTextHandler(&log, nil))}
	var err error
	if a.poller, err = collectors.NewPoller(collectors.Config{}); err != nil {
		t.Fatal(err)
	}
	a.site.Store(&siteConfig{id: journal.ID{15: 1}})
	a.agreed.Store(&agreedSite{})
	put := func(expected uint64, text string) {
		v.box(&control.Put{Name: control.Site, Expected: expected, Content: []byte(text), Who: "anna", Why: "w", At: time.Now()})
	}
	const text = "site: {id: 00000000-0000-0000-0000-000000000001, name: FRA-3}\ncredentials: {switches: {community: {secret: core}}}\ndevices: []\n"
	take := func(versions, anew int) {
		t.Helper()
		if err := a.takeAgreed(v.agreed.State()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "the site is taken over"); n != versions {
			t.Errorf("%d versions are told, want %d:\n%s", n, versions, log.String())
		}
		if n := strings.Count(log.String(), "secrets of the site changed"); n != anew {
			t.Errorf("secrets are told to have changed %d times, want %d:\n%s", n, anew, log.String())
		}
	}
	v.box(v.secret("core", "public"))
	put(0, text)
	take(1, 0)
	v.box(v.secret("core", "other"))
	take(1, 1)
	v.box(v.secret("core", "other")) // as for a new member
	v.box(v.secret("headquarters", "key"))
	take(1, 1)
	put(1, text+"racks: []\n")
	take(2, 1)
}
