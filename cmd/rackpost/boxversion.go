package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/store"
	"rackpost/web/api"
)

// runningVersion is the key under which the journal tells which version of the program a box runs.
const runningVersion = "program_version"

// tellVersion has the journal say which version this box runs, where it says another one: headquarters keeps that.
func (a *appliance) tellVersion(ctx context.Context) error {
	self := store.BoxPath(a.store.Origin())
	if toldVersions(a.store.Registers(""))[a.store.Origin().String()].text == versionText() {
		return nil
	}
	fact := hw.Fact{Kind: hw.LearnedFact, Version: 1, Component: self, Group: runningVersion, Value: hw.LearnedValue{Value: versionText()}}
	for ctx.Err() == nil {
		fact.At = time.Now()
		err := a.store.Say(ctx, []hw.Fact{fact})
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			a.logger.Warn("which version runs here is not in the journal yet", "err", err)
		}
		pause(ctx, keepRetry)
	}
	return nil
}

// toldVersion is the version of a box, as it said itself.
type toldVersion struct {
	text string
	at   time.Time
}

// toldVersions returns the versions of the boxes of a site by the origins of their journals.
func toldVersions(facts []hw.Fact) map[string]toldVersion {
	out := map[string]toldVersion{}
	for _, f := range facts {
		v, ok := f.Value.(hw.LearnedValue)
		if origin, box := strings.CutPrefix(f.Component, "box/"); ok && box && f.Group == runningVersion {
			out[origin] = toldVersion{shorten(hw.Clean(v.Value)), f.At}
		}
	}
	return out
}

// versions fills in which versions the boxes of a site run: those that came since the start, else the one that said so last.
func versions(s *api.Site, told map[string]toldVersion) {
	var here []string
	add := func(text string, first bool) {
		switch {
		case text == "" || slices.Contains(here, text):
		case first:
			here = slices.Insert(here, 0, text)
		default:
			here = append(here, text)
		}
	}
	for i := range s.Boxes {
		b := &s.Boxes[i]
		b.Version = told[b.Origin].text
		add(b.Version, b.Live.Connected)
	}
	if len(here) == 0 {
		last := toldVersion{}
		for _, v := range told {
			if v.at.After(last.at) {
				last = v
			}
		}
		add(last.text, true)
	}
	s.Version = strings.Join(here, ", ")
}
