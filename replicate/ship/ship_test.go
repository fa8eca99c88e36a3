package ship_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// TestBothWays: two boxes with different records have the same ones soon, and new ones live.
func TestBothWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		a, b := newBox(t, r, 'a'), newBox(t, r, 'b')
		a.writes(300)
		b.writes(500)
		la, lb := a.line(), b.line()
		cut := connect(la, lb, nil)
		settle(t, la, lb)
		same(t, a, b)
		for range 20 {
			a.writes(3)
			b.writes(1)
			time.Sleep(time.Second)
			synctest.Wait()
			same(t, a, b)
		}
		p := la.Progress()
		if p.Sent != 360 || p.Received != 520 || p.Repeated != 0 || p.Returned != 0 || p.Peer != b.Origin() || !p.Connected {
			t.Errorf("progress %+v", p)
		}
		if e1, e2 := cut(); e1 != nil || e2 != nil {
			t.Errorf("ended with %v and %v", e1, e2)
		}
		if p := la.Progress(); p.Connected || p.CaughtUp || p.Sent != 360 {
			t.Errorf("progress after the end %+v", p)
		}
	})
}
