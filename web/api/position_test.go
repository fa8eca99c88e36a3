package api_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rackpost/hw/journal"
	"rackpost/web/api"
)

// openings is what somebody has who has read two boxes, each opened n times.
func openings(n int) journal.Vector {
	v := journal.Vector{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		for _, origin := range []journal.ID{{0xa}, {0xb}} {
			k := journal.StreamKey{Site: siteA, Origin: origin, Incarnation: journal.Incarnation(r.Uint64())}
			for _, k.Stream = range []journal.Stream{journal.Facts, journal.Samples, journal.Logs} {
				v.Add(k, 1, uint64(100+50*i*int(k.Stream)))
			}
		}
	}
	return v
}

// TestPositionText: a position that tells what its reader has is read as it was written, is never too long, and not taken when a
// character of it is another.
func TestPositionText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		v := journal.Vector{}
		begun := map[journal.Key]uint32{}
		key := rapid.Custom(func(rt *rapid.T) journal.StreamKey {
			return journal.StreamKey{Site: siteA, Origin: journal.ID{rapid.Byte().Draw(rt, "origin")}, Incarnation: journal.Incarnation(rapid.Uint64Range(1, 5).Draw(rt, "incarnation")),
				Stream: journal.Stream(rapid.SampledFrom([]int{1, 2, 3, 7, 255}).Draw(rt, "stream"))}
		})
		for range rapid.IntRange(0, 30).Draw(rt, "runs") {
			first := rapid.Uint64Range(1, journal.MaxSeq).Draw(rt, "first")
			v.Add(key.Draw(rt, "key"), first, rapid.Uint64Range(first, journal.MaxSeq).Draw(rt, "last"))
		}
		for range rapid.IntRange(0, 3).Draw(rt, "begun") {
			begun[journal.Key{StreamKey: key.Draw(rt, "key"), Seq: rapid.Uint64Range(1, 9).Draw(rt, "seq")}] = rapid.Uint32Range(1, journal.MaxRecords).Draw(rt, "taken")
		}
		streams := rapid.SliceOfN(rapid.SampledFrom([]journal.Stream{1, 2, 3}), 0, 3).Draw(rt, "streams")
		s := api.PositionOf("0102030405060708:9:0a0b0c0d", siteA, streams, v, begun)
		if len(s) > api.MaxPosition {
			rt.Fatalf("%d bytes", len(s))
		}
		if again, err := api.ReadPosition(s); err != nil || again != s {
			rt.Fatalf("%s is read as %s: %v", s, again, err)
		}
		i := rapid.IntRange(0, len(s)-1).Draw(rt, "changed")
		other := s[:i] + string(rapid.SampledFrom([]byte("AB01._-")).Draw(rt, "by")) + s[i+1:]
		if again, err := api.ReadPosition(other); strings.Contains(s, ".") && other != s && strings.Count(other, ".") > 0 && err == nil {
			rt.Fatalf("%s instead of %s is read as %s", other, s, again)
		}
	})
	for _, s := range []string{"p1.", "p1.AAAA", "p1." + base64.RawURLEncoding.EncodeToString(make([]byte, 40)), "p1~0@p2", "p1~x@p2", "p1~1", strings.Repeat("p", api.MaxPosition+1)} {
		if got, err := api.ReadPosition(s); err == nil {
			t.Errorf("%.40q is read as %.40q", s, got)
		}
	}
	for _, s := range []string{"", "p1", "p1~3@p2", "0102030405060708:12:0a0b0c0d~7@0102030405060708:13"} { // as earlier versions gave them
		if got, err := api.ReadPosition(s); err != nil || got != s {
			t.Errorf("%q is read as %q: %v", s, got, err)
		}
	}
}

// TestPositionRoom: the openings of two boxes in years fit into a position; what does not is a place alone.
func TestPositionRoom(t *testing.T) {
	t.Parallel()
	if s := api.PositionOf("p1", siteA, nil, openings(80), nil); !strings.Contains(s, ".") {
		t.Error("80 openings of each box do not fit")
	}
	if s := api.PositionOf("p1", siteA, nil, openings(400), nil); s != "p1" {
		t.Errorf("what is too much is told in %d bytes", len(s))
	}
}

// FuzzPositionText: whatever is sent as a position is read or refused, and what is read is written so again.
func FuzzPositionText(f *testing.F) {
	f.Add("p1~3@p2")
	f.Add(api.PositionOf("p1", siteA, []journal.Stream{1}, openings(2), map[journal.Key]uint32{{StreamKey: journal.StreamKey{Site: siteA, Stream: 1}, Seq: 4}: 3}))
	f.Fuzz(func(t *testing.T, s string) {
		got, err := api.ReadPosition(s)
		if err != nil {
			return
		}
		if again, err := api.ReadPosition(got); err != nil || again != got {
			t.Errorf("%q is read as %q and that as %q: %v", s, got, again, err)
		}
	})
}

// recordNames are the names of records.
func recordNames(lines []api.Line) (out []string) {
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%s/%d.%d", l.Stream, l.Seq, l.Index))
	}
	return out
}

// TestPositionOfStreams: a position is of the streams with which it was asked: on the box that gave it others go on behind its place,
// elsewhere they are refused, and fewer go on anywhere.
func TestPositionOfStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tells = true
	w.fact(siteA, now, "a", "b", "c")
	w.visit(siteA, "sw", now, nil, cpu(1))
	w.fact(siteA, now, "d")
	h := w.box()
	elsewhere := func(p api.Position) string { return api.Moved(t, string(p), "other:1") }
	ask := func(after, streams string) []string {
		t.Helper()
		lines, _ := changes(t, h, "after="+after+"&streams="+streams)
		return recordNames(lines)
	}
	_, facts := changes(t, h, "streams=facts&limit=2")
	for _, x := range []struct {
		name, after, streams string
		want                 []string
	}{
		{"here", string(facts.Next), "facts", []string{"facts/1.2", "facts/2.0"}},
		{"here, in the midst of a batch, others", string(facts.Next), "samples,facts", []string{"facts/1.2", "samples/1.0", "facts/2.0"}},
		{"elsewhere", elsewhere(facts.Next), "facts", []string{"facts/1.2", "facts/2.0"}},
	} {
		if got := ask(x.after, x.streams); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
	if r := get(t, h, "/api/v1/changes?streams=samples&after="+elsewhere(facts.Next)); r.Code != 410 {
		t.Errorf("others elsewhere: %d %s", r.Code, r.Body)
	}
	_, all := changes(t, h, "streams=facts,samples,logs&limit=1")
	if got := ask(elsewhere(all.Next), "samples"); !slices.Equal(got, []string{"samples/1.0"}) {
		t.Errorf("fewer elsewhere: %v", got)
	}
}
