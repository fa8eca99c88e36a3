package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/hw"
)

// group is the components of a device whose paths begin with the same word.
type group struct {
	Name   string
	Health hw.Health // the worst of its parts
	Faults []count   // how many are not ok, the worst first
	Parts  []part    // those that are not ok first

	States, Attrs, Readings bool // whether any part has some: a column
	InTree                  bool // its parts stand in the tree of the RAID sets already
}

// count is how many parts have a health.
type count struct {
	Health hw.Health
	N      int
}

// part is a component with what was read of it last.
type part struct {
	Component
	Rest     string // of the path, after the group's name
	Readings []Reading
	Read     time.Time // when the newest of them was
	Untold   bool      // the device never says how it is: that is no fault of it
}

// worstFirst is the order in which a person looks at things.
var worstFirst = []hw.Health{hw.Critical, hw.Warning, hw.Unknown, hw.OK}

func rank(h hw.Health) int {
	if i := slices.Index(worstFirst, h); i >= 0 {
		return i
	}
	return len(worstFirst)
}

// untold says whether c has no health because the device gives it none, such as what a server consumes: all of its section was
// read, and nobody waits for it.
func (d Device) untold(c Component) bool {
	return c.Health == hw.Unknown && d.Health != hw.Unknown && !c.Expected && !c.Missing && !slices.ContainsFunc(d.Gaps, func(g Gap) bool {
		section, _, _ := strings.Cut(g.What, "/")
		return section == c.Section || g.What == hw.VisitGap
	})
}

// grouped puts the components of d into groups, each with its readings; a group with a fault stands
// before those without, and those of RAID parts last.
func grouped(d Device, readings []Reading) []group {
	of := map[string][]Reading{}
	for _, r := range readings {
		of[r.Component] = append(of[r.Component], r)
	}
	at := map[string]int{}
	var groups []group
	for _, c := range d.Components {
		name, rest, _ := strings.Cut(c.Path, "/")
		i, known := at[name]
		if !known {
			i = len(groups)
			at[name], groups = i, append(groups, group{Name: name, InTree: IsRaidPart(c.Path)})
		}
		p := partOf(c, cmp.Or(rest, name), of[c.Path])
		p.Untold = d.untold(c)
		groups[i].Parts = append(groups[i].Parts, p)
	}
	for i := range groups {
		groups[i].sum()
	}
	after := func(g group) int { // what the tree shows comes last
		if g.InTree {
			return len(worstFirst) + 1
		}
		return rank(g.Health)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return after(a) - after(b) })
	return groups
}

// told is the health for the order of parts.
func (p part) told() hw.Health {
	if p.Untold {
		return hw.OK
	}
	return p.Health
}

func partOf(c Component, rest string, readings []Reading) part {
	p := part{Component: c, Rest: rest}
	for _, r := range readings {
		if r.At.After(p.Read) {
			p.Read = r.At
		}
		if !dull(r) {
			p.Readings = append(p.Readings, r)
		}
	}
	return p
}

// dull says that a reading tells a person nothing: a counter that never counted. A port has a
// dozen of them.
func dull(r Reading) bool {
	return r.Value != nil && r.Value.Type == hw.Counter && r.Value.Count == 0
}

// sum orders the parts and counts those that are not ok.
func (g *group) sum() {
	slices.SortStableFunc(g.Parts, func(a, b part) int { return rank(a.told()) - rank(b.told()) })
	g.Health = g.Parts[0].told()
	for _, p := range g.Parts {
		g.States = g.States || len(p.State) > 0
		g.Attrs = g.Attrs || len(p.Component.Attrs) > 0
		g.Readings = g.Readings || !p.Read.IsZero()
		switch n := len(g.Faults); {
		case p.told() == hw.OK:
		case n > 0 && g.Faults[n-1].Health == p.Health:
			g.Faults[n-1].N++
		default:
			g.Faults = append(g.Faults, count{p.Health, 1})
		}
	}
}

// devicePage shows a device with its readings. A page without them is better than none: where
// they cannot be had, it says so.
func (h *handler) devicePage(w http.ResponseWriter, r *http.Request) {
	v := h.view()
	v.Refresh = deviceRefreshSeconds
	var err, err2 error
	v.Status, err = h.Source.Status(r.Context())
	v.Device, err2 = h.Source.Device(r.Context(), hw.DeviceID(r.PathValue("id")))
	if err = errors.Join(err, err2); err == nil {
		readings, err := h.History.Latest(r.Context(), v.Device.ID)
		if v.NoReadings = err != nil; v.NoReadings {
			h.Logger.Warn("read the latest readings for a page", "device", v.Device.ID, "error", err)
		}
		v.Groups = grouped(v.Device, readings)
		if v.Raid, err = RaidNow(r.Context(), h.History, v.Device, h.Now()); err != nil {
			v.NoReadings = true
			h.Logger.Warn("read how far the rebuilds are for a page", "device", v.Device.ID, "error", err)
			v.Raid = RaidOf(v.Device, nil)
		}
	}
	h.render(w, h.page.device, v, err)
}

// inWords writes the number of a reading for people, its unit being the end of the sensor's name.
func inWords(r Reading) string {
	if r.Value == nil {
		return ""
	}
	f := r.Value.Gauge
	if r.Value.Type == hw.Counter {
		f = float64(r.Value.Count)
	}
	name := strings.TrimSuffix(r.Sensor, "_total")
	switch {
	case strings.HasSuffix(name, "_bytes") && f >= 0 && f < maxBytes:
		return Bytes(int64(f))
	case strings.HasSuffix(name, "_seconds") && f >= 60 && f < maxSeconds:
		return Ago(time.Duration(f) * time.Second)
	case r.Value.Type == hw.Counter:
		return r.Value.String()
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// What fits the whole numbers of Bytes and Ago.
const (
	maxBytes   = 1 << 63
	maxSeconds = float64(1<<63-1) / float64(time.Second)
)
