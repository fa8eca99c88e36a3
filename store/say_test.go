package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

func lit(component string, phase hw.Phase, on bool) hw.Fact {
	return hw.Fact{Kind: hw.ActFact, Version: 1, Device: "srv-1", Component: component, Group: hw.Locate, At: start,
		Value: hw.ActValue{Phase: phase, On: on, Who: "engineer", Since: start.UTC()}}
}

func pinned(text string) hw.Fact {
	return hw.Fact{Kind: hw.LearnedFact, Version: 1, Device: "srv-1", Group: "certificate", At: start, Value: hw.LearnedValue{Value: text}}
}

func (b *box) say(facts ...hw.Fact) {
	b.t.Helper()
	if err := b.Say(context.Background(), facts); err != nil {
		b.t.Fatal(err)
	}
}

func actsOf(b *box) (out []string) {
	for _, f := range b.Acts() {
		v := f.Value.(hw.ActValue)
		out = append(out, fmt.Sprintf("%s %s %s %t", f.Component, f.Group, v.Phase, v.On))
	}
	return out
}

// TestSayIsAtOnce: a person does not wait for the age of a flush, and what waits comes along; a copy of
// the disk taken then holds both.
func TestSayIsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	a := w.join(func(o *store.Options) { o.FlushAge = time.Hour })
	stored := make(chan error, 1)
	go func() { stored <- a.Put(t.Context(), visit("srv-1", a.o.Now(), 1)) }()
	a.say(lit("drive/2", hw.ActIntended, true))
	a.say(lit("drive/2", hw.ActDone, true), pinned("b5bb"), lit("drive/1", hw.ActFailed, true))
	select {
	case err := <-stored:
		require(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the report still waits for its flush")
	}
	for range 2 {
		if d := cmp.Diff([]string{"drive/1 locate failed true", "drive/2 locate done true"}, actsOf(a.box)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(hw.Attrs{{Key: "certificate", Value: "b5bb"}}, a.Learned("srv-1")); d != "" {
			t.Error(d)
		}
		if got := a.LearnedOf(a.o.Site); len(got) != 1 || len(got["srv-1"]) == 0 || got["srv-1"][0].Value != (hw.LearnedValue{Value: "b5bb"}) || a.LearnedOf(journal.ID{99}) != nil {
			t.Errorf("learned of the devices of the site: %+v", got)
		}
		if d, ok := a.Device("srv-1"); !ok || d.LastVisit.IsZero() {
			t.Errorf("the report of %+v is not there", d)
		}
		a.crash()
	}
	a.turnsGrow()
	a.complete()
	a.sound()
}

// TestSaidAndVisited: what was said is what the next visit is compared with, whoever says it first.
func TestSaidAndVisited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	a := w.join(nil)
	learnedFacts := func() int {
		facts, err := a.Facts(t.Context(), store.FactQuery{Device: "srv-1"})
		require(t, err)
		n := 0
		for _, f := range facts {
			if f.Kind == hw.LearnedFact && f.Component == "" {
				n++
			}
		}
		return n
	}
	report := func(learned hw.Attrs) {
		w.pass(time.Minute)
		r := visit("srv-1", a.o.Now(), 1)
		r.Learned = learned
		a.put(r)
	}
	steps := []struct {
		do    func()
		facts int
		want  hw.Attrs
	}{
		{func() { report(hw.Attrs{{Key: "certificate", Value: "old"}}) }, 1, hw.Attrs{{Key: "certificate", Value: "old"}}},
		{func() { a.say(pinned("new")) }, 2, hw.Attrs{{Key: "certificate", Value: "new"}}},
		{func() { report(hw.Attrs{{Key: "certificate", Value: "new"}}) }, 2, hw.Attrs{{Key: "certificate", Value: "new"}}},
		{func() { a.reopen(); report(hw.Attrs{{Key: "certificate", Value: "new"}}) }, 2, hw.Attrs{{Key: "certificate", Value: "new"}}},
		{func() { report(nil) }, 2, hw.Attrs{{Key: "certificate", Value: "new"}}},
		{func() { report(hw.Attrs{}) }, 3, nil},
		{func() { a.reopen(); report(hw.Attrs{}) }, 3, nil},
	}
	for i, s := range steps {
		s.do()
		if got := learnedFacts(); got != s.facts {
			t.Errorf("step %d: %d facts, want %d", i, got, s.facts)
		}
		if d := cmp.Diff(s.want, a.Learned("srv-1")); d != "" {
			t.Errorf("step %d: %s", i, d)
		}
	}
	if got := a.Acts(); len(got) > 0 {
		t.Errorf("acts %v", got)
	}
	a.sound()
}

