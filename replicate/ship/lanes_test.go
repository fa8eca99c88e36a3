package ship_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// way is the two lines of a box to headquarters, and their other ends.
type way struct {
	box, hq *box
	known   *ship.Known
	here    [2]*ship.Line
	there   [2]*ship.Line
}

var lanes = [2]ship.Lane{ship.Live, ship.Behind}

func newWay(b, hq *box, change func(*ship.Options)) *way {
	w := &way{box: b, hq: hq, known: ship.NewKnown()}
	down := ship.NewKnown()
	for i, lane := range lanes {
		o := b.options()
		o.Lane, o.Known = lane, w.known
		if change != nil {
			change(&o)
		}
		w.here[i] = ship.New(b, o)
		o = hq.options()
		o.Lane, o.Known, o.Down = lane, down, true
		w.there[i] = ship.New(ship.NewSiteView(hq.Store, site, hq.Merge), o)
	}
	return w
}

// connect connects one line, until cut is called.
func (w *way) connect(lane int, wrap func(net.Conn) net.Conn) (cut func()) {
	end := connect(w.here[lane], w.there[lane], wrap)
	return func() { end() }
}

// connectBoth connects both.
func (w *way) connectBoth() (cut func()) {
	live, behind := w.connect(0, nil), w.connect(1, nil)
	return func() { live(); behind() }
}

// arrives waits until headquarters holds all that the boxes wrote and have.
func arrives(t testing.TB, hq *box, boxes ...*box) {
	t.Helper()
	for range 900 {
		synctest.Wait()
		all := true
		for _, b := range boxes {
			all = all && hq.Held().Covers(b.Have())
		}
		if all {
			return
		}
		time.Sleep(time.Second)
	}
	for _, b := range boxes {
		t.Errorf("headquarters lacks %v", b.Have().Minus(hq.Held()))
	}
	t.FailNow()
}

// exactlyOnce fails unless headquarters has what the boxes wrote, each batch once, and nothing else.
func exactlyOnce(t testing.TB, hq *box, boxes ...*box) {
	t.Helper()
	if n := hq.Doubles(); n > 0 {
		t.Errorf("%d batches stand twice", n)
	}
	content, wrote := hq.Content(), 0
	for _, b := range boxes {
		wrote += len(b.wrote)
		own := b.Content()
		for k := range b.wrote {
			switch at, ok := content[k]; {
			case !ok:
				t.Errorf("%s is lost", k)
			case at != own[k]:
				t.Errorf("%s has other bytes", k)
			}
		}
	}
	if len(content) != wrote {
		t.Errorf("headquarters has %d batches, %d were written", len(content), wrote)
	}
}

func inBubble(t *testing.T, fn func(t *testing.T, b, hq *box)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 2))
		fn(t, newBox(t, r, 'a'), newBox(t, r, 'h'))
	})
}

// TestLanes: the live line brings what is written while it is connected, the other one everything else,
// and nothing comes twice.
func TestLanes(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		b.writes(300)
		w := newWay(b, hq, nil)
		defer w.connect(0, nil)()
		time.Sleep(10 * time.Second)
		if n := len(hq.Content()); n != 0 {
			t.Fatalf("the live line brought %d old batches", n)
		}
		for range 5 {
			b.writes(2)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := len(hq.Content()); n != 10 {
			t.Fatalf("%d of 10 new batches came", n)
		}
		if !w.known.Held().Equal(hq.Held()) {
			t.Errorf("held there is %v, known %v", hq.Held(), w.known.Held())
		}
		defer w.connect(1, nil)()
		for range 30 {
			b.writes(2)
			time.Sleep(time.Second)
		}
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		live, behind := w.here[0].Progress(), w.here[1].Progress()
		if live.Sent+behind.Sent != 370 || live.Sent < 60 || hq.Repeats() > 0 || live.Lag > 0.5 {
			t.Errorf("live %+v, behind %+v, %d came twice", live, behind, hq.Repeats())
		}
		time.Sleep(10 * time.Second)
		if behind = w.here[1].Progress(); !behind.CaughtUp || behind.PeerLacks.Batches != 0 {
			t.Errorf("behind %+v", behind)
		}
	})
}

