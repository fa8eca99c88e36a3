// Command rackpost watches the hardware of a rack, keeps what it learns and tells it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patient is how long an orderly end may take.
const patient = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once, but only when there was time to end in order.
	context.AfterFunc(ctx, func() { time.AfterFunc(patient, stop) })
	t := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	os.Exit(execute(ctx, t, os.Args[1:]))
}
