package main

import (
	"testing"
	"time"

	"rackpost/replicate/mode"
)

// Sessions that end as soon as they begin are begun later and later, and told of once a minute.
func TestLinesThatDoNotLast(t *testing.T) {
	t.Parallel()
	l, id, now := newLines(), mode.NodeID{1}, time.Unix(1_000_000, 0)
	var waited []time.Duration
	told, retry := 0, lineRetry
	for range 20 {
		if l.isNews(id, now, true) {
			told++
		}
		retry = nextRetry(retry, 100*time.Millisecond)
		waited = append(waited, retry)
		now = now.Add(retry)
	}
	if waited[0] != 2*time.Second || waited[19] != lineRetryMost {
		t.Errorf("waited %v", waited)
	}
	if minutes := int(now.Sub(time.Unix(1_000_000, 0)) / time.Minute); told < 2 || told > minutes+1 {
		t.Errorf("told %d times in %d minutes", told, minutes)
	}
	if got := nextRetry(retry, lineSoon); got != lineRetry {
		t.Errorf("after a session that lasted it waits %v", got)
	}
	if !l.isNews(mode.NodeID{2}, now, false) {
		t.Error("another box's session is no news")
	}
}
