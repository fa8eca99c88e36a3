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
	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/store"
	"rackpost/web"
)

// stopGrace is how long a finished report may still take to be stored after the order to
// stop; systemd and people get an end within 5 s.
const stopGrace = 1500 * time.Millisecond

// gcPercent trades CPU for memory, of which a small box has less: with 200 switches a heap of
// 26 MB makes a process of 66 instead of 76 MB, for a fifth more CPU.
const gcPercent = 50

// openAppliance opens the store and makes what feeds it. p is nil for a lone box. Close it after Run.
func openAppliance(ctx context.Context, box boxConfig, site siteConfig, opt store.Options, p *pairing, logger *slog.Logger) (*appliance, error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	opt.Dir, opt.Site, opt.Budget, opt.Version = box.data, site.id, box.budget, versionText()
	opt.Logger, opt.Clock = logger, clockState
	if p != nil {
		opt.Mode = func() journal.Mode { return journalMode(p.node.Mode()) }
	}
	s, err := store.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	a := &appliance{box: box, store: s, pulse: &pulse{sink: s, now: time.Now}, logger: logger, started: time.Now(), pair: p, powers: lone{}, bad: newQuarantine(box.data, logger)}
	a.site.Store(&site)
	a.agreed.Store(&agreedSite{})
	feed := collectors.Config{Devices: site.devices, Sink: a.pulse, Logger: logger, Grace: stopGrace, Learned: s.Learned}
	if p != nil {
		feed.Box = s.Origin().String()
	}
	a.poller, err = collectors.NewPoller(feed)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the poller: %w", err), s.Close())
	}
	a.acts = newActs(s, a.poller, a.poller, logger)
	if p != nil {
		a.powers = p.node
		a.acts.ledger = &claims{pairing: p}
		shipping := p.shipOptions(site.id, s.Origin())
		shipping.Quarantine = a.bad.keep
		p.lines.open(s, shipping)
	}
	if a.writes, err = openWrites(box, s, a.place, p, a.powers, logger); err != nil {
		return nil, errors.Join(err, s.Close())
	}
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
	turns := web.NewTurns()
	pull, err := a.pulling(turns)
	if err != nil {
		return errors.Join(err, tcp.Close(), socket.Close())
	}
	pages := web.New(web.Config{Source: a, History: a, Turns: turns, Logger: a.logger})
	a.uplinks = a.newUplinks()
	control := a.control(beside(pages, pull.People()))
	// The store outlives what feeds it: the poller's last reports must still become durable.
	storing, endStore := context.WithCancel(context.WithoutCancel(ctx))
	defer endStore()

	ctx, end := a.handingOver(ctx)
	defer end()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.store.Run(storing) })
	group.Go(func() error { defer endStore(); return a.feed(ctx) })
	group.Go(func() error { return web.Serve(ctx, tcp, web.LocalOnly(beside(pages, pull.Local())), a.logger) })
	group.Go(func() error { return web.Serve(ctx, peers{socket}, control, a.logger) })
	group.Go(func() error { return pull.Consumers.Run(ctx) })
	group.Go(func() error { return a.notifier().Run(ctx) })
	group.Go(func() error { return a.uplinks.Run(ctx) })
	group.Go(func() error { return a.writes.Run(ctx) })
	group.Go(func() error { return a.powers.While(ctx, mode.Visit, a.tellSite) })
	group.Go(func() error { return a.tellVersion(ctx) })
	group.Go(func() error { return a.reloads(ctx) })
	if a.box.pull.at.line > 0 {
		group.Go(func() error { return a.servePull(ctx, pull.Remote()) })
	}
	if a.pair != nil {
		a.pair.wire.Handle(methodHTTP, a.answerForwarded(a.pair.boxNamed))
		a.pair.wire.Handle(methodConsumers, a.shared.answer)
		group.Go(func() error { return a.besides(ctx) })
		group.Go(func() error { return a.shared.follow(ctx) })
	}
	a.logger.Info("started", a.startedAs("http://"+tcp.Addr().String())...)
	if err := group.Wait(); err != nil {
		return err // whoever asked for the run says so
	}
	a.logger.Info("stopped")
	return nil
}

// startedAs is what the log tells of the start. A box of a pair has its devices from the pair, a moment later.
func (a *appliance) startedAs(page string) []any {
	out := []any{"name", a.box.name, "page", page, "version", versionText()}
	if a.pair == nil {
		out = append(out, "devices", len(a.site.Load().devices))
	}
	return out
}

// feed visits and acts, as far as this box may, until ctx ends, and returns when it does neither any more.
func (a *appliance) feed(ctx context.Context) error {
	acting, endActs := context.WithCancel(ctx)
	defer endActs()
	var group errgroup.Group
	group.Go(func() error { return a.powers.While(acting, mode.Act, a.act) })
	err := a.powers.While(ctx, mode.Visit, a.visit)
	endActs()
	return errors.Join(err, group.Wait())
}

// visit visits until ctx ends. What another box believed until now is contradicted or confirmed by the first visits.
func (a *appliance) visit(ctx context.Context) error {
	if a.pair != nil {
		a.poller.DueAll()
	}
	a.visiting.Store(true)
	defer a.visiting.Store(false)
	return a.poller.Run(ctx)
}

// handingOver returns a context that ends a moment after ctx, so that authority goes to the other box first.
func (a *appliance) handingOver(ctx context.Context) (context.Context, func()) {
	if a.pair == nil {
		return ctx, func() {}
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		a.pair.handOver()
	})
	return inner, func() { stop(); cancel() }
}
