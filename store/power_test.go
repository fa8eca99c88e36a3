package store_test

import (
	"testing"

	"rackpost/store/crashtest"
)

// TestPowerCut cuts the power under a store that writes and seals all the time, plain and
// torn in turn.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	crashtest.PowerLoop(t, crashtest.Rounds(10, 1000), writer{}.child, verifyAll)
}

// TestPowerCutWhileDropping does so with one that sheds too.
func TestPowerCutWhileDropping(t *testing.T) {
	t.Parallel()
	crashtest.PowerLoop(t, crashtest.Rounds(6, 1000), writer{shed: true}.child, verifyNewest)
}
