package wire

import (
	"testing"
	"time"

	"rackpost/replicate/mode"
)

// TestSweep: what waits on a silent way is ended when its member is heard on another one, also when both were silent for a moment.
func TestSweep(t *testing.T) {
	t.Parallel()
	peer := mode.NodeID{1}
	silence := func(mode.Role) time.Duration { return time.Second }
	c := newContacts(nil)
	at := time.Now()
	heard := func(paths ...string) {
		for _, p := range paths {
			c.proven(peer, p, at, 0)
		}
	}
	ended := func(after time.Duration) (names string) {
		at = at.Add(after)
		for _, key := range c.sweep(at, silence) {
			names += key.path
		}
		return names
	}
	heard("cable", "lan")
	if got := ended(500 * time.Millisecond); got != "" {
		t.Errorf("%q is ended while both are heard", got)
	}
	if got := ended(time.Second); got != "" {
		t.Errorf("%q is ended while none is heard", got)
	}
	heard("lan")
	if got := ended(0); got != "cable" {
		t.Errorf("%q is ended when one of them comes back", got)
	}
	if got := ended(time.Millisecond); got != "" {
		t.Errorf("%q is ended once more", got)
	}
	heard("cable", "lan")
	at = at.Add(900 * time.Millisecond)
	heard("lan")
	if got := ended(900 * time.Millisecond); got != "cable" {
		t.Errorf("%q is ended when one falls silent", got)
	}
}
