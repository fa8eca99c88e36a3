package wire

import "sync"

// crew are the goroutines of a Wire: none starts after it was told to end, and wait returns when
// none is left.
type crew struct {
	mu    sync.Mutex
	wg    sync.WaitGroup
	ended bool
}

// start runs f beside the caller and says whether it does.
func (c *crew) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.wg.Go(f)
	}
	return !c.ended
}

func (c *crew) wait() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.wg.Wait()
}
