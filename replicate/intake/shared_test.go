package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// TestRoomOfASite: one site can have the largest that there is, and no two; the rest is for others, each a part.
func TestRoomOfASite(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	r := intake.NewRoom(96 * mb)
	a, b, c := r.Site(), r.Site(), r.Site()
	live, behind := a.Lane(), a.Lane()
	if !behind.Take(60*mb) || live.Take(5*mb) || !live.Take(4*mb) {
		t.Error("a site cannot have 64 MB, or more than that")
	}
	other := b.Lane()
	if other.Take(20*mb) || !other.Take(18*mb) {
		t.Error("a second site has more than a fifth, or cannot have that")
	}
	third := c.Lane()
	if third.Take(15*mb) || !third.Take(14*mb) {
		t.Error("what is left is not for others")
	}
	behind.Give(60 * mb)
	if !other.Take(20 * mb) {
		t.Error("what was given back is not there")
	}
	live.Give(4 * mb)
	other.Give(38 * mb)
	third.Give(14 * mb)
	if n := r.Taken(); n != 0 {
		t.Errorf("%d bytes are taken by nobody", n)
	}
}

// TestRoomIsGivenBack: who has had memory for a minute that others find none of loses it, the greatest first; nobody does before, and
// nobody because of one that asks for more than its part.
func TestRoomIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		r := intake.NewRoom(96 * mb)
		a, b, c := r.Site().Lane(), r.Site().Lane(), r.Site().Lane()
		a.Take(64 * mb)
		b.Take(18 * mb)
		time.Sleep(59 * time.Second)
		if c.Take(15*mb) || r.Overdue() != nil {
			t.Error("it is taken away before its time")
		}
		time.Sleep(time.Second)
		if r.Overdue() != nil {
			t.Error("nobody wanted it since")
		}
		if c.Take(30*mb) || r.Overdue() != nil {
			t.Error("one that wants more than its part takes it from others")
		}
		if c.Take(15*mb) || r.Overdue() != a {
			t.Error("the one that has the most keeps it")
		}
		if r.Overdue() != nil {
			t.Error("a second one loses its own for the same wish")
		}
	})
}

// TestWhoHoldsMemoryLosesIt: a site that fills the common memory and goes no further is cut off when others need it, and they get through.
func TestWhoHoldsMemoryLosesIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 2, nil)
		intake.SetRoom(h.Intake, 2<<20-200_000)
		hoarder, b := newBox(t, 0), newBox(t, 1)
		conn, err := h.dialAs(hoarder.name, ship.Behind, hoarder.Origin().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		heard := make(chan string, 1)
		go func() {
			defer close(heard)
			heard <- string(listen(t, conn, frameEnd))
		}()
		go func() {
			_, _ = conn.Write(append(append(helloOf(hoarder.site(), hoarder.Origin(), ship.Behind), holdsNothing()...), bigFrames(2<<20, 2<<20-1)...))
			for {
				time.Sleep(4 * time.Second)
				if _, err := conn.Write(frame(7, []byte{1, 0, 0, 0})); err != nil {
					return
				}
			}
		}()
		time.Sleep(50 * time.Second)
		b.writes(journal.Logs, 1, 400_000)
		for range 30 {
			if b.there(h) {
				break
			}
			conn, err := h.dialAs(b.name, ship.Behind, b.Origin().String())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			_ = b.behind.Run(ctx, conn)
			cancel()
			time.Sleep(2 * time.Second)
		}
		if !b.there(h) {
			t.Errorf("it does not come through: %s", h.row(b.name).Behind.Reason)
		}
		if why := <-heard; !strings.Contains(why, "others need the memory") {
			t.Errorf("who held it was told %q", why)
		}
		h.stop()
	})
}

// bigFrames announce a batch and bring so many bytes of it.
func bigFrames(total, come int) (out []byte) {
	head := []byte{0x80 | byte(total&0x7f), 0x80 | byte(total>>7&0x7f), 0x80 | byte(total>>14&0x7f), byte(total >> 21)}
	out = frame(frameBatch, head)
	for ; come > 0; come -= 60_000 {
		out = append(out, frame(14, make([]byte, min(come, 60_000)))...)
	}
	return out
}

// TestCostlyBatches: batches of a few bytes that unpack to megabytes are merged a few at a time: others do not wait for all of them.
func TestCostlyBatches(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	b := newBox(t, 0)
	var mu sync.Mutex
	most, batches := 0, 0
	h.store.mu.Lock()
	h.store.before = func(_ context.Context, all []journal.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		sum := 0
		for i := range all {
			sum += all[i].Unpacked()
		}
		most, batches = max(most, sum), batches+len(all)
		return nil
	}
	h.store.mu.Unlock()
	for range 40 {
		if _, err := b.Store.Write(t.Context(), journal.Logs, noon.UnixMilli(), journal.Leader, make([]byte, 15<<20), 1); err != nil {
			t.Fatal(err)
		}
	}
	b.connect(h)
	until(t, "all is there", func() bool { return b.there(h) })
	if most > 200<<20 {
		t.Errorf("of %d batches some were merged together that unpack to %d MB", batches, most>>20)
	}
}