// TestAnswerThatNeverCame: what was under way on a live line that ended is sent by the other.
func TestAnswerThatNeverCame(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		hq.Fsync = func(context.Context) error { time.Sleep(time.Second); return nil }
		cut := w.connect(0, nil)
		defer w.connect(1, nil)()
		time.Sleep(2 * time.Second)
		b.writes(4)
		time.Sleep(10 * time.Millisecond)
		cut()
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		if n := w.here[1].Progress().Sent; n != 4 {
			t.Errorf("%d went on the line of what is behind", n)
		}
	})
}

// TestHeadquartersForgets: what it held, and holds no more when it is connected again, is sent again.
func TestHeadquartersForgets(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		cut := w.connectBoth()
		b.writes(200)
		arrives(t, hq, b)
		then := hq.Arrived()
		b.writes(100)
		arrives(t, hq, b)
		hq.Restore(then, 77) // and it goes on answering for a while
		b.writes(10)
		time.Sleep(20 * time.Second)
		cut()
		defer w.connectBoth()()
		time.Sleep(time.Second)
		synctest.Wait()
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		if !w.known.Held().Equal(hq.Held()) {
			t.Errorf("held there is %v, known %v", hq.Held(), w.known.Held())
		}
	})
}

// TestNewestFirst: of what is behind facts come first, and of the rest what was written last.
func TestNewestFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		b.writes(2000)
		w := newWay(b, hq, func(o *ship.Options) { o.NewestFirst, o.Budget = true, 50_000 })
		defer w.connect(1, nil)()
		time.Sleep(10 * time.Second)
		var sum, n uint64
		lacks := b.Held().Minus(hq.Held())
		for k := range lacks {
			if k.Stream == journal.Facts {
				t.Errorf("facts are lacking: %v", lacks[k])
			}
			if k.Stream == journal.Samples {
				sum, n = sum+lacks[k][0].First+lacks.Last(k), n+1
				if lacks.Has(k, b.Held().Last(k)) {
					t.Error("the newest samples are lacking")
				}
			}
		}
		if n == 0 {
			t.Error("nothing is lacking: the test shows nothing")
		}
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
	})
}

// TestPace: headquarters pauses a site, takes its facts alone, slows it, and lets it go; and it can
// say so before anything was sent.
func TestPace(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		b.writes(2000)
		w := newWay(b, hq, nil)
		pace := func(p ship.Pace) {
			for _, l := range w.there {
				l.Pace(p)
			}
		}
		came := func() (facts, others int) {
			for k := range hq.Content() {
				if k.Stream == journal.Facts {
					facts++
				} else {
					others++
				}
			}
			return facts, others
		}
		pace(ship.Pace{Paused: true, Why: "maintenance"})
		defer w.connectBoth()()
		for range 20 {
			b.writes(2)
			time.Sleep(time.Second)
		}
		first, others := came()
		if first+others > 0 {
			t.Errorf("%d facts and %d others came while paused", first, others)
		}
		p := w.here[1].Progress()
		if !p.Pace.Paused || p.Pace.Why != "maintenance" || p.CaughtUp || p.PeerLacks.Batches < 2000 || p.Records < 2000 || p.Lacks.Batches != 0 {
			t.Errorf("progress %+v", p)
		}
		pace(ship.Pace{FactsOnly: true})
		for range 20 {
			b.writes(2)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		facts, after := came()
		if after != others || facts <= first || w.here[0].CaughtUp() {
			t.Errorf("%d facts and %d others came while only facts were wanted, %d and %d before", facts, after, first, others)
		}
		for k := range b.wrote {
			if k.Stream == journal.Facts && !hq.Held().Has(k.StreamKey, k.Seq) {
				t.Errorf("%s is lacking", k)
			}
		}
		before := w.there[1].Progress().BytesIn
		pace(ship.Pace{BytesPerSecond: 20_000})
		time.Sleep(20 * time.Second)
		if n := w.there[1].Progress().BytesIn - before; n < 15*20_000 || n > 25*20_000 {
			t.Errorf("%d bytes came in 20 s, want about %d", n, 20*20_000)
		}
		if p := w.here[1].Progress(); p.Drain < 1 || p.Drain > 300 {
			t.Errorf("drains in %v s: %+v", p.Drain, p)
		}
		pace(ship.Pace{})
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
	})
}

