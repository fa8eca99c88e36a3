package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/replicate/netlab"
	"rackpost/store/crashtest"
)

// seedVariable plays one schedule again: RACKPOST_MATRIX_SEED=17 go test -run TestMatrix/schedule
const seedVariable = "RACKPOST_MATRIX_SEED"

// seeds are the schedules of this run.
func seeds(t *testing.T) (list []uint64) {
	t.Helper()
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []uint64{seed}
	}
	for range crashtest.Rounds(5, 100) {
		list = append(list, rand.Uint64N(1_000_000))
	}
	return list
}

// fault is something that goes wrong in a schedule. Its moments differ from run to run; what happens and in which order
// does not.
type fault struct {
	name string
	do   func(p *pair, random *rand.Rand)
}

func (p *pair) someone(random *rand.Rand, names ...string) *member {
	return p.members[names[random.IntN(len(names))]]
}

// everybody is who takes part.
func (p *pair) everybody() []string {
	if p.members[third].command == nil {
		return []string{boxA, boxB}
	}
	return []string{boxA, boxB, third}
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

var faults = []fault{
	{"kill", func(p *pair, random *rand.Rand) {
		m := p.someone(random, p.everybody()...)
		m.kill()
		time.Sleep(between(random, 0, 7*time.Second))
		p.start(m.name)
	}},
	{"kill-all", func(p *pair, random *rand.Rand) {
		for _, name := range p.everybody() {
			p.members[name].kill()
		}
		for _, name := range p.everybody() {
			time.Sleep(between(random, 0, 2*time.Second))
			p.start(name)
		}
	}},
	{"stop", func(p *pair, random *rand.Rand) {
		m := p.someone(random, p.everybody()...)
		m.stop()
		time.Sleep(between(random, 0, 3*time.Second))
		p.start(m.name)
	}},
	{"pause", func(p *pair, random *rand.Rand) {
		m := p.someone(random, p.everybody()...)
		m.signal(syscall.SIGSTOP)
		time.Sleep(between(random, time.Second, 8*time.Second))
		m.signal(syscall.SIGCONT)
	}},
	{"cut-one", func(p *pair, random *rand.Rand) {
		p.net.Cut(boxA, boxB, []string{netlab.LAN, netlab.Direct}[random.IntN(2)])
	}},
	{"cut-all", func(p *pair, _ *rand.Rand) { p.net.Cut(boxA, boxB) }},
	{"one-way", func(p *pair, random *rand.Rand) {
		names := []string{boxA, boxB}
		from := random.IntN(2)
		p.net.OneWay(names[from], names[1-from])
	}},
	{"loss", func(p *pair, random *rand.Rand) { p.net.Loss(boxA, boxB, 10+random.IntN(40)) }},
	{"rate", func(p *pair, random *rand.Rand) { p.net.Limit(boxA, boxB, 4000+random.IntN(16000)) }},
	{"mute", func(p *pair, random *rand.Rand) { p.net.Mute(p.someone(random, boxA, boxB, third).name) }},
	{"far-witness", func(p *pair, random *rand.Rand) {
		p.net.Cut(third, []string{boxA, boxB}[random.IntN(2)], netlab.LAN)
	}},
	{"heal", func(p *pair, _ *rand.Rand) { p.net.Heal() }},
	{"agree", func(p *pair, random *rand.Rand) {
		_ = p.someone(random, boxA, boxB).keeps(fmt.Sprintf("s%d", random.IntN(1000))) // refused where there is no authority
	}},
}

// hqFaults are those of a pair with a headquarters.
var hqFaults = []fault{
	{"kill", func(p *pair, random *rand.Rand) {
		m := p.someone(random, boxA, boxB)
		m.kill()
		time.Sleep(between(random, 0, 5*time.Second))
		p.start(m.name)
	}},
	{"pause", func(p *pair, random *rand.Rand) {
		m := []*member{p.members[boxA], p.members[boxB], p.hq.member}[random.IntN(3)]
		m.signal(syscall.SIGSTOP)
		time.Sleep(between(random, time.Second, 6*time.Second))
		m.signal(syscall.SIGCONT)
	}},
	{"cut-all", func(p *pair, _ *rand.Rand) { p.net.Cut(boxA, boxB) }},
	{"line-cut", func(p *pair, _ *rand.Rand) { p.cutLine(boxA, boxB) }},
	{"line-cut-one", func(p *pair, random *rand.Rand) { p.cutLine(p.someone(random, boxA, boxB).name) }},
	{"line-one-way", func(p *pair, random *rand.Rand) {
		ends := []string{p.someone(random, boxA, boxB).name, office}
		from := random.IntN(2)
		p.net.OneWay(ends[from], ends[1-from])
	}},
	{"line-loss", func(p *pair, random *rand.Rand) {
		p.net.Loss(p.someone(random, boxA, boxB).name, office, 10+random.IntN(40))
	}},
	{"line-rate", func(p *pair, random *rand.Rand) {
		p.net.Limit(p.someone(random, boxA, boxB).name, office, 4000+random.IntN(16000))
	}},
	{"hq-killed", func(p *pair, random *rand.Rand) {
		p.hq.kill()
		time.Sleep(between(random, 0, 4*time.Second))
		p.hq.begin()
	}},
	{"hq-restored", func(p *pair, _ *rand.Rand) { p.hq.restore() }},
	{"line-ends", func(p *pair, random *rand.Rand) { p.relay.breaks(rand.New(rand.NewPCG(random.Uint64(), 0))) }},
	{"line-late", func(p *pair, random *rand.Rand) { p.relay.holds(between(random, 0, 2*time.Second)) }},
	{"lies", func(p *pair, random *rand.Rand) {
		p.relay.to(p.liar([]http.HandlerFunc{answers500, closesInMidBody, swallows}[random.IntN(3)]))
	}},
	{"heal", func(p *pair, _ *rand.Rand) { p.net.Heal(); p.relay.honest() }},
}

// witnessedBy says whether there is a witness in a schedule.
func witnessedBy(seed uint64) bool { return seed%2 == 0 }

// schedule lets seven things go wrong, one after the other, heals, and asks the oracle.
func schedule(p *pair, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	p.t.Logf("seed %d: %s=%d go test -run TestMatrix/schedule", seed, seedVariable, seed)
	names := []string{boxA, boxB, third}
	if !witnessedBy(seed) {
		names = names[:2]
	}
	p.running(names...)
	p.t.Logf("of %d members: %s", len(names), p.goWrong(random, faults))
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}

// hqSchedule is schedule with a headquarters.
func hqSchedule(p *pair, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	p.t.Logf("seed %d: %s=%d go test -run TestMatrix/hq-schedule", seed, seedVariable, seed)
	p.hq.configure(behindRelay)
	p.relay = p.relays()
	leader, _ := p.running(boxA, boxB)
	p.enrolled(leader)
	p.hq.save()
	p.t.Logf("%s", p.goWrong(random, hqFaults))
	p.net.Heal()
	p.relay.honest()
	healed := time.Now()
	first := p.hq.saw.firstAfter(p, healed)
	p.t.Logf("the first record after %v, headquarters has everything after %v, whole again after %v more", first,
		first+p.until("headquarters has what was told before", func() bool { return p.hq.has(healed) }), p.whole())
	p.check()
}

// goWrong lets seven things go wrong and returns which.
func (p *pair) goWrong(random *rand.Rand, of []fault) string {
	p.t.Helper()
	var done []string
	for range 7 {
		f := of[random.IntN(len(of))]
		done = append(done, f.name)
		f.do(p, random)
		for end := time.Now().Add(between(random, 500*time.Millisecond, 4*time.Second)); time.Now().Before(end); time.Sleep(look) {
			p.leader() // two are a failure
		}
	}
	return strings.Join(done, ", ")
}
