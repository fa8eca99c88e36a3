package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/web"
)

// The exit codes of raid, besides those of every subcommand. The worst one counts, in this order.
const (
	exitFault   = 4 // an alert that is average or graver
	exitUnknown = 5 // something was not read, or long ago
	exitWarning = 3 // nothing but warnings
)

func raidCommand() command {
	return command{
		name: "raid",
		args: "[-json] [-socket PATH] [[SITE/]DEVICE]",
		does: "show the RAID sets of the servers, what is wrong with them and what to do about it",
		help: `Every controller, battery, volume and drive as the running appliance knows them, of DEVICE or of all,
the worst first. A line that begins with a level is what the audit says (docs/raid.md: every rule, why, and
how a policy changes it); the others begin with the health the device gives the part.

  -json          print one JSON object
  -site SITE     at headquarters: of one site alone; or SITE/DEVICE
  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else ` + usualSockets + `

Exit code 0: nothing is wrong; 3: only warnings; 4: a fault, of level average or graver; 5: no fault, and
something was not read or is old; 1: the appliance could not be asked; 2: wrong usage.`,
		run: runRAID,
	}
}

// raidResult is what raid -json prints: the answer of /api/v1/raid.
type raidResult struct {
	Devices []web.Raid `json:"devices"`
}

func runRAID(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("raid", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	site := fs.String("site", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return usagef("name one device, or none for all")
	}
	c := newClient(*socket)
	c.site = *site
	var r raidResult
	if len(rest) == 1 {
		var one web.Raid
		err = c.getOf(ctx, "/devices/"+c.ofSite(rest[0])+"/raid", nil, &one)
		r.Devices = []web.Raid{one}
	} else {
		err = c.getOf(ctx, "/raid", nil, &r)
	}
	if err != nil {
		return err
	}
	if !*asJSON {
		err = r.nameSites(ctx, c)
	}
	switch {
	case err != nil:
		return err
	case *asJSON:
		err = printJSON(t.out, r)
	case len(r.Devices) == 0:
		_, err = fmt.Fprintln(t.out, "no device whose RAID sets are read is configured")
	default:
		err = printRAID(t.out, r.Devices, time.Now())
	}
	if err != nil {
		return err
	}
	if code := raidCode(r.Devices); code != exitOK {
		return &exitError{code}
	}
	return nil
}

// nameSites puts the site in front of the devices where headquarters answers.
func (r raidResult) nameSites(ctx context.Context, c *client) error {
	var s web.Status
	if err := c.get(ctx, "/status", nil, &s); err != nil {
		return err
	}
	names, err := c.siteNames(ctx, s.Site.ID)
	for i := range r.Devices {
		r.Devices[i].Device = hw.DeviceID(ofSite(names, r.Devices[i].Site, string(r.Devices[i].Device)))
	}
	return err
}

// raidCode is the exit code for what is known of some devices.
func raidCode(devices []web.Raid) int {
	warned, unknown := false, false
	for _, d := range devices {
		for _, a := range d.Alerts {
			if levelOf(a) >= int(hw.LevelAverage) {
				return exitFault
			}
			warned = true
		}
		unknown = unknown || d.Stale || len(d.Gaps) > 0 || len(d.Controllers) == 0
	}
	switch {
	case unknown:
		return exitUnknown
	case warned:
		return exitWarning
	}
	return exitOK
}
