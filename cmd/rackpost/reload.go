package main

import (
	"context"
	"fmt"
	"time"

	"rackpost/hw"
)

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

// reloadOnce takes the site.yaml of now, or keeps the old one and says why. A box of a pair has its site from there.
func (a *appliance) reloadOnce() {
	if a.pair != nil {
		logNotes(a.logger, boxNotes(a.box, a.host.file))
		return
	}
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
