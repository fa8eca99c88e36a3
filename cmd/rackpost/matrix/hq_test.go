package matrix_test

import (
	"maps"
	"os"
	"path/filepath"
	"time"

	"rackpost/replicate/netlab"
	"rackpost/store"
)

// hqLineCut: no frame passes between the boxes and headquarters for a while, the leader is killed meanwhile; then nothing passes one way
// only, then the other.
func hqLineCut(p *pair) {
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	p.until("headquarters has what was told", func() bool { return p.hq.has(time.Now().Add(-2 * time.Second)) })
	p.cutLine(boxA, boxB)
	time.Sleep(8 * time.Second)
	leader.kill()
	time.Sleep(4 * time.Second)
	p.start(leader.name)
	p.whole()
	time.Sleep(3 * time.Second)
	p.lineHealed("cut both ways")
	for _, oneWay := range []struct{ from, to, name string }{{"", office, "what the boxes send is lost"}, {office, "", "what headquarters sends is lost"}} {
		for _, box := range []string{boxA, boxB} {
			from, to := oneWay.from, oneWay.to
			if from == "" {
				from = box
			} else {
				to = box
			}
			p.net.OneWay(from, to)
		}
		time.Sleep(6 * time.Second)
		p.lineHealed(oneWay.name)
	}
	p.check()
}

// lineHealed heals the lines, and measures how soon headquarters hears, when it has everything, and how late what was told since came.
func (p *pair) lineHealed(what string) {
	p.t.Helper()
	p.net.Heal()
	healed := time.Now()
	first := p.hq.saw.firstAfter(p, healed)
	p.until("headquarters has what was told before the line was whole", func() bool { return p.hq.has(healed) })
	drained := time.Since(healed).Round(10 * time.Millisecond)
	time.Sleep(period)
	now := time.Now()
	p.until("headquarters has what was told since", func() bool { return p.hq.has(now) })
	lag, visits := p.hq.lag(healed, now)
	p.t.Logf("%s: the first record %v after it was whole, everything after %v; %d visits since, %v late at most", what, first, drained, visits, lag)
	if first > 10*time.Second { // 2 s on a machine that has nothing else to do
		p.t.Error("the first record is late")
	}
}

// hqThinLine: a backlog goes over 16 KB a second and a round trip of 50 ms; what is written meanwhile is there in time.
func hqThinLine(p *pair) {
	p.archive(boxA, 420)
	p.hq.configure(behindRelay)
	p.relay = p.relays()
	r := p.relay
	r.holds(25 * time.Millisecond)
	for _, name := range []string{boxA, boxB, office} {
		p.net.Thin(name, 16_000, netlab.WAN)
	}
	for _, box := range []string{boxA, boxB} {
		p.route(box, netlab.WAN, "congctl", "reno")
	}
	leader, _ := p.running(boxA, boxB)
	p.whole()
	p.enrolled(leader)
	joined := time.Now()
	most := uint64(0)
	p.until("headquarters has the backlog", func() bool {
		s := leader.uplink()
		most = max(most, s.Backlog.Records)
		return time.Since(joined) > 5*time.Second && leader.drained()
	})
	drained := time.Now()
	p.until("headquarters has what was told meanwhile", func() bool { return p.hq.has(drained) })
	lag, visits := p.hq.lag(joined, drained)
	p.t.Logf("%d records behind were there after %v; %d visits meanwhile, %v late at most", most, drained.Sub(joined).Round(10*time.Millisecond), visits, lag)
	if lag > 15*time.Second { // 5 s where nothing else runs: replicate/ship TestNewInTime
		p.t.Error("what is new waits for what is behind")
	}
	p.check()
}

// hqLeaderCut: the line of the leader alone is cut: the other box sends, as long as that is so.
func hqLeaderCut(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.enrolled(leader)
	p.until("the follower does not send", func() bool { return !follower.uplink().Sending && p.hq.has(time.Now().Add(-2*time.Second)) })
	p.cutLine(leader.name)
	took := p.until("the follower sends", follower.sends)
	now := time.Now()
	p.until("headquarters has what the leader told", func() bool { return len(p.hq.misses(now)) == 0 })
	p.t.Logf("the follower sends %v after the leader's line was cut; what the leader told is there %v later", took, time.Since(now).Round(10*time.Millisecond))
	p.net.Heal()
	p.t.Logf("it stops %v after the line was whole", p.until("the follower sends no more", func() bool { return !follower.uplink().Sending && leader.sends() }))
	p.check()
}

