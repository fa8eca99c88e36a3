package uplink

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"rackpost/replicate/enroll"
	"rackpost/replicate/ship"
)

// lane keeps one of the two connections.
type lane struct {
	u     *Uplink
	kind  ship.Lane
	path  string
	lines []Line // one a way: their budgets differ
	gate  func() bool

	wake  chan struct{}
	came  chan outcome
	ended chan ending

	calling context.CancelFunc // nil: no call is under way
	rivals  int                // connections in a row that took the place of one that was silent
	rival   time.Time          // no other before

	lastTold string // refusal, in the log
	toldAt   time.Time

	mu      sync.Mutex // of what Status reads
	now     session
	last    int // the way of the last connection
	fails   int
	wait    time.Time // no call before
	told    bool      // to wait so long, by headquarters
	hurried time.Time
	refusal *Refusal
	up      time.Time
	down    time.Time
}

// session is one connection of a lane. The zero session is none.
type session struct {
	way    int
	pulse  *pulse
	began  time.Time
	sent   uint64 // batches that were answered for on connections before it
	cancel context.CancelFunc
}

// outcome is how a call ended.
type outcome struct {
	conn    net.Conn
	reached reached
	err     error
}

// ending is the end of a connection.
type ending struct {
	pulse *pulse
	err   error
}

func newLane(u *Uplink, kind ship.Lane, path string, gate func() bool) *lane {
	l := &lane{u: u, kind: kind, path: path, gate: gate, down: time.Now(),
		wake: make(chan struct{}, 1), came: make(chan outcome), ended: make(chan ending)}
	for _, w := range u.cfg.Ways {
		l.lines = append(l.lines, u.cfg.line(w, kind))
	}
	return l
}

// on returns the connection of now.
func (l *lane) on() session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// run keeps the lane until ctx ends, and returns when nothing of it is left.
func (l *lane) run(ctx context.Context) error {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	defer func() {
		cancel()
		go func() {
			wg.Wait()
			close(done)
		}()
		for {
			select {
			case o := <-l.came:
				o.close()
			case <-l.ended:
			case <-done:
				return
			}
		}
	}()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		l.manage(ctx, &wg)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-l.wake:
		case o := <-l.came:
			l.calling = nil
			l.take(ctx, &wg, o)
		case e := <-l.ended:
			l.over(e)
		}
	}
}

func (o outcome) close() {
	if o.conn != nil {
		_ = o.conn.Close()
	}
}

// manage begins and ends calls, and ends the connection of a box that is not to send.
func (l *lane) manage(ctx context.Context, wg *sync.WaitGroup) {
	now := time.Now()
	sending := l.u.isSending()
	s := l.on()
	if !sending && s.cancel != nil {
		s.cancel()
	}
	wanted := sending && l.gate() && l.wanted(s, now)
	switch {
	case l.calling != nil && !wanted:
		l.calling()
	case l.calling == nil && wanted && l.mayCall(now):
		calling, cancel := context.WithCancel(ctx)
		l.calling = cancel
		wg.Go(func() {
			o := l.call(calling)
			cancel()
			l.came <- o
		})
	}
}

// wanted says whether there should be another connection than this one.
func (l *lane) wanted(s session, now time.Time) bool {
	if s.pulse == nil {
		return true
	}
	if l.home() != s.way {
		return true
	}
	return s.pulse.quiet(now) >= l.u.cfg.Timing.Quiet && !now.Before(l.rival)
}

// home is the way on which the lane belongs. What is behind follows what is new.
func (l *lane) home() int {
	if l.kind == ship.Behind {
		return l.u.live.on().way
	}
	return l.u.using()
}

func (l *lane) mayCall(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !now.Before(l.wait)
}

// call reaches headquarters and asks it for the lane.
func (l *lane) call(ctx context.Context) outcome {
	r, err := l.u.reach(ctx, l.targets)
	if err != nil {
		return outcome{err: err}
	}
	conn, err := l.u.upgrade(ctx, r, l.path)
	if err != nil {
		_ = r.conn.Close()
		return outcome{reached: r, err: err}
	}
	return outcome{conn: conn, reached: r}
}

// targets are the ways to call over.
func (l *lane) targets() []int {
	if l.kind == ship.Behind {
		if s := l.u.live.on(); s.pulse != nil {
			return []int{s.way}
		}
		return nil
	}
	return l.u.targets()
}

// take makes a connection the lane's, or notes why there is none.
func (l *lane) take(ctx context.Context, wg *sync.WaitGroup, o outcome) {
	switch {
	case o.err == nil:
		l.connected(ctx, wg, o)
	case o.reached.pulse == nil || errors.Is(o.err, context.Canceled) || errors.Is(o.err, errQuiet):
	default:
		l.refused(o.err)
	}
}

