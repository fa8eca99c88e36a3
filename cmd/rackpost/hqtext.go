package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/replicate/ship"
	"rackpost/web"
	"rackpost/web/api"
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
	if len(v.Notes) > 0 {
		return &exitError{exitWarning}
	}
	return nil
}

// print writes headquarters as a table.
func (v hqView) print(w io.Writer) error {
	t := v.Totals
	fmt.Fprintf(w, "%s (%s) at %s, up %s: %d %s, %d connected, %d silent\n", plain(v.Name), v.ID, strings.Join(v.URLs, " "),
		web.Ago(v.Time.Sub(v.Started)), t.Sites, plural(t.Sites, "site", "sites"), t.Connected, t.Silent)
	fmt.Fprintf(w, "journal: %s of %s\n", web.Bytes(v.Journal.Bytes), web.Bytes(v.Journal.Budget))
	for _, text := range v.Notes {
		fmt.Fprintf(w, "note: %s\n", plain(text))
	}
	for _, i := range v.Invitations {
		fmt.Fprintf(w, "invited: %s, until %s\n", plain(i.Site), clockText(i.Expires))
	}
	if len(v.Sites) == 0 {
		_, err := fmt.Fprintln(w, "\nno site has joined; rackpost hq enroll SITE prints how one does")
		return err
	}
	fmt.Fprintln(w)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "SITE\tVERSION\tHEARD\tLIVE LAG\tBEHIND\tTODAY\tSTORED\tREFUSED\tCLOCK\tNOTE")
	for _, s := range v.Sites {
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", plain(s.Name), orDash(plain(s.Version)), heardText(s), lagText(s), behindText(s, v.Time),
			ofQuota(s.Today, s.QuotaDay), ofQuota(s.Bytes, s.Quota), s.Refused, offsetText(s), plain(noteOf(s)))
	}
	return tab.Flush()
}

func heardText(s api.Site) string {
	switch {
	case s.Silent != nil:
		return web.Ago(time.Duration(*s.Silent*float64(time.Second))) + " ago"
	case s.State == api.SiteJoined:
		return "not yet" // since the start
	}
	return "-"
}

func lagText(s api.Site) string {
	switch {
	case s.Lag == nil:
		return "-"
	}
	return lateText(*s.Lag)
}

// lateText writes how late something is.
func lateText(seconds float64) string {
	if seconds >= 60 {
		return web.Ago(time.Duration(seconds * float64(time.Second)))
	}
	return fmt.Sprintf("%.1f s", seconds)
}

func behindText(s api.Site, now time.Time) string {
	text := waitsText(s, now)
	if n := s.Awaited; n > 0 && (s.Missing == nil || *s.Missing == 0) { // else they may be on their way
		text += fmt.Sprintf("; %d of a box that is away", n)
	}
	if s.Lost > 0 {
		text += fmt.Sprintf("; %d lost", s.Lost)
	}
	return text
}

// waitsText is what waits at a site, by its word.
func waitsText(s api.Site, now time.Time) string {
	switch {
	case s.Missing == nil:
		return "-"
	case *s.Missing == 0:
		return "nothing"
	}
	text := strconv.FormatUint(*s.Missing, 10)
	if s.Size != nil {
		text += fmt.Sprintf(" (%s)", web.Bytes(int64(min(*s.Size, math.MaxInt64))))
	}
	if !s.Since.IsZero() {
		if s.OffsetMS != nil {
			now = now.Add(time.Duration(*s.OffsetMS) * time.Millisecond)
		}
		text += ", of " + web.Ago(max(now.Sub(s.Since), 0)) + " ago"
	}
	return text
}

// ofQuota writes bytes, and how many there may be.
func ofQuota(n, most int64) string {
	if most > 0 {
		return web.Bytes(n) + " of " + web.Bytes(most)
	}
	return web.Bytes(n)
}

func offsetText(s api.Site) string {
	if s.OffsetMS == nil {
		return "-"
	}
	return secondsOff(float64(*s.OffsetMS) / 1000)
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
func noteOf(s api.Site) string {
	held := s.HeldBack
	if p := (ship.Pace{Paused: s.Paused, FactsOnly: s.FactsOnly, BytesPerSecond: s.Slowed}); p != (ship.Pace{}) {
		held = paceText(p) + within(", ", s.HeldBack)
	}
	switch {
	case s.State == api.SiteForgotten:
		return "forgotten; what it sent is here until rackpost hq forget " + s.ID + " -data"
	case s.State == api.SiteRevoked:
		return "revoked" + within(" ", s.Why)
	case s.Unheard:
		return "silent" + within(": ", s.Ended) + within("; ", held)
	case held != "":
		return held
	}
	return s.Reason
}

// clockGuard is how far a site's clock may be off before people are told.
const clockGuard = time.Minute

// outgrown is said while the lanes of what is behind are slowed.
const outgrown = "storing does not keep up with what the sites send: what is behind is slowed; docs/hq.md says what to do when that lasts"

// troubles are what a person is to see to.
func (v hqView) troubles() (out []string) {
	if v.Totals.Failed != "" {
		out = append(out, "nothing can be stored: "+v.Totals.Failed)
	}
	if v.Totals.Slowed {
		out = append(out, outgrown)
	}
	if v.Journal.Full {
		out = append(out, diskFull)
	}
	for _, s := range v.Sites {
		if s.State != api.SiteJoined {
			continue
		}
		off := time.Duration(0)
		if s.OffsetMS != nil {
			off = time.Duration(*s.OffsetMS) * time.Millisecond
		}
		switch {
		case s.Unheard:
			out = append(out, fmt.Sprintf("nothing is heard of %s", s.Name))
		case s.Conflict > 0:
			out = append(out, fmt.Sprintf("%s: other content came under %d held %s: was a disk copied?", s.Name, s.Conflict, plural(int(min(s.Conflict, 2)), "key", "keys")))
		case s.FactsOnly && (s.Quota > 0 && s.Bytes >= s.Quota || s.QuotaDay > 0 && s.Today >= s.QuotaDay):
			out = append(out, fmt.Sprintf("%s has used its quota: only facts are taken of it", s.Name))
		case off.Abs() > clockGuard:
			out = append(out, fmt.Sprintf("the clock of %s is off by %s", s.Name, offsetText(s)))
		}
	}
	const most = 20
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("and %d more", len(out)-most))
	}
	return out
}
