package ship_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// room is memory for what is large.
type room struct {
	mu          sync.Mutex
	free, taken int
	most        int
}

func (r *room) Take(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken+n > r.free {
		return false
	}
	r.taken += n
	r.most = max(r.most, r.taken)
	return true
}

func (r *room) Give(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
}

// TestRoomForWhatIsLarge: what is larger than the window is taken when there is room for it, and all of the room is
// given back; without it the session ends and says why.
func TestRoomForWhatIsLarge(t *testing.T) {
	t.Parallel()
	for _, free := range []int{1 << 20, 10_000} {
		t.Run(fmt.Sprint(free), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				a, b := newBox(t, rng, 1), newBox(t, rng, 2)
				shared := &room{free: free}
				la := a.line()
				lb := ship.New(b, ship.Options{Site: site, Origin: b.Origin(), Logger: slog.New(slog.DiscardHandler), Share: 1, Window: 64 << 10, Room: shared})
				for range 3 {
					body := make([]byte, 300_000)
					for i := range body {
						body[i] = byte(rng.Uint32())
					}
					k, err := a.Store.Write(t.Context(), journal.Logs, noon.UnixMilli(), journal.Leader, body, 1)
					if err != nil {
						t.Fatal(err)
					}
					a.wrote[k] = true
				}
				cut := connect(la, lb, nil)
				if free > 300_000 {
					settle(t, la, lb)
					same(t, a, b)
				}
				synctest.Wait()
				if _, err := cut(); free < 300_000 && err == nil {
					t.Error("taken without room")
				}
				if shared.taken != 0 || (shared.most == 0) != (free < 300_000) {
					t.Errorf("%d taken at the end, at most %d", shared.taken, shared.most)
				}
			})
		})
	}
}

// TestBaseThatUnpacks: a base of a few kilobytes that unpacks to more than one may have is refused before it does.
func TestBaseThatUnpacks(t *testing.T) {
	t.Parallel()
	site := journal.ID{1, 1}
	var pack journal.Compressor
	raw, err := pack.MarshalBase(&journal.Base{Site: site, Registers: []journal.Register{{
		Order: journal.Order{Turn: 1, Origin: journal.ID{2}, Incarnation: 1, Seq: 1}, Payload: make([]byte, 65<<20)}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := ship.NewSiteView(nil, site, nil).Join(t.Context(), raw); !errors.Is(err, journal.ErrCorrupt) {
		t.Errorf("%d bytes: %v", len(raw), err)
	}
}
