package wire_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

func text(most int) *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom(nil, &asciiTable), 0, most, most)
}

// drawHello draws every field there is, so that one that is added and not sent is missed.
func drawHello(t *rapid.T) wire.Hello {
	h := rapid.Make[wire.Hello]().Draw(t, "hello")
	h.Version, h.Life = text(64).Draw(t, "version"), text(32).Draw(t, "life")
	return h
}

func TestHelloSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawHello(t)
		later := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "what a later version adds")
		got, err := wire.ParseHello(append(wire.AppendHello(want), later...))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v, (-want +got):\n%s", err, diff)
		}
	})
}

func TestHelloCutShortIsRefused(t *testing.T) {
	t.Parallel()
	whole := wire.AppendHello(wire.Hello{Hello: mode.Hello{Life: "0123456789abcdef"}, Version: "v1.2.3"})
	for n := range whole {
		if _, err := wire.ParseHello(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are taken for a hello", n, len(whole))
		}
	}
	whole[0]++
	if _, err := wire.ParseHello(whole); err == nil {
		t.Error("another format is taken for this one")
	}
}

// TestHelloPrintsSafely: what the other side says ends up on a person's screen.
func TestHelloPrintsSafely(t *testing.T) {
	t.Parallel()
	b := wire.AppendHello(wire.Hello{Version: "v1\x1b[2J"})
	if h, err := wire.ParseHello(b); err == nil {
		t.Errorf("a version of %q is taken", h.Version)
	}
	if got := wire.Clean("a\x1b[2J\nb\u202e\xff" + strings.Repeat("ü", 500)); strings.ContainsAny(got, "\x1b\n\u202e\ufffd") || len(got) > 400 {
		t.Errorf("words are shown as %q", got)
	}
}

func TestFramesAreBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []uint16{0, 1025, math.MaxUint16} {
		b := append(binary.BigEndian.AppendUint16(nil, n), make([]byte, math.MaxUint16)...)
		if _, err := wire.ReadFrame(bytes.NewReader(b)); err == nil {
			t.Errorf("a frame of %d bytes is taken", n)
		}
	}
}

func TestPingSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := drawHello(t).Hello
		want := h
		want.Node, want.Role, want.Life, want.Boot, want.Last = mode.NodeID{}, 0, "", 0, 0 // they are told in the hello alone
		number, answered := rapid.Uint64().Draw(t, "number"), rapid.Uint64().Draw(t, "answered")
		got, n, a, _, err := wire.ReadPing(bytes.NewReader(wire.PingFrame(h, number, answered)))
		if err != nil || n != number || a != answered || got != want {
			t.Fatalf("%+v %d %d, %v; want %+v %d %d", got, n, a, err, want, number, answered)
		}
	})
}

