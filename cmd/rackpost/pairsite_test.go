package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

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
