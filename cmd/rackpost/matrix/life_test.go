package matrix_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"rackpost/replicate/netlab"
)

// witnessRebuilt: it dies, and comes back without anything it was told.
func witnessRebuilt(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	w := p.member(third)
	w.kill()
	p.always("the pair goes on", 4*time.Second, func() bool { return leader.view().Authority && follower.view().Self.Mode == "follower" })
	removeControl(p, w)
	p.start(third)
	took := p.untilUnderWatch("the witness votes again", func() bool { return leader.said("what=promote") || follower.said("what=promote") })
	p.t.Logf("the empty witness votes after %v", took)
	if n := leader.count(otherTimers) + follower.count(otherTimers); n > 0 {
		p.t.Errorf("the boxes gave Raft other timers %d times, although the witness is a member all the time", n)
	}
	p.whole()
	p.check()
}

const otherTimers = "raft starts again with other timers"

// unwatched is how long nobody may have authority while both boxes are well.
const unwatched = 5 * time.Second

// untilUnderWatch waits until something is so, and fails when nobody has authority for long meanwhile.
func (p *pair) untilUnderWatch(what string, is func() bool) time.Duration {
	p.t.Helper()
	none, longest := time.Time{}, time.Duration(0)
	took := p.until(what, func() bool {
		if p.leader() != nil {
			none = time.Time{}
		} else if none.IsZero() {
			none = time.Now()
		} else {
			longest = max(longest, time.Since(none))
		}
		return is()
	})
	p.t.Logf("the longest time without authority until %s: %v", what, longest.Round(look))
	if longest > unwatched {
		p.t.Error("the pair does not go on")
	}
	return took
}

// witnessLeavesAndJoins: both boxes give Raft other timers, one after the other, and one of them has authority but for a moment.
func witnessLeavesAndJoins(p *pair) {
	a, b := p.running(boxA, boxB, third)
	changed := func(times int) func() bool {
		return func() bool { return a.count(otherTimers) == times && b.count(otherTimers) == times && p.isWhole() }
	}
	p.member(third).must("pair", "leave")
	p.untilUnderWatch("both boxes have the timers of a bare pair", changed(1))
	p.joinAt(p.leader().name, third, "-witness")
	p.untilUnderWatch("both boxes have the timers of a pair with a witness", changed(2))
	p.untilUnderWatch("the witness votes", p.voting)
	p.check()
}

// witnessMoves: it comes back at another address, and the leader dies right after it agreed on that: the other box need not know it yet.
func witnessMoves(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	w := p.member(third)
	w.kill()
	w.moves()
	p.start(third)
	p.until("the leader knows the new address", func() bool { return leader.calls(third, movedPort) })
	time.Sleep(between(p.random(), 0, 2*time.Second))
	killed := time.Now()
	leader.kill()
	knew := follower.calls(third, movedPort)
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v; when the leader died the other box knew the address: %v", time.Since(killed).Round(10*time.Millisecond), knew)
	p.start(leader.name)
	p.whole()
	p.check()
}

// twoWitnessesAtOnce: two boxes let in a witness each at the same time. One of the two is none, and is told why and what to do.
func twoWitnessesAtOnce(p *pair) {
	leader, follower := p.running(boxA, boxB)
	one, two := p.member(third), &member{pair: p, name: third, dir: filepath.Join(p.dir, "w2")}
	copyFolder(p.t, two.dir, one.dir)
	two.moves()
	two.calledAs("w2")
	tokens := map[*member][]string{one: p.invites(leader), two: p.invites(follower)}
	said := make(chan string, 2)
	for w := range tokens {
		w.start()
		defer w.stop()
		w.listens()
	}
	for w, token := range tokens {
		go func() {
			out, err := w.rackpost(append([]string{"pair", "join"}, token...)...)
			if err == nil {
				out = ""
			}
			said <- out
		}()
	}
	refused := <-said + <-said
	p.t.Logf("who came too late is told: %s", refused)
	if !strings.Contains(refused, "the pair has a witness") || !strings.Contains(refused, "rackpost pair leave") {
		p.t.Error("nobody came too late")
	}
	witnesses := 0
	for _, m := range leader.view().Members {
		if m.Role == "witness" {
			witnesses++
		}
	}
	if witnesses != 1 {
		p.t.Errorf("the pair has %d witnesses", witnesses)
	}
	p.check()
}

