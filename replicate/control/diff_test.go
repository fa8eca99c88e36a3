package control_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

// fork returns two machines of one beginning.
func fork(t *testing.T, common ...control.Command) (old, new *machine) {
	t.Helper()
	old, new = newMachine(t), newMachine(t)
	old.must(common...)
	new.index = old.index
	if err := new.Restore(bytes.NewReader(old.State().Encode())); err != nil {
		t.Fatal(err)
	}
	return old, new
}

func texts(lines []control.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Name + ": " + l.Text + "\n")
	}
	return b.String()
}

func TestDiffNothing(t *testing.T) {
	t.Parallel()
	old, new := fork(t, site(0, "one", "anna", 0), &control.Put{Name: "user/x", Who: "anna", At: start})
	taken := &control.Forced{Generation: mode.Generation{Counter: 2, Random: 9}, From: old.index, Who: "bob", At: start}
	new.must(taken, site(1, "two", "bob", 1), &control.Delete{Name: "user/x", Expected: 1, Who: "bob", At: start})
	if got := control.Diff(old.State(), new.State()); len(got) > 0 {
		t.Errorf("what the new side changed was not lost:\n%s", texts(got))
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	a := nodeOf(0)
	old, new := fork(t, member(t, 0, a, "box-a", 1), site(0, "one", "anna", 0), &control.Put{Name: "user/gone", Who: "anna", At: start},
		&control.Invite{Hash: [32]byte{1}, Role: mode.Box, Who: "anna", At: start, Expires: start.Add(time.Hour)})
	taken := &control.Forced{Generation: mode.Generation{Counter: 2, Random: 9}, From: old.index, Who: "bob", At: start}
	old.must(site(1, "two", "anna", 1), site(2, "three", "anna", 2), &control.Delete{Name: "user/gone", Expected: 1, Who: "anna", At: start},
		&control.Start{Key: "locate/sw-1", Kind: "locate", Node: a, What: "sw-1 on", Attempt: 1, At: start},
		&control.Redeem{Hash: [32]byte{1}, Node: nodeOf(2), At: start},
		&control.Invite{Hash: [32]byte{2}, Role: mode.Box, Who: "carl", At: start, Expires: start.Add(time.Hour)},
		&control.Put{Name: "secret/a", Content: []byte("sealed"), Who: "anna", At: start})
	new.must(taken, site(1, "four", "bob", 3))
	lines := control.Diff(old.State(), new.State())
	got := texts(lines)
	for _, want := range []string{
		"site: a version before the last one does not count, version 2 is by anna",
		"site: the last version does not count, version 3 is by anna, 2026-11-22 11:00:00 UTC (rack 4); what counts now, version 2 is by bob",
		"secret/a: the last version does not count",
		"user/gone: it had been deleted, and is there again",
		"locate/sw-1: locate, sw-1 on: attempt 1 by box-a is open",
		"was used by member",
		"the token that carl made",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if len(lines) != 7 {
		t.Errorf("%d lines, want 7:\n%s", len(lines), got)
	}
	kept := ""
	for _, l := range lines {
		if l.Lost != nil {
			kept += string(l.Lost.Content) + " "
		}
	}
	if kept != "two sealed three " {
		t.Errorf("of what was lost %q is kept", kept)
	}
}

func TestDiffOfTwoTakeovers(t *testing.T) {
	t.Parallel()
	old, new := fork(t, site(0, "one", "anna", 0))
	for i, m := range []*machine{old, new} {
		m.must(&control.Forced{Generation: mode.Generation{Counter: 2, Random: uint64(i)}, From: 1, Who: "anna", At: start})
	}
	if got := texts(control.Diff(old.State(), new.State())); !strings.Contains(got, "anna took over") {
		t.Errorf("got\n%s", got)
	}
}
