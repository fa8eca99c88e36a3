package ship_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// firstFive is a part of what a box holds, without layouts.
func firstFive(v journal.Vector) journal.Vector {
	out := journal.Vector{}
	for k, iv := range v {
		if k.Stream != journal.Samples {
			out.Add(k, iv[0].First, iv[0].First+4)
		}
	}
	return out
}

// TestLostTwice: what a disk loses, gets again and loses once more on the same connection is asked for each time.
func TestLostTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMesh(t, 1, 2, [2]int{0, 1})
		m.boxes[0].writes(200)
		cut := connect(m.lines[0][0], m.lines[0][1], nil)
		settle(t, m.lines[0][:]...)
		for round := range 3 {
			m.boxes[1].Damage(firstFive(m.boxes[1].Held()))
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if v := m.boxes[1].Wanted(); len(v) > 0 {
				t.Errorf("round %d: still wants %v", round, v)
			}
		}
		if !m.lines[0][1].Progress().Connected {
			t.Error("the connection ended")
		}
		cut()
		same(t, m.boxes...)
	})
}

// attend answers what comes for so long, and keeps the connection alive.
func (l *liar) attend(d time.Duration, answer func(frame)) {
	l.t.Helper()
	deadline := time.After(d)
	tick := time.NewTicker(4 * time.Second)
	defer tick.Stop()
	for {
		select {
		case f, ok := <-l.got:
			if !ok {
				l.t.Fatalf("the connection ended: %v", <-l.end)
			}
			answer(f)
		case <-tick.C:
			l.says(ship.KindPing, []byte{1, 0, 0, 0})
		case <-deadline:
			return
		}
	}
}

// TestAskedLaterAndLater: what the peer does not give is asked for again, all of it, less and less often, and no more when it came.
func TestAskedLaterAndLater(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(100)
		lost := firstFive(b.Held())
		batches, err := b.Page(t.Context(), b.Held().Minus(lost), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		l := lie(t, b.line())
		l.greets(b.Held())
		l.attend(time.Minute, func(frame) {})
		b.Damage(lost)
		began := time.Now()
		var asked []time.Duration
		listen := func(f frame) {
			if f.kind != ship.KindAgain {
				return
			}
			asked = append(asked, time.Since(began))
			if v, err := journal.UnmarshalVector(f.payload); err != nil || !v.Equal(lost) {
				t.Errorf("asked for %v, want %v (%v)", v, lost, err)
			}
		}
		l.attend(12*time.Hour, listen)
		if n := len(asked); n < 15 || n > 20 || asked[0] > 20*time.Second || asked[1] > 2*time.Minute {
			t.Errorf("asked %d times: %v", n, asked)
		}
		for _, x := range batches {
			l.sends(x.Bytes)
		}
		l.attend(time.Minute, func(frame) {})
		asked = nil
		if l.attend(2*time.Hour, listen); len(asked) > 0 {
			t.Errorf("asked for what came: %v", asked)
		}
		b.Damage(lost)
		began = time.Now()
		if l.attend(time.Minute, listen); len(asked) != 1 || asked[0] > 20*time.Second {
			t.Errorf("lost once more, and asked %v", asked)
		}
	})
}

// TestGivenUpForAWhile: a batch that the peer does not take is tried again, less and less often, and is there when the peer takes it.
func TestGivenUpForAWhile(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(10)
		line := b.line()
		l := lie(t, line)
		l.greets(nil)
		batches, takes := uint64(0), false
		serve := func(f frame) {
			if f.kind != ship.KindBatch {
				return
			}
			batches++
			if takes {
				l.says(ship.KindAnswer, ship.AnswerBytes(batches, b.Held()))
				return
			}
			l.says(ship.KindRefuse, ship.RefuseBytes(batches, "not now"))
			l.says(ship.KindAnswer, ship.AnswerBytes(batches, nil))
		}
		l.attend(12*time.Hour, serve)
		if tries := batches / 10; tries < ship.MaxTries+14 || tries > ship.MaxTries+20 {
			t.Errorf("each batch was sent %d times", tries)
		}
		takes = true
		l.attend(time.Hour, serve)
		if p := line.Progress(); p.Sent != 10 || !p.CaughtUp || !p.Connected {
			t.Errorf("after it took them: %+v", p)
		}
		if log := b.logged(); !strings.Contains(log, "left for a while") {
			t.Errorf("the log does not tell: %s", log)
		}
	})
}

// TestAskedTooOften: a peer that loses what it held without end is cut off, and one that does so now and then is not.
func TestAskedTooOften(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(10)
		line := b.line()
		l := lie(t, line)
		l.greets(b.Held())
		ask := journal.Vector{}.Marshal()
		for range 3 {
			for range 200 {
				l.says(ship.KindAgain, ask)
			}
			l.attend(time.Hour+time.Minute, func(frame) {})
		}
		for range 300 {
			l.says(ship.KindAgain, ask)
		}
		if bye, err := l.told(); err == nil || !strings.Contains(bye, "in an hour") {
			t.Errorf("ended with %q, %v", bye, err)
		}
	})
}
