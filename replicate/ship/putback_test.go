package ship_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
)

// TestPutBackWithMemory: a machine is put back with its memory to where it was, a snapshot of a virtual machine, and goes on under the same
// incarnation. As soon as it is connected it goes on under another one: what it writes from then on arrives, and what headquarters has from before stays.
func TestPutBackWithMemory(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		cut := w.connectBoth()
		b.writes(200)
		arrives(t, hq, b)
		then, inc := b.Arrived(), incarnationOf(b)
		b.writes(100)
		arrives(t, hq, b)
		if b.Renamed() != 0 {
			t.Fatal("a new name without a reason")
		}
		cut()
		b.Restore(then, inc)
		b.writes(10) // under names that are taken
		here := b.Arrived()
		defer w.connectBoth()()
		time.Sleep(time.Second)
		synctest.Wait()
		if b.Renamed() != 1 {
			t.Fatalf("%d new names", b.Renamed())
		}
		b.writes(100)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		mine, there, lost, other := b.Content(), hq.Content(), 0, 0
		for k, sum := range mine {
			switch got, ok := there[k]; {
			case !ok:
				lost++
			case got != sum:
				other++
			}
		}
		if lost > 0 || other == 0 || other > here-then {
			t.Errorf("%d of %d are not at headquarters, %d are there with other content", lost, len(mine), other)
		}
		if n := b.Renamed(); n != 1 {
			t.Errorf("%d new names", n)
		}
		if !w.here[0].CaughtUp() || !w.here[1].CaughtUp() {
			t.Error("not caught up")
		}
	})
}

// incarnationOf returns the only one there is at b.
func incarnationOf(b *box) (inc journal.Incarnation) {
	for k := range b.Held() {
		inc = k.Incarnation
	}
	return inc
}
