package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
)

func trustCommand() command {
	return command{
		name: "trust",
		args: "[-yes] [-json] [-socket PATH] DEVICE [FINGERPRINT]",
		does: "show the certificate of a server, and accept another one that it shows",
		help: `The certificate that the first visit saw is trusted. A server that shows another one is not visited, and is sent nothing,
until a person says that this is right: the certificate was exchanged, or the board was replaced.

  FINGERPRINT    SHA-256 of the certificate that is accepted, as the page of the iDRAC shows it; with colons or without
  -yes           accept the one that the last visit saw, without comparing
  -json          print one JSON object: {trusted, seen}
  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket + `

Exit code 0: the trusted one is shown, or another one was accepted; 3: another one is shown, and was not accepted; 1: it
did not work; 2: wrong usage.`,
		run: runTrust,
	}
}

func runTrust(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("trust", flag.ContinueOnError)
	yes := fs.Bool("yes", false, "")
	asJSON := fs.Bool("json", false, "")
	socket := fs.String("socket", "", "")
	rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return err
	case len(rest) == 0 || len(rest) > 2:
		return usagef("name a device, and the fingerprint that is accepted")
	case len(rest) == 2 && *yes:
		return usagef("give the fingerprint or -yes, not both")
	}
	c := newClient(*socket)
	path := "/devices/" + rest[0] + "/trust"
	var now certificates
	if err := c.get(ctx, path, nil, &now); err != nil {
		return err
	}
	accept := ""
	switch {
	case len(rest) == 2:
		accept = rest[1]
		if !isFingerprint(accept) {
			return usagef("%q is no fingerprint; write the 64 hexadecimal digits of SHA-256", shorten(accept))
		}
	case *yes && now.Seen != "":
		accept = now.Seen
	}
	if accept == "" {
		return showTrust(t.out, rest[0], now, *asJSON)
	}
	var came trusted
	if err := c.post(ctx, path, trustOrder{accept}, &came); err != nil {
		return err
	}
	if *asJSON {
		return printJSON(t.out, certificates{Trusted: came.Certificate})
	}
	_, err = fmt.Fprintf(t.out, "accepted  %s\nformer    %s\n%s is visited now\n", came.Certificate, orNothing(came.Former), rest[0])
	return err
}

// showTrust tells how it stands, nothing being accepted.
func showTrust(w io.Writer, device string, c certificates, asJSON bool) error {
	if asJSON {
		if err := printJSON(w, c); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "trusted  %s\n", orNothing(c.Trusted))
		switch {
		case c.Trusted == "":
			fmt.Fprintln(w, "the first visit over Redfish trusts the certificate that it sees; a device read over SNMP alone has none")
		case c.Seen == "":
			fmt.Fprintln(w, "the server shows this one")
		default:
			fmt.Fprintf(w, "shown    %s\nIf it was exchanged on purpose, compare it with the page of the iDRAC, then\n  rackpost trust %s %s\n", c.Seen, device, c.Seen)
		}
	}
	if c.Seen != "" {
		return &exitError{exitWarning}
	}
	return nil
}

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// isFingerprint says whether s is a SHA-256 in hexadecimal.
func isFingerprint(s string) bool {
	s = strings.ToLower(strings.ReplaceAll(s, ":", ""))
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