// invites returns what a witness joins with at a box.
func (p *pair) invites(box *member) []string {
	p.t.Helper()
	var token struct {
		Token     string   `json:"token"`
		Addresses []string `json:"addresses"`
	}
	out := box.must("pair", "token", "-json", "-witness")
	if err := json.Unmarshal([]byte(out), &token); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	return append([]string{token.Token}, token.Addresses...)
}

const movedPort = ":7999"

// calledAs gives a witness another name.
func (m *member) calledAs(name string) {
	m.pair.t.Helper()
	text, err := os.ReadFile(m.config())
	if err == nil {
		err = os.WriteFile(m.config(), regexp.MustCompile(`(?m)^name: .*$`).ReplaceAll(text, []byte("name: "+name)), 0o600)
	}
	if err != nil {
		m.pair.t.Fatal(err)
	}
}

// moves has a witness listen at another port when it starts.
func (m *member) moves() {
	m.pair.t.Helper()
	text, err := os.ReadFile(m.config())
	if err == nil {
		text = regexp.MustCompile(`(?m)^listen: \[.*\]$`).ReplaceAll(text, []byte("listen: ["+m.pair.net.Host(m.name).Address(netlab.LAN).String()+movedPort+"]"))
		err = os.WriteFile(m.config(), text, 0o600)
	}
	if err != nil {
		m.pair.t.Fatal(err)
	}
}

// calls says whether the member calls another one at an address that ends so.
func (m *member) calls(name, suffix string) bool {
	for _, other := range m.view().Members {
		for _, path := range other.Paths {
			if other.Name == name && strings.HasSuffix(path.Address, suffix) {
				return true
			}
		}
	}
	return false
}

func removeControl(p *pair, m *member) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(m.data(), "pair", "control.db*"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("no control.db: %v", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			p.t.Fatal(err)
		}
	}
}