// TestOldestKept: both ends know since when records wait that the pace keeps at the site, while more come.
func TestOldestKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		write := func(stream journal.Stream, after time.Duration) {
			t.Helper()
			if _, err := b.Store.Write(t.Context(), stream, noon.Add(after).UnixMilli(), journal.Leader, []byte("body"), 1); err != nil {
				t.Fatal(err)
			}
		}
		pace := func(p ship.Pace) {
			for _, l := range w.there {
				l.Pace(p)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
		}
		oldest := func(what string, want time.Time) {
			t.Helper()
			if here, there := w.here[1].Progress().PeerLacks.Oldest, w.there[1].Progress().Lacks.Oldest; !here.Equal(want) || !there.Equal(want) {
				t.Errorf("%s: the oldest that waits is of %v at the site and of %v at headquarters, want %v", what, here, there, want)
			}
		}
		write(journal.Logs, 0)
		defer w.connectBoth()()
		time.Sleep(10 * time.Second)
		pace(ship.Pace{Paused: true})
		oldest("nothing waits", time.Time{})
		write(journal.Samples, time.Minute)
		write(journal.Facts, 2*time.Minute)
		for i := range 30 {
			write(journal.Logs, time.Duration(i+3)*time.Minute)
			time.Sleep(time.Second)
		}
		pace(ship.Pace{Paused: true})
		oldest("paused", noon.Add(time.Minute))
		pace(ship.Pace{FactsOnly: true})
		oldest("facts alone", noon.Add(time.Minute))
		pace(ship.Pace{})
		arrives(t, hq, b)
		time.Sleep(5 * time.Second)
		oldest("all is there", time.Time{})
	})
}

// TestLiveStaysLive: a live line with too little room leaves what is late to the other.
func TestLiveStaysLive(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, func(o *ship.Options) {
			if o.Lane == ship.Live {
				o.Budget = 3000
			}
		})
		defer w.connectBoth()()
		time.Sleep(time.Second)
		for range 60 {
			b.writes(20)
			time.Sleep(time.Second)
			if lag := w.here[0].Progress().Lag; lag > 10 {
				t.Fatalf("%v s late", lag)
			}
		}
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		if live := w.here[0].Progress().Sent; live < 100 || live > 1000 {
			t.Errorf("%d of 1200 went live", live)
		}
	})
}

// TestUnderWay: an end that does not answer is sent no more than 256 KB of what is behind.
func TestUnderWay(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		b.writes(1500)
		slow := make(chan struct{})
		var answers atomic.Bool
		answers.Store(true)
		hq.Fsync = func(context.Context) error {
			if !answers.Load() {
				<-slow
			}
			return nil
		}
		w := newWay(b, hq, nil)
		defer w.connect(1, nil)()
		arrives(t, hq, b)
		time.Sleep(time.Second)
		answers.Store(false)
		before := w.here[1].Progress().BytesOut
		b.writes(2500)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if n := w.here[1].Progress().BytesOut - before; n < 230_000 || n > 290_000 {
			t.Errorf("%d bytes went out", n)
		}
		if w.known.StoodStill(30 * time.Second) {
			t.Error("stood still too soon")
		}
		time.Sleep(15 * time.Second)
		if !w.known.StoodStill(30 * time.Second) {
			t.Error("did not stand still")
		}
		close(slow)
		arrives(t, hq, b)
		exactlyOnce(t, hq, b)
		time.Sleep(40 * time.Second)
		if w.known.StoodStill(30 * time.Second) {
			t.Error("stands still although nothing is lacking")
		}
	})
}

