package main

import (
	"context"
	"errors"
	"hash/crc32"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"rackpost/collectors/sim/workload"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/store"
	"rackpost/web"
)

// workedSite is what headquarters knows of a site of 20 devices that was at work for some minutes; of so many components one is faulty.
func workedSite(t testing.TB, minutes, faulty int) *sitePlace {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	registry, err := enroll.Open(enroll.Config{Folder: filepath.Join(t.TempDir(), "hq"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	site, now := journal.ID{7}, time.Now().Add(-time.Duration(minutes)*time.Minute)
	gen := workload.New(1, workload.Options{Servers: 12, Switches: 7, ASAPairs: 1, Start: now})
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Site: site, Ballast: -1, Logger: logger, FlushAge: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running, putting errgroup.Group
	running.Go(func() error { return s.Run(ctx) })
	next := gen.Next()
	for range 2 * minutes {
		now = now.Add(time.Minute / 2)
		for next.Started.Add(next.Took).Before(now) {
			r := next
			r.Components = slices.Clone(r.Components)
			for i := range r.Components {
				if c := &r.Components[i]; crc32.ChecksumIEEE([]byte(c.Path))%uint32(faulty) == 0 {
					c.Health, c.State = hw.Critical, hw.Attrs{{Key: "state", Value: "failed"}}
				}
			}
			putting.Go(func() error { return s.Put(ctx, r) })
			next = gen.Next()
		}
		if err := putting.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(running.Wait(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return &sitePlace{hq: &headquarters{store: s, registry: registry}, site: site}
}

// TestSiteDevices: the list of devices says of each what is said of it alone, but for its components, and does not read what these say.
func TestSiteDevices(t *testing.T) {
	p := workedSite(t, 5, 7)
	now := time.Now()
	whole := map[hw.DeviceID]web.Device{}
	titled := 0
	for _, v := range p.hq.store.DevicesOf(p.site) {
		d := siteDevice(p.site, v, now)
		whole[v.ID] = d
		for _, a := range d.Alerts {
			if a.Name != "" || len(a.State) > 0 {
				titled++
			}
		}
	}
	if len(whole) < 20 || titled == 0 {
		t.Fatalf("%d devices, %d alerts that say what they are about: that shows nothing", len(whole), titled)
	}
	for _, v := range p.hq.store.OutlinesOf(p.site, func(facts []hw.Fact) func(string) bool { return lookedInto(facts, now) }) {
		got, want := siteDevice(p.site, v, now), whole[v.ID]
		if len(got.Components) != len(want.Components) {
			t.Errorf("%s: %d components, not %d", v.ID, len(got.Components), len(want.Components))
		}
		got.Components, want.Components = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", v.ID, diff)
		}
	}
	p = workedSite(t, 5, 1000)
	all := testing.AllocsPerRun(3, func() { p.hq.store.DevicesOf(p.site) })
	listed := testing.AllocsPerRun(3, func() {
		if _, err := p.Devices(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if listed > all/2 {
		t.Errorf("a list takes %.0f allocations, of the %.0f of all that is known", listed, all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Devices(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("for whom nobody waits: %v", err)
	}
}

// BenchmarkSiteDevices lists the devices of 1,000 sites of 20 devices, as headquarters does for a list of all and for its status.
func BenchmarkSiteDevices(b *testing.B) {
	p := workedSite(b, 7, 100)
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			if devices, err := p.Devices(b.Context()); err != nil || len(devices) < 20 {
				b.Fatal(len(devices), err)
			}
		}
	}
}
