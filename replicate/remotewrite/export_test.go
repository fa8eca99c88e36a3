package remotewrite

import "time"

// Quick makes a Sender's waits short.
func (c *Config) Quick() {
	c.pace = pace{gather: time.Millisecond, hop: 150 * time.Millisecond, save: 20 * time.Millisecond, first: 5 * time.Millisecond, refused: 20 * time.Millisecond,
		failed: 20 * time.Millisecond, probe: 20 * time.Millisecond, grace: 2 * time.Second, timeout: 5 * time.Second, place: 10 * time.Millisecond, idle: 50 * time.Millisecond}
}

// Bounds of a Sender.
const LeastSamples = leastSamples
