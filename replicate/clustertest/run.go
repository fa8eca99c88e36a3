package clustertest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const (
	tickEvery = 100 * time.Millisecond
	healLimit = 90 * time.Second // beside the time for which a member has to be stable
)

// templates are the disks of members that once agreed, by how many they are.
type templates [most + 1][most]control

// make has members agree for the first time.
func (t *templates) make(tb *testing.T, size int) {
	synctest.Test(tb, func(tb *testing.T) {
		w := newWorld(tb, 0, size)
		w.found, w.slack = true, time.Hour
		w.startAll()
		if ok, why := w.settle(healLimit + w.timers.SettleMost); !ok {
			tb.Errorf("%d members do not come together: %s: %s", size, why, w.describe())
		}
		for who := range size {
			t[size][who] = w.disks[who].image()
		}
		w.end()
		for _, p := range w.oracle.failed() {
			tb.Error(p)
		}
	})
}

// world is one of members that agreed before.
func (t *templates) world(tb testing.TB, seed uint64, size int) *World {
	w := newWorld(tb, seed, size)
	for who := range size {
		w.disks[who].restore(t[size][who])
	}
	return w
}

func (w *World) startAll() {
	for who := range w.size {
		w.restart(who)
	}
}

// due is an end of a fault.
type due struct {
	at   time.Time
	over func()
}

// play has the schedule happen, and everything heal at its end.
func (w *World) play(s schedule) {
	began := time.Now()
	var ends []due
	for time.Since(began) < faultsEnd {
		for len(s) > 0 && s[0].at <= time.Since(began) {
			ends = append(ends, due{began.Add(s[0].at + s[0].lasts), w.happen(s[0])})
			s = s[1:]
		}
		ends = slices.DeleteFunc(ends, func(d due) bool {
			if time.Now().Before(d.at) {
				return false
			}
			d.over()
			return true
		})
		w.rest()
		w.oracle.tick()
		if len(w.oracle.failed()) > 0 {
			break
		}
	}
	for _, d := range ends {
		d.over()
	}
}

// rest lets time pass until the next tick, and everybody do what is to be done by then.
func (w *World) rest() {
	time.Sleep(tickEvery)
	synctest.Wait()
}

// settle waits until all members agree, at most for limit.
func (w *World) settle(limit time.Duration) (ok bool, why string) {
	for began := time.Now(); time.Since(began) < limit; {
		w.rest()
		w.oracle.tick()
		if why = w.unsettled(); why == "" {
			return true, ""
		}
	}
	return false, why
}

// unsettled says what is missing until one member has authority, all vote, and all hold the same.
func (w *World) unsettled() string {
	list := w.awake()
	if len(list) < w.size {
		return "not all run"
	}
	at := slices.IndexFunc(list, func(m member) bool { return m.Authority })
	if at < 0 {
		return "nobody has authority"
	}
	leader := list[at]
	for _, m := range leader.Members {
		if m.Vote.String() != "voter" {
			return fmt.Sprintf("%s has no vote", names[w.whois(raftAddress(m.Node))])
		}
	}
	for i, m := range list {
		switch {
		case i != at && m.Authority:
			return "two have authority"
		case m.Generation != leader.Generation:
			return "they are of different generations"
		case w.oracle.over() && len(m.machine.chain()) != len(leader.machine.chain()) || !m.machine.agrees(leader.machine):
			return fmt.Sprintf("%s has not applied what %s has", m.process, leader.process)
		}
	}
	a, b := list[boxA], list[boxB]
	if w.oracle.over() && !a.disk.journal.Held().Equal(b.disk.journal.Held()) || !a.keeper.line.CaughtUp() {
		return "their journals differ"
	}
	return ""
}

// heal waits until everything is well again. A person helps where only a person can: where both boxes were taken over, or
// where the only other vote is gone for good.
func (w *World) heal() (byHand bool) {
	limit := healLimit + w.timers.SettleMost
	ok, why := w.settle(limit / 3)
	if !ok && w.leaderless() {
		byHand = w.help()
		ok, why = w.settle(limit)
	} else if !ok {
		ok, why = w.settle(limit - limit/3)
	}
	if !ok && w.forgotten() {
		return byHand
	}
	if !ok {
		w.oracle.fail("all faults are over, and after %v: %s: %s", limit, why, w.describe())
	}
	return byHand
}

// forgotten says whether no box holds anything that was agreed on: one gave up what it held for one that took over, and the
// disk of that one was lost before the other had caught up. A person begins anew, with what the conflict report holds.
func (w *World) forgotten() bool {
	w.oracle.gone = !slices.ContainsFunc(w.awake(), func(m member) bool { return m.Applied > 0 })
	return w.oracle.gone && !w.oracle.forgot.IsZero() && w.oracle.forced()
}

func (w *World) leaderless() bool {
	return !slices.ContainsFunc(w.awake(), func(m member) bool { return m.Authority })
}

// help is what a person does who finds two boxes without authority: take over on the one that holds the most.
func (w *World) help() bool {
	list := slices.DeleteFunc(w.awake(), func(m member) bool { return m.who == witness })
	slices.SortFunc(list, func(a, b member) int { return cmp.Compare(b.Applied, a.Applied) })
	return slices.ContainsFunc(list, func(m member) bool { return w.takeOver(m.who, "nobody has authority") == nil })
}

// outcome is what became of one world.
type outcome struct {
	problems []string
	byHand   bool
	gone     bool          // all that was agreed on, on every box
	worst    time.Duration // between two visits
	acks     int
	agreed   int
	tried    int
	acts     int
	took     time.Duration // simulated
	log      []string
}

// run plays one schedule.
func (t *templates) run(tb *testing.T, seed uint64, size int, s schedule, prepare func(*World)) (out outcome) {
	synctest.Test(tb, func(tb *testing.T) {
		w := t.world(tb, seed, size)
		w.slack, w.proposals = 2*time.Second+w.timers.DiskSlow, time.Duration(seed%3)*700*time.Millisecond
		if prepare != nil {
			prepare(w)
		}
		w.startAll()
		w.play(s)
		if len(w.oracle.failed()) == 0 {
			out.byHand = w.heal()
		}
		out.gone = w.oracle.gone
		if len(w.oracle.failed()) == 0 && !out.gone {
			w.quiesce()
			w.oracle.remains()
		}
		w.oracle.holds()
		w.end()
		o := w.oracle
		out.problems, out.worst, out.took = o.failed(), o.worst, time.Since(w.began)
		if w.log != nil {
			out.log = w.log.lines
		}
		out.acks, out.agreed, out.tried, out.acts = len(o.acks), len(o.agreed), o.tried, len(o.acts)
	})
	return out
}

// quiesce ends the work and waits until all of it has arrived.
func (w *World) quiesce() {
	w.oracle.finish()
	if ok, why := w.settle(healLimit / 2); !ok {
		w.oracle.fail("at rest: %s: %s", why, w.describe())
	}
}
