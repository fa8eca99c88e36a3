package matrix_test

import (
	"math/rand/v2"
	"time"
)

// followerKilled: the leader sets it aside and goes on; it comes back and is caught up.
func followerKilled(p *pair) {
	leader, follower := p.running(boxA, boxB)
	generation := leader.view().Generation
	killed := time.Now()
	follower.kill()
	p.always("the leader keeps its authority", 5*time.Second, func() bool { return leader.view().Authority })
	p.t.Logf("solo after %v", leader.mode("solo"))
	leader.visits(killed.Add(2 * period))
	p.start(follower.name)
	p.t.Logf("whole again after %v", p.whole())
	if now := leader.view().Generation; now != generation {
		p.t.Errorf("the generation went from %s to %s", generation, now)
	}
	p.check()
}

// leaderKilledWitnessed: the other box is elected.
func leaderKilledWitnessed(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	killed := time.Now()
	leader.kill()
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(killed).Round(10*time.Millisecond), follower.visits(killed))
	p.start(leader.name)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// leaderKilledBare: the follower is an island, which visits and changes nothing, until the leader is back.
func leaderKilledBare(p *pair) {
	leader, follower := p.running(boxA, boxB)
	killed := time.Now()
	leader.kill()
	follower.mode("island")
	p.t.Logf("island after %v, the first visit after %v", time.Since(killed).Round(10*time.Millisecond), follower.visits(killed))
	p.powerless(follower)
	p.start(leader.name)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// powerless fails when a box without authority changes what is agreed on or makes a device do something.
func (p *pair) powerless(m *member) {
	p.t.Helper()
	out, err := m.rackpost("locate", "db", "on")
	if err == nil {
		p.t.Errorf("%s has no authority and made a device blink: %s", m.name, out)
	}
	p.t.Logf("locate: %s", out)
	if err := m.keeps("forbidden"); err == nil {
		p.t.Errorf("%s has no authority and changed what is agreed on", m.name)
	} else {
		p.t.Logf("secret: %v", err)
	}
}

// killedAtRandom: any member, at any instruction, again and again.
func killedAtRandom(p *pair) {
	p.running(boxA, boxB, third)
	random := p.random()
	names := []string{boxA, boxB, third}
	for range 8 {
		m := p.member(names[random.IntN(len(names))])
		time.Sleep(time.Duration(random.Int64N(int64(2500 * time.Millisecond))))
		m.kill()
		p.start(m.name)
		p.leader()
	}
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// random returns the numbers of a seed that is told.
func (p *pair) random() *rand.Rand {
	seed := rand.Uint64()
	p.t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