// hqStandsStill: headquarters' disk takes nothing any more, while its lanes live on. After 30 s of that the other box sends too, and no more
// when the disk is back.
func hqStandsStill(p *pair) {
	disk := p.onPower(p.hq.member, "")
	leader, follower := p.running(boxA, boxB)
	p.enrolled(leader)
	p.until("the follower does not send", func() bool { return !follower.uplink().Sending && p.hq.has(time.Now().Add(-2*time.Second)) })
	p.stall(disk, true)
	stalled := time.Now()
	took := p.until("the follower sends", func() bool { return follower.uplink().Sending })
	if took < 25*time.Second {
		p.t.Errorf("the follower sends after %v: %s", took, follower.uplink().Why)
	}
	p.stall(disk, false)
	back := time.Now()
	p.t.Logf("the follower sends %v after the disk stood still", back.Sub(stalled).Round(10*time.Millisecond))
	p.until("headquarters has what was told", func() bool { return p.hq.has(back) })
	p.t.Logf("all is there %v after the disk is back", time.Since(back).Round(10*time.Millisecond))
	p.t.Logf("the follower stops %v later", p.until("the follower sends no more", func() bool { return !follower.uplink().Sending && leader.sends() }))
	p.check()
	p.hq.folder = ""
}

// hqPaused: a site is paused, and headquarters is killed meanwhile: it goes on with the pause. What was told comes when it is let go.
func hqPaused(p *pair) {
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	p.until("headquarters has what was told", func() bool { return p.hq.has(time.Now().Add(-2 * time.Second)) })
	p.hq.must("hq", "pause", hqSiteName, "-why", "its line is needed")
	p.until("the leader knows", func() bool { return leader.uplink().Held.Paused })
	p.hq.kill()
	p.hq.begin()
	p.until("the leader is told again", func() bool { u := leader.uplink(); return u.Connected && u.Held.Paused })
	began := time.Now()
	leader.visits(began.Add(3 * period))
	for _, v := range leader.durable() {
		if _, times := p.hq.saw.cameAt(v.visit); times > 0 && v.when.After(began) {
			p.t.Errorf("%+v came although the site is paused", v)
		}
	}
	p.hq.must("hq", "resume", hqSiteName)
	now := time.Now()
	p.t.Logf("all is there %v after the site is let go", p.until("headquarters has what was told", func() bool { return p.hq.has(now) }))
	p.check()
}

// hqDies: its process is killed, and comes back; then its folder is put back from a copy.
func hqDies(p *pair) {
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	for range 2 {
		time.Sleep(between(p.random(), period, 2*period))
		p.hq.kill()
		time.Sleep(2 * time.Second)
		p.hq.begin()
		began := time.Now()
		p.t.Logf("killed: the first record %v after it could be asked", p.hq.saw.firstAfter(p, began))
	}
	p.hq.save()
	saved := time.Now()
	leader.visits(saved.Add(3 * period))
	p.until("headquarters has what came after the copy", func() bool { return p.hq.has(time.Now().Add(-2 * time.Second)) })
	p.hq.restore()
	restored := time.Now()
	p.t.Logf("an older copy: it has what it forgot after %v", p.until("headquarters has what it forgot", func() bool { return p.hq.has(restored) }))
	if n := p.hq.saw.begunAgain(); n > 0 {
		p.t.Errorf("who pulls of one site had to begin again %d times because headquarters forgot", n)
	}
	p.check()
}

// hqTwoWays: of two lines the better one is cut, and comes back.
func hqTwoWays(p *pair) {
	for _, box := range []string{boxA, boxB} {
		p.route(box, netlab.LAN, "metric", "200")
		p.member(box).addConfig("uplink: {ways: [{name: fibre, interface: wan}, {name: mobile, interface: lan}]}\n")
	}
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	p.goes(leader, "fibre")
	p.until("headquarters has what was told", func() bool { return p.hq.has(time.Now().Add(-2 * time.Second)) })
	p.net.Cut(leader.name, office, netlab.WAN)
	cut := time.Now()
	took := p.goes(leader, "mobile")
	p.t.Logf("frames are lost: on the other line after %v, its first record after %v", took, p.hq.saw.firstAfter(p, cut.Add(time.Second)))
	p.net.Heal()
	p.t.Logf("back after %v", p.untilIn(2*patience, "the leader is back on the better line", func() bool { return leader.uplink().Way == "fibre" && leader.sends() }))
	p.net.Unplug(leader.name, netlab.WAN)
	p.t.Logf("the plug is pulled: on the other line after %v", p.goes(leader, "mobile"))
	p.net.Plug(leader.name, netlab.WAN)
	p.check()
}

// goes waits until a box sends over a way.
func (p *pair) goes(m *member, way string) time.Duration {
	p.t.Helper()
	return p.until(m.name+" sends over "+way, func() bool {
		s := m.uplink()
		return s.Sending && s.Connected && s.Way == way
	})
}

// hqLastFacts: what the leader knew last reached headquarters alone, and its disk is lost. What is not so any more when the other box visits
// is over at headquarters too, although that box never knew of it.
func hqLastFacts(p *pair) {
	leader, follower := p.running(boxA, boxB)
	p.enrolled(leader)
	p.whole()
	p.until("the follower may send too", func() bool { return follower.uplink().HQ != "" })
	time.Sleep(2 * period) // how far it is agreed on is written every 2 s: a box that starts alone knows no more
	follower.kill()
	alone := time.Now()
	leader.mode("solo")
	p.fault("core", "err-disabled", "Fa1/0/5")
	p.until("headquarters knows of the fault", p.hq.alerts)
	p.until("headquarters has what was told", func() bool { return p.hq.has(time.Now().Add(-time.Second)) })
	lost := time.Now()
	leader.kill()
	p.loses(leader, alone, lost)
	p.fault("core", "clear", "err-disabled")
	p.start(follower.name)
	began := time.Now()
	follower.visits(began)
	p.t.Logf("the other box visits %v after its start", time.Since(began).Round(10*time.Millisecond))
	p.t.Logf("headquarters is right %v later", p.until("headquarters knows that the fault is over", func() bool { return !p.hq.alerts() }))
	follower.mode("island")
	follower.must("pair", "takeover", "-peer-is-off", "-why", "its disk is lost")
	p.replaced(leader, follower)
	p.check()
}

