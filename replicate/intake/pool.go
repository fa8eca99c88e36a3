package intake

// leastWindow is the smallest window that a lane gets, and the smallest that a line knows.
const leastWindow = 64 << 10

// pool is the memory that all lanes share for what is under way to them. Its caller holds a lock.
type pool struct {
	total, taken int
	lanes        int
}

// grant returns a window for one more lane, at most as large as most, when so many lanes are expected in all: the
// fewer, the more each gets. It is one of few sizes, so that a lane that comes again gets the same. 0: there is no room.
func (p *pool) grant(most, expected int) int {
	free := p.total - p.taken
	share := min(free/max(1, expected-p.lanes), most)
	n := leastWindow
	for 2*n <= share {
		n *= 2
	}
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
