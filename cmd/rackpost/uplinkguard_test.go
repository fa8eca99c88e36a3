package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store"
)

// TestCertificateFromHeadquarters: headquarters brings back which certificate is trusted where that is not known, and does not
// change it, not under the box's own name either and not in a base.
func TestCertificateFromHeadquarters(t *testing.T) {
	t.Parallel()
	site := journal.ID{7}
	open := func(id journal.ID) *store.Store {
		s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Site: site, ManySites: id != site, Budget: 64 << 20, Ballast: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		t.Cleanup(func() { cancel(); <-done; _ = s.Close() })
		return s
	}
	box, liar := belowHeadquarters{open(site)}, open(site)
	var pack journal.Compressor
	said := func(origin journal.ID, at time.Time, device, pin string) journal.Batch {
		f := hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: hw.DeviceID(device), Group: redfish.CertificatePin, At: at, Value: hw.LearnedValue{Value: pin}, Removed: pin == ""}
		body, err := journal.AppendFact(nil, f, at.UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := pack.AppendBatch(nil, journal.Header{Format: journal.Format, Turn: uint64(at.UnixMilli()), WallMS: at.UnixMilli(), Records: 1, Mode: journal.Lone,
			Key: journal.Key{StreamKey: journal.StreamKey{Site: site, Origin: origin, Incarnation: 5, Stream: journal.Facts}, Seq: uint64(at.UnixMilli())}}, body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := journal.ParseBatch(raw)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now := time.Now()
	for _, b := range []journal.Batch{said(journal.ID{9}, now, "db-1", "good"), said(journal.ID{9}, now.Add(-time.Hour), "db-1", "former")} {
		if err := box.Merge(t.Context(), []journal.Batch{b}); err != nil {
			t.Fatalf("what is not known yet, or older: %v", err)
		}
	}
	for _, b := range []journal.Batch{said(journal.ID{8}, now.Add(time.Hour), "db-1", "bad"), said(box.Origin(), now.Add(time.Hour), "db-1", "bad"), said(journal.ID{8}, now.Add(time.Hour), "db-1", "")} {
		if err := box.Merge(t.Context(), []journal.Batch{b}); !errors.Is(err, ship.ErrRefused) {
			t.Errorf("another certificate: %v", err)
		}
	}
	if err := liar.Merge(t.Context(), []journal.Batch{said(journal.ID{8}, now.Add(time.Hour), "db-1", "bad")}); err != nil {
		t.Fatal(err)
	}
	base, err := liar.Base(site)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Join(t.Context(), base); !errors.Is(err, ship.ErrRefused) {
		t.Errorf("in a base: %v", err)
	}
	if err := box.Merge(t.Context(), []journal.Batch{said(journal.ID{8}, now.Add(2*time.Hour), "db-1", "good")}); err != nil {
		t.Errorf("the same one: %v", err)
	}
	if got := box.Learned("db-1").Get(redfish.CertificatePin); got != "good" {
		t.Errorf("trusted is %q", got)
	}
}
