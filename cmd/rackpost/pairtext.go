package main

import (
	"fmt"
	"io"
	"math"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/replicate/control"
	"rackpost/web"
)

// person names who runs this command.
func person() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}

// printPair tells how a pair stands.
func printPair(w io.Writer, v web.Pair) error {
	fmt.Fprintf(w, "%s is %s\n", plain(v.Self.Name), roleWords(v))
	if v.Why != "" {
		fmt.Fprintln(w, plain(v.Why))
	}
	may := "nothing"
	if len(v.Powers) > 0 {
		may = strings.Join(v.Powers, ", ")
	}
	if v.ActsIn > 0 {
		may += ", and act in " + wholeSeconds(time.Duration(v.ActsIn*float64(time.Second)))
	}
	fmt.Fprintf(w, "it may: %s; generation %s, configuration %s\n\n", may, orNothing(v.Generation), siteWords(v.Site))
	if err := printMembers(w, v); err != nil {
		return err
	}
	if a := v.Address; a != nil {
		fmt.Fprintf(w, "\nvirtual address %s: %s\n", a.Address, addressWords(*a))
	}
	for _, a := range v.Alarms {
		fmt.Fprintf(w, "\n%s\n", plain(a.Text))
	}
	if v.Site.Refused != "" {
		fmt.Fprintf(w, "\n%s\n", plainLines(v.Site.Refused))
	}
	for _, c := range v.Conflicts {
		printConflict(w, c)
	}
	for _, r := range v.Refusals {
		fmt.Fprintf(w, "\nrefused %s\n", plain(r))
	}
	if left := time.Until(v.Expires); left < 30*day {
		fmt.Fprintf(w, "\nthis machine's certificate expires at %s; it is renewed when a box with a right clock is reached\n", v.Expires.Local().Format(time.DateTime))
	}
	return nil
}

func printConflict(w io.Writer, c web.PairConflict) {
	fmt.Fprintf(w, "\nwhat was agreed on here and given up is in %s", plain(c.File))
	if c.Problem != "" {
		fmt.Fprintf(w, ": %s\n", plain(c.Problem))
	} else {
		fmt.Fprint(w, ": look whether something of it is to be done again, then remove the file\n")
	}
	site := false
	for _, l := range c.Lost {
		fmt.Fprintf(w, "  %s\n", plain(l))
		site = site || strings.HasPrefix(l, control.Site+": ")
	}
	if site {
		fmt.Fprintf(w, "  rackpost config show %s prints its site.yaml, for who may read the file\n", plain(c.File))
	}
}

func siteWords(s web.PairSite) string {
	switch {
	case s.Version == 0:
		return "not known yet"
	case s.Running == s.Version || s.Running == 0:
		return fmt.Sprintf("version %d", s.Version)
	}
	return fmt.Sprintf("version %d, this box works with %d", s.Version, s.Running)
}

func addressWords(a web.PairAddress) string {
	said := "not held here"
	if a.Held {
		said = "held here, on " + a.Interface
	}
	return said + within("; ", plain(a.Problem))
}

func printMembers(w io.Writer, v web.Pair) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "MEMBER\tROLE\tMODE\tVOTE\tHEARD\tJOURNAL\n")
	for _, m := range v.Members {
		mode := m.Mode
		if v.Leader == m.Name {
			mode += " (leads)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(m.Name), m.Role, mode, orNothing(m.Vote), heardAgo(m.Silent), orDash(journalWords(m)))
		for _, p := range m.Paths {
			trip := ""
			if p.RoundTrip > 0 {
				trip = fmt.Sprintf("%.1f ms", p.RoundTrip)
			}
			fmt.Fprintf(tw, "  %s\t%s\t%s\t\t%s\t%s\n", plain(p.Name), plain(p.Address), trip, heardAgo(p.Silent), plain(callWords(p.Error)))
		}
	}
	if len(v.Members) == 0 {
		fmt.Fprint(tw, "no other member; rackpost pair token lets one in\n")
	}
	return tw.Flush()
}

// callWords says why a call failed as the table has room for it; the JSON has the whole of it.
func callWords(failed string) string {
	for _, c := range [...]struct{ sign, words string }{
		{"connection refused", "no answer (refused)"},
		{"i/o timeout", "no answer (in time)"},
		{"connection timed out", "no answer (in time)"},
		{"deadline exceeded", "no answer (in time)"},
		{"no route to host", "no answer (no route)"},
		{"network is unreachable", "no answer (no route)"},
		{"connection reset", "the connection was broken off"},
		{"cannot assign requested address", "this machine has not its own address there"},
	} {
		if strings.Contains(failed, c.sign) {
			return c.words
		}
	}
	return failed
}

// wholeSeconds is what is left of a time, never less than it.
func wholeSeconds(d time.Duration) string {
	return fmt.Sprintf("%.0f s", math.Ceil(max(1, d.Seconds())))
}

func heardAgo(silent *float64) string {
	if silent == nil {
		return "never"
	}
	return shortAge(time.Duration(*silent*float64(time.Second))) + " ago"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