// TestPingIsSmall: five a second go both ways on every path.
func TestPingIsSmall(t *testing.T) {
	t.Parallel()
	h := mode.Hello{Generation: mode.Generation{Counter: 3, Random: math.MaxUint64}, Term: 1 << 20, Applied: 1 << 34}
	if n := len(wire.PingFrame(h, 1<<27, 1<<27)); n > 32 {
		t.Errorf("after a year a ping has %d bytes", n)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	var m wire.Memory
	m = m.With(mode.Hello{Life: "a", Boot: 1, Term: 5, Applied: 100, Last: 120})
	if m.Forgot(mode.Hello{Life: "a", Boot: 1, Term: 4, Last: 90}) != "" {
		t.Error("a word that came late is taken for an old image")
	}
	if old := m.With(mode.Hello{Life: "a", Boot: 2, Term: 4, Last: 90}); old.Forgot(mode.Hello{Life: "a", Boot: 2, Term: 6, Last: 300}) == "" {
		t.Error("an old image is forgotten when it has grown")
	}
	if m.Forgot(mode.Hello{Life: "a", Boot: 2, Generation: mode.Generation{Counter: 1}, Term: 4, Last: 90}) == "" {
		t.Error("an old image of a member without a generation is welcome")
	}
	for _, c := range []struct {
		name   string
		h      mode.Hello
		forgot bool
	}{
		{"as it was", mode.Hello{Life: "a", Term: 5, Applied: 100, Last: 120}, false},
		{"restarted: applied is counted anew, its log is whole", mode.Hello{Life: "a", Term: 5, Applied: 0, Last: 110}, false},
		{"its log is not open yet", mode.Hello{Life: "a"}, false},
		{"an older vote", mode.Hello{Life: "a", Term: 4, Last: 120}, true},
		{"a shorter log", mode.Hello{Life: "a", Term: 5, Last: 99}, true},
		{"another life", mode.Hello{Life: "b", Term: 1, Last: 1}, false},
	} {
		c.h.Boot = 2
		if got := m.Forgot(c.h); (got != "") != c.forgot {
			t.Errorf("%s: %q", c.name, got)
		}
		if c.h.Life == "a" && m.With(c.h).Applied < 100 {
			t.Errorf("%s: is no longer remembered", c.name)
		}
	}
	m = m.With(mode.Hello{Life: "b", Term: 1, Applied: 1})
	if m.Forgot(mode.Hello{Life: "a", Term: 9, Last: 900}) == "" {
		t.Error("a life that was left is welcome")
	}
	if again := m.With(mode.Hello{Life: "a", Term: 9, Applied: 900}); again.Life != "b" || again.Applied != 1 {
		t.Errorf("a life that was left is taken up again: %+v", again)
	}
	for i := range 100 {
		m = m.With(mode.Hello{Life: string(rune('c' + i))})
	}
	if len(m.Left) > 16 {
		t.Errorf("%d lives are remembered", len(m.Left))
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	self := wire.Hello{Hello: mode.Hello{Node: mode.NodeID{1}, Role: mode.Box, Generation: mode.Generation{Counter: 2, Random: 7}},
		Cluster: [16]byte{9}, Protocols: wire.Protocols{Oldest: 2, Newest: 4}}
	other := func(change func(*wire.Hello)) wire.Hello {
		h := self
		h.Node, h.Life, h.Boot, h.Term, h.Last = mode.NodeID{2}, "a", 1, 5, 100
		change(&h)
		return h
	}
	same := func(*wire.Hello) {}
	box, witness := &wire.Peer{Node: mode.NodeID{2}, Role: mode.Box}, &wire.Peer{Node: mode.NodeID{2}, Role: mode.Witness}
	toWitness := func(h *wire.Hello) { h.Role = mode.Witness }
	random := func(h *wire.Hello) { h.Generation.Random++ }
	for _, c := range []struct {
		name   string
		change func(*wire.Hello)
		proto  string
		known  *wire.Peer
		memory wire.Memory
		want   wire.Reason
	}{
		{"a box", same, wire.Raft, box, wire.Memory{Life: "a", Term: 5, Applied: 100}, wire.Welcome},
		{"a witness", toWitness, wire.Raft, witness, wire.Memory{}, wire.Welcome},
		{"other pair", func(h *wire.Hello) { h.Cluster[0]++ }, wire.Health, box, wire.Memory{}, wire.OtherCluster},
		{"itself", func(h *wire.Hello) { h.Node = self.Node }, wire.Health, box, wire.Memory{}, wire.Clone},
		{"removed", same, wire.Control, nil, wire.Memory{}, wire.NotMember},
		{"other role", toWitness, wire.Control, box, wire.Memory{}, wire.WrongRole},
		{"too old", func(h *wire.Hello) { h.Protocols = wire.Protocols{Oldest: 1, Newest: 1} }, wire.Control, box, wire.Memory{}, wire.OtherProtocol},
		{"too new", func(h *wire.Hello) { h.Protocols = wire.Protocols{Oldest: 5, Newest: 9} }, wire.Control, box, wire.Memory{}, wire.OtherProtocol},
		{"overlaps", func(h *wire.Hello) { h.Protocols = wire.Protocols{Oldest: 4, Newest: 9} }, wire.Control, box, wire.Memory{}, wire.Welcome},
		{"journal of a witness", toWitness, wire.Journal, witness, wire.Memory{}, wire.WrongRole},
		{"raft of another generation", random, wire.Raft, box, wire.Memory{}, wire.OtherGeneration},
		{"journal of another generation", random, wire.Journal, box, wire.Memory{}, wire.Welcome},
		{"health of another generation", random, wire.Health, box, wire.Memory{}, wire.Welcome},
		{"requests of another generation", random, wire.Control, box, wire.Memory{}, wire.Welcome},
		{"raft of an old image", same, wire.Raft, box, wire.Memory{Life: "a", Term: 5, Applied: 101}, wire.MustRejoin},
		{"a generation that nobody reaches", func(h *wire.Hello) { h.Generation.Counter = math.MaxUint64 }, wire.Health, box, wire.Memory{}, wire.Malformed},
		{"raft of a life that took over since", same, wire.Raft, box, wire.Memory{Life: "a", Generation: mode.Generation{Counter: 1, Random: 77}, Term: 5, Applied: 101}, wire.Welcome},
		{"raft of a life left", same, wire.Raft, box, wire.Memory{Life: "b", Left: []string{"a"}}, wire.MustRejoin},
		{"health of an old image", same, wire.Health, box, wire.Memory{Life: "a", Term: 6}, wire.Welcome},
	} {
		got, words := wire.Judge(self, other(c.change), c.proto, c.known, c.memory)
		if got != c.want || (words == "") != (c.want == wire.Welcome) {
			t.Errorf("%s: %v (%s), want %v", c.name, got, words, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	ways := []wire.Path{{Name: "cable"}, {Name: "lan"}, {Name: "spare"}}
	const ms = time.Millisecond
	for _, c := range []struct {
		name          string
		silent, trips map[string]time.Duration
		want          string
	}{
		{"nothing known", nil, nil, "cable lan spare"},
		{"all well", map[string]time.Duration{"cable": 90 * ms, "lan": 10 * ms, "spare": 50 * ms}, map[string]time.Duration{"cable": 2 * ms, "lan": ms}, "cable lan spare"},
		{"cable silent", map[string]time.Duration{"cable": 800 * ms, "lan": 10 * ms, "spare": 50 * ms}, nil, "lan spare cable"},
		{"cable never heard", map[string]time.Duration{"lan": 900 * ms, "spare": 50 * ms}, nil, "spare lan cable"},
		{"cable slow", map[string]time.Duration{"cable": 90 * ms, "lan": 10 * ms}, map[string]time.Duration{"cable": 300 * ms, "lan": 3 * ms}, "lan cable spare"},
	} {
		var got []string
		for _, p := range wire.Order(ways, c.silent, c.trips, 500*ms) {
			got = append(got, p.Name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	var p wire.Pace
	now, a := time.Now(), netip.MustParseAddr("192.0.2.1")
	n := 0
	for range 100 {
		if p.Try(a, now) {
			n++
		}
	}
	if n != 5 || !p.Try(netip.MustParseAddr("192.0.2.2"), now) {
		t.Errorf("%d tries at once, want 5, and another address its own", n)
	}
	if now = now.Add(2 * time.Second); !p.Try(a, now) || p.Try(a, now) {
		t.Error("two seconds later there is one more try")
	}
	n = 0
	for i := range 1000 {
		if p.Try(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), now) {
			n++
		}
	}
	if n > 256 {
		t.Errorf("%d addresses are remembered", n)
	}
}
