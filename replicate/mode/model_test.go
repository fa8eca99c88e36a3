package mode_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/replicate/mode"
)

// entry is one of the model's raft log: only configurations matter.
type entry struct {
	term   int
	config map[int]server // by member
}

// server is a member in a configuration.
type server struct {
	life string
	vote mode.Vote
}

// node is a member of the model: a raft reduced to what decides who leads, under the real Step.
type node struct {
	id         int
	role       mode.Role
	running    bool
	isolated   bool
	full       bool
	busy       time.Duration
	generation mode.Generation
	life       string
	term       int
	voted      int // for whom in term; -1: nobody
	log        []entry

	state   mode.State
	leads   bool
	leader  int
	heard   time.Duration // a leader
	patient time.Duration // until it stands
	match   map[int]int
	contact map[int]time.Duration
	seen    map[int]sight
	order   bool
}

// sight is what a member showed.
type sight struct {
	hello mode.Hello
	at    time.Duration
}

// model is members and what is between them.
type model struct {
	t      *rapid.T
	timers mode.Timers
	nodes  []*node
	cut    map[[2]int]bool
	now    time.Duration
	lives  int
	random uint64
}

const modelTick = 100 * time.Millisecond

func newModel(t *rapid.T, size int) *model {
	m := &model{t: t, timers: mode.DefaultTimers(), cut: map[[2]int]bool{}, random: rapid.Uint64().Draw(t, "seed")}
	m.timers.Settle, m.timers.SettleMost, m.timers.Quarantine = 2*time.Second, 8*time.Second, 3*time.Second
	config := map[int]server{}
	for i := range size {
		n := &node{id: i, role: mode.Box, generation: first, voted: -1, life: m.life(i)}
		if i == 2 {
			n.role = mode.Witness
		}
		m.nodes = append(m.nodes, n)
		config[i] = server{n.life, mode.Voter}
	}
	for _, n := range m.nodes {
		n.log = []entry{{1, config}}
		m.start(n)
	}
	return m
}

func (m *model) life(i int) string { m.lives++; return fmt.Sprintf("%d.%d", i, m.lives) }

func (m *model) start(n *node) {
	n.running, n.leads, n.leader, n.state = true, false, -1, mode.State{}
	n.seen, n.contact, n.match = map[int]sight{}, map[int]time.Duration{}, map[int]int{}
	n.heard = m.now
	m.hope(n)
}

// draw is a number below most: drawing each of so many from rapid would hide what matters.
func (m *model) draw(most uint64) uint64 {
	m.random = m.random*6364136223846793005 + 1442695040888963407
	return (m.random >> 33) % most
}

// hope draws when n stands if it hears no leader.
func (m *model) hope(n *node) {
	limit := m.timers.Lease
	if m.short(n) {
		limit = m.timers.Election
	}
	n.patient = m.now + limit + time.Duration(m.draw(uint64(limit/modelTick)))*modelTick
}

func (n *node) config() map[int]server {
	if len(n.log) == 0 {
		return nil
	}
	return n.log[len(n.log)-1].config
}

// short says whether Raft has the timers of a pair with a witness: one is agreed on from the beginning, or none ever.
func (m *model) short(*node) bool { return len(m.nodes) > 2 }

func (n *node) voters() (list []int) {
	for id, s := range n.config() {
		if s.vote == mode.Voter {
			list = append(list, id)
		}
	}
	return list
}

func (m *model) open(a, b *node) bool {
	return a.running && b.running && !m.cut[[2]int{a.id, b.id}] && !m.cut[[2]int{b.id, a.id}]
}

// speak says whether raft bytes pass between a and the server by which it knows b.
func (m *model) speak(a, b *node) bool {
	return m.open(a, b) && a.generation == b.generation && !a.state.Cut && !b.state.Cut && a.config()[b.id].life == b.life &&
		slices.Contains(a.state.Lives, b.life) && slices.Contains(b.state.Lives, a.life)
}

