package discovery

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestScheduleIsPolite plays a schedule under a clock of its own against places that answer
// when they like.
func TestScheduleIsPolite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		subnets := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprint("subnet ", rapid.IntRange(0, 12).Draw(t, "subnet"))
		}), 0, 60).Draw(t, "subnets")
		atOnce := rapid.IntRange(1, 9).Draw(t, "at once")
		interval := time.Duration(rapid.IntRange(0, 200).Draw(t, "interval")) * time.Millisecond
		p := player{T: t, subnets: subnets, interval: interval, atOnce: atOnce,
			asks: make([]int, len(subnets)), wanted: make([]int, len(subnets)), flying: map[int]time.Duration{}}
		for i := range subnets {
			p.wanted[i] = rapid.IntRange(1, 3).Draw(t, "questions")
		}
		p.play(newSchedule(subnets, atOnce, interval))
		for i, n := range p.asks {
			if n != p.wanted[i] {
				t.Fatalf("place %d was asked %d times, want %d", i, n, p.wanted[i])
			}
		}
	})
}

// player asks the places that a schedule names.
type player struct {
	*rapid.T
	subnets  []string
	interval time.Duration
	atOnce   int
	asks     []int
	wanted   []int
	flying   map[int]time.Duration // when they answer
	now      time.Duration
	earliest time.Duration // of the next request
	started  bool
}

func (p *player) play(s *schedule) {
	for steps := 0; !s.over(); steps++ {
		if steps > 4*len(p.subnets)*3+10 {
			p.Fatalf("it does not end")
		}
		place, wait, ok := s.take(p.now)
		if ok {
			p.start(place)
			continue
		}
		next := time.Duration(-1)
		who := -1
		for i := range p.subnets {
			if at, flies := p.flying[i]; flies && (next < 0 || at < next) {
				next, who = at, i
			}
		}
		switch {
		case wait > 0 && (who < 0 || p.now+wait < next):
			p.now += wait
		case who < 0:
			p.Fatalf("nothing is asked and nothing is awaited")
		default:
			p.now = max(p.now, next)
			p.hear(s, who)
		}
	}
	if len(p.flying) > 0 {
		p.Fatalf("over, and %d places are being asked", len(p.flying))
	}
}

func (p *player) start(place int) {
	for other := range p.flying {
		if p.subnets[other] == p.subnets[place] {
			p.Fatalf("places %d and %d of %s are asked at the same time", other, place, p.subnets[place])
		}
	}
	if len(p.flying) >= p.atOnce {
		p.Fatalf("%d places are asked at once, the bound is %d", len(p.flying)+1, p.atOnce)
	}
	if p.started && p.now < p.earliest {
		p.Fatalf("a request starts at %v, the rate allows %v", p.now, p.earliest)
	}
	for i := range place { // in their order
		if p.subnets[i] == p.subnets[place] && p.asks[i] < p.wanted[i] {
			p.Fatalf("place %d is asked before %d", place, i)
		}
	}
	p.started = true
	p.asks[place]++
	p.earliest = p.now + p.interval
	p.flying[place] = p.now + time.Duration(rapid.IntRange(0, 3000).Draw(p.T, "latency"))*time.Millisecond
}

func (p *player) hear(s *schedule, place int) {
	delete(p.flying, place)
	requests := rapid.IntRange(0, 4).Draw(p.T, "requests")
	s.answered(p.now, place, p.asks[place] < p.wanted[place], requests)
	if requests > 1 {
		p.earliest = max(p.earliest, p.now) + time.Duration(requests-1)*p.interval
	}
}
