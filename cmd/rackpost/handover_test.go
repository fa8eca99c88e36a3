package main

import (
	"testing"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// TestHungUp: a member is gone when no path leads to it any more; one that fails is no sign.
func TestHungUp(t *testing.T) {
	t.Parallel()
	a, b := mode.NodeID{1}, mode.NodeID{2}
	link := func(id mode.NodeID, failed string) wire.Link {
		l := wire.Link{Failed: failed}
		l.Node = id
		return l
	}
	for _, c := range []struct {
		name  string
		links []wire.Link
		want  bool
	}{
		{"never heard", []wire.Link{link(b, "refused")}, false},
		{"heard", []wire.Link{link(a, ""), link(b, "refused")}, false},
		{"one path of two", []wire.Link{link(a, ""), link(a, "refused")}, false},
		{"every path", []wire.Link{link(a, "EOF"), link(a, "refused"), link(b, "")}, true},
	} {
		if got := hungUp(c.links, a); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
