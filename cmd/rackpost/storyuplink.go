package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	uplinkPlot  = "uplink-cut"
	demoCut     = 30 * time.Second
	leastCut    = 15 * time.Second
	mostCut     = 24 * time.Hour
	firstRecord = 2 * time.Second  // after the line is whole, however long it was cut
	liveBehind  = 5 * time.Second  // records of now are at headquarters
	storyDrain  = 10 * time.Minute // in which the story waits for headquarters to have everything
)

// uplinkCut cuts the line of both boxes to headquarters, kills the leader meanwhile, and makes the line whole.
func uplinkCut(ctx context.Context, s *story) error {
	hq, leader := s.lab.hq, s.leader()
	if _, ok := s.awaitUplink(ctx, "headquarters has everything"); !ok {
		return errUntold
	}
	at := s.strike("the line of both boxes to headquarters is cut, for %s", shortDuration(s.flags.lasts))
	var cut []way
	for _, m := range s.lab.boxes() {
		cut = append(cut, way{m, hq, 0}, way{hq, m, 0})
	}
	s.lab.cutCables(cut...)
	pause(ctx, s.flags.lasts/3)
	s.say("%s, which leads, is killed (kill -9)", leader.name)
	leader.kill()
	pause(ctx, min(storyDown, s.flags.lasts/3))
	s.say("%s starts again", leader.name)
	if err := leader.start(); err != nil {
		return err
	}
	pause(ctx, time.Until(s.since(at, s.flags.lasts)))
	s.mu.Lock()
	before := s.held.Batches
	s.mu.Unlock()
	whole := monotonic()
	s.lab.cutCables()
	s.say("the line to headquarters is whole; it has %d batches", before)
	return s.drained(ctx, whole, before)
}

// drained waits until headquarters has everything, and measures.
func (s *story) drained(ctx context.Context, whole int64, before uint64) error {
	watching, end := context.WithCancel(ctx)
	defer end()
	lag := s.watchLag(watching)
	if !s.await(ctx, "a record arrives at headquarters", storyHeal, func() bool { return s.held.Batches > before }) {
		return errUntold
	}
	s.mu.Lock()
	first := time.Duration(s.heldAt - whole)
	s.mu.Unlock()
	s.measured.FirstRecord = new(first.Seconds())
	s.say("the first records are there")
	s.promisedSoon(first <= firstRecord, fmt.Sprintf("the first record is at headquarters within %s of the line's being whole", shortDuration(firstRecord)), fmt.Sprintf("after %.2f s", first.Seconds()))
	if _, ok := s.awaitUplink(ctx, "headquarters has everything again"); !ok {
		return errUntold
	}
	drain := time.Duration(monotonic() - whole).Seconds()
	s.measured.drain = &drain
	s.say("headquarters has everything again")
	pause(ctx, s.lab.period*3/2)
	end()
	worst := lag()
	s.measured.liveLag = &worst
	s.promisedSoon(worst <= liveBehind.Seconds(), fmt.Sprintf("records of now are there within %s, also while what is behind comes", shortDuration(liveBehind)), fmt.Sprintf("at most %.2f s", worst))
	return nil
}

// awaitUplink waits until the box that sends says that headquarters lacks nothing, and returns who it is.
func (s *story) awaitUplink(ctx context.Context, what string) (*labMember, bool) {
	ctx, cancel := context.WithTimeout(ctx, storyDrain)
	defer cancel()
	began, told := time.Now(), false
	for ctx.Err() == nil {
		for _, m := range s.lab.boxes() {
			var v uplinkView
			if err := m.client.get(ctx, uplinkPath, nil, &v); err != nil || v.Uplink == nil {
				continue
			}
			if u := v.Uplink; u.Sending && u.Connected && u.Backlog.Known && u.Backlog.Records == 0 {
				return m, true
			}
		}
		if !told && time.Since(began) > storySilent {
			told = true
			fmt.Fprintf(s.out, "           (waiting until %s)\n", what)
		}
		pause(ctx, 100*time.Millisecond)
	}
	s.promised(false, fmt.Sprintf("within %s, %s", shortDuration(storyDrain), what), s.standing())
	return nil, false
}

// watchLag looks how far what is new is behind at headquarters until ctx ends; what it returns waits for that, and returns the
// most in seconds.
func (s *story) watchLag(ctx context.Context) func() float64 {
	var worst float64
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for ctx.Err() == nil {
			for _, m := range s.lab.boxes() {
				var v uplinkView
				if err := m.client.get(ctx, uplinkPath, nil, &v); err == nil && v.Uplink != nil && v.Uplink.Sending && v.Uplink.Connected {
					worst = max(worst, v.Uplink.LiveLag)
				}
			}
			pause(ctx, 200*time.Millisecond)
		}
	})
	return func() float64 { tasks.Wait(); return worst }
}

// hqEqual waits until headquarters holds what the boxes hold. They rest.
func (s *story) hqEqual(ctx context.Context) bool {
	return s.await(ctx, "headquarters holds the same as both boxes", storyEqual, func() bool {
		a := s.vectors[s.lab.members[0]]
		return s.held == heldNews{a.Batches, a.Sum}
	})
}
