package main

import (
	"testing"
	"time"
)

// TestPauses: only short lives in a row are held back, from the fourth on, for 5 s to 10 min from the last start; an order is never.
func TestPauses(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state string
		short int
		after time.Duration
		want  time.Duration
	}{
		{"", 0, 0, 0},
		{lifeBegun, 2, 0, 0},
		{lifeBegun, 3, 0, 5 * time.Second},
		{lifeBegun, 3, 2 * time.Second, 3 * time.Second},
		{lifeBegun, 3, time.Minute, 0},
		{lifeBegun, 4, 0, 10 * time.Second},
		{lifeBegun, 9, 0, 320 * time.Second},
		{lifeBegun, 10, 0, 10 * time.Minute},
		{lifeBegun, 1 << 40, time.Minute, 9 * time.Minute},
		{lifeBegun, 10, -time.Hour, 10 * time.Minute}, // the clock was set back
		{lifeOrdered, 10, 0, 0},
		{lifeLasting, 10, 0, 0},
	} {
		l := lives{Began: noon, Short: c.short, State: c.state}
		if got := l.pause(noon.Add(c.after)); got != c.want {
			t.Errorf("%s after %d short lives, %s after the start: %s, want %s", c.state, c.short, c.after, got, c.want)
		}
	}
}

// TestShortLivesInARow: what a day of a box that dies at once comes to, and that a life that lasts or an order ends it.
func TestShortLivesInARow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	end, starts := now.Add(24*time.Hour), 0
	var l lives
	for ; now.Before(end); starts++ {
		now = now.Add(5*time.Second + l.pause(now.Add(5*time.Second))) // RestartSec
		l = lives{Began: now, Short: l.short(), State: lifeBegun}
	}
	if starts < 24*6 || starts > 24*6+10 {
		t.Errorf("%d starts a day", starts)
	}
	l.State = lifeOrdered
	if l = (lives{Began: now, Short: l.short(), State: lifeBegun}); l.pause(now) != mostPause {
		t.Error("an order made a box that dies at once a sound one")
	}
	if l.State = lifeLasting; l.short() != 0 {
		t.Error("a life that lasted counts as short")
	}
}
