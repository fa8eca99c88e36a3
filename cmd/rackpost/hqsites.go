package main

import (
	"strings"
	"time"

	"rackpost/replicate/intake"
	"rackpost/web/api"
)

// siteRow is what the API tells of a site.
func siteRow(s intake.SiteStatus, now time.Time) api.Site {
	row := api.Site{
		ID: s.Site.String(), Name: s.Name, Connected: s.Live.Connected, Heard: s.LastHeard, Today: s.BytesToday,
		FactsOnly: s.Pace.FactsOnly, Missing: s.Lacks, Refused: s.Refused, Reason: s.LastRefusal,
	}
	if len(s.PaceReasons) > 0 {
		row.Reason = strings.Join(s.PaceReasons, "; ")
	}
	if !s.LastHeard.IsZero() {
		age := max(now.Sub(s.LastHeard).Seconds(), 0)
		row.Silent = &age
	}
	if s.Live.Connected {
		lag := float64(s.LagMS) / 1000
		row.Lag = &lag
	}
	if s.ClockKnown {
		row.OffsetMS = &s.ClockOffsetMS
	}
	return row
}
