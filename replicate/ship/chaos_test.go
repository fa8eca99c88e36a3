package ship_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// flaky is a connection that is slow, and cut in the middle of a write after so many bytes; some bytes
// may be spoiled on the way.
type flaky struct {
	net.Conn
	turn  chan struct{}
	r     *rand.Rand
	left  int
	spoil bool
}

func (f *flaky) Write(p []byte) (int, error) {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	if f.r.IntN(4) == 0 {
		time.Sleep(time.Duration(f.r.IntN(200)) * time.Millisecond)
	}
	if f.left -= len(p); f.left < 0 {
		n, _ := f.Conn.Write(p[:max(0, len(p)+f.left)])
		f.Conn.Close()
		return n, errLine
	}
	if f.spoil && f.r.IntN(20) == 0 {
		p = slices.Clone(p)
		p[f.r.IntN(len(p))] ^= 1 << f.r.IntN(8)
	}
	return f.Conn.Write(p)
}

// mesh is boxes and a line for each direction between those that are joined.
type mesh struct {
	t     *testing.T
	r     *rand.Rand
	boxes []*box
	pairs [][2]int
	lines [][2]*ship.Line
}

func newMesh(t *testing.T, seed uint64, boxes int, pairs ...[2]int) *mesh {
	m := &mesh{t: t, r: rand.New(rand.NewPCG(seed, 7)), pairs: pairs}
	for i := range boxes {
		m.boxes = append(m.boxes, newBox(t, m.r, byte('a'+i)))
	}
	for _, p := range pairs {
		m.lines = append(m.lines, [2]*ship.Line{m.boxes[p[0]].line(), m.boxes[p[1]].line()})
	}
	return m
}

// trouble writes, connects, cuts and crashes for a while.
func (m *mesh) trouble() {
	slow := rand.New(rand.NewPCG(m.r.Uint64(), 1))
	var mu sync.Mutex
	for _, b := range m.boxes {
		b.Fsync = func(context.Context) error {
			mu.Lock()
			d := time.Duration(slow.IntN(300)) * time.Millisecond
			mu.Unlock()
			time.Sleep(d)
			return nil
		}
	}
	for range 25 {
		i := m.r.IntN(len(m.lines))
		wrap := func(c net.Conn) net.Conn {
			return &flaky{Conn: c, turn: make(chan struct{}, 1), r: rand.New(rand.NewPCG(m.r.Uint64(), 2)), left: m.r.IntN(200_000), spoil: m.r.IntN(3) == 0}
		}
		cut := connect(m.lines[i][0], m.lines[i][1], wrap)
		for range m.r.IntN(5) {
			m.boxes[m.r.IntN(len(m.boxes))].writes(1 + m.r.IntN(10))
		}
		time.Sleep(time.Duration(m.r.IntN(4000)) * time.Millisecond)
		if m.r.IntN(4) == 0 {
			m.boxes[m.r.IntN(len(m.boxes))].Crash(journal.Incarnation(m.r.Uint64() | 1))
		}
		cut()
	}
}

// heal connects everybody for good and waits until nobody lacks anything.
func (m *mesh) heal() {
	m.t.Helper()
	var all []*ship.Line
	var cuts []func() (error, error)
	for _, l := range m.lines {
		cuts = append(cuts, connect(l[0], l[1], nil))
		all = append(all, l[0], l[1])
	}
	settle(m.t, all...)
	same(m.t, m.boxes...)
	for _, cut := range cuts {
		if e1, e2 := cut(); e1 != nil || e2 != nil {
			m.t.Errorf("ended with %v and %v", e1, e2)
		}
	}
}

// TestCutsAndCrashes: whatever is cut, delayed, spoiled or crashes, in the end every batch is
// everywhere, once, as it was written.
func TestCutsAndCrashes(t *testing.T) {
	t.Parallel()
	for name, pairs := range map[string][][2]int{"pair": {{0, 1}}, "line": {{0, 1}, {1, 2}}, "triangle": {{0, 1}, {1, 2}, {2, 0}}} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(name, " seed ", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := newMesh(t, seed, len(pairs)/2+2, pairs...)
					m.trouble()
					m.heal()
				})
			})
		}
	}
}

// TestDamageIsRefilled: what a disk lost while the boxes are connected comes back within minutes, and
// what retention dropped does not.
func TestDamageIsRefilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 1, 2, [2]int{0, 1})
		m.boxes[0].writes(200)
		cut := connect(m.lines[0][0], m.lines[0][1], nil)
		settle(t, m.lines[0][:]...)
		lost, dropped := journal.Vector{}, journal.Vector{}
		for k, iv := range m.boxes[1].Held() {
			lost.Add(k, iv[0].First, iv[0].First+4)
			dropped.Add(k, iv[0].First+10, iv[0].First+12)
		}
		m.boxes[1].Damage(lost)
		m.boxes[1].Drop(dropped)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if have, want := m.boxes[1].Have(), m.boxes[1].Held().Minus(dropped); !have.Equal(want) {
			t.Errorf("has %v, want %v", have, want)
		}
		if v := m.boxes[1].Wanted(); len(v) > 0 {
			t.Errorf("still wants %v", v)
		}
		cut()
		m.boxes[0].Damage(lost) // and once more while they are not
		cut = connect(m.lines[0][0], m.lines[0][1], nil)
		settle(t, m.lines[0][:]...)
		if v := m.boxes[0].Wanted(); len(v) > 0 {
			t.Errorf("still wants %v", v)
		}
		cut()
	})
}

// TestBase: facts that were dropped before the peer had them reach it as a base, once.
func TestBase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 1, 2, [2]int{0, 1})
		a, b := m.boxes[0], m.boxes[1]
		a.writes(200)
		state, err := a.State()
		if err != nil {
			t.Fatal(err)
		}
		facts := journal.Vector{}
		for k, iv := range a.Held() {
			if k.Stream == journal.Facts {
				facts.Add(k, 1, iv[0].Last/2)
			}
		}
		a.Drop(facts)
		var sent []uint64
		for range 3 {
			cut := connect(m.lines[0][0], m.lines[0][1], nil)
			settle(t, m.lines[0][:]...)
			cut()
			if got, err := b.State(); err != nil || string(got) != string(state) {
				t.Fatalf("other registers: %v", err)
			}
			sent = append(sent, m.lines[0][0].Progress().BytesOut)
		}
		if second, third := sent[1]-sent[0], sent[2]-sent[1]; second > 1000 || third > 1000 {
			t.Errorf("connecting again took %d and %d bytes", second, third)
		}
		if b.Held().Has(facts.Keys()[0], 1) {
			t.Error("a base made it hold what it never had")
		}
	})
}
