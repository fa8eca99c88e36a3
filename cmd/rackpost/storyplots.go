package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rackpost/hw"
	"rackpost/web"
)

// The words of a pair that a story holds it to: DESIGN 8 and 11, docs/pair.md.
const (
	halfVisited   = 4 * time.Second         // after its leader was killed, with a witness: half of the overdue devices were visited
	allVisited    = 7 * time.Second         // and all
	islandVisits  = 6 * time.Second         // after the last contact, without a witness
	startVisits   = 15 * time.Second        // after both boxes start anew
	followerStall = 2050 * time.Millisecond // a second after the follower is set aside; until then no write of the Raft log ends
	diskSlowAfter = 2 * time.Second         // a write to the Raft log lasts longer: authority goes
)

// plot is one scenario.
type plot struct {
	name, does string
	act        func(context.Context, *story) error
	hq         bool // there is a headquarters
}

func plots() []plot {
	return []plot{
		{"leader-dies", "the leader is killed while it tells a server to blink", leaderDies, false},
		{"follower-dies", "the follower is killed, and the leader's disk stands still for a second just then", followerDies, false},
		{"cable-cut", "one cable between the boxes is cut, then the other one too", cableCut, false},
		{"one-way", "the leader hears nothing from the other box, which still hears it", oneWay, false},
		{"both-die", "both boxes are killed, as when the rack loses power", bothDie, false},
		{"disk-stalls", "the disk of the leader stands still: the Raft log, then the journal", diskStalls, false},
		{uplinkPlot, "the line to headquarters is cut, and the leader is killed meanwhile", uplinkCut, true},
	}
}

func plotHelp() string {
	var b strings.Builder
	for _, p := range plots() {
		fmt.Fprintf(&b, "                     %-14s %s\n", p.name, p.does)
	}
	return b.String()
}

