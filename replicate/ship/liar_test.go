package ship_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// liar is an end that says what it likes.
type liar struct {
	t    *testing.T
	conn net.Conn
	got  chan frame // what the honest end says
	end  chan error // what its session ended with
}

type frame struct {
	kind    ship.Kind
	payload []byte
}

// lie connects a liar to a line. Frames that are not looked at are dropped.
func lie(t *testing.T, l *ship.Line) *liar {
	x, y := net.Pipe()
	li := &liar{t: t, conn: y, got: make(chan frame, 10_000), end: make(chan error, 1)}
	go func() { li.end <- l.Run(context.Background(), x) }()
	go func() {
		defer close(li.got)
		var buf []byte
		for {
			k, p, err := ship.ReadFrame(y, &buf)
			if err != nil {
				return
			}
			select {
			case li.got <- frame{k, append([]byte(nil), p...)}:
			default:
			}
		}
	}()
	t.Cleanup(func() { y.Close() })
	return li
}

func (l *liar) says(k ship.Kind, payload []byte) {
	_, _ = l.conn.Write(ship.AppendFrame(nil, k, payload))
}

// greets says a proper greeting and holds v.
func (l *liar) greets(v journal.Vector) {
	l.says(ship.KindHello, ship.Hello(1, 1, site, journal.ID{'z'}, 1<<20))
	parts := ship.VectorParts(v)
	for i, p := range parts {
		more := byte(1)
		if i == len(parts)-1 {
			more = 0
		}
		l.says(ship.KindHeld, append([]byte{more}, p...))
	}
}

// told returns the reason the honest end gave, and what its session ended with.
func (l *liar) told() (string, error) {
	l.t.Helper()
	var bye string
	for f := range l.got {
		if f.kind == ship.KindBye {
			bye = string(f.payload)
		}
	}
	return bye, <-l.end
}

func bubble(t *testing.T, fn func(*testing.T, *box)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { fn(t, newBox(t, rand.New(rand.NewPCG(1, 5)), 'a')) })
}

func endless(n int) journal.Vector {
	v := journal.Vector{}
	for i := range n {
		k := journal.StreamKey{Site: site, Incarnation: journal.Incarnation(i + 1), Stream: 1}
		binary.BigEndian.PutUint32(k.Origin[:], uint32(i))
		v.Add(k, 1, 1)
	}
	return v
}

// item is something larger than a frame may be, announced as total bytes.
func item(total uint64, rest []byte) []byte { return append(binary.AppendUvarint(nil, total), rest...) }

// lieCase is something no honest end says, and a word of what it ends with.
type lieCase struct {
	name string
	lie  func(*liar)
	want string
}

func lies() []lieCase {
	return []lieCase{
		{"another site", func(l *liar) { l.says(ship.KindHello, ship.Hello(1, 1, journal.ID{2}, journal.ID{'z'}, 1<<20)) }, "boxes of two sites"},
		{"a copied disk", func(l *liar) { l.says(ship.KindHello, ship.Hello(1, 1, site, journal.ID{'a'}, 1<<20)) }, "both boxes have the journal"},
		{"a later version", func(l *liar) { l.says(ship.KindHello, ship.Hello(7, 9, site, journal.ID{'z'}, 1<<20)) }, "update the older box"},
		{"a pace cut short", func(l *liar) { l.greets(nil); l.says(ship.KindPace, []byte{1}) }, "the pace that the peer asks for"},
		{"no greeting", func(l *liar) { l.says(ship.KindPing, nil) }, "greeting"},
		{"garbage", func(l *liar) { l.conn.Write([]byte("GET / HTTP/1.1\r\nHost: rack\r\n\r\n")) }, "not what this protocol sends"},
		{"a spoiled frame", func(l *liar) {
			b := ship.AppendFrame(nil, ship.KindHello, ship.Hello(1, 1, site, journal.ID{'z'}, 1<<20))
			b[len(b)-1] ^= 1
			l.conn.Write(b)
		}, "checksum"},
		{"greeting twice", func(l *liar) { l.greets(nil); l.says(ship.KindHello, ship.Hello(1, 1, site, journal.ID{'z'}, 1)) }, "greeting"},
		{"held twice", func(l *liar) { l.greets(nil); l.says(ship.KindHeld, append([]byte{0}, journal.Vector{}.Marshal()...)) }, "twice"},
		{"a vector without end", func(l *liar) { l.greets(endless(70_000)) }, "a journal of more than"},
		{"an answer to nothing", func(l *liar) { l.greets(nil); l.says(ship.KindAnswer, ship.AnswerBytes(777, nil)) }, "an answer to batch 777"},
		{"a refusal of nothing", func(l *liar) { l.greets(nil); l.says(ship.KindRefuse, ship.RefuseBytes(777, "no")) }, "batch 777 refused"},
		{"a part of nothing", func(l *liar) { l.greets(nil); l.says(ship.KindPart, []byte{1}) }, "a part of nothing"},
		{"a batch too large", func(l *liar) { l.greets(nil); l.says(ship.KindBatch, item(1<<40, nil)) }, "announces"},
		{"within another", func(l *liar) {
			l.greets(nil)
			l.says(ship.KindBatch, item(100, nil))
			l.says(ship.KindLayout, make([]byte, 20))
		}, "within another"},
		{"more than announced", func(l *liar) { l.greets(nil); l.says(ship.KindBatch, item(3, make([]byte, 4))) }, "more bytes than announced"},
		{"a base unasked", func(l *liar) {
			l.greets(nil)
			l.says(ship.KindBase, append(make([]byte, 48), item(3, make([]byte, 3))...))
		}, "nobody asked"},
		{"bases without end", func(l *liar) {
			l.greets(nil)
			for i := range 100 {
				l.says(ship.KindOffer, append(site[:], append(make([]byte, 31), byte(i+1))...))
			}
		}, "bases"},
		{"layouts without end", func(l *liar) {
			l.greets(nil)
			for range 70 {
				l.says(ship.KindLayout, append(make([]byte, 16), item(1<<20, nil)...))
				for range 16 {
					l.says(ship.KindPart, make([]byte, ship.MaxFrame))
				}
			}
		}, "bytes unanswered"},
		{"garbage for batches", func(l *liar) {
			l.greets(nil)
			for range 2000 {
				l.says(ship.KindBatch, item(4, []byte("junk")))
			}
		}, "could not be taken"},
		{"silence", func(l *liar) { l.greets(nil) }, "silent"},
		{"silence from the first", func(*liar) {}, "silent"},
	}
}

