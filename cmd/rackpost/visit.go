package main

import (
	"context"
	"flag"
	"fmt"
)

func visitCommand() command {
	return command{
		name: "visit",
		args: "[-socket PATH] DEVICE",
		does: "have a device visited now, once more also where its logins are stopped",
		help: `All that is read of it is read at once. After two refused logins a server is left alone, since it would bar the address of
this box: when the password was put right on the device, this command allows one more, 90 s after the last one at the soonest.

  -socket PATH   of the appliance; else $RACKPOST_SOCKET, else ` + defaultSocket,
		run: runVisit,
	}
}

func runVisit(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("visit", flag.ContinueOnError)
	socket := fs.String("socket", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return usagef("name one device")
	}
	if err := newClient(*socket).post(ctx, "/devices/"+rest[0]+"/visit", struct{}{}, &struct{}{}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is visited now; rackpost status tells what came of it\n", rest[0])
	return err
}
