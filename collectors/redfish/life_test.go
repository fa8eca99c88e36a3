package redfish

import (
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func fixedNow() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func TestLife(t *testing.T) {
	t.Parallel()
	now := fixedNow()
	for name, tc := range map[string]struct {
		life, age, idle time.Duration
		byAge, stale    bool
	}{
		"used just now":          {30 * time.Minute, 3 * time.Hour, time.Minute, false, false},
		"unused":                 {30 * time.Minute, 3 * time.Hour, 23 * time.Minute, false, false},
		"unused for long":        {30 * time.Minute, 3 * time.Hour, 25 * time.Minute, false, true},
		"counts from the login":  {30 * time.Minute, 25 * time.Minute, 0, true, true},
		"a day old":              {30 * time.Minute, 25 * time.Hour, 0, false, true},
		"life not told":          {0, 3 * time.Hour, 2 * time.Hour, false, false},
		"minutes for seconds":    {30 * time.Second, 3 * time.Hour, time.Minute, false, false},
		"young, counts from the": {30 * time.Minute, 20 * time.Minute, 0, true, false},
	} {
		s := session{life: tc.life, born: now.Add(-tc.age), used: now.Add(-tc.idle), agedAt: now}
		if tc.byAge {
			s.aged = agedOften
		}
		if got := s.stale(now); got != tc.stale {
			t.Errorf("%s: stale %v", name, got)
		}
	}
}

func TestLearnsThatAgeCounts(t *testing.T) {
	t.Parallel()
	now := fixedNow()
	for name, tc := range map[string]struct {
		age, idle time.Duration
		want      bool
	}{
		"ended at its life though used": {30*time.Minute + 10*time.Second, time.Minute, true},
		"ended by somebody":             {5 * time.Minute, time.Minute, false},
		"lived longer than that":        {40 * time.Minute, time.Minute, false},
		"ended for want of use":         {31 * time.Minute, 31 * time.Minute, false},
	} {
		s := session{life: 30 * time.Minute, born: now.Add(-tc.age), used: now.Add(-tc.idle)}
		if s.learn(now); s.byAge(now) || s.aged > 0 != tc.want {
			t.Errorf("%s: at once %v, after %d", name, s.byAge(now), s.aged)
		}
		s.aged, s.agedAt = 1, now
		if s.learn(now); s.byAge(now) != tc.want {
			t.Errorf("%s: the second time %v", name, s.byAge(now))
		}
	}
}

// service ends sessions in use: by age, or one now and then.
type service struct {
	byAge bool
	lose  map[int]time.Duration // by number of the login: at which age
}

// logins counts the sessions of a client that asks each minute for a time.
func (x service) logins(s *session, from time.Time, total time.Duration) (n int) {
	for now := from; now.Sub(from) < total; now = now.Add(time.Minute) {
		if s.born.IsZero() || s.stale(now) {
			n, s.born, s.used = n+1, now, now
		}
		age := now.Sub(s.born)
		if at, lost := x.lose[n]; lost && age >= at || x.byAge && age >= s.life {
			s.learn(now)
			n, s.born, s.used = n+1, now, now
		}
		s.served(now)
	}
	return n
}

// A session lost by chance costs its own login and no more; a service that counts from the login is known by the
// second, and asked again once a day.
func TestSessionsLostByChance(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		service
		total      time.Duration
		from, most int
	}{
		"none lost":                  {service{}, 20 * time.Hour, 1, 1},
		"one at its life":            {service{lose: map[int]time.Duration{1: 30 * time.Minute}}, 20 * time.Hour, 2, 2},
		"one at its life, one later": {service{lose: map[int]time.Duration{1: 30 * time.Minute, 2: 2 * time.Hour, 3: 30 * time.Minute}}, 20 * time.Hour, 4, 4},
		"two in a row":               {service{lose: map[int]time.Duration{1: 30 * time.Minute, 2: 30 * time.Minute}}, 4 * day, 60, 64}, // for a day, then no more
		"by age":                     {service{byAge: true}, 4 * day, 230, 240},
	} {
		s := &session{life: 30 * time.Minute}
		if n := c.logins(s, fixedNow(), c.total); n < c.from || n > c.most {
			t.Errorf("%s: %d logins in %v, want %d to %d", name, n, c.total, c.from, c.most)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"30": 30 * time.Second, " 5 ": 5 * time.Second, "0": 0, "-3": 0, "99999999999999": time.Hour,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2020 03:05:05 GMT": 0, "Fri, 02 Jan 2099 03:05:05 GMT": time.Hour,
	} {
		if got, ok := retryAfter(http.Header{"Retry-After": {value}}, fixedNow()); !ok || got != want {
			t.Errorf("%q is %s, %v, want %s", value, got, ok, want)
		}
	}
	for _, value := range []string{"", "soon", "1.5"} {
		if _, ok := retryAfter(http.Header{"Retry-After": {value}}, fixedNow()); ok {
			t.Errorf("%q is taken", value)
		}
	}
}

// TestBucket: in any window there are at most burst + rate x time requests; who waits each time waits for one token, whatever
// was sent before, and who rested never waits.
func TestBucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate, burst := rapid.Float64Range(0.1, 20).Draw(t, "rate"), rapid.IntRange(1, 20).Draw(t, "burst")
		now := fixedNow()
		b := newBucket(rate, burst, now)
		var sent []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "rest ms")) * time.Millisecond)
			d := b.wait(now)
			if most := time.Duration(float64(time.Second)/rate) + time.Millisecond; d > most {
				t.Fatalf("a wait of %s, at %g a second", d, rate)
			}
			now = now.Add(d)
			sent = append(sent, now)
		}
		for i := range sent {
			for j := i; j < len(sent); j++ {
				if most := float64(burst) + rate*sent[j].Sub(sent[i]).Seconds() + 1e-3; float64(j-i+1) > most {
					t.Fatalf("%d requests within %s, at %g a second and %d at once", j-i+1, sent[j].Sub(sent[i]), rate, burst)
				}
			}
		}
		if d := b.wait(now.Add(time.Duration(float64(time.Second) * float64(burst) / rate))); d > time.Millisecond {
			t.Fatalf("a wait of %s after a rest", d)
		}
	})
}
