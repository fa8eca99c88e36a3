package matrix_test

import "time"

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
