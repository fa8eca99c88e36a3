package control_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// machine applies commands with the next index.
type machine struct {
	*control.Machine
	t     *testing.T
	index uint64
}

func newMachine(t *testing.T) *machine { return &machine{Machine: control.New(), t: t} }

func (m *machine) try(c control.Command) error {
	m.t.Helper()
	b, err := control.Encode(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.index++
	return m.Apply(m.index, b)
}

func (m *machine) must(commands ...control.Command) {
	m.t.Helper()
	for _, c := range commands {
		if err := m.try(c); err != nil {
			m.t.Fatal(err)
		}
	}
}

// refused requires an error with these words.
func (m *machine) refused(c control.Command, words ...string) {
	m.t.Helper()
	err := m.try(c)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			m.t.Errorf("%v, want %q in it", err, w)
		}
	}
}

func site(expected uint64, content, who string, hours int) *control.Put {
	return &control.Put{Name: control.Site, Expected: expected, Content: []byte(content), Who: who, Why: "rack 4", At: start.Add(time.Duration(hours) * time.Hour)}
}

func member(t *testing.T, expected uint64, id mode.NodeID, name string, speaks uint32) *control.Put {
	t.Helper()
	doc, content, err := control.Member{Node: id, Name: name, Role: mode.Box, Speaks: speaks}.Document()
	if err != nil {
		t.Fatal(err)
	}
	return &control.Put{Name: doc, Expected: expected, Content: content, Who: "anna", At: start}
}

func TestConflictNamesWhoChangedItWhen(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.must(site(0, "one", "anna", 0), site(1, "two", "bob", 1))
	m.refused(site(1, "three", "anna", 2), "version 2 is by bob, 2026-11-22 10:00:00 UTC (rack 4)", "version 1")
	m.refused(site(0, "three", "anna", 2), "exists already", "bob")
	m.refused(&control.Delete{Name: "user/x", Expected: 4, Who: "anna", At: start}, "does not exist")
	m.refused(&control.Delete{Name: control.Site, Expected: 2, Who: "anna", At: start}, "cannot be deleted")
	m.must(site(1, "two", "bob", 1)) // proposed again, as its answer was lost
	if d, _ := m.State().Document(control.Site); d.Version != 2 || d.Index != 2 {
		t.Errorf("a repeat made another version: %+v", d)
	}
	if h := m.State().History(); len(h) != 2 || string(h[0].Content) != "one" {
		t.Errorf("history %+v", h)
	}
}

