package intake

// leastWindow is the smallest window that a lane gets, and the smallest that a line knows.
const leastWindow = 64 << 10

// pool is the memory that all lanes share for what is under way to them. Its caller holds a lock.
type pool struct {
	total, taken int
	lanes        int
}

// grant returns a window for one more lane, at most as large as most, when so many lanes are expected in all: the
// fewer, the more each gets. 0: there is no room.
func (p *pool) grant(most, expected int) int {
	free := p.total - p.taken
	share := free / max(1, expected-p.lanes)
	n := min(max(share, leastWindow), max(most, leastWindow))
	if n > free {
		return 0
	}
	p.taken += n
	p.lanes++
	return n
}

func (p *pool) release(n int) {
	p.taken -= n
	p.lanes--
}
