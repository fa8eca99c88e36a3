package fold_test

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

var port = fold.Key{Kind: hw.ComponentFact, Device: "sw-1", Component: "port/1", Group: "ports"}

// says puts one fact of an origin into f.
func says(t *testing.T, f *fold.Fold, origin byte, turn uint64, mode journal.Mode, x hw.Fact) {
	b := batch{Header: header(origin, journal.Facts, turn, turn, mode), body: fact(t, nil, x)}
	b.apply(t, f)
}

func visits(f *fold.Fold, origin byte, turn uint64, mode journal.Mode, period time.Duration) {
	f.Visited(journal.LastVisit{Origin: journal.ID{origin}, Incarnation: 1, Device: "sw-1", Turn: turn, Started: time.UnixMilli(wall), Period: period, Mode: mode, Good: true})
}

func TestIslandYields(t *testing.T) {
	t.Parallel()
	const a, b, period = 1, 2, 60 * time.Millisecond // turns are milliseconds
	for name, c := range map[string]struct {
		leader, island uint64 // turns of their words
		mode           journal.Mode
		visited        uint64 // turn of the leader's last visit; 0: never
		as             journal.Mode
		now            uint64
		want           hw.Health
	}{
		"the leader visited of late":         {10, 20, journal.Leader, 30, journal.Leader, 31, hw.OK},
		"so did a solo":                      {10, 20, journal.Solo, 30, journal.Solo, 31, hw.OK},
		"so did a lone box":                  {10, 20, journal.Lone, 30, journal.Lone, 31, hw.OK},
		"to the last ms of three periods":    {10, 20, journal.Leader, 30, journal.Leader, 30 + 179, hw.OK},
		"and no longer":                      {10, 20, journal.Leader, 30, journal.Leader, 30 + 180, hw.Critical},
		"never visited":                      {10, 20, journal.Leader, 0, journal.Leader, 31, hw.Critical},
		"visited as an island":               {10, 20, journal.Leader, 30, journal.Island, 31, hw.Critical},
		"visited as nobody knows what":       {10, 20, journal.Leader, 30, journal.ModeUnknown, 31, hw.Critical},
		"both words are islands'":            {10, 20, journal.Island, 30, journal.Leader, 31, hw.Critical},
		"the leader's word is the later one": {30, 20, journal.Leader, 0, journal.Leader, 400, hw.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fold.New(site)
			says(t, f, a, c.leader, c.mode, state(hw.OK))
			says(t, f, b, c.island, journal.Island, state(hw.Critical))
			if c.visited > 0 {
				visits(f, a, c.visited, c.as, period)
			}
			visits(f, b, c.island, journal.Island, period)
			f.SawTurn(c.now)
			got, ok := f.Fact(port)
			if v, is := got.Value.(hw.ComponentValue); !ok || !is || v.Health != c.want {
				t.Errorf("shows %+v, want %s", got.Value, c.want)
			}
		})
	}
}

// TestLongPeriod: a period of centuries, as only damage or malice writes it, is a long one.
func TestLongPeriod(t *testing.T) {
	t.Parallel()
	f := fold.New(site)
	says(t, f, 1, 10, journal.Leader, state(hw.OK))
	says(t, f, 2, 20, journal.Island, state(hw.Critical))
	visits(f, 1, 5, journal.Leader, math.MaxInt64)
	if got, _ := f.Fact(port); got.Value.(hw.ComponentValue).Health != hw.OK {
		t.Error("the island's word is shown while the leader's visit is fresh")
	}
}

