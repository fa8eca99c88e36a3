package matrix_test

import (
	"fmt"
	"math/rand/v2"
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
	var done []string
	for range 7 {
		f := faults[random.IntN(len(faults))]
		done = append(done, f.name)
		f.do(p, random)
		for end := time.Now().Add(between(random, 500*time.Millisecond, 4*time.Second)); time.Now().Before(end); time.Sleep(look) {
			p.leader() // two are a failure
		}
	}
	p.t.Logf("of %d members: %s", len(names), strings.Join(done, ", "))
	p.net.Heal()
	p.t.Logf("whole again after %v", p.whole())
	p.check()
}
