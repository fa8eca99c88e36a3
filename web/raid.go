package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// Raid is what the RAID sets of a device are made of, and what is wrong with them: GET
// /api/v1/devices/{id}/raid.
type Raid struct {
	Site        string           `json:"site,omitempty"` // id
	Device      hw.DeviceID      `json:"device"`
	Name        string           `json:"name"`
	Unit        *Unit            `json:"unit,omitempty"`
	Read        time.Time        `json:"read,omitzero"`      // when the parts were read last; not before the box started
	Age         *float64         `json:"age_seconds"`        // of that; null: not since the box started
	Stale       bool             `json:"stale"`              // they are too old to say how it is now
	Sources     []string         `json:"sources"`            // redfish, snmp: how the parts were read
	Fallback    string           `json:"fallback,omitempty"` // why they are read over SNMP in place of Redfish, in words
	Level       string           `json:"level"`              // of the gravest alert, empty when there is none
	Controllers []RaidController `json:"controllers"`        // in the order of their ids
	Alerts      []Alert          `json:"alerts"`             // on RAID parts, the gravest first
	Gaps        []Gap            `json:"gaps"`               // that keep from knowing all
	Act         *Act             `json:"act,omitempty"`      // the server itself blinks, or may
}

// RaidController is a controller with what belongs to it.
type RaidController struct {
	RaidPart
	Batteries  []RaidPart   `json:"batteries"`
	Volumes    []RaidVolume `json:"volumes"`
	Spares     []RaidPart   `json:"spares"`     // for any volume
	Unassigned []RaidPart   `json:"unassigned"` // neither members nor spares
	Enclosures []RaidPart   `json:"enclosures"`
}

// RaidVolume is a RAID set with its members and the spares for it alone.
type RaidVolume struct {
	RaidPart
	Drives []RaidPart `json:"drives"`
	Spares []RaidPart `json:"spares"`
}

// RaidPart is one part. That of parts whose controller is not known has no path.
type RaidPart struct {
	Path      string         `json:"path"`
	Title     string         `json:"title"` // as a person finds it: bay 3
	Health    hw.Health      `json:"health"`
	State     hw.Attrs       `json:"state"`
	Attrs     hw.Attrs       `json:"attrs"`
	Alerts    []Alert        `json:"alerts"`
	Operation *RaidOperation `json:"operation,omitempty"`
	Act       *Act           `json:"act,omitempty"` // it blinks, or may
}

// RaidOperation is a rebuild or the like.
type RaidOperation struct {
	Name    string    `json:"name"`
	Percent *float64  `json:"percent,omitempty"` // absent: not told
	End     time.Time `json:"end,omitzero"`      // estimated of its pace; absent: nothing can be said
}

// raidLines is how far the percent of an operation is followed back for its pace.
const raidLines = 6 * time.Hour

