package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/hw/raid"
	"rackpost/web"
)

// actTimeout is how long a command waits for an act: the device may be in the middle of a visit.
const actTimeout = actWait + 15*time.Second

func locateCommand() command {
	return command{
		name: "locate",
		args: "[-for D] [-socket PATH] DEVICE [PART] on|off",
		does: "make a drive or the whole server blink, so that a person finds it",
		help: `PART is a component such as drive/Disk.Bay.3:Enclosure.Internal.0-1:RAID.Integrated.1-1, or "bay 3"; without one it is
the server itself. It stops blinking by itself, also when the appliance was started anew meanwhile.

  -for D         how long, such as 30m; ` + shortDuration(locateDefault) + ` if not given, ` + shortDuration(locateMost) + ` at most
  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

Who asked, for what, and what came of it is kept: rackpost query DEVICE.
Exit code 0: it blinks, or does no more; 1: it does not, or nobody knows; 2: wrong usage.`,
		run: runLocate,
	}
}

// locateFlags are the flags and arguments of locate.
type locateFlags struct {
	socket string
	device string
	part   string // as it was written; empty: the server
	order  locateOrder
}

func (f *locateFlags) parse(args []string) error {
	fs := flag.NewFlagSet("locate", flag.ContinueOnError)
	lasts := fs.String("for", "", "")
	fs.StringVar(&f.socket, "socket", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) < 2 {
		return usagef("name a device, a part of it if it is not the server itself, and on or off")
	}
	f.device, f.part = rest[0], strings.Join(rest[1:len(rest)-1], " ")
	switch word := rest[len(rest)-1]; word {
	case "on", "off":
		f.order.On = word == "on"
	default:
		return usagef("say on or off at the end, not %q", shorten(word))
	}
	if *lasts == "" {
		return nil
	}
	d, err := parseDuration(*lasts)
	switch {
	case err != nil:
		return usagef("-for: %v", err)
	case !f.order.On:
		return usagef("-for goes with on")
	case d < locateLeast || d > locateMost:
		return usagef("-for: %s is out of bounds; write %s to %s", *lasts, shortDuration(locateLeast), shortDuration(locateMost))
	}
	f.order.Seconds = d.Seconds()
	return nil
}

// locateAnswer is a located as it comes over the socket.
type locateAnswer struct {
	located
	Phase string `json:"phase"`
}

func runLocate(ctx context.Context, t terminal, args []string) error {
	var f locateFlags
	if err := f.parse(args); err != nil {
		return err
	}
	c := newClient(f.socket)
	c.http.Timeout = actTimeout
	about, err := f.find(ctx, c)
	if err != nil {
		return err
	}
	stop := newVisitProgress(t.err, "waiting for "+f.device).watch() // its visit in flight comes first
	var came locateAnswer
	err = c.post(ctx, "/devices/"+f.device+"/locate", f.order, &came)
	stop()
	if err != nil {
		return err
	}
	return f.tell(t, about, came)
}

// find finds the part that is meant, and returns what a person compares before touching it.
func (f *locateFlags) find(ctx context.Context, c *client) (string, error) {
	if f.part == "" {
		f.order.Component = hw.ChassisPath
		return "", nil
	}
	var tree web.Raid
	if err := c.get(ctx, "/devices/"+f.device+"/raid", nil, &tree); err != nil {
		return "", err
	}
	found := map[string]web.RaidPart{}
	var titles []string
	eachPart(tree, func(p web.RaidPart) {
		if meant(p, f.part) && found[p.Path].Path == "" {
			found[p.Path], titles = p, append(titles, p.Title)
		}
	})
	if len(found) > 1 {
		return "", fmt.Errorf("%q may be several parts of %s: write one of them: %s", f.part, f.device, strings.Join(titles, ", "))
	}
	for path, p := range found {
		f.order.Component = path
		return p.Title + within(": ", strings.Join(p.Facts(), ", ")), nil
	}
	f.order.Component = f.part // another sort of part, or one nobody knows: the appliance says
	return "", nil
}

// meant says whether a person who writes part may mean p: by its component, by its title, also without the enclosure, or by the
// name of a drive.
func meant(p web.RaidPart, part string) bool {
	title, _, _ := strings.Cut(p.Title, " of ")
	return p.Path == part || strings.EqualFold(p.Title, part) || strings.EqualFold(title, part) ||
		strings.HasPrefix(p.Path, raid.DrivePath+part+":") || p.Path == raid.DrivePath+part
}

// eachPart calls fn for every part of a tree.
func eachPart(tree web.Raid, fn func(web.RaidPart)) {
	for _, c := range tree.Controllers {
		fn(c.RaidPart)
		for _, list := range [][]web.RaidPart{c.Batteries, c.Spares, c.Unassigned, c.Enclosures} {
			for _, p := range list {
				fn(p)
			}
		}
		for _, v := range c.Volumes {
			fn(v.RaidPart)
			for _, p := range append(v.Drives, v.Spares...) {
				fn(p)
			}
		}
	}
}

// tell writes what came of it.
func (f *locateFlags) tell(t terminal, about string, came locateAnswer) error {
	what := f.device
	if f.part != "" {
		what = f.order.Component + " of " + f.device
	}
	if about != "" {
		fmt.Fprintln(t.out, plain(about))
	}
	why := ""
	if came.Detail != "" || came.Reason != "" {
		why = ": " + plain(cmp.Or(came.Detail, web.ReasonWords(came.Reason)))
	}
	switch {
	case came.Phase != hw.ActDone.String() && came.Phase != hw.ActFailed.String():
		return fmt.Errorf("nobody knows whether %s blinks%s", what, why)
	case came.Phase == hw.ActFailed.String():
		return fmt.Errorf("%s was not told%s", what, why)
	case !came.On:
		_, err := fmt.Fprintf(t.out, "%s blinks no more\n", what)
		return err
	}
	_, err := fmt.Fprintf(t.out, "%s blinks until %s; compare bay and serial before anything is pulled\n", what, came.Until.Local().Format("2006-01-02 15:04:05"))
	return err
}
