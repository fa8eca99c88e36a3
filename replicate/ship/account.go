package ship

import (
	"sync"
	"time"
)

// Account is what a peer has cost over all its connections: batches that were refused, bases, lines in the log. So
// connecting again begins none of it anew. The lines of one peer share it.
type Account struct {
	mu      sync.Mutex
	refused hourly
	log     lines
	takes   spacing             // of bases that are taken
	gives   spacing             // and of those that are given
	giving  bool                // one is being given
	joined  map[digest]struct{} // what was made good by a base
}

// NewAccount returns the account of a peer that has cost nothing.
func NewAccount() *Account { return &Account{joined: map[digest]struct{}{}} }

// maxRefused bounds the batches that are refused in an hour: what sends more is no journal.
const maxRefused = 1000

// refuse counts a batch that is refused, and says whether more of them may be.
func (a *Account) refuse(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused.more(now, maxRefused)
}

// What is written into the log because of a peer: so many lines at once, and then one a period.
const (
	linesAtOnce = 20
	linePeriod  = time.Minute
)

// lines bounds what is written into the log.
type lines struct {
	full   time.Time // when as many may be written as at once again
	unsaid int
}

// take says whether a line may be written, and how many were not since the last.
func (l *lines) take(now time.Time) (unsaid int, ok bool) {
	if l.full.Before(now) {
		l.full = now
	}
	if l.full.Sub(now) > (linesAtOnce-1)*linePeriod {
		l.unsaid++
		return 0, false
	}
	l.full = l.full.Add(linePeriod)
	unsaid, l.unsaid = l.unsaid, 0
	return unsaid, true
}

// say writes a line about what the peer did into the log, unless there were too many lately.
func (l *Line) say(log func(msg string, args ...any), msg string, args ...any) {
	a := l.opt.Account
	a.mu.Lock()
	unsaid, ok := a.log.take(time.Now())
	a.mu.Unlock()
	if !ok {
		return
	}
	if unsaid > 0 {
		args = append(args, "lines_left_out_before", unsaid)
	}
	log(msg, args...)
}

// How long after a base there may be another: at first, and at last, each time after twice as long, and from the
// beginning when there was none for a day.
const (
	firstSpace  = time.Minute
	lastSpace   = time.Hour
	spaceMemory = 24 * time.Hour
)

// spacing keeps what costs much apart.
type spacing struct {
	pause time.Duration
	until time.Time
}

// wait returns how long it is until there may be another.
func (s *spacing) wait(now time.Time) time.Duration { return max(0, s.until.Sub(now)) }

// note notes that there was one now.
func (s *spacing) note(now time.Time) {
	if now.Sub(s.until) > spaceMemory {
		s.pause = 0
	}
	s.pause = min(max(2*s.pause, firstSpace), lastSpace)
	s.until = now.Add(s.pause)
}

// mayTake says after how long a base may be asked for, and whether what d names was made good already.
func (a *Account) mayTake(now time.Time, d digest) (wait time.Duration, done bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, done = a.joined[d]
	return a.takes.wait(now), done
}

// maxJoined bounds the bases that are remembered as taken: after more than these one is taken twice.
const maxJoined = 64

// took notes that a base came. One that could not be taken is the last for the longest time: the next would be like it.
func (a *Account) took(now time.Time, d digest, good bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !good {
		a.takes.pause = lastSpace
		a.takes.until = now
	}
	a.takes.note(now)
	if !good {
		return
	}
	if len(a.joined) >= maxJoined {
		clear(a.joined)
	}
	a.joined[d] = struct{}{}
}

// give says that a base may be given now, of which no other is given meanwhile, or after how long to ask again.
func (a *Account) give(now time.Time) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.giving {
		return firstSpace, false
	}
	if wait := a.gives.wait(now); wait > 0 {
		return wait, false
	}
	a.giving = true
	a.gives.note(now)
	return 0, true
}

// gave ends what give allowed.
func (a *Account) gave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giving = false
}
