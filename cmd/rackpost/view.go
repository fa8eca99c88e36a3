package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/store"
	"rackpost/web"
)

// stalePeriods is how many periods old the last good reading may be before it says nothing
// about now.
const stalePeriods = 3

// Status implements web.Source.
func (a *appliance) Status(ctx context.Context) (web.Status, error) {
	devices, err := a.Devices(ctx)
	if err != nil {
		return web.Status{}, err
	}
	site := a.site.Load()
	s := web.Status{
		Name: a.box.name, Version: versionText(), Site: web.Site{ID: site.id.String(), Name: site.name},
		Time: time.Now(), Started: a.started, Devices: web.CountOf(devices), Journal: a.journalOf(), Notices: []string{},
	}
	for _, f := range a.store.Registers("") {
		if f.Component != store.BoxPath(a.store.Origin()) {
			continue
		}
		switch v := f.Value.(type) {
		case hw.ClockValue:
			s.Clock = &web.Clock{Trusted: v.Trusted, Source: v.Source, OffsetMS: v.OffsetMS}
		case hw.AlertValue:
			if f.Group == store.PutBackCode && v.Open {
				s.Notices = append(s.Notices, fmt.Sprintf(putBackText, clockText(v.Since)))
			}
		}
	}
	if a.uplinks != nil {
		s.Uplink = a.uplinks.glance()
	}
	s.RemoteWrite = a.writes.glance()
	if why := a.refused.Load(); why != nil {
		s.Notices = append(s.Notices, *why)
	}
	if a.pair != nil {
		v := a.host.view(a.pair)
		s.Pair = &v
		if v.Site.Refused != "" {
			s.Notices = append(s.Notices, v.Site.Refused)
		}
	}
	if s.Journal.Full {
		s.Notices = append(s.Notices, fmt.Sprintf("%s: make room in %s", diskFull, a.box.data))
	}
	return s, nil
}

// putBackText says that this box was put back, and since when that is known.
const putBackText = "this box was put back to an earlier state with its memory, which was noticed at %s: its records go on under a new name, and what was read in between stands as a gap"

const diskFull = "the disk is full, nothing is stored until there is room"

// statusLine is what systemctl status shows.
func (a *appliance) statusLine() string {
	devices, err := a.Devices(context.Background())
	if err != nil {
		return err.Error()
	}
	c := web.CountOf(devices)
	j := a.journalOf()
	if j.Full {
		return diskFull
	}
	mode := ""
	if a.pair != nil {
		mode = a.pair.node.Mode().String() + "; "
	}
	return fmt.Sprintf("%s%d devices: %d ok, %d warning, %d critical, %d unknown; %s; journal %s of %s",
		mode, c.Total, c.OK, c.Warning, c.Critical, c.Unknown, oldest(devices), web.Bytes(j.Bytes), web.Bytes(j.Budget))
}

// oldest tells the greatest age of data.
func oldest(devices []web.Device) string {
	greatest, silent := 0.0, 0
	for _, d := range devices {
		if d.Age == nil {
			silent++
		} else {
			greatest = max(greatest, *d.Age)
		}
	}
	text := "oldest data " + web.Ago(time.Duration(greatest*float64(time.Second)))
	if silent > 0 {
		text += fmt.Sprintf(", %d never read", silent)
	}
	return text
}

// Devices implements web.Source.
func (a *appliance) Devices(context.Context) ([]web.Device, error) {
	statuses := map[hw.DeviceID]collectors.DeviceStatus{}
	for _, s := range a.visits() {
		statuses[s.Device.ID] = s
	}
	watched := a.site.Load().devices
	devices := make([]web.Device, 0, len(watched))
	for _, w := range watched {
		id := w.Target.Device.ID
		view, _ := a.store.Device(id) // one at a time: the views of all are 20 MB at 200 switches
		d := present(view, statuses[id], &w, time.Now())
		a.dateRAID(&d, w)
		d.Components = nil
		devices = append(devices, d)
	}
	return devices, nil
}

// visits are how the visits of this box stand. A box that makes none knows of them by the journal alone.
func (a *appliance) visits() []collectors.DeviceStatus {
	if a.pair != nil && !a.visiting.Load() {
		return nil
	}
	return a.poller.Status()
}

// Device implements web.Source. A device that is no longer configured is found as long as
// the store knows it.
func (a *appliance) Device(_ context.Context, id hw.DeviceID) (web.Device, error) {
	if !a.knows(id) {
		return web.Device{}, web.ErrUnknownDevice
	}
	view, _ := a.store.Device(id)
	var status collectors.DeviceStatus
	for _, s := range a.visits() {
		if s.Device.ID == id {
			status = s
		}
	}
	var configured *collectors.Watched
	for _, w := range a.site.Load().devices {
		if w.Target.Device.ID == id {
			configured = &w
		}
	}
	d := present(view, status, configured, time.Now())
	if configured != nil {
		a.dateRAID(&d, *configured)
	}
	inOrder(&d)
	return d, nil
}