func findPlot(name string) (plot, error) {
	var names []string
	for _, p := range plots() {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	if near := hw.Nearest(name, names); near != "" {
		return plot{}, usagef("there is no scenario %q; did you mean %q?", shorten(name), near)
	}
	return plot{}, usagef("there is no scenario %q; write one of %s", shorten(name), strings.Join(names, ", "))
}

func leaderDies(ctx context.Context, s *story) error {
	leader := s.leader()
	left := s.other(leader)
	if err := s.lab.rack.Fault(storyServer, "slow", "3s BlinkTarget"); err != nil {
		return err
	}
	lit := s.blink(ctx, leader)
	pause(ctx, time.Second)
	at := s.strike("%s, which leads, is killed (kill -9) while %s is being told to blink", leader.name, storyServer)
	leader.kill()
	<-lit
	if err := s.lab.rack.Fault(storyServer, "clear", "slow"); err != nil {
		return err
	}
	if !s.await(ctx, left.name+" visits every device", storyHeal, func() bool { return s.visitedBy(left, at) }) {
		return errUntold
	}
	s.takeOverPromises(left, at)
	if !s.flags.witness {
		s.refusesActs(ctx, left)
	}
	pause(ctx, time.Until(s.since(at, storyDown)))
	s.say("%s starts again", leader.name)
	return leader.start()
}

// takeOverPromises are those to the devices of a leader that is gone.
func (s *story) takeOverPromises(left *labMember, at int64) {
	waits := s.overdue(at)
	half, all := waits[(len(waits)-1)/2], waits[len(waits)-1]
	s.measured.OverdueP50, s.measured.OverdueP99 = new(half.Seconds()), new(all.Seconds())
	first := s.firstVisit(left, at)
	s.measured.FirstVisit = new(first.Seconds())
	detail := fmt.Sprintf("half after %.2f s, the last after %.2f s", half.Seconds(), all.Seconds())
	if s.flags.witness {
		s.promisedSoon(half <= halfVisited && all <= allVisited, fmt.Sprintf("overdue devices are visited: half within %s, all within %s", shortDuration(halfVisited), shortDuration(allVisited)), detail)
		return
	}
	s.promisedSoon(first <= islandVisits, fmt.Sprintf("%s visits within %s of the last contact", left.name, shortDuration(islandVisits)), fmt.Sprintf("after %.2f s; overdue devices: %s", first.Seconds(), detail))
}

// refusesActs asks a box without authority to make a device do something.
func (s *story) refusesActs(ctx context.Context, m *labMember) {
	var came locateAnswer
	err := m.post(ctx, "/devices/"+storyServer+"/locate", locateOrder{Component: hw.ChassisPath, On: true, Seconds: storyLight.Seconds()}, &came)
	if err != nil {
		s.say("%s is asked to let %s blink, and refuses: %v", m.name, storyServer, err)
	}
	s.promised(err != nil, m.name+" makes no device do anything while it has no authority", "")
}

func followerDies(ctx context.Context, s *story) error {
	leader := s.leader()
	left := s.other(leader)
	leader.order(memberOrder{Slow: "raft", For: followerStall})
	at := s.strike("%s, which follows, is killed (kill -9); when %s writes that down, its disk stands still for a second", left.name, leader.name)
	left.kill()
	pause(ctx, 3*time.Second)
	lit := s.blink(ctx, leader)
	if err := <-lit; err != nil {
		s.promised(false, leader.name+" alone makes devices do what it is told", err.Error())
	} else {
		s.say("%s is told to blink, and does", storyServer)
	}
	pause(ctx, time.Until(s.since(at, storyDown)))
	s.unbroken(leader, at)
	s.onTime(at, time.Second)
	s.say("%s starts again", left.name)
	return left.start()
}

func cableCut(ctx context.Context, s *story) error {
	leader := s.leader()
	other := s.other(leader)
	s.strike("the direct cable is cut, both ways")
	s.lab.cutCables(way{leader, other, 1}, way{other, leader, 1})
	pause(ctx, 5*time.Second)
	s.mu.Lock()
	same := s.isWhole() && s.leads() == leader
	s.mu.Unlock()
	s.promised(same, "one cut cable of two changes nothing", "")
	at := s.strike("the LAN between the boxes is cut too")
	s.lab.cutCables(way{leader, other, -1}, way{other, leader, -1})
	return s.apart(ctx, leader, at)
}

func oneWay(ctx context.Context, s *story) error {
	leader := s.leader()
	other := s.other(leader)
	at := s.strike("nothing that %s sends arrives at %s any more, on either cable; the other way they are whole", other.name, leader.name)
	s.lab.cutCables(way{other, leader, -1})
	return s.apart(ctx, leader, at)
}

// apart is the time in which two living boxes do not reach each other.
func (s *story) apart(ctx context.Context, leader *labMember, at int64) error {
	other := s.other(leader)
	if !s.flags.witness {
		if !s.await(ctx, other.name+" visits every device", storyHeal, func() bool { return s.visitedBy(other, at) }) {
			return errUntold
		}
		first := s.firstVisit(other, at)
		s.measured.FirstVisit = new(first.Seconds())
		s.promisedSoon(first <= islandVisits, fmt.Sprintf("%s visits within %s of the last contact", other.name, shortDuration(islandVisits)), fmt.Sprintf("after %.2f s", first.Seconds()))
		s.refusesActs(ctx, other)
	}
	pause(ctx, time.Until(s.since(at, storyDown+4*time.Second)))
	if !s.flags.witness {
		s.unbroken(leader, at)
	}
	s.onTime(at, allVisited)
	return nil
}

func bothDie(ctx context.Context, s *story) error {
	leader := s.leader()
	at := s.strike("both boxes are killed (kill -9)")
	for _, m := range s.lab.boxes() {
		m.kill()
	}
	pause(ctx, time.Until(s.since(at, 3*time.Second)))
	again := monotonic()
	s.say("both boxes start again")
	for _, m := range s.lab.boxes() {
		if err := m.start(); err != nil {
			return err
		}
	}
	if !s.await(ctx, "every device is visited again", storyHeal, func() bool { return s.visitedBy(nil, again) }) {
		return errUntold
	}
	first := min(s.firstVisit(leader, again), s.firstVisit(s.other(leader), again))
	s.measured.FirstVisit = new(first.Seconds())
	s.promisedSoon(first <= startVisits, fmt.Sprintf("somebody visits within %s of the start", shortDuration(startVisits)), fmt.Sprintf("after %.2f s", first.Seconds()))
	return nil
}

func diskStalls(ctx context.Context, s *story) error {
	leader := s.leader()
	at := s.strike("the Raft log of %s stands still for 1 s while it writes", leader.name)
	leader.order(memberOrder{Slow: "raft", For: time.Second})
	if err := <-s.blink(ctx, leader); err != nil {
		s.promised(false, "a disk that stands still for a second costs nothing", err.Error())
	}
	pause(ctx, time.Second)
	s.unbroken(leader, at)
	at = s.strike("the Raft log of %s stands still for 5 s while it writes", leader.name)
	leader.order(memberOrder{Slow: "raft", For: 5 * time.Second})
	lit := s.blink(ctx, leader)
	s.await(ctx, leader.name+" gives authority up", diskSlowAfter+2*time.Second, func() bool { now := s.stands[leader]; return now == nil || !now.Authority })
	if s.flags.witness {
		other := s.other(leader)
		if !s.await(ctx, other.name+" has authority", storyDown, func() bool { return s.leads() == other }) {
			return errUntold
		}
		s.say("%s leads, %.2f s after the disk of %s stood still", other.name, time.Duration(monotonic()-at).Seconds(), leader.name)
	}
	<-lit
	pause(ctx, time.Until(s.since(at, storyDown+2*time.Second)))
	s.onTime(at, diskSlowAfter+allVisited)
	s.mu.Lock()
	visitor := s.visitor
	s.mu.Unlock()
	s.strike("the journal of %s stands still for 3 s", visitor.name)
	visitor.order(memberOrder{Slow: "journal", For: 3 * time.Second})
	pause(ctx, 5*time.Second)
	return nil
}

// blink asks a box to let a drive blink for a while. What came of it comes over the channel.
func (s *story) blink(ctx context.Context, m *labMember) <-chan error {
	came := make(chan error, 1)
	s.mu.Lock()
	s.lights++
	s.mu.Unlock()
	var tree web.Raid
	if err := m.client.get(ctx, "/devices/"+storyServer+"/raid", nil, &tree); err != nil {
		came <- err
		return came
	}
	drive := ""
	eachPart(tree, func(p web.RaidPart) {
		if drive == "" && strings.HasPrefix(p.Path, "drive/") {
			drive = p.Path
		}
	})
	go func() { // it ends with the answer, or the member
		var answer locateAnswer
		err := m.post(ctx, "/devices/"+storyServer+"/locate", locateOrder{Component: drive, On: true, Seconds: storyLight.Seconds()}, &answer)
		if err == nil && answer.Phase != hw.ActDone.String() {
			err = fmt.Errorf("%s: %s", answer.Phase, answer.Detail)
		}
		came <- err
	}()
	return came
}

// since is the moment so long after another one.
func (s *story) since(at int64, d time.Duration) time.Time {
	return time.Now().Add(d - time.Duration(monotonic()-at))
}

// unbroken promises that a box had authority all the time since.
func (s *story) unbroken(m *labMember, at int64) {
	s.mu.Lock()
	lost := slices.IndexFunc(s.history, func(h standAt) bool { return h.member == m && h.at > at && (h.stand == nil || !h.stand.Authority) })
	detail := ""
	if lost >= 0 {
		detail = fmt.Sprintf("lost after %.2f s", float64(s.history[lost].at-at)/1e9)
	}
	s.mu.Unlock()
	s.promised(lost < 0, m.name+" keeps its authority without a break", detail)
}

// onTime promises that no device was overdue for longer than most since.
func (s *story) onTime(at int64, most time.Duration) {
	waits := s.overdue(at)
	last := waits[len(waits)-1]
	s.promisedSoon(last <= most, fmt.Sprintf("no device is overdue for more than %s", shortDuration(most)), fmt.Sprintf("at most %.2f s", last.Seconds()))
}
