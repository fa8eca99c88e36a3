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

// TestConflictOfNothing: a report is told while something of it is missing, or nobody knows whether something is.
func TestConflictOfNothing(t *testing.T) {
	t.Parallel()
	v := newVouching(t)
	kept := v.agreed.State()
	dir := filepath.Join(v.dir, "conflicts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, state control.State) {
		b, err := json.Marshal(replicate.Conflict{State: state.Encode()})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1.json", kept)
	if told := v.conflicts(); len(told) != 0 {
		t.Errorf("a report of nothing is told: %+v", told)
	}
	if c := conflictOf(filepath.Join(dir, "1.json"), control.New().State()); !strings.Contains(c.Problem, "caught up") {
		t.Errorf("before it is caught up it says %+v", c)
	}
	v.box(&control.Put{Name: control.Site, Content: []byte("a: 1\n"), Who: "anna", At: time.Now()})
	if told := v.conflicts(); len(told) != 0 {
		t.Errorf("it is told when more is agreed on: %+v", told)
	}
	write("2.json", stateWith(t, &control.Put{Content: []byte("b: 2\n"), Who: "root@box-b"}))
	if told := v.conflicts(); len(told) != 1 || filepath.Base(told[0].File) != "2.json" || len(told[0].Lost) == 0 {
		t.Errorf("told is %+v", told)
	}
	v.dropConflicts()
	if exists(filepath.Join(dir, "1.json")) || !exists(filepath.Join(dir, "2.json")) {
		t.Error("not the one of which nothing is missing is removed")
	}
}
