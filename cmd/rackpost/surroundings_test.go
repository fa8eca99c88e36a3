package main

import (
	"testing"
	"time"

	"rackpost/collectors"
)

// TestAnswersFromBeforeTheCut: what was read before a time proves nothing of the time after it, however late the visit ended.
func TestAnswersFromBeforeTheCut(t *testing.T) {
	t.Parallel()
	cut := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	visit := func(began, took time.Duration, failures int, unanswered bool) collectors.DeviceStatus {
		return collectors.DeviceStatus{LastVisit: cut.Add(began), Took: took, Failures: failures, Unanswered: unanswered}
	}
	const second = time.Second
	for _, c := range []struct {
		what            string
		visit           collectors.DeviceStatus
		answered, asked int
	}{
		{"never visited", collectors.DeviceStatus{}, 0, 0},
		{"ended before", visit(-9*second, 3*second, 0, false), 0, 0},
		{"failed before", visit(-9*second, 3*second, 1, true), 0, 0},
		{"begun before, failed after", visit(-3*second, 5*second, 1, true), 0, 1},
		{"begun before, answered to its end", visit(-3*second, 5*second, 0, false), 1, 1},
		{"begun before, silent in the end", visit(-3*second, 5*second, 0, true), 0, 0},
		{"begun after, silent in the end", visit(second, 5*second, 0, true), 1, 1},
		{"begun after", visit(second, 5*second, 0, false), 1, 1},
		{"begun and failed after", visit(second, 5*second, 4, true), 0, 1},
	} {
		if answered, asked := answers([]collectors.DeviceStatus{c.visit}, cut); answered != c.answered || asked != c.asked {
			t.Errorf("%s: %d of %d answered, want %d of %d", c.what, answered, asked, c.answered, c.asked)
		}
	}
}
