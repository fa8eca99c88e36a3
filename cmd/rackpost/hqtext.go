package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
	"rackpost/web"
)

func (f *hqFlags) sites(ctx context.Context) error {
	var v hqView
	if err := f.client.get(ctx, hqPath, nil, &v); err != nil {
		return err
	}
	if f.json {
		if err := printJSON(f.t.out, v); err != nil {
			return err
		}
	} else if err := v.print(f.t.out); err != nil {
		return err
	}
	if len(v.troubles()) > 0 {
		return &exitError{exitWarning}
	}
	return nil
}

// print writes headquarters as a table.
func (v hqView) print(w io.Writer) error {
	t := v.Intake.Totals
	fmt.Fprintf(w, "%s (%s) at %s, up %s: %d %s, %d connected, %d silent\n", plain(v.Name), v.ID, strings.Join(v.URLs, " "),
		web.Ago(v.Time.Sub(v.Intake.Since)), t.Sites, plural(t.Sites, "site", "sites"), t.Connected, t.Silent)
	fmt.Fprintf(w, "journal: %s of %s\n", web.Bytes(v.Journal.Bytes), web.Bytes(v.Journal.Budget))
	for _, text := range v.troubles() {
		fmt.Fprintf(w, "note: %s\n", plain(text))
	}
	for _, i := range v.Invitations {
		if !i.Used && v.Time.Before(i.Expires) {
			fmt.Fprintf(w, "invited: %s, until %s\n", plain(i.Site), clockText(i.Expires))
		}
	}
	if len(v.Intake.Sites) == 0 {
		_, err := fmt.Fprintln(w, "\nno site has joined; rackpost hq enroll SITE prints how one does")
		return err
	}
	fmt.Fprintln(w)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "SITE\tHEARD\tLIVE LAG\tBEHIND\tTODAY\tSTORED\tREFUSED\tCLOCK\tNOTE")
	for _, s := range v.Intake.Sites {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", plain(s.Name), heardText(s, v.Time), lagText(s), behindText(s),
			web.Bytes(s.BytesToday), web.Bytes(s.BytesStored), s.Refused, offsetText(s), plain(v.noteOf(s)))
	}
	return tab.Flush()
}

func heardText(s intake.SiteStatus, now time.Time) string {
	if s.LastHeard.IsZero() {
		return "not yet" // since the start
	}
	return web.Ago(max(now.Sub(s.LastHeard), 0)) + " ago"
}

func lagText(s intake.SiteStatus) string {
	if !s.Live.Connected {
		return "-"
	}
	return fmt.Sprintf("%.1f s", float64(s.LagMS)/1000)
}

func behindText(s intake.SiteStatus) string {
	if s.Lacks == 0 {
		return "-"
	}
	return fmt.Sprintf("%d (%s)", s.Lacks, web.Bytes(int64(s.LacksBytes)))
}

func offsetText(s intake.SiteStatus) string {
	if !s.ClockKnown {
		return "-"
	}
	return secondsOff(float64(s.ClockOffsetMS) / 1000)
}

// secondsOff writes how far a clock is off. What rounds to nothing has no sign.
func secondsOff(s float64) string {
	if math.Abs(s) < 0.05 {
		return "0.0 s"
	}
	return fmt.Sprintf("%+.1f s", s)
}

// paceText says what a pace asks for.
func paceText(p ship.Pace) string {
	switch {
	case p.Paused:
		return "paused"
	case p.FactsOnly:
		return "facts only"
	case p.BytesPerSecond > 0:
		return fmt.Sprintf("%s a second at most", web.Bytes(int64(min(p.BytesPerSecond, math.MaxInt64))))
	}
	return "as fast as it comes"
}

// noteOf is the most important that is to be said of a site.
func (v hqView) noteOf(s intake.SiteStatus) string {
	i := slices.IndexFunc(v.Sites, func(x enroll.Site) bool { return x.ID == s.Site })
	switch {
	case i < 0:
		return "forgotten; what it sent is here"
	case !v.Sites[i].Revoked.IsZero():
		return "revoked " + v.Sites[i].Why
	}
	switch {
	case s.Silent:
		why := ""
		if s.Live.Reason != "" {
			why = ": " + s.Live.Reason
		}
		return "silent" + why
	case len(s.PaceReasons) > 0:
		return paceText(s.Pace) + ", " + strings.Join(s.PaceReasons, "; ")
	case s.LastRefusal != "":
		return s.LastRefusal
	}
	return ""
}

// clockGuard is how far a site's clock may be off before people are told.
const clockGuard = time.Minute

// outgrown is said while the lanes of what is behind are slowed.
const outgrown = "storing does not keep up with what the sites send: what is behind is slowed; docs/hq.md says what to do when that lasts"

// troubles are what a person is to see to.
func (v hqView) troubles() (out []string) {
	if v.Intake.Totals.Failed != "" {
		out = append(out, "nothing can be stored: "+v.Intake.Totals.Failed)
	}
	if v.Intake.Totals.Slowed {
		out = append(out, outgrown)
	}
	if v.Journal.Full {
		out = append(out, diskFull)
	}
	for _, s := range v.Intake.Sites {
		switch {
		case s.Silent:
			out = append(out, fmt.Sprintf("nothing is heard of %s", s.Name))
		case s.Conflicts > 0:
			out = append(out, fmt.Sprintf("%s: other content came under %d held %s: was a disk copied?", s.Name, s.Conflicts, plural(int(s.Conflicts), "key", "keys")))
		case s.ClockKnown && time.Duration(s.ClockOffsetMS)*time.Millisecond > clockGuard, s.ClockKnown && time.Duration(s.ClockOffsetMS)*time.Millisecond < -clockGuard:
			out = append(out, fmt.Sprintf("the clock of %s is off by %s", s.Name, offsetText(s)))
		}
	}
	const most = 20
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return out
}
