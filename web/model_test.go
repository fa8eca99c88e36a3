package web_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/web"
)

// TestMerged: what two sections read of one part is one part, with the health of the one that told any.
func TestMerged(t *testing.T) {
	t.Parallel()
	inventory := web.Component{Path: "system", Section: "inventory", Attrs: hw.Attrs{{Key: "bios", Value: "1.2"}, {Key: "model", Value: "old"}}}
	heartbeat := web.Component{Path: "system", Section: "heartbeat", Health: hw.Warning, State: hw.Attrs{{Key: "power", Value: "on"}}, Attrs: hw.Attrs{{Key: "model", Value: "M1"}}, Expected: true}
	fan := web.Component{Path: "fan/1", Section: "environment", Health: hw.OK}
	want := []web.Component{
		{Path: "system", Section: "heartbeat", Health: hw.Warning, State: heartbeat.State, Attrs: hw.Attrs{{Key: "bios", Value: "1.2"}, {Key: "model", Value: "M1"}}, Expected: true},
		fan,
	}
	for _, in := range [][]web.Component{{inventory, fan, heartbeat}, {heartbeat, inventory, fan}} {
		if diff := cmp.Diff(want, web.Merged(in)); diff != "" {
			t.Error(diff)
		}
	}
	if len(inventory.Attrs) != 2 || inventory.Attrs.Get("model") != "old" || len(heartbeat.Attrs) != 1 {
		t.Error("what was given was changed")
	}
	if got := web.Merged(nil); got == nil || len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}
