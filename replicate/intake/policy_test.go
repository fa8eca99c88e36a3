package intake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// teller keeps what it was told last.
type teller struct {
	mu    sync.Mutex
	open  []intake.Alarm
	calls int
	fails int
}

func (l *teller) Tell(_ context.Context, open []intake.Alarm) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if l.fails > 0 {
		l.fails--
		return errors.New("the disk is full")
	}
	l.open = open
	return nil
}

func (l *teller) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *teller) told(code string) (found []intake.Alarm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.open {
		if a.Code == code {
			found = append(found, a)
		}
	}
	return found
}

// TestQuota: over it only facts come, the site and people are told why, who does not obey is refused, and at midnight
// the rest comes.
func TestQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &teller{}
		h := simulateHQ(t, 2, func(c *intake.Config) {
			c.Limits.Quota = intake.Quota{BytesPerDay: 20_000}
			c.Quota = func(site journal.ID, name string) (intake.Quota, bool) {
				return intake.Quota{}, site == siteID(1) && name == siteName(1)
			}
			c.Teller = l
			c.Now = func() time.Time { return time.Now().Add(23*time.Hour + 55*time.Minute) }
		})
		b, free := newBox(t, 0), newBox(t, 1)
		b.connect(h)
		free.connect(h)
		b.writes(journal.Samples, 100, 300)
		free.writes(journal.Samples, 100, 300)
		time.Sleep(time.Second) // it is over its quota now, and is told with the next look
		time.Sleep(2 * time.Second)
		b.writes(journal.Samples, 50, 300)
		b.writes(journal.Facts, 5, 0)
		time.Sleep(40 * time.Second)
		if b.there(h) || !facts(h.store.HeldOf(b.site())).Covers(facts(b.Held())) {
			t.Errorf("over its quota: all %v, facts %v", b.there(h), facts(h.store.HeldOf(b.site())))
		}
		if !free.there(h) {
			t.Error("a site without a quota is held back")
		}
		row := h.row(b.name)
		if !row.Pace.FactsOnly || len(row.PaceReasons) != 1 || !strings.Contains(b.live.Progress().Pace.Why, "quota") {
			t.Errorf("row %+v; the site was told %+v", row, b.live.Progress().Pace)
		}
		if got := l.told(intake.CodeQuota); len(got) != 1 || got[0].Component != intake.Component(b.site()) || got[0].Params.Get("site") != b.name {
			t.Errorf("told %+v", got)
		}
		disobeys(t, h, b.name)
		b.connect(h, ship.Behind)   // the liar had taken its place
		time.Sleep(6 * time.Minute) // midnight passes
		if !b.there(h) || h.row(b.name).Pace.FactsOnly || len(l.told(intake.CodeQuota)) != 0 {
			t.Errorf("the next day: there %v, told %v", b.there(h), l.told(intake.CodeQuota))
		}
		h.stop()
	})
}

func facts(v journal.Vector) journal.Vector {
	for k := range v {
		if k.Stream != journal.Facts {
			delete(v, k)
		}
	}
	return v
}

// disobeys sends what is not wanted.
func disobeys(t *testing.T, h *hq, name string) {
	t.Helper()
	liar := newBox(t, 0)
	conn, err := h.dial(name, ship.Behind)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	liar.writes(journal.Samples, 200, 10)
	raw := contentOf(t, liar.Store)
	go func() {
		_, _ = conn.Write(append(append(helloOf(liar.site(), journal.ID{9}, ship.Behind), holdsNothing()...), batchFrame(raw[0].Bytes)...))
	}()
	if got := string(listen(t, conn, frameRefuse)); !strings.Contains(got, "not wanted") || !strings.Contains(got, "quota") {
		t.Errorf("refused with %q", got)
	}
}