// IsRaidPart says whether a component stands in the tree of Raid.
func IsRaidPart(path string) bool {
	for _, p := range []string{raid.ControllerPath, raid.BatteryPath, raid.VolumePath, raid.DrivePath, raid.EnclosurePath} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// RaidOf arranges the RAID parts of a device. progress are the percents of operations by
// component, in order of time; it may be nil.
func RaidOf(d Device, progress map[string][]raid.Point) Raid {
	r := Raid{
		Device: d.ID, Name: d.Name, Unit: d.Unit, Read: d.RaidRead, Age: d.RaidAge, Stale: d.Stale || d.RaidStale,
		Sources: []string{}, Controllers: []RaidController{}, Alerts: []Alert{}, Gaps: []Gap{},
	}
	if r.Age == nil && !d.HasRaid {
		r.Age = d.Age // of one that is read no more
	}
	t := raidTree{titles: Titles(d.Components), alerts: map[string][]Alert{}, progress: progress, acts: map[string]*Act{}}
	for i := range d.Acts {
		t.acts[d.Acts[i].Component] = &d.Acts[i]
	}
	for _, a := range Told(d.Alerts) {
		if a.Code == redfishUnread {
			r.Fallback = a.Says
		}
		if IsRaidPart(a.Component) {
			r.Alerts = append(r.Alerts, a)
			t.alerts[a.Component] = append(t.alerts[a.Component], a)
		}
	}
	if len(r.Alerts) > 0 {
		r.Level = r.Alerts[0].Level
	}
	for _, g := range d.Gaps {
		if section, _, _ := strings.Cut(g.What, "/"); section == hw.VisitGap || section == raidGap {
			r.Gaps = append(r.Gaps, g)
		}
	}
	r.Act = t.acts[hw.ChassisPath]
	parts := raidComponents(d.Components)
	for _, c := range parts {
		if s := c.Attrs.Get(raid.KeySource); s != "" && !slices.Contains(r.Sources, s) {
			r.Sources = append(r.Sources, s)
		}
		if c.Attrs.Get(raid.KeyFromSNMP) != "" && !slices.Contains(r.Sources, raid.SourceSNMP) {
			r.Sources = append(r.Sources, raid.SourceSNMP)
		}
	}
	slices.Sort(r.Sources)
	for _, c := range raid.Arrange(parts) {
		r.Controllers = append(r.Controllers, t.controller(c))
	}
	return r
}

// raidGap is the section the RAID parts are read in.
const raidGap = "raid"

func raidComponents(components []Component) []hw.Component {
	var parts []hw.Component
	for _, c := range components {
		if IsRaidPart(c.Path) {
			parts = append(parts, hw.Component{Path: c.Path, Section: c.Section, Health: c.Health, State: c.State, Attrs: c.Attrs})
		}
	}
	return parts
}

type raidTree struct {
	titles   map[string]string
	alerts   map[string][]Alert
	progress map[string][]raid.Point
	acts     map[string]*Act
}

func (t raidTree) controller(c raid.Controller) RaidController {
	rc := RaidController{
		RaidPart:  RaidPart{Title: "no controller told", Alerts: []Alert{}},
		Batteries: t.parts(c.Batteries), Volumes: []RaidVolume{}, Spares: t.parts(c.Spares),
		Unassigned: t.parts(c.Unassigned), Enclosures: t.parts(c.Enclosures),
	}
	if c.ID != "" {
		rc.Path, rc.Title = raid.ControllerPath+c.ID, c.ID
	}
	if c.Part != nil {
		rc.RaidPart = t.part(*c.Part)
	}
	for _, v := range c.Volumes {
		rc.Volumes = append(rc.Volumes, RaidVolume{t.part(v.Part), t.parts(v.Drives), t.parts(v.Spares)})
	}
	return rc
}

func (t raidTree) parts(list []hw.Component) []RaidPart {
	parts := make([]RaidPart, 0, len(list))
	for _, c := range list {
		parts = append(parts, t.part(c))
	}
	return parts
}

func (t raidTree) part(c hw.Component) RaidPart {
	p := RaidPart{Path: c.Path, Title: t.titles[c.Path], Health: c.Health, State: c.State, Attrs: c.Attrs, Alerts: append([]Alert{}, t.alerts[c.Path]...), Act: t.acts[c.Path]}
	name := p.word(raid.KeyOperation)
	if name == "" || name == raid.OperationNone {
		return p
	}
	p.Operation = &RaidOperation{Name: name}
	if points := t.progress[c.Path]; len(points) > 0 {
		last := points[len(points)-1].Percent
		p.Operation.Percent = &last
		if end, ok := raid.Estimate(points); ok {
			p.Operation.End = end
		}
	}
	return p
}

// Titles returns how people find the RAID parts among components, by path. Of drives it is the bay, with the
// enclosure where two have the same.
func Titles(components []Component) map[string]string {
	titles := map[string]string{}
	bays := map[string]map[string]bool{} // the paths of a bay
	told := map[string]hw.Attrs{}
	for _, c := range components {
		if IsRaidPart(c.Path) && len(told[c.Path]) == 0 {
			told[c.Path] = c.Attrs
		}
	}
	for path, attrs := range told {
		kind, id, _ := strings.Cut(path, "/")
		title := cmp.Or(attrs.Get(raid.KeyName), id)
		switch bay := attrs.Get(raid.KeyBay); {
		case kind == "drive" && bay != "":
			title = "bay " + bay
			if bays[bay] == nil {
				bays[bay] = map[string]bool{}
			}
			bays[bay][path] = true
		case kind == "controller":
			title = cmp.Or(attrs.Get(raid.KeyModel), title)
		case kind == "battery":
			controller := attrs.Get(raid.KeyController)
			title = strings.TrimSuffix("battery of "+cmp.Or(told[raid.ControllerPath+controller].Get(raid.KeyModel), controller), " of ")
		case kind == "volume" && title == id:
			title, _, _ = strings.Cut(id, ":")
		}
		titles[path] = title
	}
	for _, paths := range bays {
		for path := range paths {
			if len(paths) > 1 {
				titles[path] += " of " + cmp.Or(told[path].Get(raid.KeyEnclosure), told[path].Get(raid.KeyController), path)
			}
		}
	}
	return titles
}

// RaidNow arranges the RAID parts of a device with the pace of what runs on them.
func RaidNow(ctx context.Context, history History, d Device, now time.Time) (Raid, error) {
	progress := map[string][]raid.Point{}
	for _, c := range d.Components {
		name := cmp.Or(c.State.Get(raid.KeyOperation), raid.OperationNone)
		if !IsRaidPart(c.Path) || name == raid.OperationNone || progress[c.Path] != nil {
			continue
		}
		q := SeriesQuery{d.ID, c.Path, raid.SensorOperationPercent, now.Add(-raidLines), now}
		err := history.Series(ctx, q, func(p Point) error {
			if p.Value != nil {
				progress[c.Path] = append(progress[c.Path], raid.Point{At: p.At, Percent: p.Value.Float()})
			}
			return nil
		})
		if err != nil {
			return Raid{}, err
		}
	}
	return RaidOf(d, progress), nil
}

// Urgency orders devices: the gravest alert, then what is not known.
func (r Raid) Urgency() int {
	n := 2 * levelRank(r.Level)
	if r.Stale || len(r.Controllers) == 0 || len(r.Gaps) > 0 {
		n++
	}
	return n
}

// levelRank is the number of a level's word, 0 for none.
func levelRank(word string) int {
	l := hw.LevelDisaster
	for l > 0 && l.String() != word {
		l--
	}
	return int(l)
}