// dateRAID tells how old the knowledge of a device's RAID sets is.
func (a *appliance) dateRAID(d *web.Device, w collectors.Watched) {
	for _, s := range w.Sections() {
		if s.Name != raidSection {
			continue
		}
		d.HasRaid = true
		if d.RaidRead = a.pulse.raidRead(d.ID); !d.RaidRead.IsZero() {
			age := max(time.Since(d.RaidRead).Seconds(), 0)
			d.RaidAge, d.RaidStale = &age, age > stalePeriods*s.Period.Seconds()
		}
	}
}

// present joins what the journal, the poller and the configuration know of a device; w is nil
// for one that is no longer configured.
func present(v store.DeviceView, s collectors.DeviceStatus, w *collectors.Watched, now time.Time) web.Device {
	if w == nil {
		d := deviceOf(v, s, now)
		judge(&d)
		return d
	}
	unread := doubt(v.Facts, periodsOf(*w), now)
	d := deviceOf(v, s, now)
	configure(&d, *w)
	judge(&d)
	if unread && d.Health == hw.OK {
		d.Health = hw.Unknown
	}
	return d
}

func periodsOf(w collectors.Watched) map[string]time.Duration {
	periods := map[string]time.Duration{}
	for _, s := range w.Sections() {
		periods[s.Name] = s.Period
	}
	return periods
}

// doubt makes unknown what is called ok by a section that could not be read for too long, while
// others were. It reports whether there is such a section, or one whose parts are unknown because
// an object of it could not be read. periods are those of the sections that are on.
func doubt(facts []hw.Fact, periods map[string]time.Duration, now time.Time) bool {
	old, partly := map[string]bool{}, map[string]bool{}
	for _, f := range facts {
		g, ok := f.Value.(hw.GapValue)
		if !ok || !g.To.IsZero() {
			continue
		}
		section, _, _ := strings.Cut(f.Group, "|") // what follows is the reason of a second gap
		if period, on := periods[section]; on && now.Sub(g.From) > stalePeriods*period {
			old[section] = true
		}
		if section, _, object := strings.Cut(section, "/"); object {
			partly[section] = true
		}
	}
	unread := len(old) > 0
	for i, f := range facts {
		c, ok := f.Value.(hw.ComponentValue)
		switch {
		case ok && old[f.Group] && c.Health == hw.OK:
			c.Health = hw.Unknown
			facts[i].Value = c
		case ok && partly[f.Group] && c.Health == hw.Unknown:
			unread = true
		}
	}
	return unread
}

// knows says whether a device is configured or in the store.
func (a *appliance) knows(id hw.DeviceID) bool {
	for _, w := range a.site.Load().devices {
		if w.Target.Device.ID == id {
			return true
		}
	}
	_, ok := a.store.Device(id)
	return ok
}

// configure fills in what the configuration says.
func configure(d *web.Device, w collectors.Watched) {
	t := w.Target.Device
	d.ID, d.Kind, d.Name, d.Address, d.Customer, d.Rack = t.ID, t.Kind, t.Name, t.Address, t.Customer, t.Rack
	if d.Name == "" {
		d.Name = string(t.ID)
	}
	d.Configured = true
	if speaksRedfish(w.Kind) {
		for i := range d.Gaps {
			if g := &d.Gaps[i]; g.What == hw.VisitGap {
				g.Do = web.RedfishAdvice(g.Reason)
			}
		}
	}
	d.Period = shortestPeriod(w).Seconds()
}

// judge decides whether what is known still holds, and how bad it is. Old data is never ok.
func judge(d *web.Device) {
	d.Stale = d.Age == nil || *d.Age > stalePeriods*d.Period
	if d.Stale {
		d.Health = hw.Unknown
		return
	}
	unsure := false
	for _, c := range d.Components {
		d.Health = max(d.Health, c.Health)
		unsure = unsure || c.Expected && c.Health == hw.Unknown
	}
	for _, a := range d.Alerts { // what an audit finds no part calls itself faulty for
		switch {
		case !isRAIDAlert(a):
		case levelOf(a) >= int(hw.LevelHigh):
			d.Health = hw.Critical
		case levelOf(a) == int(hw.LevelAverage):
			d.Health = max(d.Health, hw.Warning)
		}
	}
	if unsure && d.Health == hw.OK { // a part that must be there, such as a unit of a pair, does not tell
		d.Health = hw.Unknown
	}
}

// isRAIDAlert says whether an alert is a verdict on RAID sets.
func isRAIDAlert(a web.Alert) bool {
	_, ok := raid.Lookup(a.Code)
	return ok
}

func shortestPeriod(w collectors.Watched) time.Duration {
	shortest := time.Duration(0)
	for _, s := range w.Sections() {
		if shortest == 0 || s.Period < shortest {
			shortest = s.Period
		}
	}
	return shortest
}

// journalOf returns the store at a glance. A folder that cannot be measured is shown empty;
// the store itself says why.
func (a *appliance) journalOf() web.Journal { return journalOf(a.store, a.box.data, a.logger) }