// tick is one step of everything.
func (m *model) tick() {
	m.now += modelTick
	for _, a := range m.nodes {
		for _, b := range m.nodes {
			if a != b && m.open(a, b) {
				a.seen[b.id] = sight{m.hello(b), m.now}
			}
		}
	}
	for _, n := range m.nodes {
		if n.running && n.leads {
			m.lead(n)
		}
	}
	for _, n := range m.nodes {
		if n.running && !n.leads && m.now >= n.patient && n.busy == 0 {
			m.hope(n)
			if n.state.Stand {
				m.elect(n, false)
			}
		}
	}
	for _, n := range m.nodes {
		if n.running {
			m.step(n)
		}
	}
	m.check()
}

// lead is a round of heartbeats.
func (m *model) lead(n *node) {
	n.match[n.id] = len(n.log)
	for id := range n.config() {
		f := m.nodes[id]
		if f == n || !m.speak(n, f) {
			continue
		}
		if f.term > n.term {
			n.leads, n.leader = false, -1
			return
		}
		if f.term < n.term {
			f.term, f.voted = n.term, -1
		}
		f.leads, f.leader, f.heard = false, n.id, m.now
		m.hope(f)
		n.contact[id] = m.now
		if f.busy == 0 {
			f.log, n.match[id] = slices.Clone(n.log), len(n.log)
		}
	}
	lease, near := m.timers.Lease, 0
	if m.short(n) {
		lease = m.timers.Short
	}
	for _, id := range n.voters() {
		if id == n.id || m.now-n.contact[id] <= lease {
			near++
		}
	}
	if near <= len(n.voters())/2 {
		n.leads, n.leader = false, -1
	}
}

// committed says whether all of a leader's log is on a quorum.
func (n *node) committed() bool {
	near := 0
	for _, id := range n.voters() {
		if n.match[id] == len(n.log) {
			near++
		}
	}
	return near > len(n.voters())/2 && n.log[len(n.log)-1].term == n.term
}

// elect has n stand: with the vote asked for beforehand, unless a leader sent it.
func (m *model) elect(n *node, sent bool) {
	if n.config()[n.id].vote != mode.Voter || n.config()[n.id].life != n.life {
		return
	}
	n.leader = -1
	term, votes := n.term+1, []*node{n}
	for _, id := range n.voters() {
		f := m.nodes[id]
		limit := m.timers.Lease
		if m.short(f) {
			limit = m.timers.Election
		}
		calm := f.leader < 0 || m.now-f.heard >= limit || sent
		free := f.term < term || f.term == term && (f.voted < 0 || f.voted == n.id)
		if f != n && m.speak(n, f) && calm && free && !f.leads && n.upToDate(f) && f.busy == 0 {
			votes = append(votes, f)
		}
	}
	if len(votes) <= len(n.voters())/2 {
		return // the vote beforehand: nobody's term is touched
	}
	for _, f := range votes {
		f.term, f.voted = term, n.id
	}
	n.leads, n.leader, n.match, n.contact = true, n.id, map[int]int{}, map[int]time.Duration{}
	for _, id := range n.voters() {
		n.contact[id] = m.now
	}
	n.log = append(slices.Clone(n.log), entry{term, n.config()})
	m.lead(n)
}

func (n *node) upToDate(f *node) bool {
	if len(f.log) == 0 || len(n.log) == 0 {
		return len(n.log) > 0
	}
	a, b := n.log[len(n.log)-1].term, f.log[len(f.log)-1].term
	return a > b || a == b && len(n.log) >= len(f.log)
}

func nodeID(i int) mode.NodeID { return mode.NodeID{byte(i + 1)} }

func (m *model) hello(n *node) mode.Hello {
	return mode.Hello{Node: nodeID(n.id), Role: n.role, Life: n.life, Generation: n.generation, Mode: n.state.Mode, Authority: n.state.Authority,
		Isolated: n.isolated, Full: n.full, Applied: uint64(len(n.log)), Last: uint64(len(n.log))}
}

