package fold_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store/fold"
)

func atMinute(n int) time.Time { return time.UnixMilli(wall + int64(n)*60_000) }

// TestBefore: what lies before a first visit follows from the chains of the others alone.
func TestBefore(t *testing.T) {
	t.Parallel()
	first := fold.First{Device: "sw-1", Origin: journal.ID{9}, Started: atMinute(100), Period: time.Minute}
	chain := func(origin byte, from, to int) fold.Chain {
		c := fold.Chain{Origin: journal.ID{origin}, Last: atMinute(to), Period: time.Minute}
		if from > 0 {
			c.First = atMinute(from)
		}
		return c
	}
	dismissed := chain(1, 0, 50)
	dismissed.Dismissed = true
	for name, tt := range map[string]struct {
		chains []fold.Chain
		from   int // minute; 0: no gap
		waits  int
	}{
		"nobody visited":                 {nil, 0, 0},
		"its own visits":                 {[]fold.Chain{chain(9, 100, 200)}, 0, 0},
		"a disk lost long ago":           {[]fold.Chain{chain(1, 0, 50)}, 50, 1},
		"the last one of two":            {[]fold.Chain{chain(1, 0, 50), chain(2, 0, 70)}, 70, 2},
		"within a period":                {[]fold.Chain{chain(1, 0, 99)}, 0, 1},
		"somebody visited all the while": {[]fold.Chain{chain(1, 0, 50), chain(2, 10, 120)}, 0, 0},
		"somebody began later":           {[]fold.Chain{chain(1, 0, 50), chain(2, 110, 120)}, 50, 1},
		"it had been taken out":          {[]fold.Chain{dismissed}, 0, 1},
	} {
		g, ok, waits := fold.Before(first, tt.chains)
		if ok != (tt.from > 0) || len(waits) != tt.waits || ok && (!g.From.Equal(atMinute(tt.from)) || !g.To.Equal(first.Started) || g.Reason != hw.Missed) {
			t.Errorf("%s: %+v %t, waits for %v", name, g, ok, waits)
		}
	}
}

// TestLostProperty: whatever came, in whatever order, what is lost was written and is neither held nor excused, is of nobody who may still come,
// and all of it is lost when both boxes of a pair are there.
func TestLostProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := history(t)
		f := whole(t, rapid.Permutation(all).Draw(t, "order"))
		v := held(all[:rapid.IntRange(0, len(all)).Draw(t, "held")])
		awaited := f.Awaited(v)
		if lost, _ := f.Lost(v, journal.ID{}, nil); len(lost) > 0 {
			t.Fatalf("nobody is there, and %v is lost", lost)
		}
		if lost, waits := f.Lost(v, journal.ID{}, []journal.ID{{1}, {2}}); waits || !lost.Equal(awaited) {
			t.Fatalf("two boxes are there: %v is lost of %v", lost, awaited)
		}
		lost, waits := f.Lost(v, journal.ID{2}, []journal.ID{{1}})
		rest := awaited.Minus(lost)
		for k := range lost {
			if k.Origin == (journal.ID{2}) {
				t.Fatalf("%s is of who asks", k)
			}
		}
		for k := range rest {
			if k.Origin == (journal.ID{1}) || !waits && k.Origin != (journal.ID{2}) {
				t.Fatalf("%s is left, waits %t", k, waits)
			}
		}
	})
}

// TestFirstIsRead: a first visit is the fact it was written as.
func TestFirstIsRead(t *testing.T) {
	t.Parallel()
	f := fold.New(site)
	first := fold.First{Device: "sw-1", Origin: journal.ID{3}, Started: atMinute(7), Period: time.Minute}
	b := batch{Header: header(3, journal.Facts, 1, 1, journal.Lone), body: fact(t, nil, first.Fact(atMinute(7)))}
	b.apply(t, f)
	_, settled, waits := f.Settle([]journal.ID{{3}})
	first.Settled = true
	if waits || len(settled) != 1 || settled[0] != first {
		t.Fatalf("%+v, want %+v", settled, first)
	}
	b = batch{Header: header(9, journal.Facts, 1, 2, journal.Lone), body: fact(t, nil, settled[0].Fact(atMinute(8)))}
	b.apply(t, f)
	if _, again, _ := f.Settle([]journal.ID{{3}}); len(again) > 0 {
		t.Fatalf("settled again: %+v", again)
	}
	for _, text := range []string{"", "1", "x y", "1 -5", "1 99999999999999999999", "1 9223372036854775807"} {
		f := fold.New(site)
		bad := first.Fact(atMinute(7))
		bad.Value = hw.LearnedValue{Value: text}
		b := batch{Header: header(3, journal.Facts, 1, 1, journal.Lone), body: fact(t, nil, bad)}
		b.apply(t, f)
		if _, settled, waits := f.Settle([]journal.ID{{3}}); waits || len(settled) > 0 {
			t.Errorf("%q: %+v", text, settled)
		}
	}
}