// TestOperatorsPace: a site is paused and let go by its name.
func TestOperatorsPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 1, nil)
		b := newBox(t, 0)
		b.connect(h)
		if err := h.SetPace(siteID(9), ship.Pace{Paused: true}); err == nil {
			t.Error("a site that is not enrolled was paused")
		}
		if err := h.SetPace(b.site(), ship.Pace{Paused: true, Why: "its clock is wrong"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		b.writes(journal.Facts, 3, 0)
		b.writes(journal.Samples, 3, 100)
		time.Sleep(30 * time.Second)
		if n := h.store.HeldOf(b.site()).Count(); n != 0 {
			t.Errorf("%d batches came of a site that is paused", n)
		}
		if row := h.row(b.name); !row.Pace.Paused || row.Silent || !strings.Contains(strings.Join(row.PaceReasons, ""), "its clock is wrong") {
			t.Errorf("row %+v", row)
		}
		if err := h.SetPace(b.site(), ship.Pace{}); err != nil {
			t.Fatal(err)
		}
		until(t, "all comes", func() bool { return b.there(h) })
		h.stop()
	})
}

// TestSilenceIsTold: one site by its name, many in one, and that they are back; also when telling fails at first.
func TestSilenceIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sites = 8
		l := &teller{fails: 1}
		h := simulateHQ(t, sites+1, func(c *intake.Config) { c.Teller = l })
		boxes, cuts := make([]*box, sites), make([]func(), sites)
		for n := range sites {
			boxes[n] = newBox(t, n)
			cuts[n] = boxes[n].connect(h)
		}
		time.Sleep(29 * time.Second)
		if l.asked() > 0 {
			t.Error("told before it is known who is silent")
		}
		time.Sleep(16 * time.Second)
		one := l.told(intake.CodeSilent)
		if len(one) != 1 || one[0].Component != intake.Component(siteID(sites)) || one[0].Params.Get("site") != siteName(sites) || one[0].Level != hw.LevelHigh {
			t.Fatalf("told %+v, want the site that never came", one)
		}
		for n := range 5 {
			cuts[n]()
		}
		time.Sleep(33 * time.Second)
		got := l.told(intake.CodeSilent)
		if len(got) != 2 || got[1].Component != intake.AllSites || got[1].Params.Get("count") != "5" || got[1].Params.Get("of") != "9" || got[1].Level != hw.LevelDisaster {
			t.Errorf("told %+v", got)
		}
		if n := h.Status().Totals.Silent; n != 6 {
			t.Errorf("%d silent in the status", n)
		}
		for n := range 5 {
			boxes[n].connect(h)
		}
		time.Sleep(5 * time.Second)
		if got := l.told(intake.CodeSilent); len(got) != 1 {
			t.Errorf("told %+v after they came back", got)
		}
		h.stop()
	})
}

// TestTheStoreFails: connections end with that reason, who comes is asked to come later, and when the store writes
// again all comes.
func TestTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 1, nil)
		b := newBox(t, 0)
		h.store.mu.Lock()
		h.store.before = func(context.Context, []journal.Batch) error { return errors.New("no space left on device") }
		h.store.mu.Unlock()
		b.writes(journal.Samples, 3, 100)
		b.connect(h, ship.Behind)
		time.Sleep(3 * time.Second)
		if h.Status().Totals.Failed == "" || b.behind.Progress().Connected {
			t.Errorf("totals %+v, connected %v", h.Status().Totals, b.behind.Progress().Connected)
		}
		r := (*refused)(nil)
		if _, err := h.dial(b.name, ship.Live); !errors.As(err, &r) || r.status != http.StatusServiceUnavailable || r.after == 0 {
			t.Errorf("let in by a store that cannot write: %v", err)
		}
		h.store.mu.Lock()
		h.store.before = nil
		h.store.mu.Unlock()
		time.Sleep(20 * time.Second)
		b.connect(h, ship.Behind)
		until(t, "all comes", func() bool { return b.there(h) })
		h.stop()
	})
}
