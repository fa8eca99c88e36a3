package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/web/api"
)

// Sites implements api.Sites: what the API, rackpost hq sites and the metrics tell of the sites is all from here.
func (h *headquarters) Sites(context.Context) ([]api.Site, error) {
	now := time.Now()
	known := map[journal.ID]*api.Site{}
	for _, id := range h.store.Sites() {
		known[id] = &api.Site{ID: id.String(), Name: id.String(), State: api.SiteForgotten}
	}
	for _, s := range h.registry.List() {
		known[s.ID] = enrolledSite(s)
	}
	for _, row := range h.intake.Status().Sites {
		if known[row.Site] == nil {
			known[row.Site] = &api.Site{ID: row.Site.String(), Name: row.Name, State: api.SiteForgotten}
		}
		takenSite(known[row.Site], row, now)
	}
	delete(known, h.registry.HQ())
	usage := h.store.Usages()
	out := make([]api.Site, 0, len(known))
	for id, s := range known {
		s.Bytes = usage[id].Bytes
		if h.wish(s, id); s.State == api.SiteRevoked {
			s.Ended = "" // its connections were told what the site is to do
			for i := range s.Boxes {
				s.Boxes[i].Live.Ended, s.Boxes[i].Behind.Ended = "", ""
			}
		}
		versions(s, toldVersions(h.store.RegistersOf(id, "")))
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b api.Site) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// enrolledSite is what the register tells of a site.
func enrolledSite(s enroll.Site) *api.Site {
	row := &api.Site{ID: s.ID.String(), Name: s.Name, State: api.SiteJoined, Joined: s.Joined, Revoked: s.Revoked, Why: s.Why, Expires: s.Expires}
	if !s.Revoked.IsZero() {
		row.State = api.SiteRevoked
	}
	return row
}

// wish fills in what an operator and hq.yaml allow a site.
func (h *headquarters) wish(s *api.Site, id journal.ID) {
	q, other := h.quotaOf(id, s.Name)
	if !other {
		q = h.cfg.limits.Quota
	}
	s.Quota, s.QuotaDay = q.BytesStored, q.BytesPerDay
	if p := h.paces.of(id); s.HeldBack == "" && p != (ship.Pace{}) { // of a site that the intake does not know
		s.Paused, s.FactsOnly, s.Slowed, s.HeldBack = p.Paused, p.FactsOnly, p.BytesPerSecond, p.Why
	}
}

// settles is how long after its connecting a site has told what it lacks.
const settles = 3 * time.Second

// takenSite fills in what the taking of records tells of a site.
func takenSite(s *api.Site, row intake.SiteStatus, now time.Time) {
	s.Connected, s.Heard, s.Unheard, s.Today = row.Live.Connected, row.LastHeard, row.Silent, row.BytesToday
	s.Refused, s.Reason, s.Conflict = row.Refused, row.LastRefusal, row.Conflicts
	s.Paused, s.FactsOnly, s.Slowed = row.Pace.Paused, row.Pace.FactsOnly, row.Pace.BytesPerSecond
	s.Awaited, s.Lost = row.Awaited, row.Lost
	s.HeldBack = strings.Join(row.PaceReasons, "; ")
	if !row.Live.Connected {
		s.Ended = row.Live.Reason
	}
	if !row.LastHeard.IsZero() {
		age := max(now.Sub(row.LastHeard).Seconds(), 0)
		s.Silent = &age
	}
	if row.Lacks > 0 || row.Behind.Connected && now.Sub(row.Behind.Since) >= settles {
		s.Missing, s.Size, s.Since = &row.Lacks, &row.LacksBytes, row.LacksSince
	}
	if row.Live.Connected {
		lag := lagOf(row, now).Seconds()
		s.Lag = &lag
	}
	if row.ClockKnown {
		s.OffsetMS = &row.ClockOffsetMS
	}
	for _, b := range row.Boxes {
		s.Boxes = append(s.Boxes, api.SiteBox{Origin: b.Origin.String(), Live: siteLane(b.Live), Behind: siteLane(b.Behind)})
	}
}

// lagOf is how late the newest record came; while none is to come, how long the oldest that waits at the site does.
func lagOf(row intake.SiteStatus, now time.Time) time.Duration {
	lag := time.Duration(row.LagMS) * time.Millisecond
	if (row.Pace.Paused || row.Pace.FactsOnly) && !row.LacksSince.IsZero() {
		offset := time.Duration(row.ClockOffsetMS) * time.Millisecond // 0 where it is not known
		lag = max(lag, now.Add(offset).Sub(row.LacksSince))
	}
	return lag
}

func siteLane(l intake.Lane) api.SiteLane {
	return api.SiteLane{Connected: l.Connected, Since: l.Since, Address: l.Address, Ended: l.Reason}
}
