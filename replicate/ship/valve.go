package ship

import "time"

// bucket lets so many bytes a second pass, and as many at once as a second lets pass. What is larger
// than that passes whole, and what follows waits the longer.
type bucket struct {
	rate   uint64 // 0: no limit
	tokens float64
	filled time.Time
}

// set changes the rate. What was spent stays spent, until there is no limit.
func (b *bucket) set(now time.Time, rate uint64) {
	if rate == b.rate {
		return
	}
	b.fill(now)
	if b.rate == 0 { // what was spent before there was no limit is long paid
		b.tokens = float64(rate)
	}
	b.rate, b.filled = rate, now
	b.tokens = min(b.tokens, float64(rate))
}

func (b *bucket) fill(now time.Time) {
	if b.filled.IsZero() {
		b.tokens = float64(b.rate)
	} else if d := now.Sub(b.filled); d > 0 {
		b.tokens = min(float64(b.rate), b.tokens+d.Seconds()*float64(b.rate))
	}
	b.filled = now
}

// wait returns how long until something may pass; 0: it may now.
func (b *bucket) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	if b.fill(now); b.tokens > 0 {
		return 0
	}
	return time.Duration((1-b.tokens)/float64(b.rate)*float64(time.Second)) + time.Millisecond
}

// spend notes that n bytes passed.
func (b *bucket) spend(now time.Time, n int) {
	if b.rate > 0 {
		b.fill(now)
		b.tokens -= float64(n)
	}
}

// What may be under way on a line of what is behind: never more than mostBehind, and never so much
// that what is new would wait longer than queueing for it on a thin line.
const (
	mostBehind  = 256 << 10
	leastBehind = 8 << 10
	firstBehind = 16 << 10
	queueing    = 750 * time.Millisecond
	memory      = time.Minute // after which it is measured anew how quick an answer can be
)

// valve finds how much may be under way: it opens while answers come about as quickly as they can, and closes
// when they come later than that by more than queueing. How quickly they can come it learns at the beginning and
// once in memory, when for one answer nothing else is under way.
type valve struct {
	limit    float64       // 0: nothing was answered yet
	was      float64       // while it is measured: the limit before; else 0
	quickest time.Duration // 0: not known
	measured time.Time
	closed   time.Time // when it last closed: the answers to what was sent before say nothing
}

// bytes returns what may be under way.
func (v *valve) bytes() uint64 {
	if v.limit == 0 {
		return firstBehind
	}
	return uint64(v.limit)
}

// answered takes when n bytes were sent that are answered now.
func (v *valve) answered(now, sent time.Time, n int) {
	if v.limit == 0 {
		v.limit, v.measured = firstBehind, now
	}
	took := now.Sub(sent)
	switch {
	case sent.Before(v.closed):
		return
	case v.was > 0:
		v.limit, v.was, v.quickest, v.measured = v.was, 0, took, now
	case now.Sub(v.measured) > memory:
		v.was, v.limit, v.closed = v.limit, 1, now
		return
	case v.quickest == 0 || took < v.quickest:
		v.quickest = took
	}
	switch late := took - v.quickest; {
	case late > queueing:
		v.limit = max(leastBehind, v.limit*max(0.25, float64(v.quickest+queueing)/float64(took)))
		v.closed = now
	case late < queueing/2:
		v.limit = min(mostBehind, v.limit+float64(n))
	}
}
