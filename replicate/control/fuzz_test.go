package control_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

func some(t testing.TB) [][]byte {
	t.Helper()
	at, node := start, nodeOf(0)
	name, content, err := control.Member{Node: node, Name: "box-a", Role: mode.Box, Speaks: 1,
		Paths: []control.Path{{Name: "lan", Address: "192.0.2.1:7443"}}}.Document()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, c := range []control.Command{
		&control.Put{Name: name, Content: content, Who: "anna", At: at},
		&control.Put{Name: control.Site, Content: []byte("one"), Who: "anna", Why: "rack 4", At: at},
		&control.Put{Name: control.Site, Expected: 1, Content: []byte("two"), Who: "bob", At: at.Add(time.Hour), Proof: []byte("proof")},
		&control.Put{Name: "secret/a", Content: []byte("sealed"), Who: "bob", At: at, Proof: []byte("proof")},
		&control.Delete{Name: "secret/a", Expected: 1, Who: "bob", At: at},
		&control.Start{Key: "k", Kind: "locate", Node: node, What: "sw-1", Attempt: 1, At: at},
		&control.Inherit{Node: node, At: at},
		&control.Start{Key: "l", Kind: "locate", Node: node, What: "sw-2", Attempt: 1, At: at},
		&control.Settle{Key: "l", Attempt: 1, Outcome: control.Done, At: at},
		&control.Invite{Hash: [32]byte{1}, Role: mode.Box, Who: "anna", At: at, Expires: at.Add(time.Hour), Proof: []byte("proof")},
		&control.Redeem{Hash: [32]byte{1}, Node: node, At: at},
		&control.Raise{Level: 1, Who: "anna", At: at},
		&control.Forced{Generation: mode.Generation{Counter: 2, Random: 3}, From: 5, Who: "anna", At: at},
	} {
		b, err := control.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// filled is a state with some of everything.
func filled(t testing.TB) control.State {
	t.Helper()
	var s control.State
	for i, cmd := range some(t) {
		var err error
		if s, err = s.Apply(uint64(i+1), cmd); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// FuzzApply applies anything to a filled state: no panic, the same answer twice, nothing changed by an error, and what was
// applied can be restored.
func FuzzApply(f *testing.F) {
	s := filled(f)
	before := s.Encode()
	for _, cmd := range some(f) {
		f.Add(cmd)
	}
	f.Fuzz(func(t *testing.T, cmd []byte) {
		a, err1 := s.Apply(1000, cmd)
		b, err2 := s.Apply(1000, cmd)
		if fmt.Sprint(err1) != fmt.Sprint(err2) || !bytes.Equal(a.Encode(), b.Encode()) {
			t.Fatalf("%v and %v", err1, err2)
		}
		if !bytes.Equal(s.Encode(), before) || err1 != nil && !bytes.Equal(a.Encode(), before) {
			t.Fatalf("it changed the state before it: %v", err1)
		}
		if _, err := control.DecodeState(a.Encode()); err != nil {
			t.Fatalf("the state cannot be read: %v", err)
		}
		if c, err := control.Decode(cmd); err == nil {
			if again, err := control.Encode(c); err != nil || !bytes.Equal(again, cmd) {
				t.Fatalf("there are two ways to write %x: %x, %v", cmd, again, err)
			}
		}
	})
}

// FuzzRestore restores anything: no panic, and what is taken is written as it was read.
func FuzzRestore(f *testing.F) {
	f.Add(filled(f).Encode())
	f.Add(control.State{}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed := control.Seal(b)
		for _, b := range [][]byte{b, sealed} {
			m := control.New()
			if err := m.Restore(bytes.NewReader(b)); err != nil {
				if m.State().Sum() != (control.State{}).Sum() {
					t.Fatalf("it changed something: %v", err)
				}
				continue
			}
			if got := m.State().Encode(); len(b) > 0 && !bytes.Equal(got, b) {
				t.Fatalf("read %x, written %x", b, got)
			}
			for _, cmd := range some(t) {
				_ = m.Apply(m.State().Applied()+1, cmd)
			}
		}
	})
}
