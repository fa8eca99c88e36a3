package api

import (
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/web"
)

// ownMetrics are those of whoever answers.
func (c *call) ownMetrics(f *families) error {
	s, err := c.api.Box.Status(c.r.Context())
	if err != nil {
		return err
	}
	f.gauge("rackpost_build_info", "The running program; always 1.", 1, "version", s.Version)
	f.gauge("rackpost_box_info", "Who answers, and where it stands; always 1.", 1, "box", s.Name, "site", s.Site.Name, "site_id", s.Site.ID)
	f.moment("rackpost_box_start_time_seconds", "When the program started, in Unix time.", s.Started)
	f.gauge("rackpost_box_notices", "Things a person should know of the box itself: rackpost status tells them.", float64(len(s.Notices)))
	if s.Clock != nil {
		f.gauge("rackpost_box_clock_trusted", "1 while something keeps the clock of the box right. Ages hold all the same.", truth(s.Clock.Trusted))
		f.gauge("rackpost_box_clock_offset_seconds", "How far the clock of the box is off, by what keeps it right.", float64(s.Clock.OffsetMS)/1000)
	}
	f.journal(s.Journal)
	if s.Pair != nil {
		f.pair(*s.Pair)
	}
	if s.Uplink != nil {
		f.uplink(*s.Uplink)
	}
	for _, x := range s.RemoteWrite {
		f.remoteWrite(x, s.Time)
	}
	if c.api.Consumers != nil {
		for _, x := range c.api.Consumers.List() {
			f.moment("rackpost_consumer_acknowledged_timestamp_seconds", "When a consumer told last how far it has come, in Unix time.", x.Acked, "consumer", x.Name)
		}
	}
	if c.api.Own != (journal.ID{}) {
		return nil
	}
	sites, err := c.sitesHere()
	for _, x := range sites {
		f.site(x)
	}
	return err
}

// moment adds a time, unless it is not known.
func (f *families) moment(name, help string, at time.Time, labels ...string) {
	if !at.IsZero() {
		f.gauge(name, help, float64(at.UnixMilli())/1000, labels...)
	}
}

// known adds a number, unless it is not known.
func (f *families) known(name, help string, value *float64, labels ...string) {
	if value != nil {
		f.gauge(name, help, *value, labels...)
	}
}

func (f *families) journal(j web.Journal) {
	f.gauge("rackpost_journal_bytes", "What the store takes on the disk.", float64(j.Bytes))
	f.gauge("rackpost_journal_budget_bytes", "What the store may take on the disk.", float64(j.Budget))
	f.gauge("rackpost_journal_segments", "Files the records stand in.", float64(j.Segments))
	f.gauge("rackpost_journal_full", "1 while the disk is full: nothing is stored.", truth(j.Full))
	f.gauge("rackpost_journal_quarantined_files", "Files set aside as damaged.", float64(len(j.Quarantined)))
	f.moment("rackpost_journal_last_flush_timestamp_seconds", "When records were written last, in Unix time.", j.LastFlush)
	f.counter("rackpost_journal_samples_total", "Samples stored since the start.", j.Samples)
	f.counter("rackpost_journal_damaged_total", "Batches and rows passed over as damaged, since the start.", j.Damaged)
	f.counter("rackpost_journal_shed_total", "Batches given up for want of space, since the start.", j.Shed)
}

func (f *families) pair(p web.Pair) {
	f.states("rackpost_pair_mode", "What the box is in its pair: 1 for that.", "mode", p.Self.Mode, []string{"follower", "island", "leader", "solo"})
	f.gauge("rackpost_pair_authority", "1 while the box may decide for its pair.", truth(p.Authority))
	f.gauge("rackpost_pair_alarms", "Things about the pair that a person should know: rackpost pair status tells them.", float64(len(p.Alarms)))
	for _, m := range p.Members {
		f.known("rackpost_pair_member_silent_seconds", "How long nothing was heard of a member, on its best path.", m.Silent, "member", m.Name)
		if m.Journal != nil {
			f.gauge("rackpost_pair_member_lacks_batches", "Batches of records that a member has still to get from here.", float64(m.Journal.PeerLacks.Batches), "member", m.Name)
			f.gauge("rackpost_pair_member_lacked_batches", "Batches of records that this box has still to get from a member.", float64(m.Journal.Lacks.Batches), "member", m.Name)
		}
	}
}

