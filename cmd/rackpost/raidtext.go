package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/web"
)

const (
	markWidth = 10 // of the health or level a line begins with
	stepWidth = 2  // of one step into the tree
)

// raidPrinter writes RAID sets for people, no line longer than 80 columns unless a word is.
type raidPrinter struct {
	bytes.Buffer
	now  time.Time
	seen map[string]bool // drives whose alerts stand under another volume already
}

// printRAID writes devices one after the other.
func printRAID(w io.Writer, devices []web.Raid, now time.Time) error {
	p := raidPrinter{now: now}
	for i, d := range devices {
		if i > 0 {
			p.WriteString("\n\n")
		}
		p.device(d)
	}
	_, err := p.WriteTo(w)
	return err
}

func (p *raidPrinter) device(d web.Raid) {
	p.seen = map[string]bool{}
	title := string(d.Device)
	if d.Name != "" && d.Name != title {
		title += " (" + d.Name + ")"
	}
	if u := d.Unit; u != nil {
		title += ": " + strings.Join(slices.DeleteFunc([]string{u.Model, within("serial ", u.Serial)}, empty), ", ")
	}
	p.line("", plain(title), 0)
	p.line("", plain(raidAge(d)), 0)
	if d.Fallback != "" {
		p.line("", plain(d.Fallback), 0)
	}
	p.line("", raidCount(d), 0)
	if d.Act != nil {
		p.line("", plain("the server "+d.Act.Words()), 0)
	}
	for _, g := range d.Gaps {
		p.line("", plain(fmt.Sprintf("not read: %s, %s%s", g.What, reasonWords(g.Reason), within(": ", g.Detail))), 0)
	}
	p.tree(d)
	p.advice(d)
}

// tree writes the parts.
func (p *raidPrinter) tree(d web.Raid) {
	for _, c := range d.Controllers {
		p.WriteByte('\n')
		p.part(0, "controller ", c.RaidPart)
		for _, x := range c.Batteries {
			p.part(1, "", x)
		}
		for _, v := range c.Volumes {
			p.part(1, "volume ", v.RaidPart)
			p.parts(2, "", v.Drives)
			p.parts(2, "spare ", v.Spares)
		}
		p.parts(1, "spare ", c.Spares)
		for _, x := range c.Unassigned {
			p.part(1, unassigned(x), x)
		}
		p.parts(1, "enclosure ", c.Enclosures)
	}
}

// unassigned is what a drive is that belongs to no set that is known: SNMP does not tell which set a drive is a member of.
func unassigned(x web.RaidPart) string {
	switch cmp.Or(x.State.Get(raid.KeyState), x.Attrs.Get(raid.KeyState)) {
	case raid.StateReady:
		return "unused "
	case raid.StateNonRAID:
		return "outside RAID "
	case raid.StateOnline:
		return "member "
	}
	return "drive "
}

func within(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func empty(s string) bool { return s == "" }

// raidAge tells how and when the parts were read.
func raidAge(d web.Raid) string {
	how := within(" over ", d.SourceWords())
	switch {
	case d.Age == nil && len(d.Controllers) > 0:
		return "not read since this box started: this is how it last was, not how it is"
	case d.Age == nil:
		return "never read"
	case d.Stale:
		return fmt.Sprintf("read%s, and not for %s: this is how it last was, not how it is", how, web.Ago(seconds(*d.Age)))
	}
	return fmt.Sprintf("read%s %s ago", how, web.Ago(seconds(*d.Age)))
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }

func raidCount(d web.Raid) string {
	counts := map[string]int{}
	for _, a := range d.Alerts {
		counts[a.Level]++
	}
	var words []string
	for l := hw.LevelDisaster; l > 0; l-- {
		if n := counts[l.String()]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, l))
		}
	}
	switch {
	case len(words) > 0:
		return "alerts: " + strings.Join(words, ", ")
	case len(d.Controllers) == 0:
		return "no RAID controller is known"
	}
	return "no alerts"
}

func (p *raidPrinter) parts(depth int, what string, parts []web.RaidPart) {
	for _, x := range parts {
		p.part(depth, what, x)
	}
}

// part writes a part, what runs on it and what is wrong with it.
func (p *raidPrinter) part(depth int, what string, x web.RaidPart) {
	health := x.Health.String()
	if x.Path == "" {
		health = "-"
	}
	title := x.Title
	if x.Kind() == "battery" {
		title = "battery"
	}
	p.branch(health, depth, plain(what+title+within(": ", strings.Join(x.Facts(), ", "))))
	if doing := x.Doing(p.now); doing != "" {
		p.branch("", depth+1, plain(doing))
	}
	if x.Act != nil {
		p.branch("", depth+1, plain(x.Act.Words()))
	}
	if p.seen[x.Path] && len(x.Alerts) > 0 {
		p.branch("", depth+1, "alerts: see above")
		return
	}
	p.seen[x.Path] = true
	for _, a := range x.Alerts {
		p.branch(a.Level, depth+1, "! "+plain(alertSays(a))+alertSince(a, p.now))
	}
}

