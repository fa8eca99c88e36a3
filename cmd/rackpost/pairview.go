package main

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rackpost/replicate"
	"rackpost/replicate/control"
	"rackpost/replicate/mode"
	"rackpost/replicate/ship"
	"rackpost/replicate/trust"
	"rackpost/replicate/wire"
	"rackpost/web"
)

const (
	maxRefusalsShown = 10
	refusalsFor      = time.Hour
	refusalsFresh    = time.Minute // what goes on comes again before
)

// view tells how the pair stands, as this machine knows it.
func (p *pairing) view() web.Pair {
	s := p.node.Status()
	v := web.Pair{
		Cluster: p.keeper.Identity().Cluster.String(), Leader: p.nameOf(s.Leader), Authority: s.Authority, Powers: append([]string{}, s.Powers...),
		ActsIn: s.ActsIn.Seconds(), Why: s.Why, Generation: generationText(s.Generation), Expires: p.keeper.Status().Expires,
		Self:    web.PairMember{Node: p.self.Node.String(), Name: p.self.Name, Role: p.self.Role.String(), Mode: s.Mode.String(), For: s.ModeFor.Seconds(), Applied: s.Applied, Generation: generationText(s.Generation), Version: versionText(), Paths: []web.PairPath{}},
		Members: []web.PairMember{}, Alarms: []web.PairAlarm{}, Conflicts: p.conflicts(),
	}
	links := p.wire.Links()
	for _, m := range p.members() {
		if m.Node != p.self.Node {
			v.Members = append(v.Members, p.memberView(m, s, links))
		}
	}
	v.Refusals = refusalLines(p.wire.Refusals(), v.Members, time.Now())
	for _, a := range s.Alarms {
		v.Alarms = append(v.Alarms, web.PairAlarm(a))
	}
	if a, ok := p.forgedAlarm(p.agreed.State()); ok {
		v.Alarms = append(v.Alarms, a)
	}
	if d, ok := p.agreed.State().Document(control.Site); ok {
		v.Site.Version = d.Version
	}
	v.Line = pairLine(v)
	return v
}

func (p *pairing) memberView(m trust.Member, s replicate.Status, links []wire.Link) web.PairMember {
	v := web.PairMember{Node: m.Node.String(), Name: m.Name, Role: m.Role.String(), Mode: "unknown", Paths: []web.PairPath{}}
	i := slices.IndexFunc(s.Members, func(x replicate.MemberStatus) bool { return x.Node == m.Node })
	if i >= 0 {
		x := s.Members[i]
		v.Vote, v.Applied, v.Generation = x.Vote.String(), x.Applied, generationText(x.Generation)
		if v.Silent = secondsOf(x.Silent); v.Silent != nil {
			v.Mode = x.Mode.String()
		}
	}
	for _, path := range wirePaths(m.Addresses) {
		way := web.PairPath{Name: path.Name, Address: path.Address}
		for _, l := range links {
			if l.Node == m.Node && l.Path == path.Name {
				v.Version = l.Version
				way.Silent, way.RoundTrip, way.Error = secondsOf(l.Silent), float64(l.RoundTrip.Microseconds())/1000, l.Failed
			}
		}
		v.Paths = append(v.Paths, way)
	}
	if progress, ok := p.lines.progress(m.Node); ok {
		v.Journal = journalView(progress)
	}
	return v
}

func journalView(p ship.Progress) *web.PairJournal {
	return &web.PairJournal{Connected: p.Connected, CaughtUp: p.CaughtUp, Rate: p.Rate, Conflicts: p.Conflicts, Reason: p.Reason,
		Lacks: web.PairBehind(p.Lacks), PeerLacks: web.PairBehind(p.PeerLacks)}
}

// secondsOf is nil for never.
func secondsOf(d time.Duration) *float64 {
	if d == mode.Never {
		return nil
	}
	s := d.Seconds()
	return &s
}

