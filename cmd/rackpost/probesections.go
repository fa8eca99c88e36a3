package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/web"
)

// probeSection is what became of one section: whether it was read, how many parts it found,
// and where it found none, why.
type probeSection struct {
	Section    string    `json:"section"`
	Read       string    `json:"read"` // failed, partial, complete
	Components int       `json:"components"`
	Samples    int       `json:"samples,omitempty"` // of a section without parts of its own: given to those of others
	Reason     hw.Reason `json:"reason,omitempty"`
	Why        string    `json:"why,omitempty"`
}

// logSection is the section whose yield are lines.
const logSection = "log"

// probeSections tells what became of each of the kind's sections, all of which were due.
//
// lent is of samplesLent.
func probeSections(kind collectors.Kind, r hw.Report, lent map[string]int, visitErr error) []probeSection {
	found := map[string]int{}
	for _, c := range r.Components {
		found[c.Section]++
	}
	extents := map[string]hw.Extent{}
	for _, s := range r.Read {
		extents[s.Section] = s.Extent
	}
	all := make([]probeSection, 0, len(kind.Sections))
	for _, s := range kind.Sections {
		p := probeSection{Section: s.Name, Read: extents[s.Name].String(), Components: found[s.Name], Samples: lent[s.Name]}
		lines := 0
		if s.Name == logSection {
			lines = len(r.Log)
		}
		if p.Components+p.Samples+lines == 0 {
			g := whyNothing(s.Name, r, visitErr)
			p.Reason, p.Why = g.Reason, reasonText(g)
		}
		all = append(all, p)
	}
	return all
}

// samplesLent asks each section that was read and found no part again, alone: it may have
// samples of the parts of others. The requests are added to the report's.
func samplesLent(ctx context.Context, c collectors.Collector, kind collectors.Kind, r *hw.Report) map[string]int {
	lent := map[string]int{}
	for _, s := range kind.Sections {
		read := slices.ContainsFunc(r.Read, func(x hw.Scope) bool { return x.Section == s.Name && x.Extent == hw.Complete })
		if !read || slices.ContainsFunc(r.Components, func(p hw.Component) bool { return p.Section == s.Name }) {
			continue
		}
		alone, err := c.Collect(ctx, []collectors.Section{s})
		r.Requests += alone.Requests
		if err == nil {
			lent[s.Name] = len(alone.Samples)
		}
	}
	return lent
}

// whyNothing returns why a section found no part: its gap, or that of the whole visit, else
// that the device has none.
func whyNothing(section string, r hw.Report, visitErr error) hw.Gap {
	if visitErr != nil {
		return hw.Gap{What: hw.VisitGap, Reason: collectors.ReasonOf(visitErr)}
	}
	of := hw.Gap{What: section, Reason: hw.NotSupported}
	for _, g := range r.Gaps {
		switch {
		case g.What == section || g.What == hw.VisitGap:
			return g
		case of.Reason == hw.NotSupported && strings.HasPrefix(g.What, section+"/"):
			of = g
		}
	}
	return of
}

// reasonText says in words why a section is without parts.
func reasonText(g hw.Gap) string {
	text := reasonWords(g.Reason)
	if g.Detail != "" {
		text += ": " + plain(g.Detail)
	}
	return text
}

func reasonWords(r hw.Reason) string {
	switch r {
	case hw.NotSupported:
		return "the device lacks these tables, or has nothing in them"
	case hw.NoAnswer:
		return "no answer"
	case hw.AccessDenied:
		return "no access"
	case hw.OutOfTime:
		return "the time of the visit was used up"
	case hw.Garbage:
		return "the answers make no sense"
	case hw.NotReady, hw.Inconsistent:
		return "not settled yet, so ask again in a minute"
	case hw.DeviceError:
		return "the device answers with an error"
	case hw.WrongKind:
		return "the device is of another kind"
	case hw.AuthFailed:
		return "the login was refused"
	case hw.LockedOut:
		return "it bars us after failed logins"
	case hw.CertChanged:
		return "it shows another certificate than the one that was trusted"
	case hw.Refused:
		return "nothing listens there"
	case hw.Unreachable:
		return "there is no way to it"
	}
	return string(r)
}

// printSections writes the sections that found nothing, those with one reason in one line.
func printSections(w io.Writer, sections []probeSection) {
	var whys []string
	of := map[string][]string{}
	for _, s := range sections {
		if s.Why == "" {
			continue
		}
		if of[s.Why] == nil {
			whys = append(whys, s.Why)
		}
		of[s.Why] = append(of[s.Why], s.Section)
	}
	fmt.Fprintln(w)
	for _, why := range whys {
		fmt.Fprintf(w, "nothing of %s: %s\n", strings.Join(of[why], ", "), why)
	}
}

// printGaps writes what was not read besides the sections that found nothing.
func printGaps(w io.Writer, gaps []hw.Gap, sections []probeSection) error {
	if len(gaps) == 0 {
		_, err := fmt.Fprintln(w, "everything that the device shows was read")
		return err
	}
	told := func(g hw.Gap) bool {
		return slices.ContainsFunc(sections, func(s probeSection) bool { return s.Section == g.What && s.Reason == g.Reason })
	}
	gaps = slices.DeleteFunc(slices.Clone(gaps), told)
	if len(gaps) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "\nNOT READ\tWHY\tDETAILS\n")
	for _, g := range gaps {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", plain(g.What), g.Reason, plain(g.Detail))
	}
	return tw.Flush()
}

// grantText says how to let the credentials read everything, when something was denied to
// them; else nothing.
func grantText(kind collectors.Kind, c collectors.Credentials, r hw.Report, visitErr error) string {
	denied := visitErr != nil && collectors.ReasonOf(visitErr) == hw.AccessDenied
	for _, g := range r.Gaps {
		denied = denied || g.Reason == hw.AccessDenied
	}
	if !denied || kind.Grant == nil {
		return ""
	}
	return kind.Grant(c)
}

func printGrant(w io.Writer, text string) error {
	if text == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nHOW TO GRANT IT\n%s", plainLines(text))
	return err
}

// plainLines is plain for a text of several lines.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

// below returns text as what follows an error, "" when there is none.
func below(text string) string {
	if text == "" {
		return ""
	}
	return "\n" + strings.TrimSuffix(text, "\n")
}

// advice says in lines for people what to do when a server could not be read over Redfish for a reason; "" where the error
// says all there is.
func advice(kind collectors.Kind, r hw.Reason) string {
	text := web.RedfishAdvice(r)
	if !speaksRedfish(kind) || text == "" {
		return ""
	}
	return strings.Join(wrapped(text, wideness), "\n") + "\n"
}