func (f *families) uplink(u web.Uplink) {
	f.gauge("rackpost_uplink_connected", "1 while live records go to headquarters.", truth(u.Connected))
	f.gauge("rackpost_uplink_sending", "1 on the box of a site that sends.", truth(u.Sending))
	for _, w := range u.Ways {
		f.gauge("rackpost_uplink_way_answers", "1 while headquarters answers by this way.", truth(w.Answers), "way", w.Name)
		f.gauge("rackpost_uplink_way_in_use", "1 for the way that is used.", truth(w.InUse), "way", w.Name)
	}
	f.gauge("rackpost_uplink_paused", "1 while headquarters takes nothing of this site.", truth(u.Paused))
	f.gauge("rackpost_uplink_facts_only", "1 while headquarters takes nothing but facts of this site.", truth(u.FactsOnly))
	f.known("rackpost_uplink_live_lag_seconds", "From the writing of a live record to the answer of headquarters; it grows while there is none.", u.Lag)
	if u.Backlog.Known {
		f.gauge("rackpost_uplink_backlog_records", "Records that headquarters has still to get.", float64(u.Backlog.Records))
		f.gauge("rackpost_uplink_backlog_bytes", "What they take on the line.", float64(u.Backlog.Bytes))
		f.moment("rackpost_uplink_backlog_oldest_timestamp_seconds", "When the oldest of them was written, in Unix time.", u.Backlog.Oldest)
	}
	f.known("rackpost_uplink_backlog_drain_seconds", "Until headquarters has all of them, at the pace of now.", u.Backlog.Drain)
	if u.OffsetMS != nil {
		f.gauge("rackpost_uplink_clock_offset_seconds", "How far the clock of headquarters is ahead of the box's.", float64(*u.OffsetMS)/1000)
	}
	f.counter("rackpost_uplink_refused_total", "Batches that headquarters refused, since the start.", u.Refused)
}

// remoteWrite adds how far the samples are in an engine that they are written to.
func (f *families) remoteWrite(r web.RemoteWrite, now time.Time) {
	of := []string{"receiver", r.Name}
	f.gauge("rackpost_remote_write_writing", "1 on the box of a site that writes to the receiver.", truth(r.Writing), of...)
	f.gauge("rackpost_remote_write_up", "1 while this box writes and nothing hinders it: rackpost status tells what does.", truth(r.Writing && r.Problem == ""), of...)
	lag := "How late samples are: live, since all that was new was written last; behind, the age of what is still to be written of an outage, 0 when nothing is."
	f.known("rackpost_remote_write_lag_seconds", lag, r.Lag, append(of[:2:2], "lane", "live")...)
	if r.Writing {
		behind := 0.0
		if !r.Behind.IsZero() {
			behind = max(0, now.Sub(r.Behind).Seconds())
		}
		f.gauge("rackpost_remote_write_lag_seconds", lag, behind, append(of[:2:2], "lane", "behind")...)
	}
	f.gauge("rackpost_remote_write_waiting_batches", "Batches of islands that wait until it can be told which of their readings count.", float64(r.Waiting), of...)
	f.moment("rackpost_remote_write_last_success_timestamp_seconds", "When the receiver took samples last, in Unix time.", r.Accepted, of...)
	f.counter("rackpost_remote_write_samples_total", "Samples that the receiver took, since the start.", r.Samples, of...)
	f.counter("rackpost_remote_write_sent_bytes_total", "Bytes of the requests that the receiver answered, since the start.", r.Bytes, of...)
	f.counter("rackpost_remote_write_requests_total", "Requests that the receiver answered, since the start.", r.Requests, of...)
	missing := map[string]uint64{}
	for _, m := range r.Missing {
		missing[m.Reason] = m.Samples
	}
	for _, reason := range web.MissingReasons() {
		f.counter("rackpost_remote_write_missing_total", "Samples that the receiver will not have, by reason, since the first start.", missing[reason], append(of[:2:2], "reason", reason)...)
	}
	if r.OffsetMS != nil {
		f.gauge("rackpost_remote_write_clock_offset_seconds", "How far the clock of the receiver is ahead of the box's.", float64(*r.OffsetMS)/1000, of...)
	}
}

