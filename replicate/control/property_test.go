package control_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/replicate/control"
	"rackpost/replicate/mode"
)

func nodeOf(i int) mode.NodeID { return mode.NodeID{byte(i + 1)} }

func drawAt(t *rapid.T) time.Time {
	return start.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "at")) * time.Hour)
}

// drawCommand draws from few names and numbers, so that commands meet.
func drawCommand(t *rapid.T) control.Command {
	who := rapid.SampledFrom([]string{"anna", "bob"}).Draw(t, "who")
	node := nodeOf(rapid.IntRange(0, 2).Draw(t, "node"))
	number := rapid.Uint64Range(0, 3).Draw(t, "number")
	key := rapid.SampledFrom([]string{"k1", "k2", "k3"}).Draw(t, "key")
	name := rapid.SampledFrom([]string{control.Site, control.Site, "secret/a", "user/b"}).Draw(t, "name")
	hash := [32]byte{byte(rapid.IntRange(0, 2).Draw(t, "hash"))}
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 0, 1:
		return &control.Put{Name: name, Expected: number, Content: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "content"), Who: who, At: drawAt(t)}
	case 2:
		return &control.Delete{Name: name, Expected: number, Who: who, Why: "no longer", At: drawAt(t)}
	case 3:
		m := control.Member{Node: node, Name: "box", Role: mode.Box, Speaks: uint32(number)}
		name, content, err := m.Document()
		if err != nil {
			t.Fatal(err)
		}
		return &control.Put{Name: name, Expected: number, Content: content, Who: who, At: drawAt(t)}
	case 4:
		return &control.Start{Key: key, Kind: "locate", Node: node, Attempt: number, At: drawAt(t)}
	case 5:
		outcome := rapid.SampledFrom([]control.Outcome{control.Done, control.Failed}).Draw(t, "outcome")
		return &control.Settle{Key: key, Attempt: number, Outcome: outcome, At: drawAt(t)}
	case 6:
		return &control.Inherit{Node: node, At: drawAt(t)}
	case 7:
		return &control.Invite{Hash: hash, Role: mode.Witness, Who: who, At: drawAt(t), Expires: drawAt(t)}
	case 8:
		return &control.Redeem{Hash: hash, Node: node, At: drawAt(t)}
	case 9:
		return &control.Raise{Level: uint32(number % 2), Who: who, At: drawAt(t)}
	}
	return &control.Forced{Generation: mode.Generation{Counter: number, Random: 7}, From: number, Who: who, At: drawAt(t)}
}

func draw(t *rapid.T) []byte {
	b, err := control.Encode(drawCommand(t))
	if err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 20).Draw(t, "broken") == 0 {
		b = b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]
	}
	return b
}

// TestReplay applies commands at three machines: from the beginning, from the snapshot after each command, and from one
// snapshot on the way. They say the same to every command and end as the same bytes.
func TestReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := control.New(), control.New(), control.New()
		n := rapid.IntRange(1, 60).Draw(t, "n")
		joins := rapid.IntRange(0, n).Draw(t, "joins")
		for i := range n {
			cmd, before := draw(t), a.State().Sum()
			if err := b.Restore(bytes.NewReader(a.State().Encode())); err != nil {
				t.Fatal(err)
			}
			if i == joins {
				if err := c.Restore(bytes.NewReader(a.State().Encode())); err != nil {
					t.Fatal(err)
				}
			}
			index := uint64(i*2 + 1)
			err1, err2 := a.Apply(index, cmd), b.Apply(index, cmd)
			if fmt.Sprint(err1) != fmt.Sprint(err2) {
				t.Fatalf("one said %v, the other %v", err1, err2)
			}
			if err1 != nil && a.State().Sum() != before {
				t.Fatalf("%v, and it changed something", err1)
			}
			if i >= joins {
				_ = c.Apply(index, cmd)
			}
		}
		if joins == n {
			_ = c.Restore(bytes.NewReader(a.State().Encode()))
		}
		if !bytes.Equal(a.State().Encode(), b.State().Encode()) || !bytes.Equal(a.State().Encode(), c.State().Encode()) {
			t.Fatal("the machines differ")
		}
	})
}

// TestClaimsHaveOneOwner follows every claim: never done twice, never open for two, and a next attempt only after somebody
// looked at the one before.
func TestClaimsHaveOneOwner(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := control.State{}
		for i := range rapid.IntRange(1, 80).Draw(t, "n") {
			next, err := s.Apply(uint64(i+1), draw(t))
			if err != nil {
				continue
			}
			for _, was := range s.Claims() {
				is, ok := next.Claim(was.Key)
				switch {
				case !ok:
					t.Fatalf("%s was forgotten", was.Key)
				case was.Outcome == control.Done && is != was:
					t.Fatalf("%s was done and is %v", was.Key, is)
				case was.Outcome == control.Open && (is.Attempt != was.Attempt || is.Node != was.Node):
					t.Fatalf("%s was open and is another's: %v", was.Key, is)
				case is.Attempt < was.Attempt || is.Attempt > was.Attempt+1:
					t.Fatalf("%s went from attempt %d to %d", was.Key, was.Attempt, is.Attempt)
				}
			}
			s = next
		}
	})
}

// TestVersionsAreUnique: no two contents of one document ever have one version, also when it was deleted in between.
func TestVersionsAreUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, seen := control.State{}, map[string]string{}
		for i := range rapid.IntRange(1, 80).Draw(t, "n") {
			next, err := s.Apply(uint64(i+1), draw(t))
			if err != nil {
				continue
			}
			s = next
			for _, d := range s.Documents("") {
				key, made := fmt.Sprint(d.Name, " ", d.Version), fmt.Sprint(d.Index)
				if was, ok := seen[key]; ok && was != made {
					t.Fatalf("%s was made by entry %s and by entry %s", key, was, made)
				}
				seen[key] = made
			}
		}
	})
}

// TestCodec: a command that can be written is read as it was.
func TestCodec(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawCommand(t)
		b, err := control.Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := control.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatal(diff)
		}
		if b[1]++; b[1] == 10 {
			if _, err := control.Decode(b); !errors.Is(err, control.ErrNewer) {
				t.Fatalf("an unknown kind: %v", err)
			}
		}
	})
}
