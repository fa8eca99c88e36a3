package control_test

import (
	"bytes"
	"testing"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

// TestStatementsStay: what is proven of a command is what is asked of what it made, also of one restored from a snapshot, and
// of nothing else.
func TestStatementsStay(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	first, second := site(0, "one", "anna", 0), site(1, "two", "bob", 1)
	invite := &control.Invite{Hash: [32]byte{1}, Role: mode.Box, Who: "anna", At: start, Expires: start.Add(time.Hour), Proof: []byte("c")}
	first.Proof, second.Proof = []byte("a"), []byte("b")
	m.must(first, second, invite)
	s, err := control.DecodeState(m.State().Encode())
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range s.History() {
		want := []*control.Put{first, second}[i]
		if !bytes.Equal(d.Statement(), want.Statement()) || !bytes.Equal(d.Proof, want.Proof) {
			t.Errorf("version %d: another statement or proof", d.Version)
		}
	}
	token, _ := s.Token(invite.Hash)
	if !bytes.Equal(token.Statement(), invite.Statement()) || string(token.Proof) != "c" {
		t.Error("the token: another statement or proof")
	}
	d, _ := s.Document(control.Site)
	all := map[string]bool{string(second.Statement()): true, string(invite.Statement()): true}
	for what, change := range map[string]func(*control.Document){
		"name": func(d *control.Document) { d.Name = "secret/a" }, "content": func(d *control.Document) { d.Content = []byte("three") },
		"who": func(d *control.Document) { d.Who = "eve" }, "base": func(d *control.Document) { d.Base, d.Version = 2, 3 },
	} {
		changed := d
		change(&changed)
		if all[string(changed.Statement())] {
			t.Errorf("with another %s it is the same statement", what)
		}
	}
	if d.Version = 7; d.Statement() != nil {
		t.Error("version 7 made from version 1 has a statement")
	}
}
