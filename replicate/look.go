package replicate

import (
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"rackpost/replicate/mode"
)

// look makes an event of what is seen at this moment.
func (n *Node) look() mode.Event {
	e := n.running()
	servers := e.servers()
	now := time.Since(n.start)
	before := time.Duration(n.looked.Swap(int64(max(now, 1))))
	ev := mode.Event{Now: now, Woke: before != 0 && now-before > n.leaseOf(e), Stuck: n.stuck(), Self: n.hello(e), LogBusy: n.log.Busy(), Verified: n.cfg.Verified(),
		Outdated: n.cfg.Peers.Outdated(n.log.Life()), Former: n.former != ""}
	if n.cfg.Struck != nil {
		ev.Struck = n.cfg.Struck()
	}
	for _, s := range servers[n.cfg.Self.Node] {
		if s.Life == n.log.Life() {
			ev.Vote = s.Vote
		}
	}
	delete(servers, n.cfg.Self.Node)
	ev.Empty = ev.Self.Last == 0
	ev.Raft = n.lookAtRaft(e)
	ev.Members = n.members(e, servers)
	ev.Next = n.nextGeneration(ev)
	return ev
}

func (n *Node) leaseOf(e *engine) time.Duration {
	if e.short {
		return n.cfg.Timers.Short
	}
	return n.cfg.Timers.Lease
}

// stuck says in words why the StateMachine applies nothing any more.
func (n *Node) stuck() string {
	if s, ok := n.cfg.State.(interface{ Err() error }); ok && s.Err() != nil {
		return s.Err().Error()
	}
	return ""
}

func (n *Node) hello(e *engine) mode.Hello {
	applied, _ := n.machine.at()
	h := mode.Hello{Node: n.cfg.Self.Node, Role: n.cfg.Self.Role, Life: n.log.Life(), Boot: n.boot, Generation: n.log.Generation(),
		Mode: n.state.Mode, Authority: n.state.Authority, Isolated: n.cfg.Isolated(), Full: n.cfg.Full(),
		Term: e.raft.CurrentTerm(), Applied: max(applied, e.raft.AppliedIndex()), Last: e.raft.LastIndex()}
	if n.state.Mode == mode.Boot || n.state.Waits {
		// Alone, Raft writes on at once. Whether this disk is an old image shows by what it held before.
		h.Term, h.Last, h.Applied = min(h.Term, n.held.Term), min(h.Last, n.held.Index), min(h.Applied, n.held.Index)
	}
	return h
}

// handedFor is how long after it was asked to a member may be elected, on a slow disk at the longest.
const handedFor = 30 * time.Second

func (n *Node) lookAtRaft(e *engine) mode.Raft {
	n.mu.Lock()
	pending := n.pending
	n.mu.Unlock()
	r := mode.Raft{Leads: e.raft.State() == raft.Leader && e.gate.later.Load() <= e.raft.CurrentTerm(), Short: e.short, Pending: pending, Silent: mode.Never}
	r.Ready = e.settled()
	if _, id := e.raft.LeaderWithID(); id != "" {
		r.Leader, _, _ = parseServer(id)
	}
	if at := e.gate.handed.Load(); at != nil {
		r.Handed = time.Since(*at) < handedFor
	}
	if last := e.raft.LastContact(); !last.IsZero() {
		r.Silent = time.Since(last)
	}
	return r
}

// members joins who has contact, who is agreed on, and who is in Raft's configuration.
func (n *Node) members(e *engine, servers map[mode.NodeID][]mode.Server) []mode.Member {
	all := map[mode.NodeID]*mode.Member{}
	of := func(id mode.NodeID) *mode.Member {
		if all[id] == nil {
			all[id] = &mode.Member{Hello: mode.Hello{Node: id}, Silent: mode.Never}
		}
		return all[id]
	}
	for _, c := range n.cfg.Peers.Contacts() {
		m := of(c.Node)
		if m.Role == mode.RoleUnknown || c.Silent < m.Silent {
			m.Hello, m.Silent = c.Hello, c.Silent
		}
	}
	agreed := n.agreed()
	for id, role := range agreed {
		if id != n.cfg.Self.Node {
			m := of(id)
			m.Role, m.Agreed = role, true
		}
	}
	for id, list := range servers {
		m := of(id)
		m.Servers = list
		for _, s := range list {
			m.RaftSilent = max(m.RaftSilent, e.silent(serverID(id, s.Life)))
		}
	}
	var list []mode.Member
	for id, m := range all {
		m.Agreed = m.Agreed || agreed == nil
		m.CaughtUp, m.Off = n.cfg.CaughtUp(id), n.cfg.Off(id)
		list = append(list, *m)
	}
	slices.SortFunc(list, func(a, b mode.Member) int { return slices.Compare(a.Node[:], b.Node[:]) })
	return list
}

// agreed is who is a member, nil when nobody says: a new member does not know it yet, and must not
// take the others for strangers.
func (n *Node) agreed() map[mode.NodeID]mode.Role {
	if n.cfg.Members == nil {
		return nil
	}
	list := n.cfg.Members()
	if _, ok := list[n.cfg.Self.Node]; !ok {
		return nil
	}
	return list
}

// nextGeneration is above all that were shown.
func (n *Node) nextGeneration(e mode.Event) mode.Generation {
	next := mode.Generation{Counter: e.Self.Generation.Counter, Random: random()}
	for _, m := range e.Members {
		next.Counter = max(next.Counter, m.Generation.Counter)
	}
	next.Counter++
	return next
}
