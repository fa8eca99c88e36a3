package matrix_test

import (
	"time"

	"rackpost/replicate/netlab"
)

// onePathCut: nothing happens but that it is told.
func onePathCut(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.net.Cut(boxA, boxB, netlab.LAN)
	p.always("nobody loses anything", 7*time.Second, func() bool {
		return leader.view().Self.Mode == "leader" && follower.view().Self.Mode == "follower"
	})
	p.until("the leader tells which path is silent", func() bool {
		for _, m := range leader.view().Members {
			for _, path := range m.Paths {
				if path.Name == "lan" && path.Silent != nil && *path.Silent > 5 {
					return true
				}
			}
		}
		return false
	})
	p.whole()
	p.check()
}

// allPathsCut: one box has authority, the other is an island; both visit, and all that both read is kept.
func allPathsCut(p *pair) {
	leader, follower := p.running(boxA, boxB)
	from := time.Now()
	p.net.Cut(boxA, boxB)
	solo := leader.mode("solo")
	island := follower.mode("island")
	p.t.Logf("solo after %v, island after %v, which visits after %v", solo, solo+island, follower.visits(from))
	p.always("the one keeps its authority and the other has none", 4*time.Second, func() bool {
		return leader.view().Authority && !follower.view().Authority
	})
	p.powerless(follower)
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// leaderIsolatedBare: it steps down; the other one has no authority either, and visits.
func leaderIsolatedBare(p *pair) {
	leader, follower := p.running(boxA, boxB)
	from := time.Now()
	p.net.Mute(leader.name)
	follower.mode("island")
	p.t.Logf("the other box visits after %v", follower.visits(from))
	p.until("the isolated box has no authority", func() bool { return !leader.view().Authority })
	p.t.Logf("the isolated box has none after %v", time.Since(from).Round(10*time.Millisecond))
	p.always("nobody has authority", 3*time.Second, func() bool { return !leader.view().Authority && !follower.view().Authority })
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// leaderIsolatedWitnessed: the other box is elected.
func leaderIsolatedWitnessed(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	from := time.Now()
	p.net.Mute(leader.name)
	p.until("the other box has authority", func() bool { return follower.view().Authority && p.leader() == follower })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(from).Round(10*time.Millisecond), follower.visits(from))
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// oneWay: what the leader sends does not arrive, what the other sends does.
func oneWay(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.net.OneWay(leader.name, follower.name)
	p.t.Logf("island after %v", follower.mode("island"))
	p.always("one box has authority at most", 6*time.Second, func() bool { return p.leader() != follower })
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// oneWayBack: what the leader sends arrives, what the other sends does not.
func oneWayBack(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.net.OneWay(follower.name, leader.name)
	p.t.Logf("solo after %v", leader.mode("solo"))
	p.always("one box has authority at most", 6*time.Second, func() bool { return p.leader() != follower })
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// lossy: of a hundred frames thirty are lost.
func lossy(p *pair) {
	p.running(boxA, boxB, third)
	p.net.Loss(boxA, boxB, 30)
	p.disturbed(15 * time.Second)
}

// slowLine: 8,000 bytes a second.
func slowLine(p *pair) {
	p.running(boxA, boxB)
	p.net.Limit(boxA, boxB, 8000)
	p.disturbed(15 * time.Second)
}

// disturbed looks for so long that there are never two with authority, and heals.
func (p *pair) disturbed(d time.Duration) {
	p.t.Helper()
	with, looks := 0, 0
	p.always("one box has authority at most", d, func() bool {
		looks++
		if p.leader() != nil {
			with++
		}
		return true
	})
	p.net.Heal()
	p.t.Logf("%d%% of the time a box had authority; whole again after %v", 100*with/looks, p.whole())
	p.check()
}

// farWitness: the uplink and with it the witness is away, and set aside; then a box dies.
func farWitness(p *pair, dies func(leader, follower *member) (*member, string)) {
	leader, follower := p.running(boxA, boxB, third)
	p.net.Unplug(third)
	p.t.Logf("the witness was set aside after %v", p.until("the witness has no vote", func() bool {
		for _, m := range leader.view().Members {
			if m.Role == "witness" {
				return m.Vote == "nonvoter"
			}
		}
		return false
	}))
	p.whole()
	dead, mode := dies(leader, follower)
	killed := time.Now()
	dead.kill()
	alive := p.other(dead.name)
	took := alive.mode(mode)
	p.t.Logf("the other box is %s after %v, its first visit after %v", mode, took, alive.visits(killed))
	if mode == "solo" {
		p.always("it has authority", 6*time.Second, func() bool { return alive.view().Authority })
	} else {
		p.powerless(alive)
	}
	p.start(dead.name)
	p.net.Plug(third)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

func farWitnessFollowerDies(p *pair) {
	farWitness(p, func(_, follower *member) (*member, string) { return follower, "solo" })
}

func farWitnessLeaderDies(p *pair) {
	farWitness(p, func(leader, _ *member) (*member, string) { return leader, "island" })
}

// flapping: the paths come and go; authority does not.
func flapping(p *pair) {
	leader, follower := p.running(boxA, boxB)
	for range 5 {
		p.net.Cut(boxA, boxB)
		p.always("the leader keeps its authority", 2*time.Second, func() bool { return p.leader() == leader })
		p.net.Heal()
		p.always("the leader keeps its authority", time.Second, func() bool { return p.leader() == leader })
	}
	p.always("who came back a moment ago does not vote", 3*time.Second, func() bool { return leader.view().Self.Mode == "solo" && !follower.view().Authority })
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}
