// Command rackpost watches the hardware of a rack, keeps what it learns and tells it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	t := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(execute(ctx, t, os.Args[1:]))
}
