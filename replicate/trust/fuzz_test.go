package trust_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

func FuzzParsePeer(f *testing.F) {
	f.Add(trust.Peer{Cluster: mode.NewNodeID(), Role: mode.Box, Node: mode.NewNodeID()}.String())
	f.Add("urn:rackpost:a:b:c")
	f.Add("urn:rackpost::unknown:")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := trust.ParsePeer(s); err == nil && (p.String() != s || p.Role == mode.RoleUnknown) {
			t.Fatalf("%q is read as %v", s, p)
		} else if err != nil && p != (trust.Peer{}) {
			t.Fatalf("%q: %v with %v", s, p, err)
		}
	})
}

// FuzzAnswer has strangers send what they like: nobody is let in whom no token lets in, and every
// answer is one that a joiner can read.
func FuzzAnswer(f *testing.F) {
	north, d := found(f), &desk{}
	token := d.invite(f, north.Keeper, mode.Box)
	j := newJoiner(f, newMachine(f), token, candidate("south", mode.Box))
	request := j.Request()
	var m map[string]json.RawMessage
	must(f, json.Unmarshal(request, &m))
	f.Add([]byte("{}"))
	f.Add([]byte(`{"renew":"MAA="}`))
	f.Add([]byte(`{"token":` + string(m["token"]) + `,"body":"e30=","proof":` + string(m["proof"]) + `}`))
	f.Add(request[:len(request)-2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if bytes.Equal(b, request) {
			return
		}
		var got, mine map[string]json.RawMessage
		answer := north.Answer(t.Context(), b, d)
		if len(answer) > trust.MaxMessage || json.Unmarshal(answer, &got) != nil {
			t.Fatalf("answer %.200q", answer)
		}
		if len(d.taken) > 0 {
			same := json.Unmarshal(b, &mine) == nil && string(mine["body"]) == string(m["body"]) && string(mine["proof"]) == string(m["proof"])
			if !same {
				t.Fatalf("let in with %q", b)
			}
			d.taken = nil
		}
	})
}

// FuzzAccept has a joiner answered by whoever passes messages on.
func FuzzAccept(f *testing.F) {
	north, d := found(f), &desk{}
	token := d.invite(f, north.Keeper, mode.Box)
	m := newMachine(f)
	j := newJoiner(f, m, token, candidate("south", mode.Box))
	answer := north.Answer(f.Context(), j.Request(), d)
	f.Add([]byte("{}"))
	f.Add([]byte(`{"reason":"expired","refused":"too late"}`))
	f.Add(answer[:len(answer)-2])
	f.Add(bytes.Replace(answer, []byte("proof"), []byte("prof"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := j.Accept(b); err == nil {
			return // the answer itself, in other words
		}
		if err := m.reopen(); !errors.Is(err, trust.ErrNoPair) {
			t.Fatalf("a refused answer left a member: %v", err)
		}
	})
}

func FuzzSealed(f *testing.F) {
	m := found(f)
	sealed, err := trust.Seal("snmp", []byte("word"), trust.Recipients(m.Identity().Members))
	must(f, err)
	b, err := json.Marshal(sealed)
	must(f, err)
	f.Add(b)
	f.Add([]byte(`{"to":["age1"],"age":"YWdl"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed, err := trust.ParseSealed(b)
		if err != nil {
			return
		}
		if got, err := m.Open("snmp", sealed); err == nil && string(got) != "word" {
			t.Fatalf("opens as %q", got)
		}
	})
}

// FuzzIdentity has the identity's file hold anything.
func FuzzIdentity(f *testing.F) {
	m := found(f)
	f.Add([]byte(readFile(f, path(m, "identity.json"))))
	f.Add([]byte(`{"format":1,"self":{"role":"box"}}`))
	f.Add([]byte(`{"format":1,"members":[{},{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		must(t, os.WriteFile(path(m, "identity.json"), b, 0o600))
		if err := m.reopen(); err == nil {
			if got := m.Identity(); got.Self.Check() != nil || got.Self.Node == (mode.NodeID{}) {
				t.Fatalf("%+v", got)
			}
		}
	})
}
