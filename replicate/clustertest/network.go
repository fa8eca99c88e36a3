package clustertest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// path is a way between two members. The witness has the first one only.
type path uint8

const (
	lan path = iota
	direct
	paths
)

func (p path) String() string { return [...]string{"lan", "direct", "all"}[p] }

// most is how many members there are at most: two boxes and a witness.
const most = 3

// way is one direction of a path between two members.
type way struct {
	cuts  int
	loss  float64       // part of the messages
	delay time.Duration // of each, beside what every network takes; up to as much again at random
}

// network says how messages travel. Faults add up and are taken back one by one.
type network struct {
	mu   sync.Mutex
	rng  *rand.Rand
	ways [most][most][paths]way
}

func newNetwork(seed uint64) *network {
	return &network{rng: rand.New(rand.NewPCG(seed, 1))}
}

// trip is how long a message takes, false when it is lost.
func (n *network) trip(from, to int, p path) (time.Duration, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := &n.ways[from][to][p]
	d := 100*time.Microsecond + time.Duration(n.rng.Int64N(int64(400*time.Microsecond)))
	if w.delay > 0 {
		d += w.delay + time.Duration(n.rng.Int64N(int64(w.delay)))
	}
	return d, w.cuts == 0 && (w.loss == 0 || n.rng.Float64() >= w.loss)
}

// open says whether neither direction is cut: only then can a connection be made.
func (n *network) open(a, b int, p path) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ways[a][b][p].cuts == 0 && n.ways[b][a][p].cuts == 0
}

// change changes the ways from a member to another, on one path or on all; to < 0 means all others, both ways.
func (n *network) change(from, to int, p path, f func(*way)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range path(paths) {
		if p != paths && p != i {
			continue
		}
		if to >= 0 {
			f(&n.ways[from][to][i])
			continue
		}
		for other := range most {
			if other != from {
				f(&n.ways[from][other][i])
				f(&n.ways[other][from][i])
			}
		}
	}
}

// clean says whether nothing is wrong between two members.
func (n *network) clean(a, b int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ways[a][b] == [paths]way{} && n.ways[b][a] == [paths]way{}
}
