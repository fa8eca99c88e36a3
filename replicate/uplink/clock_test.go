package uplink

import (
	"net/http"
	"testing"
	"time"
)

// TestOffset: the median of what the dates say, whatever one of them says, and after a step of our own clock.
func TestOffset(t *testing.T) {
	t.Parallel()
	var o offsets
	now := time.Now()
	if _, known := o.offset(now, now); known {
		t.Error("it is known before anything was heard")
	}
	const ahead = 42 * time.Second
	for i := range 40 {
		sent := now.Add(time.Duration(i) * 1300 * time.Millisecond)
		answered := sent.Add(100 * time.Millisecond)
		date := sent.Add(50*time.Millisecond + ahead)
		if i%5 == 0 {
			date = date.Add(-time.Hour) // one that lies
		}
		o.add(http.Header{"Date": {date.UTC().Format(http.TimeFormat)}}, sent, answered)
	}
	o.add(http.Header{"Date": {"yesterday"}}, now, now)
	o.add(http.Header{"Date": {now.UTC().Format(http.TimeFormat)}}, now, now.Add(time.Minute)) // too slow to tell
	later := now.Add(time.Minute)
	if got, known := o.offset(later, later); !known || (got-ahead).Abs() > 700*time.Millisecond {
		t.Errorf("%v, want %v", got, ahead)
	}
	if got, _ := o.offset(later, later.Round(0).Add(time.Hour)); (got - ahead + time.Hour).Abs() > 700*time.Millisecond {
		t.Errorf("after our clock was put forward an hour: %v", got)
	}
	if len(o.list) != clockSamples {
		t.Errorf("%d are kept", len(o.list))
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	timing := Timing{Retry: time.Second, MostWait: time.Minute}
	for n, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 7: time.Minute, 1 << 30: time.Minute} {
		differ := map[time.Duration]bool{}
		for range 50 {
			d := backoff(n, timing)
			if d < most/2 || d > most {
				t.Errorf("after %d failures %v, want %v to %v", n, d, most/2, most)
			}
			differ[d] = true
		}
		if len(differ) < 10 {
			t.Errorf("after %d failures all wait the same", n)
		}
	}
}
