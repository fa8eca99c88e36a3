package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"rackpost/web"
)

func queryCommand() command {
	return command{
		name: "query",
		args: "[-json] [-since D] [-socket PATH] DEVICE [COMPONENT SENSOR]",
		does: "print what was recorded: the facts of a device, or the readings of one sensor",
		help: `  -since D      how far back: 30m, 1h, 7d; 1h if not given
  -from T -to T between two times such as 2026-11-21T10:00:00Z, instead of -since
  -limit N      at most so many facts or readings; ` + strconv.Itoa(web.DefaultLimit) + ` if not given
  -json         print one JSON object
  -socket PATH  of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

Components are those of rackpost status -json and of the facts: port/Gi1/0/1, cpu/1.`,
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
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 && len(rest) != 3 {
		return usagef("name a device, or a device, a component and a sensor")
	}
	q := url.Values{"device": rest[:1]}
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
	c := newClient(*socket)
	if len(rest) == 1 {
		return queryFacts(ctx, c, t.out, q, *asJSON)
	}
	q.Set("component", rest[1])
	q.Set("sensor", rest[2])
	return querySeries(ctx, c, t.out, q, *asJSON)
}

func queryFacts(ctx context.Context, c *client, w io.Writer, q url.Values, asJSON bool) error {
	var f web.Facts
	if err := c.get(ctx, "/facts", q, &f); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, f)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "TIME\tFACT\tCOMPONENT\tGROUP\tVALUE\n")
	for _, x := range f.Facts {
		value := "removed"
		if !x.Removed {
			b, err := json.Marshal(x.Value)
			if err != nil {
				return err
			}
			value = string(b)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", x.At.Format(time.RFC3339), x.Kind, plain(x.Component), plain(x.Group), plain(value))
	}
	return flushWith(tw, f.Truncated)
}

func querySeries(ctx context.Context, c *client, w io.Writer, q url.Values, asJSON bool) error {
	var s web.Series
	if err := c.get(ctx, "/query", q, &s); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, s)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "TIME\t%s\n", plain(s.Sensor))
	for _, p := range s.Points {
		value := "absent: " + string(p.Absent)
		if p.Value != nil {
			value = p.Value.String()
		}
		fmt.Fprintf(tw, "%s\t%s\n", p.At.Format("2006-01-02T15:04:05.000Z07:00"), value)
	}
	return flushWith(tw, s.Truncated)
}

func flushWith(tw *tabwriter.Writer, truncated bool) error {
	if err := tw.Flush(); err != nil {
		return err
	}
	if truncated {
		_, err := fmt.Fprintln(tw, "there is more: ask for a shorter time, or for more with -limit")
		if err != nil {
			return err
		}
	}
	return tw.Flush()
}