func journalOf(of *store.Store, data string, logger *slog.Logger) web.Journal {
	s, err := of.Stats()
	if err != nil {
		logger.Warn("measure the journal", "error", err)
	}
	return web.Journal{
		Origin: s.Origin.String(), Incarnation: s.Incarnation.String(), Segments: s.Segments, Bytes: s.Used, Budget: s.Budget,
		Samples: s.Samples, LastFlush: s.LastFlush, Quarantined: append(append([]string{}, s.Quarantined...), quarantinedIn(data)...),
		Damaged: s.Damaged, Shed: s.Shed, Full: s.Full,
	}
}

// deviceOf joins what the journal and the poller know of a device.
func deviceOf(v store.DeviceView, s collectors.DeviceStatus, now time.Time) web.Device {
	d := web.Device{
		ID: v.ID, Name: string(v.ID), LastVisit: v.LastVisit, LastGood: v.LastGood, Period: v.Period.Seconds(),
		Requests: s.Requests, Took: s.Took.Seconds(), Stopped: s.Stopped, Alerts: []web.Alert{}, Gaps: []web.Gap{}, Components: make([]web.Component, 0, len(v.Facts)),
	}
	if s.LastVisit.After(d.LastVisit) {
		d.LastVisit = s.LastVisit
	}
	for _, f := range v.Facts {
		addFact(&d, f)
		if act, lasts := web.ActOf(f, now); lasts {
			d.Acts = append(d.Acts, act)
		}
	}
	arrange(&d)
	since := now.Sub(d.LastGood)
	if !s.LastGood.IsZero() && !d.LastGood.After(s.LastGood.Add(time.Second)) { // the poller's age does not suffer when the clock is set; another box may have visited later
		d.LastGood, since = s.LastGood, s.SinceGood
	}
	if !d.LastGood.IsZero() {
		age := max(since.Seconds(), 0)
		d.Age = &age
	}
	return d
}

// culprits are the states that are themselves a bad health, where there are any: of the dozen a server's system rolls up, the one
// at fault.
func culprits(state hw.Attrs) hw.Attrs {
	bad := func(x hw.Attr) bool { return x.Value == hw.Warning.String() || x.Value == hw.Critical.String() }
	if !slices.ContainsFunc(state, bad) {
		return state
	}
	return slices.DeleteFunc(slices.Clone(state), func(x hw.Attr) bool { return !bad(x) })
}

// inOrder puts the components in the order people count. A list of devices shows none, and needs none.
func inOrder(d *web.Device) {
	slices.SortFunc(d.Components, func(a, b web.Component) int { return compareNatural(a.Path, b.Path) })
}

// arrange puts the gravest alert first, and tells what the alerts are about. A component that several sections report is there several times before.
func arrange(d *web.Device) {
	d.Components = web.Merged(d.Components)
	if len(d.Alerts) == 0 && len(d.Acts) == 0 {
		return
	}
	titles := web.Titles(d.Components)
	about := map[string]web.Component{} // what alerts are about
	for _, a := range d.Alerts {
		about[a.Component] = web.Component{}
	}
	for _, c := range d.Components {
		if _, is := about[c.Path]; is {
			about[c.Path] = c
		}
	}
	for i := range d.Alerts {
		a := &d.Alerts[i]
		if c := about[a.Component]; c.Path != "" || a.Component == "" {
			a.Name = cmp.Or(a.Name, titles[c.Path], c.Attrs.Get("name"), c.Attrs.Get("alias"))
			for _, x := range c.State {
				if !c.Missing { // how it last was is no cause
					a.State = a.State.With(x.Key, x.Value)
				}
			}
		}
		a.State = culprits(a.State)
	}
	for i := range d.Acts {
		d.Acts[i].Name = titles[d.Acts[i].Component]
	}
	slices.SortStableFunc(d.Alerts, func(a, b web.Alert) int { return levelOf(b) - levelOf(a) })
}

func levelOf(a web.Alert) int {
	level := hw.LevelDisaster
	for level > 0 && level.String() != a.Level {
		level--
	}
	return int(level)
}

// addFact puts a register where it is shown. Closed alerts and finished gaps are history.
func addFact(d *web.Device, f hw.Fact) {
	switch v := f.Value.(type) {
	case hw.ComponentValue:
		d.Components = append(d.Components, web.Component{
			Path: f.Component, Section: f.Group, Health: v.Health, State: v.State, Attrs: v.Attrs, Expected: v.Expected, Missing: v.Missing, Flaps: v.Flaps,
		})
	case hw.AlertValue:
		if v.Open {
			d.Alerts = append(d.Alerts, web.AlertOf(f.Component, f.Group, v))
		}
	case hw.GapValue:
		if v.To.IsZero() {
			d.Gaps = append(d.Gaps, web.Gap{What: f.Group, Reason: v.Reason, Detail: v.Detail, From: v.From})
		}
	case hw.UnitValue:
		d.Unit = &web.Unit{Serial: v.Serial, Model: v.Model, Version: v.Version, Name: v.Name, Since: v.Since}
	}
}
