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

	"rackpost/hw"
	"rackpost/web"
	"rackpost/web/api"
)

const consumersPath = "/consumers"

func consumerCommand() command {
	return command{
		name: "consumer",
		args: "add NAME [-scopes S,...] | list | remove NAME",
		does: "the programs that may pull from this box or headquarters over the network, and their tokens",
		help: `  add NAME       print a token, this once; the program sends it as Authorization: Bearer TOKEN
  list           who may pull what, who asked when, and how far each says it has come
  remove NAME    take its right away, at once

The two boxes of a pair share them: say it at either one.

  -scopes S,...  with add, some of ` + scopeWords() + `; read if not given
  -token-file F  with add: a file with the token that another box, or headquarters, made for it; - is standard input
  -json          print one JSON object; with add and list
  -socket PATH   of the appliance or headquarters; else $RACKPOST_SOCKET, else ` + usualSockets + `

What there is to pull docs/api.md tells, and GET /api/v1/openapi.json.`,
		run: runConsumer,
	}
}

func scopeWords() string {
	var words []string
	for _, s := range api.Scopes() {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

func runConsumer(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("consumer", flag.ContinueOnError)
	socket := fs.String("socket", "", "")
	scopes := fs.String("scopes", "", "")
	token := fs.String("token-file", "", "")
	asJSON := fs.Bool("json", false, "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	verb := ""
	if len(rest) > 0 {
		verb = rest[0]
	}
	switch {
	case verb == "list" && len(rest) == 1:
	case (verb == "add" || verb == "remove") && len(rest) == 2:
	default:
		return usagef("say add NAME, list or remove NAME")
	}
	switch {
	case (*scopes != "" || *token != "") && verb != "add":
		return usagef("-scopes and -token-file go with add")
	case *asJSON && verb == "remove":
		return usagef("-json goes with add and list")
	}
	c := newClient(*socket)
	switch verb {
	case "list":
		return listConsumers(ctx, c, t.out, *asJSON)
	case "remove":
		var left api.ConsumerList
		if err := c.ask(ctx, http.MethodDelete, consumersPath+"/"+url.PathEscape(rest[1]), nil, nil, &left); err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "%s may pull no more\n", plain(rest[1]))
		return err
	}
	order := api.NewConsumer{Name: rest[1]}
	if order.Token, err = tokenFrom(t.in, *token); err != nil {
		return err
	}
	if order.Scopes, err = scopesOf(*scopes); err != nil {
		return err
	}
	var made api.Token
	if err := c.post(ctx, consumersPath, order, &made); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(t.out, made)
	}
	_, err = fmt.Fprintf(t.out, "%s\n\n%s may pull with it; it is shown this once\n", made.Token, plain(made.Name))
	return err
}

// maxToken is the longest token that is read, in bytes.
const maxToken = 1 << 10

// tokenFrom reads a token from a file; without one there is none.
func tokenFrom(in io.Reader, file string) (string, error) {
	var b []byte
	var err error
	switch file {
	case "":
		return "", nil
	case "-":
		b, err = io.ReadAll(io.LimitReader(in, maxToken+1))
	default:
		b, err = readAtMost(file, maxToken)
	}
	word := strings.TrimSpace(string(b))
	if err == nil && (word == "" || len(b) > maxToken) {
		err = usagef("-token-file: there is no token in it; rackpost consumer add prints one")
	}
	return word, err
}

// scopesOf reads the list of -scopes.
func scopesOf(list string) ([]api.Scope, error) {
	if list == "" {
		return []api.Scope{api.ScopeRead}, nil
	}
	var out []api.Scope
	for word := range strings.SplitSeq(list, ",") {
		word = strings.TrimSpace(word)
		known := false
		var names []string
		for _, s := range api.Scopes() {
			known = known || word == string(s)
			names = append(names, string(s))
		}
		if !known {
			hint := "write some of " + strings.Join(names, ", ")
			if near := hw.Nearest(word, names); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, usagef("-scopes: there is no scope %q; %s", shorten(word), hint)
		}
		out = append(out, api.Scope(word))
	}
	return out, nil
}

func listConsumers(ctx context.Context, c *client, w io.Writer, asJSON bool) error {
	var l api.ConsumerList
	if err := c.get(ctx, consumersPath, nil, &l); err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, l)
	}
	if len(l.Consumers) == 0 {
		_, err := fmt.Fprintln(w, "nobody pulls; rackpost consumer add NAME prints a token")
		return err
	}
	now := time.Now()
	ago := func(t time.Time) string {
		if t.IsZero() {
			return "never"
		}
		return web.Ago(now.Sub(t)) + " ago"
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "CONSUMER\tSCOPES\tMADE\tASKED\tACKNOWLEDGED\tPOSITION")
	for _, x := range l.Consumers {
		var scopes []string
		for _, s := range x.Scopes {
			scopes = append(scopes, string(s))
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(x.Name), strings.Join(scopes, ","), x.Created.Format(time.DateOnly), ago(x.Seen), ago(x.Acked), orDash(string(api.PlaceOf(x.Position))))
	}
	return tw.Flush()
}