// event is what n sees.
func (m *model) event(n *node) mode.Event {
	e := mode.Event{Now: m.now, Self: m.hello(n), Verified: true, LogBusy: n.busy, Empty: len(n.log) == 0, Takeover: n.order}
	e.Raft = mode.Raft{Leads: n.leads, Ready: n.leads && n.committed(), Short: m.short(n), Pending: n.leads && !n.committed(), Silent: m.now - n.heard}
	if n.leader >= 0 {
		e.Raft.Leader = nodeID(n.leader)
	}
	if s := n.config()[n.id]; s.life == n.life {
		e.Vote = s.vote
	}
	e.Next = mode.Generation{Counter: n.generation.Counter + 1, Random: uint64(100*m.lives + n.id + 1)}
	for _, o := range m.nodes {
		if o == n {
			continue
		}
		x := mode.Member{Hello: mode.Hello{Node: nodeID(o.id), Role: o.role}, Agreed: true, CaughtUp: true, Silent: mode.Never}
		if s, ok := n.seen[o.id]; ok {
			x.Hello, x.Silent = s.hello, m.now-s.at
			e.Next.Counter = max(e.Next.Counter, s.hello.Generation.Counter+1)
		}
		if s, ok := n.config()[o.id]; ok {
			x.Servers = []mode.Server{{Life: s.life, Vote: s.vote}}
			if silent := m.now - n.contact[o.id]; n.leads && silent > 4*modelTick {
				x.RaftSilent = silent
			}
		}
		e.Members = append(e.Members, x)
	}
	return e
}

func (m *model) step(n *node) {
	e := m.event(n)
	if n.order && mode.Refusal(n.state, e, m.timers) != "" {
		e.Takeover = false
	}
	n.order = false
	before := n.state
	state, effects := mode.Step(n.state, e, m.timers)
	n.state = state
	if before.Authority != state.Authority && before.Epoch == state.Epoch {
		m.t.Fatalf("authority of %d changed within an epoch", n.id)
	}
	for _, ef := range effects {
		m.do(n, ef)
	}
}

// do carries out an effect as raft does: a configuration counts when it is in the log.
func (m *model) do(n *node, ef mode.Effect) {
	id := int(ef.Node[0]) - 1
	config := maps.Clone(n.config())
	switch ef.Do {
	case mode.Demote:
		config[id] = server{config[id].life, mode.Nonvoter}
	case mode.AddNonvoter:
		config[id] = server{ef.Life, mode.Nonvoter}
	case mode.Promote:
		config[id] = server{ef.Life, mode.Voter}
	case mode.Remove:
		delete(config, id)
	case mode.Transfer:
		if o := m.nodes[id]; m.speak(n, o) && n.match[id] == len(n.log) {
			n.leads = false
			m.elect(o, true)
		}
		return
	case mode.Takeover:
		n.generation, n.leads = ef.Generation, false
		n.log = append(slices.Clone(n.log), entry{n.term, map[int]server{n.id: {n.life, mode.Voter}}})
		m.elect(n, true)
		return
	case mode.Begin:
		n.generation, n.life, n.log, n.term, n.voted, n.leads, n.leader = ef.Generation, m.life(n.id), nil, 0, -1, false, -1
		n.state = n.state.Anew()
		return
	case mode.EndProcess:
		n.running, n.state.Authority = false, false
		return
	default:
		return
	}
	n.log = append(slices.Clone(n.log), entry{n.term, config})
	m.lead(n)
}

