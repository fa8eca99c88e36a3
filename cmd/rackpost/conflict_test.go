package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
)

func stateWith(t *testing.T, puts ...*control.Put) control.State {
	t.Helper()
	m := control.New()
	for i, p := range puts {
		p.Name, p.Expected, p.At = control.Site, uint64(i), time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC)
		b, err := control.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Apply(uint64(i+1), b); err != nil {
			t.Fatal(err)
		}
	}
	return m.State()
}

func TestConflictIsToldInWords(t *testing.T) {
	first := func() *control.Put { return &control.Put{Content: []byte("a: 1\n"), Who: "root@box-a"} }
	old := stateWith(t, first(), &control.Put{Content: []byte("b: 2\n"), Who: "root@box-b", Why: "alone"})
	now := stateWith(t, first(), &control.Put{Content: []byte("c: 3\n"), Who: "root@box-a", Why: "meanwhile"})
	file := filepath.Join(t.TempDir(), "1.json")
	b, err := json.Marshal(replicate.Conflict{State: old.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	kept, err := readConflict(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Join(lostLines(kept, now), "\n")
	for _, want := range []string{"site: ", "root@box-b", "alone", "meanwhile"} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is not in %q", want, lines)
		}
	}
	if lines := lostLines(kept, old); len(lines) > 0 {
		t.Errorf("of what counts is lost: %q", lines)
	}
	if v, err := siteOfConflict(file); err != nil || v.Text != "b: 2\n" || v.Version != 2 {
		t.Errorf("the site is %+v, %v", v, err)
	}
}

func TestConflictThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("x"), "state": []byte(`{"state":"eA=="}`), "site": []byte(`{}`)} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, bytes.Clone(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := siteOfConflict(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}
