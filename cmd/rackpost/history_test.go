package main

import (
	"testing"
	"time"

	"rackpost/hw"
	"rackpost/store"
)

// A client must be able to tell a counter that began anew from one that fell.
func TestPointTellsTheCountersStart(t *testing.T) {
	t.Parallel()
	began := time.UnixMilli(1_790_000_000_000).UTC()
	counter := store.Point{Type: hw.Counter, At: began.UnixMilli() + 60_000, Count: 7, StartMS: began.UnixMilli()}
	if p := pointOf(counter); !p.Start.Equal(began) || p.Value.String() != "7" {
		t.Errorf("got %+v", p)
	}
	unknown, gauge, absent := counter, counter, counter
	unknown.StartMS, gauge.Type, absent.Absent = 0, hw.Gauge, hw.NoAnswer
	for _, x := range []store.Point{unknown, gauge, absent} {
		if p := pointOf(x); !p.Start.IsZero() {
			t.Errorf("%+v has a start: %+v", x, p)
		}
	}
}
