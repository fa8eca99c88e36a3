package collectors

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw"
)

// drawFirst draws sections of which some are read first.
func drawFirst(t *rapid.T) []Section {
	all := drawSections(t)
	for i := range all {
		all[i].First = rapid.Bool().Draw(t, "first")
	}
	return all
}

// beating returns a schedule of a heartbeat a minute and two slower sections, all on one grid that begins at 0.
func beating() schedule {
	return schedule{sections: []timed{
		{Section: Section{Name: "beat", Period: time.Minute, First: true}},
		{Section: Section{Name: "slow", Period: 5 * time.Minute}},
		{Section: Section{Name: "slower", Period: time.Hour}},
	}}
}

func names(due []Section) (list []string) {
	for _, s := range due {
		list = append(list, s.Name)
	}
	return list
}

// What is read first is never read together with what is not, the others follow at once, and no section
// waits longer than its period allows.
func TestFirstSectionsAreReadAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule(drawID(t), drawFirst(t), false)
		took := time.Duration(rapid.Int64Range(0, int64(s.shortest()/40)).Draw(t, "took"))
		last := map[string]instant{}
		var now instant
		for range 60 {
			due, _ := s.next()
			now = max(now, due)
			pending := map[string]bool{}
			for _, x := range s.ripe(now) {
				pending[x.Name] = true
			}
			read, lost := s.take(now)
			if len(read) == 0 || lost.count != 0 {
				t.Fatalf("at %v: %v due, %d missed", now, read, lost.count)
			}
			for _, d := range read {
				if d.First != read[0].First {
					t.Fatalf("%v are read together", names(read))
				}
				if before, known := last[d.Name]; known && now-before > d.Period+d.Period/joinShare+took {
					t.Fatalf("section of %v read after %v", d.Period, now-before)
				}
				last[d.Name] = now
			}
			behind := len(pending) > len(read)
			if next, _ := s.next(); behind && next > now {
				t.Fatalf("%v wait for %v, and %v were read at %v", pending, next, names(read), now)
			}
			now += took
			s.succeeded(now, scopes(read))
			if promised, _ := s.promised(); promised <= now-took {
				t.Fatalf("at %v a visit is promised for %v", now, promised)
			}
		}
	})
}

// The report of a heartbeat promises the next one, whatever follows it, and so does that of what follows.
func TestHeartbeatPromisesTheNext(t *testing.T) {
	t.Parallel()
	s := beating()
	var read []string
	for now := instant(0); now < 110*time.Minute; {
		due, lost := s.take(now)
		read = append(read, names(due)...)
		s.succeeded(now+time.Second, scopes(due))
		minute := now.Truncate(time.Minute)
		if promised, _ := s.promised(); promised != minute+time.Minute || lost.count != 0 {
			t.Fatalf("at %v after %v a visit is promised for %v; %d missed", now, names(due), promised, lost.count)
		}
		next, _ := s.next()
		now = max(next, now+time.Second)
	}
	for name, want := range map[string]int{"beat": 110, "slow": 22, "slower": 2} {
		if got := len(read) - len(slices.DeleteFunc(slices.Clone(read), func(n string) bool { return n == name })); got != want {
			t.Errorf("%s was read %d times, want %d", name, got, want)
		}
	}
}

// A heartbeat that fails is not followed: the others are due with the next one, after the back-off, and nothing of
// that time is missed.
func TestFailedHeartbeatIsNotFollowed(t *testing.T) {
	t.Parallel()
	s := beating()
	var now instant
	for n := range 6 {
		due, lost := s.take(now)
		if !slices.Equal(names(due), []string{"beat"}) || lost.count != 0 {
			t.Fatalf("visit %d, at %v, reads %v; %d missed", n, now, names(due), lost.count)
		}
		s.failed(now, now+time.Second, due, hw.NoAnswer)
		next, _ := s.next()
		if next < now+time.Minute || s.spent(next) != 0 {
			t.Fatalf("after visit %d at %v the next one is at %v, with %v of its budget gone", n, now, next, s.spent(next))
		}
		now = next
	}
	due, _ := s.take(now)
	s.succeeded(now+time.Second, scopes(due))
	if next, _ := s.next(); next > now+time.Second {
		t.Fatalf("the others wait until %v, at %v", next, now)
	}
	if spent := s.spent(now + 2*time.Second); spent != 2*time.Second {
		t.Errorf("%v of the budget are gone", spent)
	}
	due, lost := s.take(now + 2*time.Second)
	if !slices.Equal(names(due), []string{"slow", "slower"}) || lost.count != 0 {
		t.Errorf("then %v are read; %d missed", names(due), lost.count)
	}
	s.succeeded(now+8*time.Second, scopes(due))
	if next, _ := s.next(); next <= now+8*time.Second || next > now+time.Minute+time.Minute/joinShare {
		t.Errorf("at %v the next visit is due at %v", now, next)
	}
}

// What was late is missed once, and not again by the visit that follows.
func TestFollowingVisitMissesNothing(t *testing.T) {
	t.Parallel()
	s := beating()
	s.take(0)
	s.take(time.Second)
	s.succeeded(9*time.Second, nil)
	late := 21 * time.Minute
	if _, lost := s.take(late); lost.count != 20 || lost.from != time.Minute {
		t.Errorf("%d missed from %v", lost.count, lost.from)
	}
	s.succeeded(late+time.Second, nil)
	if due, lost := s.take(late + time.Second); len(due) != 1 || due[0].Name != "slow" || lost.count != 0 {
		t.Errorf("%v read, %d missed", names(due), lost.count)
	}
}

func TestFollowingVisitSharesTheBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, shortest, spent, want time.Duration }{
		{0, time.Minute, 0, 54 * time.Second},
		{0, time.Minute, 18 * time.Second, 36 * time.Second},
		{0, time.Minute, 50 * time.Second, 10 * time.Second},
		{0, time.Second, time.Second, 10 * time.Second},
		{20 * time.Second, time.Minute, 5 * time.Second, 15 * time.Second},
		{5 * time.Second, time.Minute, 4 * time.Second, 5 * time.Second},
	} {
		if got := (Watched{Budget: c.set}).budget(c.shortest, c.spent); got != c.want {
			t.Errorf("%v of a budget of %v, every %v, are gone: %v left, want %v", c.spent, c.set, c.shortest, got, c.want)
		}
	}
}
