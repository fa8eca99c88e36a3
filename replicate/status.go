package replicate

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// publish tells the others and those who watch what this member is after a step.
func (n *Node) publish(ev mode.Event) {
	hello := ev.Self
	hello.Mode, hello.Authority = n.state.Mode, n.state.Authority
	hello.Rested = n.state.Rested && !n.cfg.Acting() && !n.grants.used(mode.Act)
	n.cfg.Peers.Announce(hello)
	s := n.statusOf(ev)
	n.mu.Lock()
	if n.diverge != "" {
		s.Alarms = append(s.Alarms, mode.Alarm{Code: "diverged", Text: "What the members agreed on is not the same on " + n.diverge +
			": take that member out (\"rackpost pair leave\" there) and join it anew."})
	}
	before := n.status
	n.status, n.published = s, ev.Now
	if !same(before, s) {
		close(n.changed)
		n.changed = make(chan struct{})
	}
	n.mu.Unlock()
	n.tell(before, s)
}

// leave tells that this member takes no part any more.
func (n *Node) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.Authority, n.status.Powers, n.status.Why = false, nil, "it is being stopped"
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *Node) statusOf(ev mode.Event) Status {
	s := Status{Self: n.cfg.Self, Mode: n.state.Mode, ModeFor: ev.Now - n.state.Since, Why: n.state.Why, Authority: n.state.Authority,
		Powers: []string{}, ActsIn: n.state.ActsIn(ev.Now, n.cfg.Timers), Generation: ev.Self.Generation, Life: ev.Self.Life, Current: n.current, Leader: ev.Raft.Leader, Term: ev.Self.Term,
		Applied: ev.Self.Applied, Parted: n.parted, Committed: n.running().raft.CommitIndex(), LogBusy: ev.LogBusy, Alarms: slices.Clone(n.state.Alarms)}
	for _, p := range n.state.Powers.List() {
		s.Powers = append(s.Powers, p.String())
	}
	paths := map[mode.NodeID][]PathStatus{}
	for _, c := range n.cfg.Peers.Contacts() {
		paths[c.Node] = append(paths[c.Node], PathStatus{Path: c.Path, Silent: c.Silent})
	}
	for _, m := range ev.Members {
		member := MemberStatus{Node: m.Node, Role: m.Role, Life: m.Life, Mode: m.Mode, Authority: m.Authority, Generation: m.Generation,
			Applied: m.Applied, Silent: m.Silent, Paths: paths[m.Node]}
		for _, server := range m.Servers {
			member.Vote = max(member.Vote, server.Vote)
		}
		s.Members = append(s.Members, member)
	}
	return s
}

// same says whether two statuses differ in nothing but times that pass.
func same(a, b Status) bool { return reflect.DeepEqual(still(a), still(b)) }

func still(s Status) Status {
	s.ModeFor, s.ActsIn, s.LogBusy = 0, 0, 0
	s.Members = slices.Clone(s.Members)
	for i := range s.Members {
		m := &s.Members[i]
		m.Silent, m.Paths, m.Applied = 0, slices.Clone(m.Paths), 0
		for j := range m.Paths {
			m.Paths[j].Silent = 0
		}
	}
	return s
}

// tell logs a change of mode, and alarms that came.
func (n *Node) tell(before, now Status) {
	if before.Mode != now.Mode || before.Authority != now.Authority {
		n.cfg.Logger.Info("this member's mode changed", slog.String("mode", now.Mode.String()), slog.String("was", before.Mode.String()),
			slog.Bool("authority", now.Authority), slog.String("why", now.Why))
	}
	had := n.told
	n.told = map[string]bool{}
	for _, a := range now.Alarms {
		if n.told[a.Code] = true; !had[a.Code] {
			n.cfg.Logger.Warn(a.Text, slog.String("alarm", a.Code))
		}
	}
}

// Status returns what is known at the moment. A process that stood still claims no authority by what it knew before.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.status
	if s.Authority && n.stale() {
		s.Authority, s.Powers, s.Why = false, []string{}, stoodStill
	}
	return s
}

const stoodStill = "it stood still, and has not looked yet whether it has authority"

// stale says whether others may have taken over since what is published was seen: that a new look has begun ends nothing yet.
// To be called with n.mu held, once something was published.
func (n *Node) stale() bool { return time.Since(n.start)-n.published > n.cfg.Timers.Demote }

// awake returns an error while this member knows only what was before it stood still.
func (n *Node) awake() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stale() {
		return fmt.Errorf("%w: %s", ErrNoPower, stoodStill)
	}
	return nil
}

// Mode returns what this member is at the moment.
func (n *Node) Mode() mode.Mode { return n.Status().Mode }

// Watch returns a channel that is closed at the next change of Status; that time passes is none.
func (n *Node) Watch() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed
}
