package web_test

import (
	"testing"
	"time"

	"rackpost/web"
)

// TestMissingLine: since when samples are missing is told where it is known, and not made up where it is not.
func TestMissingLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for want, m := range map[string]web.RemoteWriteMissing{
		"a gap at the receiver: 3 samples of 2026-11-21 11:00:00 to 2026-11-21 12:00:00 UTC: the receiver refuses them (no)":                    {Reason: "rejected", Samples: 3, First: at.Add(-time.Hour), Last: at, Words: "no"},
		"a gap at the receiver: samples up to 2026-11-21 12:00:00 UTC: dropped here before they could be written: give the journal more budget": {Reason: "trimmed", Last: at},
	} {
		if got := m.Line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
