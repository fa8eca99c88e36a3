package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/collectors"
	"rackpost/store"
	"rackpost/web"
)

// stopGrace is how long a finished report may still take to be stored after the order to
// stop; systemd and people get an end within 5 s.
const stopGrace = 1500 * time.Millisecond

// gcPercent trades CPU for memory, of which a small box has less: with 200 switches a heap of
// 26 MB makes a process of 66 instead of 76 MB, for a fifth more CPU.
const gcPercent = 50

// openAppliance opens the store and makes what feeds it. Close it after Run.
func openAppliance(ctx context.Context, box boxConfig, site siteConfig, opt store.Options, logger *slog.Logger) (*appliance, error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	opt.Dir, opt.Site, opt.Budget, opt.Version = box.data, site.id, box.budget, versionText()
	opt.Logger, opt.Clock = logger, clockState
	s, err := store.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	a := &appliance{box: box, store: s, pulse: &pulse{sink: s, now: time.Now}, logger: logger, started: time.Now()}
	a.site.Store(&site)
	a.poller, err = collectors.NewPoller(collectors.Config{Devices: site.devices, Sink: a.pulse, Logger: logger, Grace: stopGrace, Learned: s.Learned})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the poller: %w", err), s.Close())
	}
	a.acts = newActs(s, a.poller, a.poller, logger)
	return a, nil
}

// Run visits, stores and answers until ctx ends, and returns when everything taken is
// durable.
func (a *appliance) Run(ctx context.Context) error {
	tcp, err := net.Listen("tcp", a.box.listen.String())
	if err != nil {
		return fmt.Errorf("listen for the status page: %w; write another address after listen: in box.yaml", err)
	}
	socket, err := listenSocket(ctx, a.box.socket)
	if err != nil {
		return errors.Join(err, tcp.Close())
	}
	pages := web.New(web.Config{Source: a, History: a, Logger: a.logger})
	// The store outlives what feeds it: the poller's last reports must still become durable.
	storing, endStore := context.WithCancel(context.WithoutCancel(ctx))
	defer endStore()

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.store.Run(storing) })
	group.Go(func() error { defer endStore(); return a.feed(ctx) })
	group.Go(func() error { return web.Serve(ctx, tcp, web.LocalOnly(pages), a.logger) })
	group.Go(func() error { return web.Serve(ctx, peers{socket}, a.control(pages), a.logger) })
	group.Go(func() error { return a.notifier().Run(ctx) })
	group.Go(func() error { return a.reloads(ctx) })
	a.logger.Info("started", "name", a.box.name, "devices", len(a.site.Load().devices), "page", "http://"+tcp.Addr().String(), "version", versionText())
	if err := group.Wait(); err != nil {
		return err // whoever asked for the run says so
	}
	a.logger.Info("stopped")
	return nil
}

// feed visits and acts until ctx ends, and returns when both do no more.
func (a *appliance) feed(ctx context.Context) error {
	acting, endActs := context.WithCancel(ctx)
	defer endActs()
	var group errgroup.Group
	group.Go(func() error { return a.acts.Run(acting) })
	err := a.poller.Run(ctx)
	endActs()
	return errors.Join(err, group.Wait())
}
