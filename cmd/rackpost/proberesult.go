package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/web"
)

// maxStateColumn is how wide the states of a component may make their column; a longer one has a line that is not aligned. The
// system of a server tells a dozen.
const maxStateColumn = 60

// probeResult is what probe -json prints.
type probeResult struct {
	Device     probeDevice      `json:"device"`
	Components []probeComponent `json:"components"`
	Samples    []probeSample    `json:"samples"`
	Sections   []probeSection   `json:"sections"`
	Gaps       []probeGap       `json:"gaps"`
	Verdicts   []probeVerdict   `json:"verdicts"`
	Grant      string           `json:"grant,omitempty"` // what to configure on the device so that it shows more
	Requests   int              `json:"requests"`
	Took       float64          `json:"took_seconds"`
}

type probeDevice struct {
	ID      hw.DeviceID `json:"id"`
	Kind    string      `json:"kind"`
	Name    string      `json:"name"`
	Model   string      `json:"model"`
	Serial  string      `json:"serial"`
	Version string      `json:"version"`
	Uptime  *float64    `json:"uptime_seconds"` // null: the device does not say

	Certificate string `json:"certificate_sha256,omitempty"` // that it showed, where it is read over Redfish
}

// probeVerdict is what the audit says of a part of a RAID set. Level none is what could not be judged.
type probeVerdict struct {
	Component string   `json:"component"`
	Code      string   `json:"code"`
	Level     string   `json:"level"`
	Params    hw.Attrs `json:"params"`
	Says      string   `json:"says"`
	Do        string   `json:"do"`
}

type probeComponent struct {
	Path   string    `json:"path"`
	Health hw.Health `json:"health"`
	State  hw.Attrs  `json:"state"`
	Attrs  hw.Attrs  `json:"attrs"`
}

type probeSample struct {
	Component string      `json:"component"`
	Sensor    string      `json:"sensor"`
	Value     *web.Number `json:"value,omitempty"`
	Absent    hw.Reason   `json:"absent,omitempty"`
}

type probeGap struct {
	What   string    `json:"what"`
	Reason hw.Reason `json:"reason"`
}

func probeResultOf(d hw.Device, r hw.Report, visitErr error) probeResult {
	p := probeResult{
		Device:     probeDevice{ID: d.ID, Kind: d.Kind},
		Components: []probeComponent{}, Samples: []probeSample{}, Gaps: []probeGap{}, Sections: []probeSection{}, Verdicts: []probeVerdict{},
		Requests: r.Requests, Took: r.Took.Seconds(),
	}
	if u := r.Unit; u != nil {
		p.Device.Name, p.Device.Model, p.Device.Serial, p.Device.Version = u.Name, u.Model, u.Serial, u.Version
		if up := u.Uptime.Seconds(); up > 0 {
			p.Device.Uptime = &up
		}
	}
	components := make([]web.Component, 0, len(r.Components))
	for _, c := range r.Components {
		components = append(components, web.Component{Path: c.Path, Health: c.Health, State: c.State, Attrs: c.Attrs})
	}
	for _, c := range web.Merged(components) {
		p.Components = append(p.Components, probeComponent{c.Path, c.Health, c.State, c.Attrs})
	}
	for _, s := range r.Samples {
		value, absent := web.NumberOf(s)
		p.Samples = append(p.Samples, probeSample{s.Component, s.Sensor, value, absent})
	}
	for _, v := range r.Verdicts {
		a := web.AlertOf(v.Component, v.Code, hw.AlertValue{Level: v.Level, Params: v.Params})
		p.Verdicts = append(p.Verdicts, probeVerdict{v.Component, v.Code, cmp.Or(a.Level, "none"), v.Params, a.Says, a.Do})
	}
	for _, g := range r.Gaps {
		p.Gaps = append(p.Gaps, probeGap{g.What, g.Reason})
	}
	if visitErr != nil && len(p.Gaps) == 0 {
		p.Gaps = append(p.Gaps, probeGap{hw.VisitGap, collectors.ReasonOf(visitErr)})
	}
	return p
}