// TestFailedVisit: a leader that reaches the device no more does not hold an island's word back,
// whatever way the state came, and when it last read anything is still known.
func TestFailedVisit(t *testing.T) {
	t.Parallel()
	f := fold.New(site)
	says(t, f, 1, 10, journal.Leader, state(hw.OK))
	says(t, f, 2, 20, journal.Island, state(hw.Critical))
	at := func(turn uint64, good bool) journal.LastVisit {
		return journal.LastVisit{Origin: journal.ID{1}, Incarnation: 1, Device: "sw-1", Turn: turn, Started: time.UnixMilli(wall + int64(turn)), Period: 60 * time.Millisecond, Mode: journal.Leader, Good: good}
	}
	for _, turn := range []uint64{400, 100, 300, 200} {
		f.Visited(at(turn, turn == 100 || turn == 200))
	}
	want := []journal.LastVisit{at(200, true), at(400, false)}
	g := fold.New(site)
	if _, err := g.Join(f.Base(nil)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*fold.Fold{f, g} {
		for i, now := range []uint64{379, 380} {
			if d := cmp.Diff(want, f.Visits("sw-1")); d != "" {
				t.Error(d)
			}
			f.SawTurn(now)
			health := []hw.Health{hw.OK, hw.Critical}[i]
			if got, _ := f.Fact(port); got.Value.(hw.ComponentValue).Health != health {
				t.Errorf("at %d shows %v, want %s", now, got.Value, health)
			}
		}
	}
}

func TestRemovedStays(t *testing.T) {
	t.Parallel()
	gone := state(hw.OK)
	gone.Removed = true
	f := fold.New(site)
	says(t, f, 1, 10, journal.Lone, gone)
	says(t, f, 1, 9, journal.Lone, state(hw.OK)) // late
	if got, ok := f.Fact(port); !ok || !got.Removed || got.Value != nil {
		t.Errorf("an earlier word came later and brought it back: %+v", got)
	}
	says(t, f, 2, 11, journal.Lone, state(hw.Warning))
	if got, ok := f.Fact(port); !ok || got.Removed {
		t.Errorf("a later word does not bring it back: %+v", got)
	}
}

// TestUnknownKinds: what this version does not know comes through its base byte by byte.
func TestUnknownKinds(t *testing.T) {
	t.Parallel()
	later := hw.Fact{Kind: 300, Version: 2, Device: "sw-1", Component: "x", Group: "y", At: time.UnixMilli(wall).UTC(), Value: hw.Opaque{Kind: 300, Bytes: []byte{0xff, 0}}}
	newer := state(hw.OK)
	newer.Version, newer.Value = 2, hw.Opaque{Kind: hw.ComponentFact, Bytes: []byte("version 2")}
	f := fold.New(site)
	says(t, f, 1, 10, journal.Lone, later)
	says(t, f, 1, 11, journal.Lone, newer)
	var c journal.Compressor
	raw, err := c.MarshalBase(f.Base(nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.UnmarshalBase(raw)
	if err != nil {
		t.Fatal(err)
	}
	g := fold.New(site)
	if changed, err := g.Join(b); err != nil || len(changed) != 2 {
		t.Fatalf("joined: %v, %v", changed, err)
	}
	for _, want := range []hw.Fact{later, newer} {
		got, _ := g.Fact(fold.Key{Kind: want.Kind, Device: want.Device, Component: want.Component, Group: want.Group})
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if changed, err := g.Join(b); err != nil || len(changed) != 0 {
		t.Errorf("joined again: %v, %v", changed, err)
	}
}

// TestUnreadableValue: a value this version should know and cannot read is shown as bytes.
func TestUnreadableValue(t *testing.T) {
	t.Parallel()
	bad := state(hw.OK)
	bad.Version, bad.Value = 1, hw.Opaque{Kind: hw.ComponentFact, Bytes: []byte{0xff}}
	f := fold.New(site)
	says(t, f, 1, 10, journal.Lone, bad)
	got, ok := f.Fact(port)
	if o, is := got.Value.(hw.Opaque); !ok || !is || !bytes.Equal(o.Bytes, []byte{0xff}) || !got.At.Equal(bad.At) {
		t.Errorf("shows %+v", got)
	}
}

func TestBadRecordHidesNothing(t *testing.T) {
	t.Parallel()
	body := append([]byte{2, 1, 0xff, 77, 0}, fact(t, nil, state(hw.OK))...) // a fact that is none, a later record, a fact
	h := header(1, journal.Facts, 1, 10, journal.Lone)
	f := fold.New(site)
	changed, unknown, err := f.Apply(&h, body)
	if len(changed) != 1 || unknown != 1 || !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("changed %v, %d unknown, %v", changed, unknown, err)
	}
}

func TestAwaited(t *testing.T) {
	t.Parallel()
	h := header(1, journal.Facts, 3, 10, journal.Lone)
	h.Incarnation = 2
	old := h.StreamKey
	old.Incarnation = 1
	foreign := old
	foreign.Site = journal.ID{0xbb}
	samples := old
	samples.Stream = journal.Samples
	body := journal.AppendBegin(nil, journal.Begin{Previous: 1, Last: []journal.StreamSeq{{Stream: journal.Facts, Seq: 5}, {Stream: journal.Samples, Seq: 2}}})
	body = journal.AppendBegin(body, journal.Begin{Last: []journal.StreamSeq{{Stream: journal.Facts, Seq: 5}}}) // after none
	body = journal.AppendTombstone(body, journal.Tombstone{StreamKey: old, Interval: journal.Interval{First: 2, Last: 4}})
	body = journal.AppendTombstone(body, journal.Tombstone{StreamKey: foreign, Interval: journal.Interval{First: 1, Last: 9}})
	f := fold.New(site)
	b := batch{Header: h, body: body}
	b.apply(t, f)
	got := f.Awaited(journal.Vector{h.StreamKey: {{First: 3, Last: 3}}, old: {{First: 1, Last: 1}}})
	want := journal.Vector{h.StreamKey: {{First: 1, Last: 2}}, old: {{First: 5, Last: 5}}, samples: {{First: 1, Last: 2}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(journal.Vector{old: {{First: 2, Last: 4}}}, f.Excused()); d != "" {
		t.Error(d)
	}
}

func TestJoinOfAnotherSite(t *testing.T) {
	t.Parallel()
	foreign := journal.StreamKey{Site: journal.ID{0xbb}, Incarnation: 1, Stream: journal.Facts}
	f := fold.New(site)
	if _, err := f.Join(&journal.Base{Site: foreign.Site}); err == nil {
		t.Error("the base of another site was joined")
	}
	v := journal.Vector{foreign: {{First: 1, Last: 2}}}
	if _, err := f.Join(&journal.Base{Site: site, Known: v, Excused: v}); err != nil || len(f.Known()) != 0 || len(f.Excused()) != 0 {
		t.Errorf("known %v, excused %v, %v", f.Known(), f.Excused(), err)
	}
}

func TestJoinWithABadRegister(t *testing.T) {
	t.Parallel()
	f := fold.New(site)
	says(t, f, 1, 10, journal.Lone, state(hw.OK))
	b := f.Base(nil)
	b.Registers = append([]journal.Register{{Order: journal.Order{Turn: 1, Seq: 1}, Payload: []byte{0xff}}}, b.Registers...)
	g := fold.New(site)
	if changed, err := g.Join(b); err == nil || len(changed) != 1 {
		t.Errorf("changed %v, %v: want the good register and the error of the bad one", changed, err)
	}
}

// TestVisitsAreBounded: of more devices than any site has nothing is kept; those that are known go on.
func TestVisitsAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1 << 18
	f := fold.New(journal.ID{1})
	for n := range most + 10 {
		f.Visited(journal.LastVisit{Device: hw.DeviceID(strconv.Itoa(n)), Turn: 1})
	}
	f.Visited(journal.LastVisit{Device: "0", Origin: journal.ID{9}, Turn: 1})
	f.Visited(journal.LastVisit{Device: "0", Turn: 2})
	if n := f.CountDevices(); n != most {
		t.Errorf("visits of %d devices", n)
	}
	if got := f.Visits("0"); len(got) != 1 || got[0].Turn != 2 {
		t.Errorf("visits of a known device and origin, and of one that is not: %+v", got)
	}
}
