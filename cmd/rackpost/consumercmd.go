package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/web"
	"rackpost/web/api"
)

func consumerCommand() command {
	return command{
		name: "consumer",
		args: "add NAME | list | remove NAME",
		does: "who may pull from a box or from headquarters over the network, by tokens",
		help: `  add NAME       make a consumer and print its token, which is kept nowhere
  list           who may pull what, when each last did, and how far it has come
  remove NAME    take a consumer's right away, at once

  -scopes LIST   with add: some of ` + scopeList() + `, with commas between; read,changes,ack if not given
  -token-stdin   with add: take the token from standard input: the one that the other box of a pair printed
  -json          print one JSON object; with list
  -socket PATH   of the appliance or of headquarters; else $RACKPOST_SOCKET, else ` + defaultSocket + `

On the machine itself no token is needed.`,
		run: runConsumer,
	}
}

func scopeList() string {
	var all []string
	for _, s := range api.Scopes() {
		all = append(all, string(s))
	}
	return strings.Join(all, ",")
}

const consumersPath = "/consumers"

func runConsumer(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("consumer", flag.ContinueOnError)
	scopes := fs.String("scopes", "read,changes,ack", "")
	given := fs.Bool("token-stdin", false, "")
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	c := newClient(*socket)
	switch {
	case len(rest) == 1 && rest[0] == "list":
		return listConsumers(ctx, c, t.out, *asJSON)
	case *asJSON:
		return usagef("-json goes with list")
	case len(rest) == 2 && rest[0] == "remove":
		if err := c.ask(ctx, http.MethodDelete, consumersPath+"/"+url.PathEscape(rest[1]), nil, nil, &api.ConsumerList{}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "%s may pull no more\n", plain(rest[1]))
		return err
	case len(rest) != 2 || rest[0] != "add":
		return usagef("say add NAME, remove NAME or list")
	}
	order := api.NewConsumer{Name: rest[1]}
	for _, s := range strings.Split(*scopes, ",") {
		order.Scopes = append(order.Scopes, api.Scope(strings.TrimSpace(s)))
	}
	if *given {
		if order.Token, err = readSecret(t); err != nil {
			return err
		}
	}
	var made api.Token
	if err := c.post(ctx, consumersPath, order, &made); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", made.Token)
	return err
}

func listConsumers(ctx context.Context, c *client, w io.Writer, asJSON bool) error {
	var list api.ConsumerList
	if err := c.get(ctx, consumersPath, nil, &list); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, list)
	}
	if len(list.Consumers) == 0 {
		_, err := fmt.Fprintln(w, "nobody; rackpost consumer add NAME makes a token")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "NAME\tMAY\tASKED\tTOLD HOW FAR\n")
	ago := func(at time.Time) string {
		if at.IsZero() {
			return "never"
		}
		return web.Ago(time.Since(at)) + " ago"
	}
	for _, x := range list.Consumers {
		var may []string
		for _, s := range x.Scopes {
			may = append(may, string(s))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", x.Name, strings.Join(may, ","), ago(x.Seen), ago(x.Acked))
	}
	return tw.Flush()
}
