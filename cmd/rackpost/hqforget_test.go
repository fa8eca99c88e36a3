package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rackpost/replicate/enroll"
	"rackpost/store"
)

// TestForgetToken: a site that has but a token is forgotten; one that nobody knows is told apart from one that cannot be written down as
// forgotten, whose token holds.
func TestForgetToken(t *testing.T) {
	t.Parallel()
	dir, logger := t.TempDir(), slog.New(slog.DiscardHandler)
	registry, err := enroll.Open(enroll.Config{Folder: filepath.Join(dir, "hq"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Site: registry.HQ(), Ballast: -1, Logger: logger, ManySites: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	h := &headquarters{store: s, registry: registry, logger: logger}
	if _, _, err := registry.Invite("FRA-3", false); err != nil {
		t.Fatal(err)
	}
	if _, err := h.forget(t.Context(), "", hqOrder{Site: "FRA-4"}); !errors.Is(err, errNoSite) {
		t.Errorf("of nobody: %v", err)
	}
	file := filepath.Join(dir, "hq", "sites.json")
	if err := errors.Join(os.Rename(file, file+".away"), os.MkdirAll(filepath.Join(file, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.forget(t.Context(), "", hqOrder{Site: "FRA-3"}); err == nil || errors.Is(err, errNoSite) || !strings.Contains(err.Error(), "sites.json") {
		t.Errorf("of one that cannot be written: %v", err)
	}
	if err := errors.Join(os.RemoveAll(file), os.Rename(file+".away", file)); err != nil {
		t.Fatal(err)
	}
	if got, err := h.forget(t.Context(), "", hqOrder{Site: "FRA-3"}); err != nil || got != (hqForgotten{Token: true}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := h.forget(t.Context(), "", hqOrder{Site: "FRA-3"}); !errors.Is(err, errNoSite) {
		t.Errorf("a second time: %v", err)
	}
}
