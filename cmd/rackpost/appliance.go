package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"

	"rackpost/collectors"
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
	"rackpost/store"
)

func runCommand() command {
	return command{
		name: "run",
		args: "-config box.yaml",
		does: "the appliance: visit the devices, keep what they say, serve it",
		help: `box.yaml names the site.yaml; rackpost check tells every error of both. It ends on SIGTERM
and Ctrl-C, within 5 s and with everything acknowledged on the disk. On SIGHUP it reads site.yaml
again, and remote_write: of box.yaml; a wrong one is refused, and the old one stays. A box of a pair has its site
from the pair (rackpost config); one that has pair: and no site: waits for rackpost pair join. Under systemd it tells READY, STATUS, WATCHDOG
and STOPPING, and logs to the journal.`,
		run: runAppliance,
	}
}

// appliance is the box at work.
type appliance struct {
	box      boxConfig
	store    *store.Store
	poller   *collectors.Poller
	acts     *acts
	pulse    *pulse
	logger   *slog.Logger
	started  time.Time
	site     atomic.Pointer[siteConfig]
	refused  atomic.Pointer[string]               // why the last reload was; nil: it was not
	reload   func() (siteConfig, problems, error) // reads site.yaml anew
	hangUp   <-chan os.Signal                     // asks for a reload; nil: nobody can
	pair     *pairing                             // nil: a lone box
	agreed   atomic.Pointer[agreedSite]           // of the pair
	powers   powers
	visiting atomic.Bool   // it has the power, and every visit is due that is
	host     *pairHost     // for what is asked of this machine as a member
	around   *surroundings // nil: a lone box
	uplinks  *uplinks      // set by Run
	writes   *writes
	bad      *quarantine
	shared   *consumerShare // set by Run; nil: a lone box
}

func runAppliance(ctx context.Context, t terminal, args []string) error {
	return runStoring(ctx, t, args, store.Options{})
}

// runStoring is runAppliance with the bounds of the store that opt has.
func runStoring(ctx context.Context, t terminal, args []string, opt store.Options) error {
	return runCut(ctx, t, args, opt, pairCuts{})
}

// runCut is runStoring with somebody between the box and the world.
func runCut(ctx context.Context, t terminal, args []string, opt store.Options, cuts pairCuts) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	file := fs.String("config", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if *file == "" || len(rest) > 0 {
		return usagef("name box.yaml: -config box.yaml")
	}
	signal.Ignore(syscall.SIGPIPE) // who reads the log may go
	// Before anything is ready: a SIGHUP that nobody waits for would end the process.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	return untilEnded(ctx, func(ctx context.Context, again restart) error {
		return runOnce(ctx, t, *file, opt, cuts, hangUp, again)
	})
}

// runOnce runs the box as it is set up now, until ctx ends: the process does, or it is set up otherwise.
func runOnce(ctx context.Context, t terminal, file string, opt store.Options, cuts pairCuts, hangUp <-chan os.Signal, again restart) error {
	env := secretSource{getenv: os.Getenv}
	box, err := loadBox(file)
	if err != nil && box.site == "" {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	_, pairErr := pairFolderOf(box).Identity()
	logger := newLogger(box, t.err)
	host := &pairHost{box: box, role: mode.Box, file: file, env: env, cuts: cuts, again: again, logger: logger}
	if errors.Is(pairErr, trust.ErrNoPair) {
		host.putAway()
	}
	switch {
	case pairErr == nil && err == nil:
		return live(ctx, box.data, logger, func(ctx context.Context) error { return runInPair(ctx, host, opt, hangUp) })
	case !errors.Is(pairErr, trust.ErrNoPair):
		return errors.Join(err, pairErr)
	case box.site == "" && err == nil:
		return host.await(ctx)
	}
	site, notes, siteErr := loadSite(box, env)
	if err := errors.Join(err, siteErr); err != nil {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	logNotes(logger, notes)
	return live(ctx, box.data, logger, func(ctx context.Context) error {
		a, err := openAppliance(ctx, box, site, opt, nil, logger)
		if err != nil {
			return err
		}
		a.hangUp, a.host, host.appliance = hangUp, host, a
		a.reload = func() (siteConfig, problems, error) {
			return loadSite(box, env)
		}
		return errors.Join(a.Run(ctx), a.store.Close())
	})
}

// runInPair runs a box of a pair.
func runInPair(ctx context.Context, host *pairHost, opt store.Options, hangUp <-chan os.Signal) error {
	if host.box.pair.at.line == 0 {
		return fmt.Errorf("%s is a member of a pair, and %s has no pair: any more; write pair: with listen: into it, or leave the pair with rackpost pair leave", host.box.name, host.file)
	}
	around, err := newSurroundings(host.box, host.logger)
	if err != nil {
		return err
	}
	p, err := openPairing(host.box, pairNeeds{isolated: around.isolation.Isolated, full: around.full, acting: around.acting}, host.cuts, host.logger)
	if err != nil {
		return err
	}
	around.node.Store(p)
	id := p.keeper.Identity()
	site := siteConfig{name: id.Self.Name}
	if site.id, err = journal.ParseID(id.Site); err != nil {
		return fmt.Errorf("the site of the pair: %w", err)
	}
	if opt.Origin, err = journal.ParseID(id.Self.Origin); err != nil {
		return fmt.Errorf("the origin of this box's journal: %w", err)
	}
	a, err := openAppliance(ctx, host.box, site, opt, p, host.logger)
	if err != nil {
		return err
	}
	a.hangUp, a.host, a.around, host.appliance, host.pairing = hangUp, host, around, a, p
	around.asked.Store(a)
	if host.cuts.running != nil {
		host.cuts.running(p, a)
	}
	return errors.Join(a.Run(ctx), a.store.Close())
}

// boxNotes says what stands in box.yaml now that the running appliance does not take.
func boxNotes(running, now boxConfig, file string) problems {
	var notes problems
	now.siteAt, now.budgetAt, now.pair.at, now.writes = running.siteAt, running.budgetAt, running.pair.at, running.writes
	if !reflect.DeepEqual(now, running) {
		notes.add(place{file, 1, 1}, "box.yaml is not what this process began with; all but remote_write: takes a restart")
	}
	return notes
}

func logNotes(logger *slog.Logger, notes problems) {
	for _, n := range notes {
		logger.Warn("configuration", "at", n.at, "note", n.text)
	}
}
