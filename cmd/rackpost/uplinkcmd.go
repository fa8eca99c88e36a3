package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/replicate/uplink"
	"rackpost/web"
)

func uplinkCommand() command {
	return command{
		name: "uplink",
		args: "join URL... TOKEN | status | leave",
		does: "the way to headquarters: join one, see what it has and what it has not, leave it",
		help: `  join URL... TOKEN  let this site send to the headquarters that printed the token (rackpost hq enroll SITE); at one box, for both of a pair
  status             live lag, what is behind and how long it takes, what headquarters has not seen, each way, refusals and why
  leave              send there no more; what was sent stays there

  -name SITE         with join: the name of the site there, when it is not that in site.yaml
  -json              print one JSON object; with join and status
  -socket PATH       of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

uplink: in box.yaml says over which interfaces and proxies, in which order and how fast; without it the routes of the
system do. Exit code of status 0: all is well; 3: something is to be seen to (headquarters is not
reached, refuses the site or holds it back, a clock is wrong), or the site has joined none.`,
		run: runUplink,
	}
}

func runUplink(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("uplink", flag.ContinueOnError)
	socket := fs.String("socket", "", "")
	asJSON := fs.Bool("json", false, "")
	name := fs.String("name", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("say what: join, status or leave")
	}
	c := newClient(*socket)
	verb, rest := rest[0], rest[1:]
	switch {
	case verb != "join" && verb != "status" && verb != "leave":
		return usagef("%q is none of join, status and leave", shorten(verb))
	case verb == "join" && len(rest) < 2:
		return usagef("uplink join takes the address of headquarters and the token, as rackpost hq enroll printed them")
	case verb != "join" && len(rest) > 0:
		return usagef("uplink %s: %q is too much", verb, shorten(rest[0]))
	case *name != "" && verb != "join":
		return usagef("-name goes with join")
	case *asJSON && verb == "leave":
		return usagef("-json goes with join and status")
	case verb == "status":
		return uplinkStatus(ctx, c, t.out, *asJSON)
	}
	c.http.Timeout = 2 * pairTime
	var done uplinkJoined
	if verb == "leave" {
		if err := c.post(ctx, uplinkPath+"/leave", struct{}{}, &done); err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "this site sends to %s no more; there, rackpost hq revoke %s makes that sure\n", plain(done.URL), siteWord(done.Name))
		return err
	}
	order := uplinkOrder{URLs: rest[:len(rest)-1], Token: rest[len(rest)-1], Name: *name}
	told := tellJoining(ctx, t.err, c, joiningQuiet)
	err = c.post(ctx, uplinkPath+"/join", order, &done)
	if told(); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(t.out, done)
	}
	_, err = fmt.Fprintf(t.out, "this site sends to %s, where it is called %s\n", plain(done.URL), plain(done.Name))
	return err
}

func uplinkStatus(ctx context.Context, c *client, w io.Writer, asJSON bool) error {
	c.http.Timeout = statusTimeout
	var v uplinkView
	if err := c.get(ctx, uplinkPath, nil, &v); err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(w, v); err != nil {
			return err
		}
	} else if err := v.print(w, time.Now()); err != nil {
		return err
	}
	if v.trouble() {
		return &exitError{exitWarning}
	}
	return nil
}

// trouble says whether a person is to see to the uplink.
func (v uplinkView) trouble() bool {
	if v.Uplink == nil {
		return true
	}
	s := v.Uplink
	off := time.Duration(s.ClockOffset * float64(time.Second))
	return s.Sending && !s.Connected || s.Held.Paused || s.Held.FactsOnly || s.Refusal != nil || s.ClockKnown && off.Abs() > clockGuard
}

