package trust_test

import (
	"errors"
	"testing"

	"rackpost/replicate/trust"
)

// TestLeftForGood: what a member that left hears of the others in its last moments does not make it half a member again.
func TestLeftForGood(t *testing.T) {
	t.Parallel()
	m := found(t)
	list := m.Identity().Members
	must(t, m.Leave())
	list[0].Name = "renamed"
	must(t, m.SetMembers(list))
	if _, err := m.folder.Identity(); !errors.Is(err, trust.ErrNoPair) {
		t.Errorf("it is in a pair: %v", err)
	}
}