// keptDay is intake.Days in memory.
type keptDay struct {
	mu    sync.Mutex
	day   intake.Day
	saves int
	fails error
}

func (k *keptDay) Load() (intake.Day, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.day, k.fails
}

func (k *keptDay) Save(d intake.Day) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.saves++; k.fails == nil {
		k.day = d
	}
	return k.fails
}

func (k *keptDay) saved() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.saves
}

// TestQuotaOverRestart: what a site brought today counts after a restart of headquarters too, orderly or not; on the next day it does
// not, and what cannot be read is said.
func TestQuotaOverRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		days, log, store := &keptDay{}, &logged{}, newMany()
		start := func() *hq {
			return simulateHQ(t, 2, func(c *intake.Config) {
				c.Limits.Quota, c.Days, c.Logger, c.Store = intake.Quota{BytesPerDay: 20_000}, days, log.logger(), store
				c.Now = func() time.Time { return time.Now().Add(12 * time.Hour) }
			})
		}
		h := start()
		b := newBox(t, 0)
		cut := b.connect(h)
		b.writes(journal.Samples, 50, 300)
		time.Sleep(15 * time.Second)
		crash, _ := days.Load() // what a crash would find now
		if n := crash.Bytes[b.site()]; n < 15_000 || n != h.row(b.name).BytesToday {
			t.Errorf("%d bytes are kept, %d were brought", n, h.row(b.name).BytesToday)
		}
		b.writes(journal.Samples, 50, 300)
		time.Sleep(time.Second)
		brought := h.row(b.name).BytesToday
		cut()
		h.stop()
		h = start()
		cut = b.connect(h)
		time.Sleep(3 * time.Second)
		if row := h.row(b.name); row.BytesToday < brought || brought < 25_000 || !row.Pace.FactsOnly {
			t.Errorf("after a restart %d of %d bytes count; %+v", row.BytesToday, brought, row.Pace)
		}
		saves := days.saved()
		time.Sleep(time.Minute)
		if n := days.saved() - saves; n > 0 {
			t.Errorf("kept %d times though nothing came", n)
		}
		time.Sleep(12 * time.Hour)
		if row := h.row(b.name); row.BytesToday >= brought || row.Pace.FactsOnly || !b.there(h) {
			t.Errorf("the next day: %+v", row)
		}
		cut()
		h.stop()
		days.day, days.fails = intake.Day{}, errors.New("the disk is broken")
		h = start()
		h.stop()
		if got := log.lines("the disk is broken"); len(got) == 0 || !strings.Contains(got[0], "begin anew") {
			t.Errorf("said: %q", got)
		}
	})
}

// TestTooMuchIsTold: batches that would have too much remembered of a site are refused in its name, told to it and to people.
func TestTooMuchIsTold(t *testing.T) {
	t.Parallel()
	l := &teller{}
	h := newHQ(t, 2, func(c *intake.Config) { c.Teller, c.Limits.Silent = l, time.Nanosecond })
	b, other := newBox(t, 0), newBox(t, 1)
	h.store.mu.Lock()
	h.store.before = func(_ context.Context, batches []journal.Batch) error {
		for i := range batches {
			if batches[i].Site == b.site() {
				return fmt.Errorf("merge batch %s: %w: it would have begun more than 5 streams", batches[i].Key, journal.ErrTooMuch)
			}
		}
		return nil
	}
	h.store.mu.Unlock()
	b.writes(journal.Facts, 3, 0)
	b.connect(h)
	other.writes(journal.Facts, 3, 0)
	other.connect(h)
	until(t, "the other's come", func() bool { return other.there(h) })
	until(t, "it is refused", func() bool { return h.row(b.name).Refusals["too_much"] > 0 })
	until(t, "the site is told", func() bool { return strings.Contains(b.behind.Progress().Says, "5 streams") })
	until(t, "people are told", func() bool {
		got := l.told(intake.CodeRefused)
		return len(got) == 1 && got[0].Params.Get("reason") == "too_much" && got[0].Params.Get("site") == b.name
	})
	if row := h.row(b.name); !strings.Contains(row.LastRefusal, "5 streams") {
		t.Errorf("row %+v", row)
	}
}

// TestConflictsAreCounted: other content under a held key stands in the row of the site, once, and the site is told.
func TestConflictsAreCounted(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	b, copied := newBox(t, 0), newBox(t, 0)
	b.writes(journal.Logs, 1, 100)
	cut := b.connect(h)
	until(t, "it is there", func() bool { return b.there(h) })
	cut()
	copied.writes(journal.Logs, 1, 90) // under the same key
	conn, err := h.dialAs(b.name, ship.Live, b.Origin().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw := contentOf(t, copied.Store)[0].Bytes
	if _, err := conn.Write(append(append(helloOf(b.site(), b.Origin(), ship.Live), holdsNothing()...), batchFrame(raw)...)); err != nil {
		t.Fatal(err)
	}
	if got := string(listen(t, conn, frameNote)); !strings.HasPrefix(got, "1 batch") {
		t.Errorf("the site is told %q", got)
	}
	if row := h.row(b.name); row.Conflicts != 1 {
		t.Errorf("row %+v", row)
	}
}
