package cisco

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// A tally says what a series a counter says, whatever the order and however many lives.
func TestTally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var got tally
		var want [tallySize]series
		now := int64(1000)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += rapid.Int64Range(0, 1).Draw(t, "passed")
			i := rapid.IntRange(0, tallySize-1).Draw(t, "counter")
			value := rapid.Uint64Range(0, 3).Draw(t, "value")
			base := rapid.Int64Range(0, 2).Draw(t, "base")
			if moved := want[i].known() && want[i].value != value; got.moved(i, value) != moved {
				t.Fatalf("counter %d moved: %v", i, !moved)
			}
			if g, w := got.observe(i, value, base, now), want[i].observe(value, base, now); g != w {
				t.Fatalf("counter %d starts at %d, want %d", i, g, w)
			}
			if !rapid.Bool().Draw(t, "doubted") {
				continue
			}
			if g, w := got.doubt(i, now), want[i].doubt(now); g != w {
				t.Fatalf("doubted counter %d starts at %d, want %d", i, g, w)
			}
		}
	})
}

// However a device starts anew, what its ports count costs one life again.
func TestTallySettles(t *testing.T) {
	t.Parallel()
	var x tally
	for base := int64(1); base <= 3; base++ {
		for i := range tallySize {
			x.observe(i, 1, base, 1000)
		}
		if x.odd != nil || x.life != (life{base + 1, base}) || bits.OnesCount32(x.known) != tallySize {
			t.Fatalf("after the start at %d: %+v", base, x)
		}
	}
}
