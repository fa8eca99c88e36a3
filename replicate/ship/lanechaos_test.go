package ship_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/store/crashtest"
)

// mute is an end whose answers are lost now and then, or come late.
type mute struct {
	net.Conn
	turn chan struct{}
	r    *rand.Rand
}

func (m *mute) Write(p []byte) (int, error) {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	var out, buf []byte
	for r := bytes.NewReader(p); r.Len() > 0; {
		k, payload, err := ship.ReadFrame(r, &buf)
		if err != nil {
			return m.Conn.Write(p)
		}
		if k == ship.KindAnswer {
			switch m.r.IntN(6) {
			case 0:
				continue
			case 1:
				time.Sleep(time.Duration(m.r.IntN(3000)) * time.Millisecond)
			}
		}
		out = ship.AppendFrame(out, k, payload)
	}
	if n, err := m.Conn.Write(out); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

// siege is two boxes, the line between them, headquarters, and all that can go wrong there.
type siege struct {
	t     *testing.T
	r     *rand.Rand
	boxes [2]*box
	hq    *box
	ways  [2]*way
	pair  [2]*ship.Line
}

func newSiege(t *testing.T, seed uint64) *siege {
	s := &siege{t: t, r: rand.New(rand.NewPCG(seed, 11))}
	s.hq = newBox(t, s.r, 'h')
	for i := range s.boxes {
		s.boxes[i] = newBox(t, s.r, byte('a'+i))
		s.ways[i] = newWay(s.boxes[i], s.hq, func(o *ship.Options) {
			o.NewestFirst = seed%2 == 1
			if seed%3 == 0 && o.Lane == ship.Live {
				o.Budget = 2000
			}
		})
		s.pair[i] = s.boxes[i].line()
	}
	var mu sync.Mutex
	slow := rand.New(rand.NewPCG(seed, 12))
	s.hq.Fsync = func(context.Context) error {
		mu.Lock()
		d := time.Duration(slow.IntN(400)) * time.Millisecond
		mu.Unlock()
		time.Sleep(d)
		return nil
	}
	return s
}

// wrap makes a connection a bad one, of which the other end is headquarters or a box.
func (s *siege) wrap(c net.Conn) net.Conn {
	c = &flaky{Conn: c, turn: make(chan struct{}, 1), r: rand.New(rand.NewPCG(s.r.Uint64(), 2)), left: s.r.IntN(100_000), spoil: s.r.IntN(4) == 0}
	return c
}

// joins connects two lines badly.
func (s *siege) joins(here, there *ship.Line) (cut func()) {
	x, y := net.Pipe()
	if s.r.IntN(3) > 0 {
		x = s.wrap(x)
	}
	switch s.r.IntN(3) {
	case 0:
		y = s.wrap(y)
	case 1:
		y = &mute{Conn: y, turn: make(chan struct{}, 1), r: rand.New(rand.NewPCG(s.r.Uint64(), 3))}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = here.Run(ctx, x) })
	wg.Go(func() { _ = there.Run(ctx, y) })
	return func() { cancel(); wg.Wait() }
}

// round connects some of the lines, writes, and lets something happen.
func (s *siege) round() {
	var cuts []func()
	for i, w := range s.ways {
		for lane := range lanes {
			if s.r.IntN(4) > 0 {
				cuts = append(cuts, s.joins(w.here[lane], w.there[lane]))
			}
		}
		if i == 0 && s.r.IntN(2) == 0 {
			cuts = append(cuts, s.joins(s.pair[0], s.pair[1]))
		}
	}
	then := s.hq.Arrived()
	for range s.r.IntN(6) {
		s.boxes[s.r.IntN(2)].writes(1 + s.r.IntN(15))
		time.Sleep(time.Duration(s.r.IntN(1500)) * time.Millisecond)
		if s.r.IntN(5) == 0 {
			p := ship.Pace{Paused: s.r.IntN(3) == 0, FactsOnly: s.r.IntN(3) == 0, BytesPerSecond: uint64(s.r.IntN(2) * 4000), Window: uint64(s.r.IntN(2) * 9000)}
			s.ways[s.r.IntN(2)].there[s.r.IntN(2)].Pace(p)
		}
	}
	switch s.r.IntN(8) {
	case 0:
		s.boxes[s.r.IntN(2)].Crash(journal.Incarnation(s.r.Uint64() | 1))
	case 1:
		s.hq.Crash(journal.Incarnation(s.r.Uint64() | 1))
	case 2: // it accepts, answers, and forgets
		s.hq.Restore(then, journal.Incarnation(s.r.Uint64()|1))
		time.Sleep(time.Duration(s.r.IntN(3000)) * time.Millisecond)
	case 3: // a second connection of the same line
		w := s.ways[s.r.IntN(2)]
		lane := s.r.IntN(2)
		cuts = append(cuts, s.joins(w.here[lane], w.there[lane]))
	}
	for _, i := range s.r.Perm(len(cuts)) {
		cuts[i]()
	}
}

// TestSiege: two boxes send to headquarters at once while lines are cut, closed in the middle of a
// batch and spoiled, answers are lost and late, and headquarters crashes, pauses, and forgets what it
// accepted; in the end it has every batch of both exactly once, as it was written, and the boxes have got
// nothing of it but facts.
func TestSiege(t *testing.T) {
	t.Parallel()
	for seed := range uint64(crashtest.Rounds(12, 2000)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSiege(t, seed)
				for range 25 {
					s.round()
				}
				for _, w := range s.ways {
					for lane := range lanes {
						w.there[lane].Pace(ship.Pace{})
					}
					defer w.connectBoth()()
				}
				arrives(t, s.hq, s.boxes[:]...)
				exactlyOnce(t, s.hq, s.boxes[:]...)
			})
		})
	}
}

// TestAlone: without a line between the boxes, each gets of the other the facts and nothing else, by way
// of headquarters.
func TestAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSiege(t, 1)
		for _, w := range s.ways {
			defer w.connectBoth()()
		}
		for range 10 {
			s.boxes[0].writes(10)
			s.boxes[1].writes(10)
			time.Sleep(time.Second)
		}
		arrives(t, s.hq, s.boxes[:]...)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for i, b := range s.boxes {
			other := s.boxes[1-i].Origin()
			for k := range b.Content() {
				if k.Origin == other && k.Stream != journal.Facts {
					t.Fatalf("%s came down", k)
				}
			}
			for k := range s.hq.Content() {
				if k.Stream == journal.Facts && !b.Held().Has(k.StreamKey, k.Seq) {
					t.Fatalf("%s did not come down", k)
				}
			}
		}
		exactlyOnce(t, s.hq, s.boxes[:]...)
	})
}
