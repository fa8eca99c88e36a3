package collectors

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw"
)

func scopes(due []Section) []hw.Scope {
	var out []hw.Scope
	for _, s := range due {
		out = append(out, hw.Scope{Section: s.Name, Extent: hw.Complete})
	}
	return out
}

// drawNames draws sections to hasten, some of which no schedule has.
func drawNames(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 0, 6, rapid.ID).Draw(t, "hasten")
}

// read returns a schedule of a fast and a slow section whose grids begin at 0, after the visit
// at 0 that read both.
func read(t *testing.T, fast, slow time.Duration) schedule {
	t.Helper()
	s := schedule{sections: []timed{{Section: Section{Name: "fast", Period: fast}}, {Section: Section{Name: "slow", Period: slow}}}}
	if due, _ := s.take(0); len(due) != 2 {
		t.Fatalf("%d sections due at the start", len(due))
	}
	s.succeeded(0, nil)
	return s
}

func TestHastenedSectionIsDueSoon(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		fast, slow time.Duration
		end        instant
		visited    []string // by the visit that ends
		hasten     []string
		want       instant // of the slow section
	}{
		{"at once", time.Minute, time.Hour, 61 * time.Second, []string{"fast"}, []string{"slow"}, 61 * time.Second},
		{"not within the shortest period", time.Minute, time.Hour, 50 * time.Second, []string{"fast"}, []string{"slow"}, time.Minute},
		{"not within 30 s", time.Second, time.Hour, 5 * time.Second, []string{"fast"}, []string{"slow"}, 30 * time.Second},
		{"nothing named", time.Minute, time.Hour, 61 * time.Second, []string{"fast"}, nil, time.Hour},
		{"read by this visit", time.Minute, time.Hour, 61 * time.Second, []string{"fast", "slow"}, []string{"slow"}, time.Hour},
		{"switched off or unknown", time.Minute, time.Hour, 61 * time.Second, []string{"fast"}, []string{"daily"}, time.Hour},
		{"its period is sooner", time.Minute, time.Minute, 50 * time.Second, []string{"fast"}, []string{"slow"}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := read(t, c.fast, c.slow)
			var due []Section
			for _, name := range c.visited {
				due = append(due, Section{Name: name})
			}
			s.hasten(c.end, scopes(due), c.hasten)
			if got := s.sections[1].soonest(); got != c.want {
				t.Errorf("due at %v, want %v", got, c.want)
			}
			if next, _ := s.promised(); next != c.fast {
				t.Errorf("promises a visit at %v, want %v", next, c.fast)
			}
		})
	}
}

// A hastened visit reads what is hastened only, is never counted as missed, and leaves the
// grid of the others as it was.
func TestHastenedVisitReadsOnlyWhatIsDue(t *testing.T) {
	t.Parallel()
	s := read(t, time.Minute, time.Hour)
	s.take(time.Minute)
	s.succeeded(62*time.Second, nil)
	s.hasten(62*time.Second, scopes([]Section{{Name: "fast"}}), []string{"slow"})
	if promised, _ := s.promised(); promised != 2*time.Minute {
		t.Errorf("promises a visit at %v", promised)
	}
	due, lost := s.take(70 * time.Second)
	if len(due) != 1 || due[0].Name != "slow" || lost.count != 0 {
		t.Errorf("read %v, %d missed", due, lost.count)
	}
	s.succeeded(71*time.Second, nil)
	if next, _ := s.next(); next != 2*time.Minute {
		t.Errorf("the next visit is due at %v", next)
	}
	if s.sections[1].due != time.Hour {
		t.Errorf("the slow section is due at %v", s.sections[1].due)
	}
	if due, lost := s.take(2 * time.Minute); len(due) != 1 || due[0].Name != "fast" || lost.count != 0 {
		t.Errorf("then read %v, %d missed", due, lost.count)
	}
}

// A hastened section whose visit failed or was called off is still due.
func TestHastenedSectionIsNotLostWithItsVisit(t *testing.T) {
	t.Parallel()
	s := read(t, time.Minute, time.Hour)
	s.hasten(2*time.Minute, nil, []string{"slow"})
	due, _ := s.take(2 * time.Minute)
	s.failed(2*time.Minute, 2*time.Minute, due, hw.NoAnswer)
	next, _ := s.next()
	due, _ = s.take(next)
	if !slices.ContainsFunc(due, func(d Section) bool { return d.Name == "slow" }) {
		t.Errorf("the next visit reads %v", due)
	}
}

// Whatever is hastened, and when: a section named is read within the bound or at its period,
// no section is read more often than its period and the pause allow, and no visit is missed
// by it nor promised sooner than one comes.
func TestHastenedSectionsAreReadInTimeAndNotTooOften(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule(drawID(t), drawSections(t), false)
		pause := max(s.shortest(), hastenPause)
		last, wanted := map[string]instant{}, map[string]instant{}
		for range 60 {
			now, _ := s.next()
			if promised, _ := s.promised(); promised < now {
				t.Fatalf("a visit at %v was promised for %v", now, promised)
			}
			grid := map[string]instant{}
			for _, x := range s.sections {
				grid[x.Name] = x.due - x.Period/joinShare
			}
			due, lost := s.take(now)
			if lost.count != 0 {
				t.Fatalf("%d visits missed", lost.count)
			}
			for _, d := range due {
				if before, known := last[d.Name]; known && now < grid[d.Name] && now-before < pause {
					t.Fatalf("section of %v read again after %v", d.Period, now-before)
				}
				last[d.Name] = now
				delete(wanted, d.Name)
			}
			for name, by := range wanted {
				if by <= now {
					t.Fatalf("%s was to be read by %v and is not at %v", name, by, now)
				}
			}
			end := now + time.Duration(rapid.Int64Range(0, int64(s.shortest()/20)).Draw(t, "took"))
			s.succeeded(end, scopes(due))
			names := drawNames(t)
			s.hasten(end, scopes(due), names)
			for _, x := range s.sections {
				if _, already := wanted[x.Name]; !already && slices.Contains(names, x.Name) && last[x.Name] != now {
					wanted[x.Name] = max(end, last[x.Name]+pause)
				}
			}
		}
	})
}