// print writes the result for people; gaps carry the details that JSON leaves out.
func (p probeResult) print(w io.Writer, gaps []hw.Gap) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	d := p.Device
	uptime := ""
	if d.Uptime != nil {
		uptime = web.Ago(time.Duration(*d.Uptime * float64(time.Second)))
	}
	for _, x := range [][2]string{
		{"device", string(d.ID)}, {"kind", d.Kind}, {"name", d.Name}, {"model", d.Model}, {"serial", d.Serial}, {"version", d.Version},
		{"certificate", within("SHA-256 ", d.Certificate)}, {"uptime", uptime}, {"requests", fmt.Sprintf("%d in %.2f s", p.Requests, p.Took)},
	} {
		if x[1] != "" {
			fmt.Fprintf(tw, "%s\t%s\n", x[0], plain(x[1]))
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	p.printRAID(w)
	width := len("STATE")
	for _, c := range p.Components {
		if n := utf8.RuneCountInString(attrsText(c.State)); n <= maxStateColumn {
			width = max(width, n)
		}
	}
	fmt.Fprintf(tw, "\nCOMPONENT\tHEALTH\t%-*s  ABOUT IT\n", width, "STATE")
	for _, c := range p.Components {
		line := fmt.Sprintf("%s\t%s\t%-*s  %s", plain(c.Path), c.Health, width, attrsText(c.State), attrsText(c.Attrs))
		fmt.Fprintln(tw, strings.TrimRight(line, " "))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprint(tw, "\nCOMPONENT\tSENSOR\tVALUE\n")
	for _, s := range p.Samples {
		value := "absent: " + string(s.Absent)
		if s.Value != nil {
			value = s.Value.String()
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", plain(s.Component), s.Sensor, value)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	printSections(w, p.Sections)
	if err := printGaps(w, gaps, p.Sections); err != nil {
		return err
	}
	return printGrant(w, p.Grant)
}

// raid arranges the RAID parts, and what the audit says of them.
func (p probeResult) raid() web.Raid {
	d := web.Device{ID: p.Device.ID}
	for _, c := range p.Components {
		d.Components = append(d.Components, web.Component{Path: c.Path, Health: c.Health, State: c.State, Attrs: c.Attrs})
	}
	titles := web.Titles(d.Components)
	for _, v := range p.Verdicts {
		if v.Level == "none" {
			continue
		}
		d.Alerts = append(d.Alerts, web.Alert{Component: v.Component, Name: titles[v.Component], Code: v.Code, Level: v.Level, Says: v.Says, Do: v.Do})
	}
	slices.SortStableFunc(d.Alerts, func(a, b web.Alert) int { return levelOf(b) - levelOf(a) })
	progress := map[string][]raid.Point{}
	for _, s := range p.Samples {
		if s.Sensor == raid.SensorOperationPercent && s.Value != nil {
			progress[s.Component] = []raid.Point{{Percent: s.Value.Float()}}
		}
	}
	return web.RaidOf(d, progress)
}

// printRAID writes the RAID sets of a server; of others nothing.
func (p probeResult) printRAID(w io.Writer) {
	tree := p.raid()
	if len(tree.Controllers) == 0 {
		return
	}
	out := raidPrinter{now: time.Now(), seen: map[string]bool{}}
	fmt.Fprintf(&out, "\nRAID sets%s: %s\n", within(" over ", tree.SourceWords()), raidCount(tree))
	out.tree(tree)
	out.advice(tree)
	_, _ = out.WriteTo(w) // what is written after it tells
}

func attrsText(attrs hw.Attrs) string {
	var b strings.Builder
	for i, a := range attrs {
		if i > 0 {
			b.WriteByte(' ')
		}
		value := plain(a.Value)
		if strings.Contains(value, " ") {
			value = fmt.Sprintf("%q", value)
		}
		b.WriteString(plain(a.Key) + "=" + value)
	}
	return b.String()
}

// plain makes a text of somebody else's safe for a terminal: no control characters, none that turn round what stands
// beside them, valid UTF-8.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// printJSON writes v indented.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
