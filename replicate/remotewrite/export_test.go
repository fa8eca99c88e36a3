package remotewrite

import "time"

// Quick makes a Sender's waits short.
func (c *Config) Quick() {
	c.pace = pace{gather: time.Millisecond, hop: 150 * time.Millisecond, save: 20 * time.Millisecond, first: 5 * time.Millisecond, refused: 20 * time.Millisecond,
		failed: 20 * time.Millisecond, probe: 20 * time.Millisecond, grace: 2 * time.Second, timeout: 5 * time.Second, place: 10 * time.Millisecond, idle: 50 * time.Millisecond, island: 20 * time.Second, barred: time.Hour}
}

// WaitForAuthority sets how long the readings of an island wait.
func (c *Config) WaitForAuthority(d time.Duration) { c.pace.island = d }

// WaitForAny sets how long a request waits for a receiver that refuses everything, and never took anything.
func (c *Config) WaitForAny(d time.Duration) { c.pace.barred = d }

// RetryAfter is how long a receiver asks to wait.
var RetryAfter = retryAfter

// Bounds of a Sender.
const LeastSamples = leastSamples
