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

// lineRetry is how long after a session ended the next one is begun; sessions that end soon are begun later
// and later, up to lineRetryMost, and told of once in lineQuiet.
const (
	lineRetry     = time.Second
	lineRetryMost = 15 * time.Second
	lineSoon      = 10 * time.Second
	lineQuiet     = time.Minute
)

// lines are the ways of the journal to the other boxes.
type lines struct {
	mu   sync.Mutex
	make func() *ship.Line // nil until the store is open
	of   map[mode.NodeID]*ship.Line
	told map[mode.NodeID]time.Time // when the end of a session was last told of
}

func newLines() *lines {
	return &lines{of: map[mode.NodeID]*ship.Line{}, told: map[mode.NodeID]time.Time{}}
}

// isNews says whether what a session with a box does now is to be told: not when an end was told of a moment ago.
func (l *lines) isNews(id mode.NodeID, now time.Time, end bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, told := l.told[id]
	news := !told || now.Sub(last) >= lineQuiet
	if news && end {
		l.told[id] = now
	}
	return news
}

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
	retry := lineRetry
	for ctx.Err() == nil {
		if conn, err := p.wire.DialJournal(ctx, id); err == nil {
			retry = nextRetry(retry, p.session(ctx, conn))
		}
		pause(ctx, retry)
	}
}

// nextRetry returns how long to wait after a session that lasted so long, and before it was waited for last.
func nextRetry(last, lasted time.Duration) time.Duration {
	if lasted >= lineSoon {
		return lineRetry
	}
	return min(2*last, lineRetryMost)
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

// session exchanges the journal over a connection to its end, and returns how long that lasted.
func (p *pairing) session(ctx context.Context, conn *wire.Conn) time.Duration {
	id, began := conn.Peer.Node, time.Now()
	line := p.lines.to(id)
	if line == nil {
		_ = conn.Close()
		return 0
	}
	logger := p.logger.With("member", p.nameOf(id))
	begins := func() { logger.Info("the journal is exchanged", "path", conn.Path) }
	// While sessions end as soon as they begin, only one that lasts is worth a line.
	lasts := time.AfterFunc(lineSoon, begins)
	news := p.lines.isNews(id, began, false)
	if news && lasts.Stop() {
		begins()
	}
	err := line.Run(ctx, conn)
	toldLate := !news && !lasts.Stop()
	if ctx.Err() == nil && (p.lines.isNews(id, time.Now(), true) || toldLate) {
		logger.Info("the journal is not exchanged any more", "why", err)
	}
	return time.Since(began)
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