func (l *lane) connected(ctx context.Context, wg *sync.WaitGroup, o outcome) {
	now := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	line := l.lines[o.reached.way]
	s := session{way: o.reached.way, pulse: o.reached.pulse, began: now, sent: line.Progress().Sent, cancel: cancel}
	l.mu.Lock()
	former := l.now
	l.now, l.last, l.refusal, l.told = s, s.way, nil, false
	if former.pulse == nil {
		l.up = now
	}
	l.mu.Unlock()
	if former.pulse != nil {
		l.noteRival(former, s, now)
		former.cancel()
	}
	l.u.judge(now)
	wg.Go(func() {
		err := line.Run(ctx, o.conn)
		cancel()
		l.ended <- ending{pulse: s.pulse, err: err}
	})
	l.u.cfg.Logger.Info("connected to headquarters", "lane", l.kind.String(), "way", l.u.cfg.Ways[s.way].Name, "url", o.reached.url.String())
	l.u.changedNow()
}

// noteRival counts connections that took the place of one that was silent: a headquarters that is only
// slow is not called ever again.
func (l *lane) noteRival(former, s session, now time.Time) {
	if former.way != s.way || s.pulse.raw != nil {
		return // the kernel knows the difference
	}
	if now.Sub(former.began) > time.Minute {
		l.rivals = 0
	}
	l.rivals++
	l.rival = now.Add(backoff(l.rivals, l.u.cfg.Timing))
}

// lasted is how long a connection must have been there to have been a good one.
const lasted = 30 * time.Second

// over takes the end of a connection.
func (l *lane) over(e ending) {
	now := time.Now()
	l.mu.Lock()
	if l.now.pulse != e.pulse {
		l.mu.Unlock()
		return // another one took its place
	}
	s := l.now
	l.now, l.down = session{}, now
	// Where something was answered for it is the line that ends connections, and not headquarters.
	brief, worked := now.Sub(s.began) < lasted, l.lines[s.way].Progress().Sent > s.sent
	if !brief || worked {
		l.fails = 0
	}
	if e.err != nil {
		l.fails++
		l.wait, l.told = now.Add(backoff(l.fails, l.u.cfg.Timing)), false
		if l.fails == 1 && !(brief && worked) { // at once, but not all sites together
			l.wait = now.Add(rand.N(l.u.cfg.Timing.Stagger / 2))
		}
	}
	l.mu.Unlock()
	if e.err != nil {
		l.u.cfg.Logger.Warn("the connection to headquarters ended", "lane", l.kind.String(), "way", l.u.cfg.Ways[s.way].Name, "err", e.err)
	}
	l.u.changedNow()
}

// refused notes that headquarters, or somebody who stands for it, did not give the lane.
func (l *lane) refused(err error) {
	now := time.Now()
	r := (*enroll.Refusal)(nil)
	l.mu.Lock()
	l.fails++
	wait := backoff(l.fails, l.u.cfg.Timing)
	l.told = false
	if errors.As(err, &r) {
		if r.After > 0 {
			after := min(r.After, mostAfter)
			wait, l.told = after+rand.N(after/5+1), true
		}
		l.refusal = l.refusal.again(r, l.u.cfg.Now(), wait)
	}
	l.wait = now.Add(wait)
	l.mu.Unlock()
	if r != nil && (r.Reason == enroll.Expired || r.Reason == enroll.NotYetValid) {
		l.u.urge()
	}
	level := slog.LevelDebug
	if l.worthTelling(err.Error(), now) {
		level = slog.LevelWarn
	}
	l.u.cfg.Logger.Log(context.Background(), level, "headquarters does not take the connection", "lane", l.kind.String(), "err", err, "again_in", wait.Round(100*time.Millisecond))
	l.u.changedNow()
}

// tellAgain is how often the same refusal is worth a line that everybody reads.
const tellAgain = 10 * time.Minute

func (l *lane) worthTelling(what string, now time.Time) bool {
	if what == l.lastTold && now.Sub(l.toldAt) < tellAgain {
		return false
	}
	l.lastTold, l.toldAt = what, now
	return true
}

// again is a refusal after this one.
func (r *Refusal) again(next *enroll.Refusal, now time.Time, wait time.Duration) *Refusal {
	times := 1
	if r != nil && r.Reason == string(next.Reason) {
		times = r.Times + 1
	}
	return &Refusal{At: now, Reason: string(next.Reason), Error: next.What, Advice: next.Advice, Until: now.Add(wait), Times: times}
}

// hurryEvery is how often a link that comes and goes shortens the wait.
const hurryEvery = 5 * time.Second

// hurry has the lane call at once, unless headquarters told it to wait: a link came up, or a certificate
// was renewed.
func (l *lane) hurry(certified bool) {
	now := time.Now()
	l.mu.Lock()
	if certified || !l.told && now.Sub(l.hurried) >= hurryEvery {
		l.wait, l.fails, l.hurried = time.Time{}, 0, now
	}
	l.mu.Unlock()
	poke(l.wake)
}

// poke wakes whoever waits on a channel of capacity one.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