// site adds what headquarters knows of a site.
func (f *families) site(s Site) {
	of := []string{"site", s.Name}
	f.gauge("rackpost_site_info", "A site whose records are here; always 1.", 1, "site", s.Name, "site_id", s.ID, "version", s.Version)
	f.gauge("rackpost_site_revoked", "1 for a site that may not send any more, or was forgotten.", truth(s.State == SiteRevoked || s.State == SiteForgotten), of...)
	f.gauge("rackpost_site_connected", "1 while a box of the site is connected.", truth(s.Connected), of...)
	f.known("rackpost_site_silent_seconds", "How long nothing was heard of the site.", s.Silent, of...)
	f.known("rackpost_site_live_lag_seconds", "From the writing of a live record at the site to its coming here; while nothing is taken, since the oldest that waits was written.", s.Lag, of...)
	f.gauge("rackpost_site_bytes", "What the records of the site take here.", float64(s.Bytes), of...)
	f.gauge("rackpost_site_today_bytes", "What came of the site today.", float64(s.Today), of...)
	if s.Quota > 0 {
		f.gauge("rackpost_site_quota_bytes", "What the records of the site may take here.", float64(s.Quota), of...)
	}
	if s.QuotaDay > 0 {
		f.gauge("rackpost_site_quota_day_bytes", "What may come of the site in a day.", float64(s.QuotaDay), of...)
	}
	f.gauge("rackpost_site_paused", "1 while nothing is taken of the site.", truth(s.Paused), of...)
	if s.Slowed > 0 {
		f.gauge("rackpost_site_slowed_bytes_per_second", "What is behind comes of the site no faster than this.", float64(s.Slowed), of...)
	}
	f.gauge("rackpost_site_facts_only", "1 while nothing but facts is taken of the site.", truth(s.FactsOnly), of...)
	if s.Missing != nil {
		f.gauge("rackpost_site_missing_batches", "Batches known to have been written at the site that are not here yet.", float64(*s.Missing), of...)
		f.moment("rackpost_site_missing_oldest_timestamp_seconds", "When the oldest of them was written, in Unix time by the clock of the site.", s.Since, of...)
	}
	f.gauge("rackpost_site_awaited_batches", "Batches written at the site that are not here and that a box may have which is not connected.", float64(s.Awaited), of...)
	f.counter("rackpost_site_lost_total", "Batches that no box of the site has any more, since the start.", s.Lost, of...)
	f.counter("rackpost_site_refused_total", "Batches of the site that were refused, since the start.", s.Refused, of...)
	if s.OffsetMS != nil {
		f.gauge("rackpost_site_clock_offset_seconds", "How far the clock of the site is ahead of the one here.", float64(*s.OffsetMS)/1000, of...)
	}
}

// devices adds how the devices of a site are.
func (f *families) devices(site string, devices []web.Device) {
	healths := []string{hw.OK.String(), hw.Warning.String(), hw.Critical.String(), hw.Unknown.String()}
	for _, d := range devices {
		of := []string{"site", site, "device", string(d.ID)}
		f.gauge("rackpost_device_info", "A device; always 1.", 1, append(of[:4:4], "name", d.Name, "kind", d.Kind, "customer", d.Customer, "rack", d.Rack,
			"model", unitOf(d).Model, "serial", unitOf(d).Serial, "version", unitOf(d).Version)...)
		f.states("rackpost_device_health", "How a device is: 1 for that. Old data is unknown, never ok.", "health", d.Health.String(), healths, of...)
		f.known("rackpost_device_data_age_seconds", "How old the last good reading of a device is; absent: never read.", d.Age, of...)
		f.gauge("rackpost_device_stale", "1 while the last good reading of a device is older than three of its periods, or there is none.", truth(d.Stale), of...)
		f.gauge("rackpost_device_gaps", "What of a device cannot be read now: rackpost status tells it.", float64(len(d.Gaps)), of...)
		for _, a := range d.Alerts {
			f.gauge("rackpost_alert_open", "An open alert; always 1.", 1, append(of[:4:4], "component", a.Component, "code", a.Code, "level", a.Level)...)
			f.moment("rackpost_alert_since_timestamp_seconds", "Since when an alert is open, in Unix time.", a.Since, append(of[:4:4], "component", a.Component, "code", a.Code, "level", a.Level)...)
		}
	}
}

func unitOf(d web.Device) web.Unit {
	if d.Unit == nil {
		return web.Unit{}
	}
	return *d.Unit
}