// alertSays tells an alert in words, without its component.
func alertSays(a web.Alert) string {
	return cmp.Or(a.Says, web.AlertWords(a.Code))
}

// alertSince tells how long an alert has been there and until when it should last; nothing when it has just been found.
func alertSince(a web.Alert, now time.Time) string {
	s := ""
	if !a.Since.IsZero() {
		s = ", for " + web.Ago(now.Sub(a.Since))
	}
	switch {
	case a.Until.IsZero():
	case a.Until.After(now):
		s += ", overdue after " + a.Until.Local().Format("2006-01-02 15:04")
	default:
		s += ", overdue since " + a.Until.Local().Format("2006-01-02 15:04")
	}
	return s
}

// advice writes what to do, a verdict once with the parts it is about, the gravest first.
func (p *raidPrinter) advice(d web.Raid) {
	var order []string
	of := map[string][]web.Alert{}
	alerts := slices.Clone(d.Alerts)
	slices.SortStableFunc(alerts, func(a, b web.Alert) int { return levelOf(b) - levelOf(a) })
	for _, a := range alerts {
		if a.Do == "" {
			continue
		}
		if of[a.Code] == nil {
			order = append(order, a.Code)
		}
		of[a.Code] = append(of[a.Code], a)
	}
	if len(order) == 0 {
		return
	}
	found := map[string]bool{}
	p.WriteString("\nWhat to do\n")
	for _, code := range order {
		list := of[code]
		p.WriteByte('\n')
		p.headlines(list)
		p.line(strings.Repeat(" ", markWidth), list[0].Do, 0)
		for _, a := range list {
			if locatable(a) && !found[a.Component] {
				found[a.Component] = true
				fmt.Fprintf(p, "%*s%s\n", markWidth, "", plain(locateAdvice(string(d.Device), locateName(a))))
			}
		}
	}
}

// locateAdvice is how a part is made to blink. Headquarters tells no device to do anything: it has the site in front.
func locateAdvice(device, part string) string {
	if site, device, away := strings.Cut(device, "/"); away {
		return fmt.Sprintf("at %s: rackpost locate %s %s on", site, device, part)
	}
	return fmt.Sprintf("rackpost locate %s %s on", device, part)
}

// headlines write alerts of one code, those that say the same in one line.
func (p *raidPrinter) headlines(alerts []web.Alert) {
	type headline struct{ level, says string }
	var order []headline
	names := map[headline][]string{}
	for _, a := range alerts {
		name := cmp.Or(a.Name, a.Component)
		if strings.HasPrefix(a.Component, raid.VolumePath) {
			name = "volume " + name
		}
		h := headline{a.Level, a.Says}
		if names[h] == nil {
			order = append(order, h)
		}
		names[h] = append(names[h], name)
	}
	for _, h := range order {
		p.branch(h.level, 0, plain(strings.Join(names[h], ", ")+": "+h.says))
	}
}

// locatable says whether somebody goes to the drive of a for it.
func locatable(a web.Alert) bool {
	switch a.Code {
	case raid.CodeDriveFailed, raid.CodeDrivePredicted, raid.CodeMediaErrors, raid.CodeDriveWorn, raid.CodeDriveForeign:
		return strings.HasPrefix(a.Component, raid.DrivePath)
	}
	return false
}

// locateName is what locate knows the drive of a by.
func locateName(a web.Alert) string {
	if strings.HasPrefix(a.Name, "bay ") {
		return a.Name
	}
	return a.Component
}

// line writes text behind before, in lines of at most 80 columns; those after the first are indented by hang more.
func (p *raidPrinter) line(before, text string, hang int) {
	width := utf8.RuneCountInString(before)
	for i, l := range wrapped(text, wideness-width-hang) {
		if i == 1 {
			before = strings.Repeat(" ", width+hang)
		}
		p.WriteString(strings.TrimRight(before+l, " ") + "\n")
	}
}

// branch writes a line of the tree: mark is the health or the level.
func (p *raidPrinter) branch(mark string, depth int, text string) {
	p.line(fmt.Sprintf("%-*s%*s", markWidth, mark, depth*stepWidth, ""), text, stepWidth)
}

// wrapped breaks text at blanks into lines of at most width columns; a longer word stays whole.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
