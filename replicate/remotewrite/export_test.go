package remotewrite

import (
	"fmt"
	"time"

	"rackpost/hw"
	"rackpost/hw/journal"
)

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

// MaxTrackedBytes bounds what a tracker keeps of layouts.
const MaxTrackedBytes = maxTrackedBytes

// TrackedInTurn gives a tracker so many devices, each with a layout of so many bytes, and says how many of them it took. Each is taken out of
// the configuration before the next one comes, or none is.
func TrackedInTurn(devices, bytes int, takenOut bool) (taken int) {
	t := tracker{pack: &journal.Compressor{}}
	for i := range devices {
		id := journal.LayoutID{byte(i)}
		v := visit{Visit: journal.Visit{Read: []hw.Scope{{Section: "ports", Extent: hw.Complete}}}, startedMS: 1, layout: &layout{}, id: id, raw: journal.Layout{ID: id, Bytes: make([]byte, bytes)}}
		k := deviceKey{device: hw.DeviceID(fmt.Sprint(i))}
		t.take(k, &deviceLabels{}, &v, nil)
		if t.devices[k] != nil {
			taken++
		}
		t.gone(func(deviceKey) bool { return takenOut }, 1)
	}
	return taken
}