// hqLastFactsOfOne: the same of a box that is alone; it is set up again with its name and its right to send.
func hqLastFactsOfOne(p *pair) {
	box := p.member(boxA)
	box.start()
	p.member(boxA).listens()
	p.until("the box visits", func() bool { return !box.lastVisit().IsZero() })
	p.enrolled(box)
	p.fault("core", "err-disabled", "Fa1/0/5")
	p.until("headquarters knows of the fault", p.hq.alerts)
	p.until("headquarters has what was told", func() bool { return p.hq.has(time.Now().Add(-time.Second)) })
	lost := time.Now()
	box.kill()
	credential := filepath.Join(box.data(), "headquarters.credential")
	right, err := os.ReadFile(credential)
	if err != nil {
		p.t.Fatal(err)
	}
	p.loses(box, lost, lost)
	p.fault("core", "clear", "err-disabled")
	err = firstError(os.RemoveAll(box.data()), os.MkdirAll(box.data(), 0o750), os.WriteFile(credential, right, 0o600))
	if err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(12 * period) // a disk takes a while to come: nobody tells of that time but headquarters
	box.start()
	began := time.Now()
	p.t.Logf("it visits %v after its start", box.visits(began))
	p.t.Logf("headquarters is right %v after that is durable", p.until("headquarters knows that the fault is over", func() bool { return !p.hq.alerts() }))
	box.visits(time.Now().Add(period))
	now := time.Now()
	p.until("headquarters has what was told", func() bool { return p.hq.has(now) })
	box.stop()
	s := p.open(boxA)
	defer s.Close()
	_, origin, err := store.Identity(box.data())
	if err != nil {
		p.t.Fatal(err)
	}
	names := maps.Clone(p.lost)
	names[origin] = box.name
	p.hq.check(s, names, now)
}

// loses notes that a box's disk is lost: what it read since a time is on no other box, what it was told durable right before on nothing.
func (p *pair) loses(m *member, alone, lost time.Time) {
	p.t.Helper()
	_, origin, err := store.Identity(m.data())
	if err != nil {
		p.t.Fatal(err)
	}
	p.lost[origin] = m.name
	p.excused, p.hq.excused = map[visit]bool{}, map[visit]bool{}
	for _, v := range m.durable() {
		if v.when.After(alone.Add(-2 * time.Second)) {
			p.excused[v.visit] = true
		}
		if v.when.After(lost.Add(-2 * time.Second)) {
			p.hq.excused[v.visit] = true
		}
	}
}

// replaced puts a new box in the place of a dead one.
func (p *pair) replaced(dead, alive *member) {
	p.t.Helper()
	p.until("the dead box may be replaced", func() bool { // it is refused while the box was heard a moment ago
		_, err := alive.rackpost("pair", "replace", dead.name)
		return err == nil
	})
	dead.moveTo(filepath.Join(dead.dir, "new"))
	p.start(dead.name)
	p.joinAt(alive.name, dead.name)
	p.t.Logf("whole again after %v", p.whole())
}

// hqLies: who answers in its place does everything but what it should.
func hqLies(p *pair) {
	p.hq.configure(behindRelay)
	p.relay = p.relays()
	r := p.relay
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	forgetful := p.forgetful()
	for _, lie := range []struct {
		name  string
		begin func()
	}{
		{"it answers 500", func() { r.to(p.liar(answers500)) }},
		{"it promises and closes in mid-body", func() { r.to(p.liar(closesInMidBody)) }},
		{"it takes everything and answers nothing", func() { r.to(p.liar(swallows)) }},
		{"the line ends after some bytes, again and again", func() { r.breaks(p.random()) }},
		{"every answer is 1.5 s late", func() { r.holds(1500 * time.Millisecond) }},
		{"it takes everything, answers, and forgets", func() { forgetful.start(); r.to(forgetfulAt) }},
	} {
		lie.begin()
		time.Sleep(5 * time.Second)
		r.honest()
		honest := time.Now()
		first := p.hq.saw.firstAfter(p, honest)
		p.t.Logf("%s: after that the first record after %v, everything after %v more", lie.name, first, p.until("headquarters has what was told", func() bool { return p.hq.has(honest) }))
	}
	if forgetful.alive() {
		forgetful.stop()
	}
	if n := forgetful.count("level=ERROR"); n > 0 {
		p.t.Errorf("the forgetful headquarters has %d errors", n)
	}
	p.check()
}
