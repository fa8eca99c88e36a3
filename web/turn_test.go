package web_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw"
	"rackpost/web"
)

// digger notes how many read its history at once.
type digger struct {
	rack
	now, most atomic.Int64
}

func (d *digger) Latest(context.Context, hw.DeviceID) ([]web.Reading, error) {
	n := d.now.Add(1)
	defer d.now.Add(-1)
	d.most.Store(max(n, d.most.Load()))
	time.Sleep(time.Second)
	return nil, nil
}

// TestHistoryInTurn requires that few read the history at once, and that the others are answered
// after them.
func TestHistoryInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &digger{rack: sample()}
		h := web.New(web.Config{Source: d, History: d})
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if w := get(t, h, "/devices/sw"); w.Code != http.StatusOK {
					t.Errorf("status %d", w.Code)
				}
			})
		}
		synctest.Wait()
		if w := get(t, h, "/"); w.Code != http.StatusOK {
			t.Errorf("the first page waits for the history: %d", w.Code)
		}
		all.Wait()
		if n := d.most.Load(); n != 2 {
			t.Errorf("%d read the history at once, want 2", n)
		}
	})
}