// print writes the uplink as people read it.
func (v uplinkView) print(w io.Writer, now time.Time) error {
	if v.Uplink == nil {
		text := "this site has joined no headquarters; there, rackpost hq enroll SITE prints how"
		if v.Problem != "" {
			text = "nothing is sent: " + v.Problem
		}
		_, err := fmt.Fprintln(w, plain(text))
		return err
	}
	s := v.Uplink
	fmt.Fprintf(w, "%s sends to %s as %s\n", v.sender(), plain(s.URL), plain(s.Name))
	switch {
	case !s.Sending:
		fmt.Fprintf(w, "this box sends nothing: %s; rackpost uplink status there tells how it goes\n", plain(s.Why))
	case s.Connected:
		fmt.Fprintf(w, "live: by %s for %s, %s behind\n", plain(s.Way), web.Ago(now.Sub(s.Live.Since)), lateText(s.LiveLag))
	default:
		why := s.Live.Reason
		if s.Refusal != nil {
			why = "" // that is told below, and newer
		}
		fmt.Fprintf(w, "live: no connection for %s%s\n", web.Ago(now.Sub(s.Live.Since)), within(": ", plain(why)))
	}
	if s.Sending {
		fmt.Fprintln(w, backlogText(s.Backlog, now))
	}
	if held := heldText(*s); held != "" {
		fmt.Fprintf(w, "note: %s\n", plain(held))
	}
	for _, l := range []uplink.Lane{s.Live, s.Behind} {
		if l.Says != "" {
			fmt.Fprintf(w, "note: not taken: %s\n", plain(l.Says))
		}
	}
	if r := s.Refusal; r != nil {
		fmt.Fprintf(w, "note: refused %d %s, last %s ago: %s%s\n", r.Times, plural(r.Times, "time", "times"), web.Ago(now.Sub(r.At)), plain(r.Error), within("; ", plain(r.Advice)))
	}
	if s.ClockKnown {
		fmt.Fprintln(w, clockOffText(s.ClockOffset))
	}
	fmt.Fprintf(w, "certificate: until %s, renewed by itself\n\n", s.Certificate.Format(time.DateOnly))
	return printWays(w, s.Ways)
}

// heldText says how headquarters holds the site back, and what waits because of it; empty: it does not.
func heldText(s uplink.Status) string {
	held := web.Uplink{Paused: s.Held.Paused, FactsOnly: s.Held.FactsOnly, Slowed: s.Held.BytesPerSecond, HeldBack: s.Held.Why}.Held()
	if held == "" {
		return ""
	}
	text := "headquarters " + held
	if s.Backlog.Records > 0 {
		text += fmt.Sprintf(": %d %s", s.Backlog.Records, plural(int(min(s.Backlog.Records, 2)), "record waits", "records wait"))
	}
	if !s.Held.Since.IsZero() {
		text += ", since " + clockText(s.Held.Since)
	}
	return text
}

func (v uplinkView) sender() string {
	if v.Uplink.Sending || v.Leader == "" {
		return plain(v.Box)
	}
	return plain(v.Leader)
}

// clockExact is how exact the offset of headquarters' clock is, in seconds: an answer tells whole seconds.
const clockExact = 0.5

func clockOffText(seconds float64) string {
	if math.Abs(seconds) <= clockExact {
		return "clock: as that of headquarters, as far as can be told (0.5 s)"
	}
	return fmt.Sprintf("clock: headquarters' is %+.1f s from this one", seconds)
}

func backlogText(b uplink.Backlog, now time.Time) string {
	switch {
	case !b.Known:
		return "behind: not known until headquarters says what it has"
	case b.Records == 0:
		return "behind: nothing"
	}
	text := fmt.Sprintf("behind: %d %s, about %s", b.Records, plural(int(min(b.Records, 2)), "record", "records"), web.Bytes(int64(b.Bytes)))
	if !b.Oldest.IsZero() {
		text += ", the oldest of " + web.Ago(now.Sub(b.Oldest)) + " ago"
	}
	if b.Drain > 0 {
		text += ", there in " + web.Ago(time.Duration(b.Drain*float64(time.Second)))
	}
	return text
}

func printWays(w io.Writer, ways []uplink.WayHealth) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "WAY\tINTERFACE\tPROXY\tLINK\tANSWERS\tIN USE\tPROBLEM")
	for _, x := range ways {
		use := ""
		if x.InUse {
			use = "yes"
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(x.Name), orDash(x.Interface), orDash(x.Proxy), x.Link, x.Answers, use, plain(strings.TrimSpace(x.Problem)))
	}
	return tab.Flush()
}