func TestDeletedVersionsNeverComeBack(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	put := func(expected uint64, hours int) *control.Put {
		return &control.Put{Name: "user/x", Expected: expected, Who: "anna", At: start.Add(time.Duration(hours) * time.Hour)}
	}
	m.must(put(0, 0), &control.Delete{Name: "user/x", Expected: 1, Who: "bob", At: start}, put(0, 1))
	m.refused(put(1, 2), "version 2") // of the first life
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for i := range uint64(150) {
		m.must(site(i, fmt.Sprint(i), "anna", int(i)))
	}
	if h := m.State().History(); len(h) != 100 || h[0].Version != 51 || h[99].Version != 150 {
		t.Errorf("%d versions, from %d", len(h), h[0].Version)
	}
	large := strings.Repeat("x", 500<<10)
	for i := uint64(150); i < 180; i++ {
		m.must(site(i, large+fmt.Sprint(i), "anna", int(i)))
	}
	if h := m.State().History(); len(h) > 20 || len(h) < 15 {
		t.Errorf("%d versions of 500 KB", len(h))
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	a, b := nodeOf(0), nodeOf(1)
	begin := func(node mode.NodeID, attempt uint64) *control.Start {
		return &control.Start{Key: "locate/sw-1", Kind: "locate", Node: node, What: "sw-1 on", Attempt: attempt, At: start}
	}
	settle := func(attempt uint64, o control.Outcome) *control.Settle {
		return &control.Settle{Key: "locate/sw-1", Attempt: attempt, Outcome: o, At: start.Add(time.Minute)}
	}
	m.must(member(t, 0, a, "box-a", 1), begin(a, 1), begin(a, 1))
	m.refused(begin(b, 1), "box-a is at it since 2026-11-22 09:00:00")
	m.refused(begin(b, 2), "box-a is at it")
	m.must(&control.Inherit{Node: b, At: start.Add(time.Second)})
	if doubt := m.State().Claims(control.Open, control.Doubt); len(doubt) != 1 || doubt[0].Outcome != control.Doubt {
		t.Errorf("after the fail-over: %+v", doubt)
	}
	m.refused(begin(b, 1), "in doubt", "look at it")
	m.must(begin(b, 2))
	m.refused(settle(1, control.Done), "attempt 1")
	m.must(settle(2, control.Failed), begin(b, 3), settle(3, control.Done), settle(3, control.Done))
	m.refused(begin(a, 4), "has done it, 2026-11-22 09:01:00")
	m.refused(settle(3, control.Failed), "settled as done")
}

func TestClaimsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	begin := func(i int) *control.Start {
		return &control.Start{Key: fmt.Sprintf("k%05d", i), Kind: "mail", Node: nodeOf(0), Attempt: 1, At: start}
	}
	for i := range 1500 {
		m.must(begin(i), &control.Settle{Key: begin(i).Key, Attempt: 1, Outcome: control.Done, At: start})
	}
	if _, old := m.State().Claim("k00000"); old || len(m.State().Claims()) != 1024 {
		t.Errorf("%d claims, the oldest among them: %v", len(m.State().Claims()), old)
	}
	for i := range 1024 {
		m.must(begin(10000 + i))
	}
	m.refused(begin(20000), "the most there may be")
	if s, err := control.DecodeState(m.State().Encode()); err != nil || s.Sum() != m.State().Sum() {
		t.Errorf("a full state: %v", err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	invite := func(n byte, at int) *control.Invite {
		return &control.Invite{Hash: [32]byte{n}, Role: mode.Box, Who: "anna", At: start.Add(time.Duration(at) * time.Minute), Expires: start.Add(time.Duration(at+60) * time.Minute)}
	}
	redeem := func(n byte, node, at int) *control.Redeem {
		return &control.Redeem{Hash: [32]byte{n}, Node: nodeOf(node), At: start.Add(time.Duration(at) * time.Minute)}
	}
	m.must(invite(1, 0), invite(2, 0), redeem(1, 0, 5), redeem(1, 0, 5))
	m.refused(redeem(1, 1, 6), "used already", "2026-11-22 09:05:00", "make a new token")
	m.refused(redeem(2, 1, 60), "expired 2026-11-22 10:00:00", "make a new one")
	m.refused(redeem(3, 1, 6), "not known here")
	m.must(invite(3, 120))
	if n := len(m.State().Tokens()); n != 1 {
		t.Errorf("%d tokens after the old ones expired", n)
	}
	for i := range byte(63) {
		m.must(invite(10+i, 120))
	}
	m.refused(invite(200, 121), "64 tokens")
}

// TestRoomForMembers: two boxes may let somebody in at the same time; one of a role too many is refused, and who is a member keeps its
// role and its keys.
func TestRoomForMembers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	put := func(expected uint64, id int, role mode.Role, name, recipient string) *control.Put {
		doc, content, err := control.Member{Node: nodeOf(id), Name: name, Role: role, Recipient: recipient, Origin: "o" + name, Speaks: 1}.Document()
		if err != nil {
			t.Fatal(err)
		}
		return &control.Put{Name: doc, Expected: expected, Content: content, Who: "anna", At: start}
	}
	version := func(id int) uint64 {
		d, _ := m.State().Document(control.Peer + nodeOf(id).String())
		return d.Version
	}
	m.must(put(0, 0, mode.Box, "box-a", "age1a"), put(0, 1, mode.Box, "box-b", "age1b"), put(0, 2, mode.Witness, "w", ""))
	m.refused(put(0, 3, mode.Witness, "w2", ""), "the pair has a witness, w", "rackpost pair leave")
	m.refused(put(0, 4, mode.Box, "box-c", "age1c"), "two boxes", "rackpost pair replace")
	m.refused(put(version(0), 0, mode.Box, "box-a", "age1eve"), "box-a keeps its role and its keys", "rackpost pair leave")
	m.refused(put(version(1), 1, mode.Witness, "box-b", "age1b"), "box-b keeps its role")
	m.must(put(version(0), 0, mode.Box, "box-z", "age1a"))
	m.must(&control.Delete{Name: control.Peer + nodeOf(2).String(), Expected: version(2), Who: "anna", At: start})
	m.must(put(0, 3, mode.Witness, "w2", ""))
}

// TestRemovedMemberHasNoToken: who lost an answer joins twice with one token, and who was removed does not.
func TestRemovedMemberHasNoToken(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for i := range byte(2) {
		m.must(&control.Invite{Hash: [32]byte{i}, Role: mode.Box, Who: "anna", At: start, Expires: start.Add(time.Hour)},
			&control.Redeem{Hash: [32]byte{i}, Node: nodeOf(int(i)), At: start}, member(t, 0, nodeOf(int(i)), "box", 1))
	}
	gone := control.Peer + nodeOf(0).String()
	d, _ := m.State().Document(gone)
	m.must(&control.Delete{Name: gone, Expected: d.Version, Who: "anna", At: start})
	if _, known := m.State().Token([32]byte{0}); known {
		t.Error("the token of a removed member is known")
	}
	if _, known := m.State().Token([32]byte{1}); !known {
		t.Error("another's token is forgotten")
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	raise := &control.Raise{Level: 2, Who: "anna", At: start}
	m.refused(raise, "no member is known")
	m.must(member(t, 0, nodeOf(0), "box-a", 2), member(t, 0, nodeOf(1), "box-b", 1))
	m.refused(raise, "box-b speaks feature level 1 only: update it")
	m.refused(&control.Raise{Level: 0, Who: "anna", At: start}, "never lowered")
	m.refused(member(t, 0, nodeOf(2), "old", 0), "update it first")
	m.must(member(t, 1, nodeOf(1), "box-b", 2))
	if err := m.try(raise); !errors.Is(err, control.ErrNewer) {
		t.Errorf("this version speaks level %d: %v", control.Level, err)
	}
}

// TestNewerStops: what a later version has said is not passed over, and not written into a snapshot either.
func TestNewerStops(t *testing.T) {
	t.Parallel()
	for name, cmd := range map[string][]byte{"kind": {1, 200, 1}, "format": {2, 1, 1}} {
		m := newMachine(t)
		m.must(site(0, "one", "anna", 0))
		told := m.Watch()
		if err := m.Apply(50, cmd); !errors.Is(err, control.ErrNewer) || !errors.Is(m.Err(), control.ErrNewer) {
			t.Errorf("%s: %v, %v", name, err, m.Err())
		}
		<-told
		if err := m.try(site(1, "two", "anna", 0)); !errors.Is(err, control.ErrNewer) {
			t.Errorf("%s: it went on: %v", name, err)
		}
		var b bytes.Buffer
		if err := m.Snapshot(&b); !errors.Is(err, control.ErrNewer) || b.Len() > 0 {
			t.Errorf("%s: a snapshot of %d bytes: %v", name, b.Len(), err)
		}
		if err := m.Restore(bytes.NewReader(nil)); err != nil || m.State().Applied() != 0 {
			t.Errorf("%s: begin anew: %v", name, err)
		}
	}
}

func TestRepeatedEntry(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.must(site(0, "one", "anna", 0))
	b, err := control.Encode(site(1, "two", "anna", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Apply(1, b); !errors.Is(err, control.ErrApplied) {
		t.Errorf("entry 1 again: %v", err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	changed := m.Watch()
	_ = m.Apply(1, nil)
	select {
	case <-changed:
		t.Error("a refused command changed something")
	default:
	}
	m.must(site(0, "one", "anna", 0))
	<-changed
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]control.Command{
		"no name":       &control.Put{Who: "anna", At: start},
		"name":          &control.Put{Name: "a/b/c", Who: "anna", At: start},
		"dots":          &control.Put{Name: "secret/..", Who: "anna", At: start},
		"nobody":        &control.Put{Name: "site", At: start},
		"no time":       &control.Put{Name: "site", Who: "anna"},
		"old time":      &control.Put{Name: "site", Who: "anna", At: time.Unix(-5, 0)},
		"escape":        &control.Put{Name: "site", Who: "an\x1bna", At: start},
		"large":         &control.Put{Name: "site", Who: "anna", At: start, Content: make([]byte, 1<<20)},
		"outcome":       &control.Settle{Key: "k", Outcome: control.Doubt, At: start},
		"other outcome": &control.Settle{Key: "k", Outcome: 99, At: start},
		"role":          &control.Invite{Role: 9, Who: "anna", At: start, Expires: start},
		"no node":       &control.Inherit{At: start},
	} {
		if _, err := control.Encode(c); !errors.Is(err, control.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := newMachine(t)
	m.refused(&control.Put{Name: "member/x", Content: []byte{1}, Who: "anna", At: start}, "malformed")
	wrong := member(t, 0, nodeOf(0), "box-a", 1)
	wrong.Name = control.Peer + nodeOf(1).String()
	m.refused(wrong, "says")
}