// leaderPaused: its process stands still; when it goes on it has no authority.
func leaderPaused(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	from := time.Now()
	leader.signal(syscall.SIGSTOP)
	p.until("the other box has authority", func() bool { return follower.view().Authority })
	p.t.Logf("authority after %v, the first visit after %v", time.Since(from).Round(10*time.Millisecond), follower.visits(from))
	time.Sleep(6 * time.Second)
	leader.signal(syscall.SIGCONT)
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		if leader.view().Authority && follower.view().Authority {
			p.t.Fatal("who slept has authority when it wakes")
		}
	}
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// leaderPausedBare: the other box is an island; who slept goes on.
func leaderPausedBare(p *pair) {
	leader, follower := p.running(boxA, boxB)
	leader.signal(syscall.SIGSTOP)
	p.t.Logf("island after %v", follower.mode("island"))
	time.Sleep(6 * time.Second)
	leader.signal(syscall.SIGCONT)
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// bothTakenOver: two people make the boxes go on alone, both at once. Nobody has authority until one picks.
func bothTakenOver(p *pair) {
	p.net.Cut(boxA, boxB)
	p.start(boxA, boxB)
	a, b := p.member(boxA), p.member(boxB)
	for _, m := range []*member{a, b} {
		m.mode("island")
		m.must("pair", "takeover", "-peer-is-off", "-why", "the other one is off")
		m.mode("solo")
	}
	a.visits(time.Now())
	b.visits(time.Now())
	p.net.Heal()
	p.t.Logf("nobody has authority after %v", p.until("nobody has authority", func() bool { return !a.view().Authority && !b.view().Authority }))
	p.always("nobody has authority until a person picks", 8*time.Second, func() bool { return !a.view().Authority && !b.view().Authority })
	p.t.Logf("a says: %s", a.view().Why)
	a.must("pair", "takeover", "-peer-is-off")
	p.t.Logf("whole again after %v", p.whole())
	if !p.member(boxA).view().Authority {
		p.t.Error("the box that was picked has no authority")
	}
	if len(b.view().Conflicts) == 0 {
		p.t.Error("what was given up is not reported")
	}
	p.check()
}

// takenOverWrongly: a person makes an island go on although the other box has authority.
func takenOverWrongly(p *pair) {
	leader, follower := p.running(boxA, boxB)
	if out, err := follower.rackpost("pair", "takeover", "-peer-is-off"); err == nil {
		p.t.Errorf("a takeover was not refused while the other box was heard: %s", out)
	}
	p.net.Cut(boxA, boxB)
	follower.mode("island")
	follower.must("pair", "takeover", "-peer-is-off")
	follower.mode("solo")
	if err := leader.keeps("given-up"); err != nil {
		p.t.Error(err)
	}
	if err := follower.keeps("kept"); err != nil {
		p.t.Error(err)
	}
	p.net.Heal()
	p.t.Logf("the old leader gives way after %v", p.until("the old leader gives way", func() bool { return !leader.view().Authority }))
	p.t.Logf("whole again after %v", p.whole())
	if p.leader() != follower {
		p.t.Error("the box that was taken over does not lead")
	}
	if len(leader.view().Conflicts) == 0 {
		p.t.Error("what was given up is not reported")
	}
	for _, c := range leader.view().Conflicts {
		if site := leader.must("config", "show", c.File); !strings.Contains(site, "name: rack") {
			p.t.Errorf("the site of what was given up is %s", site)
		}
	}
	if !leader.kept("kept") || leader.kept("given-up") {
		p.t.Error("what the winner agreed on is not what holds")
	}
	p.check()
}

// overloaded: the leader gets a fifth of the time, in pieces.
func overloaded(p *pair) {
	leader, _ := p.running(boxA, boxB, third)
	for end := time.Now().Add(12 * time.Second); time.Now().Before(end); {
		leader.signal(syscall.SIGSTOP)
		time.Sleep(200 * time.Millisecond)
		leader.signal(syscall.SIGCONT)
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// ownerDiesAmidAct: who follows does not repeat the act before it looked.
func ownerDiesAmidAct(p *pair) {
	leader, follower := p.running(boxA, boxB, third)
	p.until("the leader may act", func() bool { return strings.Contains(strings.Join(leader.view().Powers, " "), "act") })
	done := make(chan string, 1)
	p.fault("db", "slow", "800ms")
	go func() {
		out, err := leader.rackpost("locate", "db", "on", "-for", "15m")
		done <- out + within(err)
	}()
	p.until("the device is asked", func() bool { return leader.said("method=PATCH") })
	leader.kill()
	p.t.Logf("locate ended: %s", <-done)
	p.fault("db", "clear", "slow")
	p.until("the other box may act", func() bool { return strings.Contains(strings.Join(follower.view().Powers, " "), "act") })
	p.start(leader.name)
	p.t.Logf("whole again after %v", p.whole())
	asked := 0
	for _, m := range []*member{leader, follower} {
		asked += m.count("method=PATCH")
	}
	p.t.Logf("the device was asked %d times", asked)
	if asked != 1 {
		p.t.Error("it is to be asked once")
	}
	p.check()
}

// handedOver: who gets authority in order acts at once. Then both boxes are told to stop: neither waits for the other.
func handedOver(p *pair) {
	leader, follower := p.running(boxA, boxB)
	acts := func(m *member) func() bool {
		return func() bool { return strings.Contains(strings.Join(m.view().Powers, " "), "act") }
	}
	p.until("the leader may act", acts(leader))
	leader.must("pair", "transfer")
	took := p.until("the other box may act", acts(follower))
	p.t.Logf("the other box may act %v after authority was handed over", took)
	if took > 10*time.Second { // half a minute after a failure
		p.t.Error("it waits as after a failure")
	}
	if out, err := follower.rackpost("locate", "db", "on"); err != nil {
		p.t.Errorf("locate: %v: %s", err, out)
	}
	p.whole()
	stopped := time.Now()
	for _, m := range []*member{follower, leader} {
		m.signal(syscall.SIGTERM)
	}
	<-leader.ended
	<-follower.ended
	p.t.Logf("both ended %v after both were told to", time.Since(stopped).Round(10*time.Millisecond))
	p.start(boxA, boxB)
	p.whole()
	p.check()
}

func within(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// fault switches a fault of a device.
func (p *pair) fault(device, name, arg string) {
	p.t.Helper()
	args := []string{"sim", "fault", name, "-control", filepath.Join(p.dir, device+".sock")}
	if arg != "" {
		args = append(args, "-arg", arg)
	}
	p.member(boxA).must(args...)
}
