package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/replicate"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
	"rackpost/web"
)

func TestRefusalsThatAreSettledAreNotShown(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	silent := 0.1
	members := []web.PairMember{{Paths: []web.PairPath{{Address: "192.0.2.6:8481", Silent: &silent}, {Address: "10.99.0.2:8481"}}}}
	for _, c := range []struct {
		what, address string
		age           time.Duration
		shown         bool
	}{
		{"a member's, just now", "192.0.2.6", time.Second, true},
		{"a member's, which was heard since", "192.0.2.6:8481", 2 * time.Minute, false},
		{"a member's, on a path where it was not heard", "10.99.0.2", 2 * time.Minute, true},
		{"a stranger's", "192.0.2.9", 2 * time.Minute, true},
		{"a stranger's, long ago", "192.0.2.9", 2 * time.Hour, false},
	} {
		got := refusalLines([]wire.Refusal{{At: now.Add(-c.age), Address: c.address, Words: "not wanted"}}, members, now)
		if shown := len(got) == 1 && strings.Contains(got[0], "not wanted"); shown != c.shown {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}

func TestFailedCallsInWords(t *testing.T) {
	for failed, want := range map[string]string{
		"":                            "",
		"the peer is of another pair": "the peer is of another pair",
		"dial tcp 192.0.2.5:0->192.0.2.6:8481: connect: connection refused": "no answer (refused)",
		"dial tcp 192.0.2.6:8481: i/o timeout":                              "no answer (in time)",
		"dial tcp 192.0.2.5:0->192.0.2.6:8481: connect: no route to host":   "no answer (no route)",
	} {
		silent := 0.5
		var b strings.Builder
		v := web.Pair{Members: []web.PairMember{{Name: "box-b", Paths: []web.PairPath{{Name: "lan", Address: "192.0.2.6:8481", Silent: &silent, Error: failed}}}}}
		if err := printPair(&b, v); err != nil {
			t.Fatal(err)
		}
		if said := b.String(); callWords(failed) != want || !strings.Contains(said, "0.5 s ago  "+want+"\n") || strings.Contains(said, "dial tcp") {
			t.Errorf("%q becomes %q:\n%s", failed, callWords(failed), said)
		}
	}
}

func TestStatusTellsWhenABoxActs(t *testing.T) {
	for in, want := range map[float64]string{0: "it may: visit, notify; generation", 0.2: "it may: visit, notify, and act in 1 s; generation", 11.2: "it may: visit, notify, and act in 12 s; generation"} {
		var b strings.Builder
		if err := printPair(&b, web.Pair{Powers: []string{"visit", "notify"}, ActsIn: in}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("in %v s:\n%s", in, b.String())
		}
	}
}

// TestNobodyCallsItself: the place of a box that was replaced is that of the new one, and the history of the pair has both.
func TestNobodyCallsItself(t *testing.T) {
	at := netip.MustParseAddrPort
	me, gone, other := mode.NodeID{1}, mode.NodeID{2}, mode.NodeID{3}
	p := pairing{self: replicate.Self{Node: me}}
	p.box.pair.listen = []netip.AddrPort{at("10.0.0.5:8481"), at("10.99.0.1:8481")}
	p.box.pair.advertise = []netip.AddrPort{at("192.0.2.5:8481"), at("10.99.0.1:8481")}
	place := map[string]string{"lan": "192.0.2.5:8481", "direct": "10.99.0.1:8481"}
	there := map[string]string{"lan": "192.0.2.6:8481", "direct": "10.99.0.1:8481"}
	got := p.peersOf([]trust.Member{{Node: me, Addresses: place}, {Node: gone, Addresses: place}, {Node: other, Addresses: there}})
	want := []wire.Peer{{Node: gone, Paths: []wire.Path{}}, {Node: other, Paths: []wire.Path{{Name: "lan", Address: "192.0.2.6:8481"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who is called (-want +got):\n%s", diff)
	}
}