func generationText(g mode.Generation) string {
	if g == (mode.Generation{}) {
		return ""
	}
	return fmt.Sprintf("%d-%08x", g.Counter, uint32(g.Random>>32))
}

// refusalLines tells what was refused and is not settled, the newest first. Settled is what was refused a minute ago or more at an
// address where a member was heard since.
func refusalLines(refusals []wire.Refusal, members []web.PairMember, now time.Time) []string {
	heard := map[string]float64{}
	for _, m := range members {
		for _, p := range m.Paths {
			if p.Silent != nil {
				heard[hostOf(p.Address)] = *p.Silent
			}
		}
	}
	out := []string{}
	for _, r := range refusals {
		age := now.Sub(r.At)
		if age > refusalsFor || len(out) == maxRefusalsShown {
			break
		}
		silent, member := heard[hostOf(r.Address)]
		if member && age >= refusalsFresh && silent < age.Seconds() {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s", r.At.Format(time.DateTime), r.Error()))
	}
	return out
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// pairLine says how a pair stands: what this machine is, how the other box is, how far apart their journals are.
func pairLine(v web.Pair) string {
	words := []string{roleWords(v)}
	for _, m := range v.Members {
		words = append(words, memberWords(m))
	}
	return strings.Join(words, "; ")
}

// roleWords says what a machine is and does.
func roleWords(v web.Pair) string {
	switch v.Self.Mode {
	case mode.Leader.String():
		if len(v.Members) == 0 {
			return "the only box of its pair: it visits, tells and acts"
		}
		return "leader: it visits, tells and acts"
	case mode.Solo.String():
		for _, m := range v.Members {
			if m.Role == mode.Box.String() && m.Silent != nil && *m.Silent < mode.DefaultTimers().Island.Seconds() {
				return "solo: it visits, tells and acts; the other box is there and has no vote yet"
			}
		}
		return "solo: it visits, tells and acts; the other box is set aside"
	case mode.Follower.String():
		if v.Leader == "" || v.Leader == v.Self.Name { // it led until now
			return "follower: it keeps a copy"
		}
		return "follower: " + v.Leader + " visits, this box keeps a copy"
	case mode.Island.String():
		return "island: it visits and stores, and changes nothing: it hears nobody with authority"
	case mode.Witnessing.String():
		return "witness: it votes"
	case mode.Removed.String():
		return "taken out of its pair: it does nothing until it leaves (rackpost pair leave)"
	case mode.Rejoin.String():
		return "rejoining: it begins anew and is caught up"
	}
	return "starting"
}

// memberWords says how another member is.
func memberWords(m web.PairMember) string {
	said := m.Name
	switch {
	case m.Silent == nil:
		said += " was not heard yet"
	case *m.Silent >= mode.DefaultTimers().Island.Seconds():
		said += fmt.Sprintf(" silent for %s", web.Ago(time.Duration(*m.Silent*float64(time.Second))))
	default:
		said += " is there (" + m.Mode + ")"
	}
	return said + within(", ", journalWords(m))
}

// journalWords says how far apart the journals are.
func journalWords(m web.PairMember) string {
	j := m.Journal
	switch {
	case j == nil:
		return ""
	case !j.Connected:
		return "journals not exchanged"
	case j.CaughtUp:
		return "journals equal"
	case j.Lacks.Batches == 0 && j.PeerLacks.Batches == 0:
		return "journals being compared"
	case j.PeerLacks.Batches >= j.Lacks.Batches:
		return fmt.Sprintf("its journal %s behind", behindWords(j.PeerLacks))
	}
	return fmt.Sprintf("this journal %s behind", behindWords(j.Lacks))
}

func behindWords(b web.PairBehind) string {
	said := fmt.Sprintf("%d %s", b.Batches, plural(int(min(b.Batches, 2)), "batch", "batches"))
	if !b.Oldest.IsZero() {
		said += " (" + web.Ago(time.Since(b.Oldest)) + ")"
	}
	return said
}
