package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// TestMoves: where a member says that it is counts until what is agreed on of it changes.
func TestMoves(t *testing.T) {
	t.Parallel()
	box := control.Member{Node: mode.NodeID{1}, Name: "a", Role: mode.Box, Paths: []control.Path{{Name: "lan", Address: "192.0.2.1:8481"}}}
	witness := control.Member{Node: mode.NodeID{2}, Name: "w", Role: mode.Witness, Paths: []control.Path{{Name: "lan", Address: "192.0.2.2:8481"}}}
	m := newMoves()
	signals := func() int {
		select {
		case <-m.changed:
			return 1
		default:
			return 0
		}
	}
	at := func(agreed ...control.Member) (out []string) {
		var members []trust.Member
		for _, a := range agreed {
			members = append(members, trustedMember(a))
		}
		for _, x := range m.apply(members, agreed) {
			out = append(out, x.Addresses["lan"])
		}
		return out
	}
	say := func(address string, known control.Member) {
		m.say(witness.Node, map[string]string{"lan": address}, known)
	}

	say("192.0.2.2:8481", witness)
	if n := signals(); n != 0 {
		t.Error("what is agreed on already is told as news")
	}
	say("192.0.2.3:7999", witness)
	if n := signals(); n != 1 {
		t.Error("that it moved is not told")
	}
	say("192.0.2.3:7999", witness)
	if n := signals(); n != 0 {
		t.Error("what it said before is told as news")
	}
	if diff := cmp.Diff([]string{"192.0.2.1:8481", "192.0.2.3:7999"}, at(box, witness)); diff != "" {
		t.Errorf("before it is agreed on (-want +got):\n%s", diff)
	}
	say("192.0.2.2:8481", witness)
	if diff := cmp.Diff([]string{"192.0.2.1:8481", "192.0.2.2:8481"}, at(box, witness)); diff != "" || signals() != 1 {
		t.Errorf("when it is back (-want +got):\n%s", diff)
	}
	say("192.0.2.3:7999", witness)
	later := witness
	later.Paths = []control.Path{{Name: "lan", Address: "192.0.2.4:8481"}}
	if diff := cmp.Diff([]string{"192.0.2.1:8481", "192.0.2.4:8481"}, at(box, later)); diff != "" {
		t.Errorf("when it was agreed on (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"192.0.2.1:8481", "192.0.2.2:8481"}, at(box, witness)); diff != "" {
		t.Errorf("what was settled counts again (-want +got):\n%s", diff)
	}
}
