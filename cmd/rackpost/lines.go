package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/mode"
	"rackpost/replicate/ship"
	"rackpost/replicate/wire"
)

// lineRetry is how long after a session ended the next one is begun.
const lineRetry = time.Second

// lines are the ways of the journal to the other boxes.
type lines struct {
	mu   sync.Mutex
	make func() *ship.Line // nil until the store is open
	of   map[mode.NodeID]*ship.Line
}

func newLines() *lines { return &lines{of: map[mode.NodeID]*ship.Line{}} }

// open says how a line is made.
func (l *lines) open(store ship.Store, opt ship.Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.make = func() *ship.Line { return ship.New(store, opt) }
}

// to returns the line to a box.
func (l *lines) to(id mode.NodeID) *ship.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[id] == nil && l.make != nil {
		l.of[id] = l.make()
	}
	return l.of[id]
}

// caughtUp says whether the journal of a member is near enough to this one's for it to vote. A witness has none.
func (l *lines) caughtUp(id mode.NodeID) bool {
	l.mu.Lock()
	line, none := l.of[id], l.make == nil
	l.mu.Unlock()
	return none || line != nil && line.CaughtUp()
}

// progress returns how the line to a box is.
func (l *lines) progress(id mode.NodeID) (ship.Progress, bool) {
	l.mu.Lock()
	line := l.of[id]
	l.mu.Unlock()
	if line == nil {
		return ship.Progress{}, false
	}
	return line.Progress(), true
}

// shipJournals keeps a session with every other box for as long as both live: the one of the lesser id calls.
func (p *pairing) shipJournals(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { p.takeJournals(ctx) })
	called := map[mode.NodeID]context.CancelFunc{}
	for {
		changed := p.agreed.Watch()
		boxes := p.otherBoxes()
		for id, stop := range called {
			if !boxes[id] {
				stop()
				delete(called, id)
			}
		}
		for id := range boxes {
			if called[id] == nil && string(p.self.Node[:]) < string(id[:]) {
				calling, stop := context.WithCancel(ctx)
				called[id] = stop
				tasks.Go(func() { p.callJournal(calling, id) })
			}
		}
		select {
		case <-ctx.Done():
			for _, stop := range called {
				stop()
			}
			return nil
		case <-changed:
		}
	}
}

func (p *pairing) otherBoxes() map[mode.NodeID]bool {
	out := map[mode.NodeID]bool{}
	for id, role := range p.roles() {
		if role == mode.Box && id != p.self.Node {
			out[id] = true
		}
	}
	return out
}

// callJournal begins one session after the other with a box until ctx ends.
func (p *pairing) callJournal(ctx context.Context, id mode.NodeID) {
	for ctx.Err() == nil {
		if conn, err := p.wire.DialJournal(ctx, id); err == nil {
			p.session(ctx, conn)
		}
		pause(ctx, lineRetry)
	}
}

// takeJournals serves the sessions that other boxes begin.
func (p *pairing) takeJournals(ctx context.Context) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	for {
		conn, err := p.wire.AcceptJournal(ctx)
		if ctx.Err() != nil || errors.Is(err, wire.ErrNotRunning) {
			return
		}
		if err != nil {
			pause(ctx, lineRetry)
			continue
		}
		tasks.Go(func() { p.session(ctx, conn) })
	}
}

func (p *pairing) session(ctx context.Context, conn *wire.Conn) {
	line := p.lines.to(conn.Peer.Node)
	if line == nil {
		_ = conn.Close()
		return
	}
	p.logger.Info("the journal is exchanged", "member", p.nameOf(conn.Peer.Node), "path", conn.Path)
	err := line.Run(ctx, conn)
	if ctx.Err() == nil {
		p.logger.Info("the journal is not exchanged any more", "member", p.nameOf(conn.Peer.Node), "why", err)
	}
}

// pause waits, but not longer than ctx lasts.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// shipOptions are those of the lines of a store.
func (p *pairing) shipOptions(site, origin journal.ID) ship.Options {
	return ship.Options{Site: site, Origin: origin, Logger: p.logger}
}
