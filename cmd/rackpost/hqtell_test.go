package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/store"
)

// TestLostBefore: headquarters that starts anew knows by its journal of which sites it told that records are lost, and when; of an alert that is
// over it is nothing.
func TestLostBefore(t *testing.T) {
	t.Parallel()
	dir, logger := t.TempDir(), slog.New(slog.DiscardHandler)
	registry, err := enroll.Open(enroll.Config{Folder: filepath.Join(dir, "hq"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	opt := store.Options{Dir: dir, Site: registry.HQ(), Ballast: -1, Logger: logger, ManySites: true, FlushAge: 10 * time.Millisecond}
	lost, over, never := journal.ID{1}, journal.ID{2}, journal.ID{3}
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	told := func(sites ...journal.ID) (alarms []intake.Alarm) {
		for _, id := range sites {
			alarms = append(alarms, intake.Alarm{Component: intake.Component(id), Code: intake.CodeLost, Level: hw.LevelAverage, Since: since})
		}
		return alarms
	}
	with := func(do func(h *headquarters)) {
		t.Helper()
		s, err := store.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		do(&headquarters{store: s, registry: registry, logger: logger})
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	with(func(h *headquarters) {
		for _, open := range [][]intake.Alarm{told(lost, over), told(lost)} {
			if err := h.Tell(t.Context(), open); err != nil {
				t.Fatal(err)
			}
		}
	})
	with(func(h *headquarters) {
		at := h.lostBefore()
		if !at(lost).Equal(since) || !at(over).IsZero() || !at(never).IsZero() {
			t.Errorf("told at %s, of what is over %s, of what never was %s", at(lost), at(over), at(never))
		}
	})
}
