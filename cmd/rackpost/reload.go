package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rackpost/hw"
)

// reloads takes another configuration at every SIGHUP until ctx ends.
func (a *appliance) reloads(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.hangUp:
			done := a.notifier().reloading()
			a.reloadOnce(ctx)
			done()
		}
	}
}

// reloadOnce takes the site.yaml of now and the receivers of remote write in box.yaml. What is wrong is not taken, and told.
func (a *appliance) reloadOnce(ctx context.Context) {
	var refused []string
	no := func(file string, err error) {
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s was refused at %s, the old one holds: %v", file, time.Now().Format(time.DateTime), err))
			a.logger.Error("reload refused, the old configuration holds", "error", err)
		}
	}
	no("box.yaml", a.reloadBox(ctx))
	if a.pair == nil { // a box of a pair has its site from there
		no("site.yaml", a.reloadSite())
	}
	if len(refused) == 0 {
		a.refused.Store(nil)
		return
	}
	why := strings.Join(refused, "\n")
	a.refused.Store(&why)
}

// reloadBox takes what of box.yaml may change while the box runs, and tells of the rest.
func (a *appliance) reloadBox(ctx context.Context) error {
	box, err := loadBox(a.host.file)
	if err == nil {
		logNotes(a.logger, boxNotes(a.box, box, a.host.file))
		err = a.writes.take(ctx, box.writes)
	}
	return err
}

func (a *appliance) reloadSite() error {
	site, notes, err := a.reload()
	if err == nil && site.id != a.site.Load().id {
		err = fmt.Errorf("%s: the id of the site changed; a journal belongs to one site: put the old id back, or stop and take another data folder", a.box.site)
	}
	if err == nil {
		err = a.poller.Replace(site.devices)
	}
	if err != nil {
		return err
	}
	logNotes(a.logger, notes)
	a.site.Store(&site)
	a.logger.Info("reloaded", "devices", len(site.devices))
	return nil
}

func (a *appliance) notifier() notifier {
	n := notifier{status: a.statusLine, alive: a.alive, logger: a.logger}
	if a.host != nil {
		n.stopping = a.host.stopping()
	}
	return n
}

// alive returns why the appliance does not get on: a report waits for the store, or a visit
// is not made or does not end. It asks the store and the poller, and hangs where they hang:
// that too keeps the watchdog from being served. A box that does not visit has no visit to miss.
func (a *appliance) alive() error {
	s, err := a.store.Stats()
	if err != nil || s.Full { // a full disk holds reports up; a new start would not empty it
		return err
	}
	if err := a.pulse.stuck(); err != nil {
		return err
	}
	if a.pair != nil {
		if err := a.pair.alive(); err != nil {
			return err
		}
	}
	if !a.visiting.Load() {
		return nil
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
