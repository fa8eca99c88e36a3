package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/replicate/intake"
)

// Tell implements intake.Teller: what people must know of sites are alerts of headquarters' own journal.
func (h *headquarters) Tell(ctx context.Context, open []intake.Alarm) error {
	type name struct{ component, code string }
	now := time.Now()
	stand := map[name]intake.Alarm{}
	for _, a := range open {
		stand[name{a.Component, a.Code}] = a
	}
	var facts []hw.Fact
	add := func(component, code string, v hw.AlertValue) {
		facts = append(facts, hw.Fact{Kind: hw.AlertFact, Version: 1, Component: component, Group: code, At: now, Value: v})
	}
	for _, f := range h.store.RegistersOf(h.registry.HQ(), "") {
		v, ok := f.Value.(hw.AlertValue)
		if !ok || !ownAlarm(f.Group) {
			continue
		}
		a, stands := stand[name{f.Component, f.Group}]
		switch {
		case stands && v.Open && v.Level == a.Level && slices.Equal(v.Params, a.Params):
			delete(stand, name{f.Component, f.Group})
		case !stands && v.Open:
			v.Open, v.Closed = false, now
			add(f.Component, f.Group, v)
		}
	}
	for _, a := range open {
		if _, news := stand[name{a.Component, a.Code}]; news {
			add(a.Component, a.Code, hw.AlertValue{Open: true, Level: a.Level, Since: a.Since, Params: a.Params})
		}
	}
	const atOnce = 60
	for len(facts) > 0 {
		n := min(len(facts), atOnce)
		if err := h.store.Say(ctx, facts[:n]); err != nil {
			return fmt.Errorf("write down what is to be known of the sites: %w", err)
		}
		for _, f := range facts[:n] {
			h.logAlarm(f)
		}
		facts = facts[n:]
	}
	return nil
}

// lostBefore returns when each site was told to have lost records, by the alerts that stand in the journal. A new start does not make good what is lost.
func (h *headquarters) lostBefore() func(journal.ID) time.Time {
	told := map[string]time.Time{}
	for _, f := range h.store.RegistersOf(h.registry.HQ(), "") {
		if v, ok := f.Value.(hw.AlertValue); ok && v.Open && f.Group == intake.CodeLost {
			told[f.Component] = v.Since
		}
	}
	return func(site journal.ID) time.Time { return told[intake.Component(site)] }
}

// ownAlarm says whether a code is one of headquarters' about its sites.
func ownAlarm(code string) bool {
	return slices.Contains(intake.Codes(), code)
}

func (h *headquarters) logAlarm(f hw.Fact) {
	v := f.Value.(hw.AlertValue)
	args := []any{"code", f.Group, "about", f.Component}
	for _, a := range v.Params {
		args = append(args, a.Key, a.Value)
	}
	if v.Open {
		h.logger.Warn("an alert of a site opens", args...)
		return
	}
	h.logger.Info("an alert of a site is over", args...)
}