// registers returns what is known of a box's devices.
func registers(t *testing.T, b *box) []journal.Register {
	t.Helper()
	state, err := b.State()
	if err != nil {
		t.Fatal(err)
	}
	var pack journal.Compressor
	base, err := pack.UnmarshalBase(state)
	if err != nil || len(base.Registers) == 0 {
		t.Fatalf("%d registers, %v", len(base.Registers), err)
	}
	return base.Registers
}

// TestPausedIsNotStill: a headquarters that wants nothing now does not stand still, or the other box would send beside this one for
// nothing; one that wants all again and answers for nothing does.
func TestPausedIsNotStill(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		defer w.connectBoth()()
		pace := func(p ship.Pace) {
			for _, l := range w.there {
				l.Pace(p)
			}
		}
		pace(ship.Pace{Paused: true})
		for range 60 {
			b.writes(3)
			time.Sleep(time.Second)
			if w.known.StoodStill(30 * time.Second) {
				t.Fatal("it is paused, and called still")
			}
		}
		over := make(chan struct{})
		defer close(over)
		hq.Fsync = func(context.Context) error { <-over; return nil }
		pace(ship.Pace{})
		b.writes(3)
		time.Sleep(20 * time.Second)
		if w.known.StoodStill(30 * time.Second) {
			t.Error("still too soon")
		}
		time.Sleep(20 * time.Second)
		if !w.known.StoodStill(30 * time.Second) {
			t.Error("it answers for nothing, and is not called still")
		}
	})
}

// TestDown: a box whose disk was replaced gets the facts that only headquarters has, at once, those
// that were dropped there too, and nothing but facts.
func TestDown(t *testing.T) {
	for _, dropped := range []bool{false, true} {
		t.Run(fmt.Sprint("dropped ", dropped), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b, hq *box) {
				first := newWay(b, hq, nil)
				cut := first.connectBoth()
				b.writes(500)
				arrives(t, hq, b)
				cut()
				if dropped {
					facts := journal.Vector{}
					for k, iv := range hq.Held() {
						if k.Stream == journal.Facts {
							facts.Add(k, 1, iv[0].Last/2)
						}
					}
					hq.Drop(facts)
				}
				replaced := newBox(t, b.r, 'b')
				second := newWay(replaced, hq, nil)
				defer second.connectBoth()()
				time.Sleep(time.Second)
				synctest.Wait()
				if diff := cmp.Diff(registers(t, hq), registers(t, replaced)); diff != "" {
					t.Errorf("other registers: %s", diff)
				}
				for k := range replaced.Content() {
					if k.Stream != journal.Facts {
						t.Errorf("%s came down", k)
					}
				}
				replaced.writes(50)
				arrives(t, hq, replaced)
				if hq.Repeats() > 0 {
					t.Errorf("%d batches came back to headquarters", hq.Repeats())
				}
			})
		})
	}
}

// TestOtherLane: two lines that are not of one name say so.
func TestOtherLane(t *testing.T) {
	inBubble(t, func(t *testing.T, b, hq *box) {
		w := newWay(b, hq, nil)
		cut := connect(w.here[0], w.there[1], nil)
		time.Sleep(10 * time.Second)
		e1, e2 := cut()
		if e1 == nil || e2 == nil {
			t.Fatalf("ended with %v and %v", e1, e2)
		}
		if s := e1.Error() + e2.Error(); !strings.Contains(s, "connect to the line of the same name") {
			t.Error(s)
		}
	})
}

// TestLaneInWords: lanes are told in words, and read again.
func TestLaneInWords(t *testing.T) {
	t.Parallel()
	for _, lane := range []ship.Lane{ship.Both, ship.Live, ship.Behind} {
		var got ship.Lane
		text, err := lane.MarshalText()
		if err != nil || got.UnmarshalText(text) != nil || got != lane {
			t.Errorf("%d became %q, %d, %v", lane, text, got, err)
		}
	}
	if err := new(ship.Lane).UnmarshalText([]byte("slow")); err == nil {
		t.Error("a lane of another name was read")
	}
}
