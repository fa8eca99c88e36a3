package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/web"
)

func witnessCommand() command {
	return command{
		name: "witness",
		args: "-config witness.yaml",
		does: "the third voter of a pair: with it either box may die and the other one decides",
		help: `It keeps what the boxes agree on, a few MB, and nothing else: no devices, no records, no secrets. Any small machine beside
the rack will do, best on another power feed and another switch. witness.yaml has name:, data: and listen:.
rackpost pair token -witness on a box prints how it joins.`,
		run: runWitness,
	}
}

func runWitness(ctx context.Context, t terminal, args []string) error {
	return runWitnessCut(ctx, t, args, pairCuts{})
}

// runWitnessCut is runWitness with somebody between it and the world.
func runWitnessCut(ctx context.Context, t terminal, args []string, cuts pairCuts) error {
	fs := flag.NewFlagSet("witness", flag.ContinueOnError)
	file := fs.String("config", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if *file == "" || len(rest) > 0 {
		return usagef("name witness.yaml: -config witness.yaml")
	}
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	return untilEnded(ctx, func(ctx context.Context, again restart) error {
		w, err := loadWitness(*file)
		if err != nil {
			return toldPlaces(t, err)
		}
		host := &pairHost{box: w.boxConfig, role: mode.Witness, file: *file, env: secretSource{getenv: os.Getenv}, cuts: cuts, again: again, logger: newLogger(w.boxConfig, t.err)}
		return host.witness(ctx)
	})
}

// witness votes until ctx ends, or waits to join a pair.
func (h *pairHost) witness(ctx context.Context) error {
	if err := os.MkdirAll(h.box.data, 0o750); err != nil {
		return err
	}
	p, err := openPairing(h.box, pairNeeds{}, h.cuts, h.logger)
	if errors.Is(err, trust.ErrNoPair) {
		h.putAway()
		return h.await(ctx)
	}
	if err != nil {
		return err
	}
	h.pairing = p
	if h.cuts.running != nil {
		h.cuts.running(p, nil)
	}
	if p.self.Role != mode.Witness {
		return fmt.Errorf("%s is a box of a pair; rackpost run is for boxes", p.self.Name)
	}
	socket, err := listenSocket(ctx, h.box.socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	h.handlePair(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, web.Problem{Error: "a witness has no devices", Hint: "rackpost pair status tells how the pair stands"})
	})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(ctx) })
	group.Go(func() error { return h.serveWith(ctx, socket, mux, func() string { return pairLine(p.view()) }) })
	return group.Wait()
}
