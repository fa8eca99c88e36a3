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
	"rackpost/hw"
	"rackpost/store"
)

func runCommand() command {
	return command{
		name: "run",
		args: "-config box.yaml",
		does: "the appliance: visit the devices, keep what they say, serve it",
		help: `box.yaml names the site.yaml; rackpost check tells every error of both. It ends on SIGTERM
and Ctrl-C, within 5 s and with everything acknowledged on the disk. On SIGHUP it reads site.yaml
again; a wrong one is refused, and the old one stays. Under systemd it tells READY, STATUS, WATCHDOG
and STOPPING, and logs to the journal.`,
		run: runAppliance,
	}
}

// appliance is the box at work.
type appliance struct {
	box     boxConfig
	store   *store.Store
	poller  *collectors.Poller
	acts    *acts
	pulse   *pulse
	logger  *slog.Logger
	started time.Time
	site    atomic.Pointer[siteConfig]
	refused atomic.Pointer[string]               // why the last reload was; nil: it was not
	reload  func() (siteConfig, problems, error) // reads site.yaml anew
	hangUp  <-chan os.Signal                     // asks for a reload; nil: nobody can
}

func runAppliance(ctx context.Context, t terminal, args []string) error {
	return runStoring(ctx, t, args, store.Options{})
}

// runStoring is runAppliance with the bounds of the store that opt has.
func runStoring(ctx context.Context, t terminal, args []string, opt store.Options) error {
	fs := flag.NewFlagSet("run", flag.ContinueOnError)
	file := fs.String("config", "", "")
	rest, err := parseFlags(fs, args)
	if err != nil {
		return err
	}
	if *file == "" || len(rest) > 0 {
		return usagef("name box.yaml: -config box.yaml")
	}
	env := secretSource{getenv: os.Getenv}
	box, err := loadBox(*file)
	if err != nil && box.site == "" {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	site, notes, siteErr := loadSite(box, env)
	if err := errors.Join(err, siteErr); err != nil {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	signal.Ignore(syscall.SIGPIPE) // who reads the log may go
	// Before anything is ready: a SIGHUP that nobody waits for would end the process.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	logger := newLogger(box, t.err)
	logNotes(logger, notes)
	a, err := openAppliance(ctx, box, site, opt, logger)
	if err != nil {
		return err
	}
	a.hangUp = hangUp
	a.reload = func() (siteConfig, problems, error) {
		site, notes, err := loadSite(box, env)
		return site, append(notes, boxNotes(box, *file)...), err
	}
	return errors.Join(a.Run(ctx), a.store.Close())
}

// boxNotes says what stands in box.yaml that the running appliance did not begin with.
func boxNotes(running boxConfig, file string) problems {
	var notes problems
	now, err := loadBox(file)
	now.siteAt, now.pair.at = running.siteAt, running.pair.at
	if err != nil || !reflect.DeepEqual(now, running) {
		notes.add(place{file, 1, 1}, "box.yaml is not what this process began with; that takes a restart")
	}
	return notes
}

func logNotes(logger *slog.Logger, notes problems) {
	for _, n := range notes {
		logger.Warn("configuration", "at", n.at, "note", n.text)
	}
}

// reloads takes another site.yaml at every SIGHUP until ctx ends.
func (a *appliance) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.hangUp:
			done := a.notifier().reloading()
			a.reloadOnce()
			done()
		}
	}
}

// reloadOnce takes the site.yaml of now, or keeps the old one and says why.
func (a *appliance) reloadOnce() {
	site, notes, err := a.reload()
	if err == nil && site.id != a.site.Load().id {
		err = fmt.Errorf("%s: the id of the site changed; a journal belongs to one site: put the old id back, or stop and take another data folder", a.box.site)
	}
	if err == nil {
		err = a.poller.Replace(site.devices)
	}
	if err != nil {
		why := fmt.Sprintf("site.yaml was refused at %s, the old one holds: %v", time.Now().Format(time.DateTime), err)
		a.refused.Store(&why)
		a.logger.Error("reload refused, the old configuration holds", "error", err)
		return
	}
	logNotes(a.logger, notes)
	a.site.Store(&site)
	a.refused.Store(nil)
	a.logger.Info("reloaded", "devices", len(site.devices))
}

func (a *appliance) notifier() notifier {
	return notifier{status: a.statusLine, alive: a.alive, logger: a.logger}
}

// alive returns why the appliance does not get on: a report waits for the store, or a visit
// is not made or does not end. It asks the store and the poller, and hangs where they hang:
// that too keeps the watchdog from being served.
func (a *appliance) alive() error {
	s, err := a.store.Stats()
	if err != nil || s.Full { // a full disk holds reports up; a new start would not empty it
		return err
	}
	if err := a.pulse.stuck(); err != nil {
		return err
	}
	longest := map[hw.DeviceID]time.Duration{}
	for _, w := range a.site.Load().devices {
		longest[w.Target.Device.ID] = longestPeriod(w)
	}
	now := time.Now()
	for _, s := range a.poller.Status() {
		if err := stuckVisit(s, longest[s.Device.ID], now); err != nil {
			return err
		}
	}
	return nil
}