// check is what must hold at every moment.
func (m *model) check() {
	owner := map[mode.Generation]int{}
	for _, n := range m.nodes {
		s := n.state
		if !n.running {
			continue
		}
		if s.Authority {
			if other, ok := owner[n.generation]; ok {
				m.t.Fatalf("%v: %d and %d have authority in generation %v", m.now, other, n.id, n.generation)
			}
			owner[n.generation] = n.id
			if !n.leads && s.Mode != mode.Leader && s.Mode != mode.Solo {
				m.t.Fatalf("%v: %d has authority as %v", m.now, n.id, s.Mode)
			}
		}
		if !s.Authority && (s.Powers.Has(mode.Act) || s.Powers.Has(mode.Configure)) {
			m.t.Fatalf("%v: %d may %v without authority", m.now, n.id, s.Powers)
		}
		if n.role == mode.Witness && s.Powers != 0 {
			m.t.Fatalf("%v: a witness may %v", m.now, s.Powers)
		}
	}
}

// disturb does one thing to the model that may happen in a rack.
func (m *model) disturb() {
	a := rapid.IntRange(0, len(m.nodes)-1).Draw(m.t, "member")
	b := (a + rapid.IntRange(1, len(m.nodes)-1).Draw(m.t, "other")) % len(m.nodes)
	n := m.nodes[a]
	switch rapid.SampledFrom([]string{"cut", "cut both", "mend", "mend all", "die", "start", "isolate", "fill", "slow", "take over"}).Draw(m.t, "what") {
	case "cut":
		m.cut[[2]int{a, b}] = true
	case "cut both":
		m.cut[[2]int{a, b}], m.cut[[2]int{b, a}] = true, true
	case "mend":
		delete(m.cut, [2]int{a, b})
		delete(m.cut, [2]int{b, a})
	case "mend all":
		clear(m.cut)
	case "die":
		n.running, n.leads, n.state = false, false, mode.State{}
	case "start":
		if !n.running {
			m.start(n)
		}
	case "isolate":
		n.isolated = !n.isolated
	case "fill":
		n.full = !n.full
	case "slow":
		n.busy = rapid.SampledFrom([]time.Duration{0, time.Second, 3 * time.Second}).Draw(m.t, "busy")
	case "take over":
		n.order = n.role == mode.Box && n.running
	}
}

func (m *model) run(d time.Duration) {
	for range d / modelTick {
		m.tick()
	}
}

// calm ends everything that was done to the model.
func (m *model) calm() {
	clear(m.cut)
	for _, n := range m.nodes {
		n.isolated, n.full, n.busy = false, false, 0
		if !n.running {
			m.start(n)
		}
	}
}

// paired says whether one box leads and the other follows, in one generation.
func (m *model) paired() bool {
	a, b := m.nodes[0], m.nodes[1]
	if b.state.Authority {
		a, b = b, a
	}
	return a.state.Mode == mode.Leader && b.state.Mode == mode.Follower && a.generation == b.generation
}

// TestModel runs Step under any schedule of faults over a raft reduced to its rules: at no moment
// have two members authority in one generation; and when the faults end a pair comes out of it, by
// itself unless a person took both sides over.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t, rapid.IntRange(2, 3).Draw(t, "size"))
		m.run(10 * time.Second)
		for range rapid.IntRange(1, 25).Draw(t, "faults") {
			m.disturb()
			m.run(time.Duration(rapid.SampledFrom([]int{1, 3, 8, 12, 25, 45, 80}).Draw(t, "ticks")) * modelTick)
		}
		m.calm()
		m.run(40 * time.Second)
		if m.paired() {
			return
		}
		a, b := m.nodes[0], m.nodes[1]
		if a.generation.Counter != b.generation.Counter || a.generation == b.generation {
			t.Fatalf("40 s after the last fault, without two takeovers:\n%s", m)
		}
		a.order = true // a person picks
		m.run(40 * time.Second)
		if !m.paired() {
			t.Fatalf("80 s after the last fault:\n%s", m)
		}
	})
}

func (m *model) String() string {
	s := ""
	for _, n := range m.nodes {
		s += fmt.Sprintf("%d: %v authority %v (%s) generation %v life %s term %d leads %v log %d config %v lives %v\n", n.id, n.state.Mode, n.state.Authority,
			n.state.Why, n.generation, n.life, n.term, n.leads, len(n.log), n.config(), n.state.Lives)
	}
	return s
}
