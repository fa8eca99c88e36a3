package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"rackpost/web"
	"rackpost/web/api"
)

func queryCommand() command {
	return command{
		name: "query",
		args: "[-json] [-since D | -latest] [-socket PATH] [SITE/]DEVICE [COMPONENT SENSOR]",
		does: "print what was recorded: the facts of a device, or the readings of one sensor",
		help: `  -since D      how far back: 30m, 1h, 7d; 1h if not given
  -from T -to T between two times such as 2026-11-21T10:00:00Z, instead of -since
  -limit N      at most so many facts or readings; ` + strconv.Itoa(api.DefaultLimit) + ` if not given
  -latest       the last reading of every sensor of the device, whatever it is
  -json         print one JSON object
  -socket PATH  of the appliance; else $RACKPOST_SOCKET, else ` + usualSockets + `

At headquarters the name of a site stands in front: FRA-3/core-1. Which components and sensors there are, -latest tells: port/Gi1/0/1 rx_bytes_total.`,
		run: runQuery,
	}
}

func runQuery(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("query", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	since := fs.String("since", "", "")
	from, to := fs.String("from", "", ""), fs.String("to", "", "")
	limit := fs.String("limit", "", "")
	latest := fs.Bool("latest", false, "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 && len(rest) != 3 {
		return usagef("name a device, or a device, a component and a sensor")
	}
	c := newClient(*socket)
	device := c.ofSite(rest[0])
	q := url.Values{"device": {device}}
	if *since != "" {
		d, err := parseDuration(*since)
		if err != nil {
			return usagef("-since: %v", err)
		}
		q.Set("since", d.String())
	}
	for name, v := range map[string]string{"from": *from, "to": *to, "limit": *limit} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if *latest {
		if len(rest) != 1 || len(q) != 1 {
			return usagef("-latest goes with a device alone")
		}
		return queryLatest(ctx, c, t.out, device, *asJSON)
	}
	if len(rest) == 1 {
		return queryFacts(ctx, c, t.out, q, *asJSON)
	}
	q.Set("component", rest[1])
	q.Set("sensor", rest[2])
	return querySeries(ctx, c, t.out, q, *asJSON)
}

func queryLatest(ctx context.Context, c *client, w io.Writer, device string, asJSON bool) error {
	var l web.Latest
	if err := c.getOf(ctx, "/devices/"+device+"/latest", nil, &l); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, l)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "COMPONENT\tSENSOR\tVALUE\tTIME\n")
	for _, r := range l.Readings {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", plain(r.Component), plain(r.Sensor), pointText(r.Point), r.At.Format(time.RFC3339))
	}
	return tw.Flush()
}

func pointText(p web.Point) string {
	if p.Value == nil {
		return "absent: " + string(p.Absent)
	}
	return p.Value.String()
}

func queryFacts(ctx context.Context, c *client, w io.Writer, q url.Values, asJSON bool) error {
	var f web.Facts
	if err := c.getOf(ctx, "/facts", q, &f); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, f)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "TIME\tFACT\tCOMPONENT\tGROUP\tSAYS\n")
	var teller factTeller
	for _, x := range f.Facts {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", x.At.Format(time.RFC3339), x.Kind, plain(x.Component), plain(x.Group), plain(teller.tell(x)))
	}
	return flushWith(tw, f.Truncated)
}

func querySeries(ctx context.Context, c *client, w io.Writer, q url.Values, asJSON bool) error {
	var s web.Series
	if err := c.getOf(ctx, "/query", q, &s); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, s)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "TIME\t%s\n", plain(s.Sensor))
	var former web.Point
	for _, p := range s.Points {
		note := ""
		if !former.Start.IsZero() && !p.Start.IsZero() && !p.Start.Equal(former.Start) {
			note = "\tbegan anew at " + p.Start.Format(time.RFC3339)
		}
		fmt.Fprintf(tw, "%s\t%s%s\n", p.At.Format("2006-01-02T15:04:05.000Z07:00"), pointText(p), note)
		if !p.Start.IsZero() {
			former = p
		}
	}
	if len(s.Points) == 0 {
		fmt.Fprintf(tw, "no readings in this time; rackpost query %s -latest tells which components and sensors there are\n", plain(string(s.Device)))
	}
	return flushWith(tw, s.Truncated)
}

func flushWith(tw *tabwriter.Writer, truncated bool) error {
	if err := tw.Flush(); err != nil {
		return err
	}
	if truncated {
		fmt.Fprintln(tw, "there is more: ask for a shorter time, or for more with -limit")
	}
	return tw.Flush()
}
