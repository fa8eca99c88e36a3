package journal_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rackpost/hw"
	"rackpost/hw/journal"
)

// TestOutline: the outline of a component is what is shown of it less its state and attributes, whatever bytes come; of all else it is what is shown.
func TestOutline(t *testing.T) {
	t.Parallel()
	wall := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMilli()
	value := hw.ComponentValue{Health: hw.Warning, Expected: true, Missing: true, Flaps: 3, State: hw.Attrs{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, Attrs: hw.Attrs{{Key: "a", Value: "3"}}}
	whole, err := journal.AppendFact(nil, hw.Fact{Kind: hw.ComponentFact, Version: 1, Device: "sw", Component: "port/1", Group: "ports", At: time.UnixMilli(wall), Value: value}, wall)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		payload := bytes.Clone(whole)
		for range rapid.IntRange(0, 2).Draw(t, "damages") {
			payload[rapid.IntRange(0, len(payload)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "by")
		}
		raw, err := journal.ParseFact(payload)
		if err != nil {
			return
		}
		want := raw.Shown(wall)
		if c, is := want.Value.(hw.ComponentValue); is {
			c.State, c.Attrs = nil, nil
			want.Value = c
		}
		if diff := cmp.Diff(want, raw.Outline(wall)); diff != "" {
			t.Fatal(diff)
		}
	})
}