func TestSayRefuses(t *testing.T) {
	t.Parallel()
	b := open(t, options(t))
	many := make([]hw.Fact, 65)
	for i := range many {
		many[i] = lit(fmt.Sprint("drive/", i), hw.ActDone, true)
	}
	component := hw.Fact{Kind: hw.ComponentFact, Version: 1, Device: "srv-1", Component: "fan/1", Group: "environment", Value: hw.ComponentValue{}}
	for name, facts := range map[string][]hw.Fact{
		"nothing": nil, "too much": many, "one that is not said": {lit("drive/1", hw.ActDone, true), component},
		"a text too long": {pinned(strings.Repeat("x", 2000))},
	} {
		if err := b.Say(t.Context(), facts); err == nil {
			t.Errorf("%s was said", name)
		}
	}
	if got := b.Acts(); len(got) > 0 {
		t.Errorf("half of it was said: %v", got)
	}
	b.say(many[:64]...)
	b.stop()
	if err := b.Say(t.Context(), many[:1]); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestSayBeyondBounds: a device that has too many registers takes no new ones, known ones change; the rest
// of the flush is as ever.
func TestSayBeyondBounds(t *testing.T) {
	t.Parallel()
	const bound, each = 1 << 16, 8000
	b := open(t, options(t))
	b.say(lit("drive/1", hw.ActIntended, true))
	for n := range bound/each + 1 {
		r := visit("srv-1", start.Add(time.Duration(n)*time.Minute), uint64(n))
		for i := range each {
			r.Gaps = append(r.Gaps, hw.Gap{What: fmt.Sprintf("ports/%d.%d", n, i), Reason: hw.Garbage, From: r.Started, To: r.Started})
		}
		b.put(r)
	}
	err := b.Say(t.Context(), []hw.Fact{lit("drive/1", hw.ActDone, true), lit("drive/2", hw.ActDone, true)})
	if !errors.Is(err, store.ErrNoRoom) {
		t.Errorf("beyond the bound: %v", err)
	}
	if d := cmp.Diff([]string{"drive/1 locate intended true"}, actsOf(b)); d != "" {
		t.Errorf("half of it was said: %s", d)
	}
	b.say(lit("drive/1", hw.ActDone, true))
	other := lit("drive/1", hw.ActDone, true)
	other.Device = "srv-2"
	b.say(other)
	if n := len(b.Acts()); n != 2 {
		t.Errorf("%d acts", n)
	}
}

// TestSayOnAFullDisk: a person is told that it is not written yet; when there is room it is, and what
// was given up may be too.
func TestSayOnAFullDisk(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Dir = smallDisk(t, "16m")
	b := open(t, o)
	b.put(bulky(0, 1, 20<<10))
	fill := filepath.Join(o.Dir, "another")
	stuff(t, fill)
	failed := false
	for i := 0; i < 2000 && !failed; i++ { // some still go into the WAL
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		f := lit(fmt.Sprint("drive/", i), hw.ActDone, true)
		f.Value = hw.ActValue{Phase: hw.ActDone, Detail: strings.Repeat("x", 1000)}
		err := b.Say(ctx, []hw.Fact{f})
		cancel()
		if failed = err != nil; failed && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	if !failed {
		t.Fatal("all was written on a full disk")
	}
	require(t, os.Remove(fill))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	require(t, b.Say(ctx, []hw.Fact{lit("system", hw.ActDone, false)}))
}

// TestActsCountInEveryMode: what a person did last is what counts, at whichever box, and no visit says it
// again; what an island learned yields as its readings do.
func TestActsCountInEveryMode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	a, b, pair := w.leaderAndIsland()
	on, off := lit("drive/1", hw.ActDone, true), lit("drive/1", hw.ActDone, false)
	on.Device, off.Device = "sw-1", "sw-1"
	a.say(on)
	w.settle(pair)
	w.pass(30 * time.Second)
	b.say(off)
	w.settle(pair)
	for range 3 {
		for i, m := range pair {
			if d := cmp.Diff([]string{"drive/1 locate done false"}, actsOf(m.box)); d != "" {
				t.Fatalf("box %d: %s", i, d)
			}
		}
		w.pass(time.Minute)
		a.port(hw.OK)
		w.settle(pair)
	}
	said := 0
	for _, x := range a.all(zero, 100) {
		said += actRecords(t, &x)
	}
	if said != 2 {
		t.Errorf("%d facts say what two acts were", said)
	}
	w.same(a, b)
}

func actRecords(t *testing.T, b *journal.Batch) (n int) {
	t.Helper()
	body, err := new(journal.Compressor).Body(b)
	require(t, err)
	require(t, journal.Records(body, func(r journal.Record) error {
		if r.Type == journal.TypeFact && b.Stream == journal.Facts {
			f, err := journal.ParseFact(r.Payload)
			if err == nil && f.Kind == hw.ActFact {
				n++
			}
		}
		return nil
	}))
	return n
}
