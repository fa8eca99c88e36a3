package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

func statusCommand() command {
	return command{
		name: "status",
		args: "[-json] [-site SITE] [-socket PATH]",
		does: "show devices, the age of their data, and the journal of the running appliance",
		help: "  -json          print one JSON object: {status, devices}\n  -site SITE     at headquarters: of one site alone\n  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else " + usualSockets,
		run:  runStatus,
	}
}

// statusResult is what status -json prints: the answers of /api/v1/status and
// /api/v1/devices.
type statusResult struct {
	Status  web.Status   `json:"status"`
	Devices []web.Device `json:"devices"`

	headquarters bool // answers, and no box
}

func runStatus(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("status", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	site := fs.String("site", "", "")
	if rest, err := parseFlags(fs, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return usagef("status takes no arguments; rackpost query DEVICE tells of one")
	}
	c := newClient(*socket)
	c.http.Timeout = statusTimeout
	c.site = *site
	var r statusResult
	if err := c.get(ctx, "/status", nil, &r.Status); err != nil {
		return err
	}
	if err := c.getOf(ctx, "/devices", nil, &r); err != nil {
		return err
	}
	r.Status.Devices = web.CountOf(r.Devices) // what is counted is what is listed
	if *asJSON {
		return printJSON(t.out, r)
	}
	names, err := c.siteNames(ctx, r.Status.Site.ID)
	if err != nil {
		return err
	}
	for i := range r.Devices {
		r.Devices[i].ID = hw.DeviceID(ofSite(names, r.Devices[i].Site, string(r.Devices[i].ID)))
	}
	r.headquarters = names != nil
	return r.print(t.out)
}

// siteNames returns the names of the sites by id where headquarters answers, and nil where a box does: own is the site of who answers,
// which at headquarters is none of them.
func (c *client) siteNames(ctx context.Context, own string) (map[string]string, error) {
	var sites struct {
		Sites []api.Site `json:"sites"`
	}
	if err := c.get(ctx, "/sites", nil, &sites); err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, s := range sites.Sites {
		if s.ID == own {
			return nil, nil
		}
		names[s.ID] = s.Name
	}
	return names, nil
}

// ofSite writes a device of a site as headquarters is asked for it; names is nil at a box.
func ofSite(names map[string]string, site, device string) string {
	if name, known := names[site]; known {
		return plain(name) + "/" + device
	}
	return device
}

func (r statusResult) print(w io.Writer) error {
	s := r.Status
	for i := range r.Devices { // a site in wrong hands calls a device as it likes
		r.Devices[i].ID = hw.DeviceID(plain(string(r.Devices[i].ID)))
	}
	if r.headquarters {
		fmt.Fprintf(w, "headquarters %s (%s), up %s; rackpost hq sites tells of the sites\n", plain(s.Name), s.Site.ID, web.Ago(s.Time.Sub(s.Started)))
	} else {
		fmt.Fprintf(w, "%s at %s (%s), up %s\n", plain(s.Name), plain(s.Site.Name), s.Site.ID, web.Ago(s.Time.Sub(s.Started)))
	}
	if s.Pair != nil {
		fmt.Fprintf(w, "pair: %s\n", plain(s.Pair.Line))
		for _, x := range s.Pair.Alarms {
			fmt.Fprintf(w, "note: %s\n", plain(x.Text))
		}
	}
	if s.Uplink != nil {
		fmt.Fprintf(w, "uplink: %s\n", plain(s.Uplink.Line()))
	}
	for _, n := range s.Notices {
		fmt.Fprintf(w, "note: %s\n", plain(n))
	}
	if s.Clock != nil && !s.Clock.Trusted {
		fmt.Fprintln(w, "note: nothing keeps the clock of this box right (no NTP): times may be wrong, ages are not")
	}
	fmt.Fprint(w, writeLines(s.RemoteWrite, s.Time))
	j := s.Journal
	fmt.Fprintf(w, "journal: %s of %s in %d %s", web.Bytes(j.Bytes), web.Bytes(j.Budget), j.Segments, plural(j.Segments, "segment", "segments"))
	if j.Samples > 0 { // of its own visits: headquarters and a box that follows make none
		fmt.Fprintf(w, ", %d samples since the start", j.Samples)
	}
	if !j.LastFlush.IsZero() {
		fmt.Fprintf(w, ", last written %s ago", web.Ago(s.Time.Sub(j.LastFlush)))
	}
	for _, q := range j.Quarantined {
		fmt.Fprintf(w, "\nnote: set aside as damaged: %s", plain(q))
	}
	if r.headquarters {
		fmt.Fprintf(w, "\ndevices: %s", countText(s.Devices))
	}
	fmt.Fprint(w, "\n\n")
	return printDevices(w, r.Devices, true)
}

// countText tells how many devices are how.
func countText(c web.Counts) string {
	return fmt.Sprintf("%d: %d ok, %d warning, %d critical, %d unknown", c.Total, c.OK, c.Warning, c.Critical, c.Unknown)
}

// printDevices writes the table of status and of the demo, the worst told in the next lines; with advice, what to do too.
func printDevices(w io.Writer, devices []web.Device, advice bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "DEVICE\tMODEL\tHEALTH\tDATA AGE\tREQUESTS\tALERTS\tNOT READ\n")
	for _, d := range devices {
		model := "-"
		if d.Unit != nil && d.Unit.Model != "" {
			model = plain(d.Unit.Model)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n", d.ID, model, healthText(d), deviceAge(d), requestsText(d), len(web.Told(d.Alerts)), len(d.Gaps))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	printAlerts(w, devices, advice)
	printDenied(w, devices)
	printUnread(w, devices, advice)
	printActs(w, devices)
	return nil
}

// printUnread tells why devices are not read, and of servers what to do about it.
func printUnread(w io.Writer, devices []web.Device, advice bool) {
	for _, d := range devices {
		for _, g := range d.Gaps {
			if g.What != hw.VisitGap || g.Reason == hw.AccessDenied && g.Do == "" { // that is told as no access
				continue
			}
			fmt.Fprintf(w, "not read %s: %s%s\n", d.ID, web.ReasonWords(g.Reason), within(": ", plain(g.Detail)))
			if advice && g.Do != "" {
				printAdvice(w, g.Do)
			}
		}
		if d.Stopped {
			fmt.Fprintf(w, "not read %s: no login is tried any more, two were refused; with other credentials in site.yaml it goes on, and with rackpost visit %s\n", d.ID, d.ID)
		}
	}
}

// printActs tells what blinks.
func printActs(w io.Writer, devices []web.Device) {
	for _, d := range devices {
		for _, a := range d.Acts {
			part := "the server"
			if a.Component != hw.ChassisPath {
				part = alertPart(web.Alert{Component: a.Component, Name: a.Name})
				part = strings.TrimSuffix(part, ": ")
			}
			fmt.Fprintf(w, "%s: %s %s\n", d.ID, part, plain(a.Words()))
		}
	}
}

func printAdvice(w io.Writer, text string) {
	const indent = 4
	for _, l := range wrapped(text, wideness-indent) {
		fmt.Fprintf(w, "%*s%s\n", indent, "", l)
	}
}

// printDenied tells what devices do not show us and what to do about it, a line a device.
func printDenied(w io.Writer, devices []web.Device) {
	for _, d := range devices {
		var what []string
		detail := ""
		for _, g := range d.Gaps {
			if g.Reason == hw.AccessDenied {
				what, detail = append(what, plain(g.What)), g.Detail
			}
		}
		if len(what) > 0 {
			fmt.Fprintf(w, "no access %s: %s: %s\n", d.ID, strings.Join(what, ", "), plain(detail))
		}
	}
}

// printAlerts writes a line an alert of all devices, those of one component together, the gravest first; what to do about a
// verdict once.
func printAlerts(w io.Writer, devices []web.Device, advice bool) {
	type line struct {
		worst int // level of its component
		text  string
		alert web.Alert
	}
	var lines []line
	for _, d := range devices {
		component, worst := "", 0
		for i, a := range web.Told(d.Alerts) {
			if i == 0 || a.Component != component {
				component, worst = a.Component, 0
				for _, x := range d.Alerts {
					if x.Component == component {
						worst = max(worst, levelOf(x))
					}
				}
			}
			text := fmt.Sprintf("%s %s: %s%s%s, for %s", a.Level, d.ID, alertPart(a), web.AlertWords(a.Code), alertCause(a), web.Ago(time.Since(a.Since)))
			if a.Says != "" {
				text = fmt.Sprintf("%s %s: %s%s%s", a.Level, d.ID, alertPart(a), plain(a.Says), alertSince(a, time.Now()))
			}
			lines = append(lines, line{worst, text, a})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return b.worst - a.worst })
	const most = 20
	advised := map[string]bool{}
	for _, l := range lines[:min(len(lines), most)] {
		fmt.Fprintln(w, l.text)
		if advice && l.alert.Do != "" && !advised[l.alert.Code] {
			advised[l.alert.Code] = true
			printAdvice(w, l.alert.Do)
		}
	}
	if more := len(lines) - most; more > 0 {
		fmt.Fprintf(w, "and %d alerts more\n", more)
	}
}

// alertPart names the component an alert is about; one of the device itself has none.
func alertPart(a web.Alert) string {
	switch {
	case a.Component == "":
		return ""
	case a.Name != "":
		return fmt.Sprintf("%s (%s): ", plain(a.Component), plain(a.Name))
	}
	return plain(a.Component) + ": "
}

// alertCause tells what the device says of the component, and what the alert itself knows:
// errdisabled=bpduGuard is what a person looks for.
func alertCause(a web.Alert) string {
	if reason := a.Params.Get("reason"); a.Code == hw.AlertUnreachable && reason != "" {
		return ": " + plain(web.ReasonWords(hw.Reason(reason)))
	}
	var words []string
	for _, x := range slices.Concat(a.State, a.Params) {
		if x.Value != "" && x.Key != "section" && x.Value != a.Name {
			words = append(words, plain(x.Key)+"="+quoted(plain(x.Value)))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, " ") + ")"
}

func healthText(d web.Device) string {
	if d.Health == hw.Unknown && len(d.Gaps) > 0 {
		return fmt.Sprintf("unknown (%s)", plain(string(d.Gaps[0].Reason)))
	}
	return d.Health.String()
}

// requestsText is how many requests the last visit took, where this machine made it.
func requestsText(d web.Device) string {
	if d.Requests == 0 {
		return "-"
	}
	return strconv.Itoa(d.Requests)
}

func deviceAge(d web.Device) string {
	switch {
	case d.Age == nil:
		return "never read"
	case d.Stale:
		return web.Ago(time.Duration(*d.Age*float64(time.Second))) + " (old)"
	}
	return web.Ago(time.Duration(*d.Age * float64(time.Second)))
}
