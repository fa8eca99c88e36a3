package wire

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"rackpost/replicate/mode"
)

// Link is one way to one member.
type Link struct {
	mode.Contact
	Name      string        // the member's, for people
	Version   string        // of its program
	Feature   uint32        // level of what it can do
	Address   string        // where it is called; empty when it calls
	RoundTrip time.Duration // of the last ping answered; 0 when there was none
	Failed    string        // why the last call failed; empty when it did not
}

// quiet is how many pings in a row may stay unanswered before a way counts as silent.
const quiet = 5

type linkKey struct {
	node mode.NodeID
	path string
}

type link struct {
	said      Hello
	proven    time.Time // both directions, by the monotonic clock; zero when never
	roundTrip time.Duration
	failed    string
	up        bool
	stuck     bool // it fell silent, and what waits on it was not ended yet
}

// contacts are the links to every member and what is remembered of it.
type contacts struct {
	mu      sync.Mutex
	links   map[linkKey]*link
	memory  map[mode.NodeID]Memory
	refused []past // lives of this member that another refused
	changed chan struct{}
}

func newContacts(memory map[mode.NodeID]Memory) *contacts {
	if memory = maps.Clone(memory); memory == nil {
		memory = map[mode.NodeID]Memory{}
	}
	return &contacts{links: map[linkKey]*link{}, memory: memory, changed: make(chan struct{})}
}

func (c *contacts) watch() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *contacts) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *contacts) link(node mode.NodeID, path string) *link {
	key := linkKey{node, path}
	l := c.links[key]
	if l == nil {
		l = &link{}
		c.links[key] = l
	}
	return l
}

// heard keeps what a member says of itself on a path, in a hello or in a ping. A ping of a process
// that was followed by another is late, and nothing to remember.
func (c *contacts) heard(path string, h Hello, ping bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.link(h.Node, path)
	news := !same(l.said.Hello, h.Hello)
	l.said = h
	if m := c.memory[h.Node]; !ping || h.Boot == m.Boot {
		c.memory[h.Node] = m.with(h.Hello)
	}
	if news {
		c.tell()
	}
}

// proven says that both directions of a link worked at this time; roundTrip is 0 when it was not measured.
func (c *contacts) proven(node mode.NodeID, path string, at time.Time, roundTrip time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.link(node, path)
	if at.After(l.proven) {
		l.proven = at
	}
	if roundTrip > 0 {
		l.roundTrip, l.failed = roundTrip, ""
	}
	if !l.up {
		l.up, l.stuck = true, false
		c.tell()
	}
}

// failed keeps why the last call of a link did not come to be.
func (c *contacts) failed(node mode.NodeID, path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link(node, path).failed = clean(err.Error())
}

// sweep marks the links that fell silent, and returns those, each once, whose member is up on another one, at once or
// when that comes back: what still waits there can go on elsewhere.
func (c *contacts) sweep(now time.Time, silence func(mode.Role) time.Duration) []linkKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	fell := false
	up := map[mode.NodeID]bool{}
	for key, l := range c.links {
		if l.up && now.Sub(l.proven) > silence(l.said.Role) {
			l.up, l.stuck, fell = false, true, true
		}
		up[key.node] = up[key.node] || l.up
	}
	if fell {
		c.tell()
	}
	var elsewhere []linkKey
	for key, l := range c.links {
		if l.stuck && up[key.node] {
			l.stuck = false
			elsewhere = append(elsewhere, key)
		}
	}
	return elsewhere
}

// mostMemories is of how many members something is remembered, before those that left are forgotten.
const mostMemories = 64

// keep forgets the links to whoever is no longer a member, and the ways that it no longer has.
func (c *contacts) keep(stays func(mode.NodeID, string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.links)
	maps.DeleteFunc(c.links, func(key linkKey, _ *link) bool { return !stays(key.node, key.path) })
	if len(c.memory) > mostMemories {
		maps.DeleteFunc(c.memory, func(node mode.NodeID, _ Memory) bool { return !stays(node, "") })
	}
	if len(c.links) != before {
		c.tell()
	}
}

func (c *contacts) recall(node mode.NodeID) Memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.memory[node]
}

// past is a life in one generation: when the member takes over, what it holds counts again.
type past struct {
	life       string
	generation mode.Generation
}

// outdate takes note of a refusal. mostLeft of this member's own lives are remembered too.
func (c *contacts) outdate(h mode.Hello) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := past{h.Life, h.Generation}
	if h.Life == "" || slices.Contains(c.refused, p) {
		return
	}
	c.refused = append(c.refused, p)
	c.refused = c.refused[max(0, len(c.refused)-mostLeft):]
	c.tell()
}

func (c *contacts) outdated(life string, in mode.Generation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.refused, past{life, in})
}

func (c *contacts) remembered() map[mode.NodeID]Memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.memory)
}

// all returns every link without what only the configuration knows.
func (c *contacts) all(now time.Time) []Link {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Link
	for key, l := range c.links {
		contact := mode.Contact{Hello: l.said.Hello, Path: key.path, Silent: mode.Never}
		contact.Node = key.node
		if !l.proven.IsZero() {
			contact.Silent = max(0, now.Sub(l.proven))
		}
		list = append(list, Link{Contact: contact, Version: l.said.Version, Feature: l.said.Feature, RoundTrip: l.roundTrip, Failed: l.failed})
	}
	slices.SortFunc(list, func(a, b Link) int {
		return cmp.Or(slices.Compare(a.Node[:], b.Node[:]), cmp.Compare(a.Path, b.Path))
	})
	return list
}

// order sorts the ways to a member, the healthiest first: those that answered lately, then those
// that once did, then the rest; among them a clearly shorter round trip; then as they are given.
func (c *contacts) order(node mode.NodeID, ways []Path, now time.Time, silence time.Duration) []Path {
	c.mu.Lock()
	defer c.mu.Unlock()
	rank := func(p Path) [2]int {
		l := c.links[linkKey{node, p.Name}]
		switch {
		case l == nil || l.proven.IsZero():
			return [2]int{2, 0}
		case now.Sub(l.proven) > silence:
			return [2]int{1, 0}
		}
		// Halves and doubles below 8 ms are the same to a person and to Raft.
		return [2]int{0, max(4, bits.Len64(uint64(l.roundTrip.Milliseconds())))}
	}
	ways = slices.Clone(ways)
	slices.SortStableFunc(ways, func(a, b Path) int {
		ra, rb := rank(a), rank(b)
		return slices.Compare(ra[:], rb[:])
	})
	return ways
}
