package redfish

import "time"

// bucket says when the next request may go: rate of them a second, burst of them at once after a rest.
type bucket struct {
	rate, burst float64
	left        float64
	at          time.Time
}

func newBucket(rate float64, burst int, now time.Time) bucket {
	return bucket{rate: rate, burst: float64(burst), left: float64(burst), at: now}
}

// wait takes a token and returns how long to wait before using it.
func (b *bucket) wait(now time.Time) time.Duration {
	b.left = min(b.burst, b.left+max(0, now.Sub(b.at).Seconds())*b.rate)
	b.at = now
	b.left--
	if b.left >= 0 {
		return 0
	}
	return time.Duration(-b.left / b.rate * float64(time.Second))
}

// back returns a token that was not used.
func (b *bucket) back() { b.left = min(b.burst, b.left+1) }
