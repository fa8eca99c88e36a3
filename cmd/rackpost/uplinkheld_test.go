package main

import (
	"testing"

	"rackpost/replicate/ship"
)

// TestHeldAboveIsForgotten: what a headquarters held is nothing to the store any more when the site has left it, or joined another.
func TestHeldAboveIsForgotten(t *testing.T) {
	t.Parallel()
	one, other := ship.NewKnown(), ship.NewKnown()
	var h heldAbove
	for n, step := range []struct {
		known *ship.Known
		news  bool
	}{{nil, false}, {one, false}, {one, false}, {nil, true}, {nil, false}, {one, false}, {other, true}, {other, false}} {
		v, news := h.next(step.known)
		if news != step.news || len(v) > 0 {
			t.Errorf("step %d: told %v of %v", n, news, v)
		}
	}
}