// TestLies: whatever no honest end says ends the session with words for both ends.
func TestLies(t *testing.T) {
	t.Parallel()
	for _, c := range lies() {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *box) {
				b.writes(20)
				line := b.line()
				l := lie(t, line)
				c.lie(l)
				bye, err := l.told()
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(bye, c.want) {
					t.Errorf("ended with %v, told %q, want %q", err, bye, c.want)
				}
				if p := line.Progress(); p.Connected || !strings.Contains(p.Reason, c.want) {
					t.Errorf("progress %+v", p)
				}
			})
		})
	}
}

// TestRefusedWithoutEnd: a peer that takes nothing is asked a few times and then left in peace; the
// session goes on.
func TestRefusedWithoutEnd(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(10)
		line := b.line()
		l := lie(t, line)
		l.greets(nil)
		var batches uint64
		deadline := time.After(30 * time.Second)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
	loop:
		for {
			select {
			case f := <-l.got:
				if f.kind == ship.KindBatch {
					batches++
					l.says(ship.KindRefuse, ship.RefuseBytes(batches, "not\nme"))
					l.says(ship.KindRefuse, ship.RefuseBytes(batches, "said twice"))
					l.says(ship.KindAnswer, ship.AnswerBytes(batches, nil))
					l.says(ship.KindAnswer, ship.AnswerBytes(batches/2, nil)) // an old one
				}
			case <-tick.C:
				l.says(ship.KindPing, []byte{1, 0, 0, 0})
			case <-deadline:
				break loop
			}
		}
		p := line.Progress()
		if batches != 10*ship.MaxTries || p.GivenUp != 10 || p.Returned != batches || p.Sent != 0 || !p.Connected {
			t.Errorf("%d batches were sent, %+v", batches, p)
		}
		if log := b.logged(); !strings.Contains(log, "not me") {
			t.Errorf("the log does not say why: %s", log)
		}
		l.says(ship.KindBye, []byte("enough"))
		if err := <-l.end; err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestClaimsWhatItLacks: a peer that says it holds all is sent nothing, and nothing here is lost by it;
// the next connection tells the truth.
func TestClaimsWhatItLacks(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(50)
		line := b.line()
		l := lie(t, line)
		l.greets(b.Held())
		time.Sleep(3 * time.Second)
		l.conn.Close()
		if err := <-l.end; err == nil || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("ended with %v", err)
		}
		if p := line.Progress(); p.Sent != 0 {
			t.Errorf("%+v", p)
		}
		other := newBox(t, b.r, 'b')
		lo := other.line()
		cut := connect(line, lo, nil)
		settle(t, line, lo)
		same(t, b, other)
		cut()
	})
}

// TestNewerConnection: a line that gets a second connection leaves the first.
func TestNewerConnection(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		line := b.line()
		l := lie(t, line)
		l.greets(nil)
		other := newBox(t, b.r, 'b')
		lo := other.line()
		cut := connect(line, lo, nil)
		if bye, err := l.told(); err == nil || !strings.Contains(bye, "newer connection") {
			t.Errorf("ended with %v, told %q", err, bye)
		}
		settle(t, line, lo)
		cut()
	})
}
