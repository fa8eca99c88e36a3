package intake

import "time"

// bucket allows so many things a second on average, and a burst at once. Its first call fills it.
type bucket struct {
	rate, burst float64
	level       float64
	at          time.Time
}

// fill brings the level up to now.
func (b *bucket) fill(now time.Time) {
	if b.at.IsZero() {
		b.level = b.burst
	} else if d := now.Sub(b.at); d > 0 {
		b.level = min(b.burst, b.level+d.Seconds()*b.rate)
	}
	b.at = now
}

// take takes one thing, or says after how long there will be one.
func (b *bucket) take(now time.Time) (wait time.Duration, ok bool) {
	b.fill(now)
	if b.level >= 1 {
		b.level--
		return 0, true
	}
	return time.Duration((1 - b.level) / b.rate * float64(time.Second)), false
}
