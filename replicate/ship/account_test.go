package ship_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// TestPromisesTakeNoRoom: what is announced and does not come takes none of the room that others need, however long
// its sender keeps the connection alive; what came does.
func TestPromisesTakeNoRoom(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		shared := &room{free: 16 << 20}
		o := b.options()
		o.Window, o.Room = 64<<10, shared
		l := lie(t, ship.New(b, o))
		l.greets(nil)
		l.says(ship.KindBatch, item(16<<20, make([]byte, 1000)))
		l.attend(time.Minute, func(frame) {})
		if shared.taken > 0 {
			t.Errorf("a promise of 16 MB takes %d bytes", shared.taken)
		}
		for range 20 {
			l.says(ship.KindPart, make([]byte, ship.MaxFrame))
		}
		synctest.Wait()
		if most := 20 * ship.MaxFrame; shared.taken < most/2 || shared.taken > most {
			t.Errorf("of %d bytes that came %d take room", most, shared.taken)
		}
		l.conn.Close()
		<-l.end
		if shared.taken != 0 {
			t.Errorf("%d bytes are kept", shared.taken)
		}
	})
}

// TestRefusedOverConnections: who sends what cannot be taken gains nothing by connecting again, neither more tries nor more lines in the log.
func TestRefusedOverConnections(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		line := b.line()
		for range 30 {
			l := lie(t, line)
			l.greets(nil)
			for range 300 {
				l.says(ship.KindBatch, item(4, []byte("junk")))
			}
			synctest.Wait()
			l.conn.Close()
			<-l.end
		}
		if n := line.Progress().Refused; n < 1000 || n > 1030 {
			t.Errorf("%d batches were looked at in an hour", n)
		}
		if n := strings.Count(b.logged(), "is refused"); n == 0 || n > 21 {
			t.Errorf("%d lines in the log", n)
		}
	})
}

// TestBasesAreSpared: a peer that asks for a base without end gets one, and the next when its time has come.
func TestBasesAreSpared(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(50)
		facts := journal.Vector{}
		for k, iv := range b.Held() {
			if k.Stream == journal.Facts {
				facts.Add(k, 1, iv[0].Last)
			}
		}
		b.Drop(facts)
		line, bases := b.line(), 0
		for range 10 {
			l := lie(t, line)
			l.greets(nil)
			l.attend(5*time.Second, func(f frame) {
				switch f.kind {
				case ship.KindOffer:
					l.says(ship.KindAsk, f.payload)
				case ship.KindBase:
					bases++
					l.says(ship.KindAsk, f.payload[:48])
				}
			})
			l.conn.Close()
			<-l.end
		}
		if bases != 1 {
			t.Errorf("%d bases within a minute, want one", bases)
		}
		l := lie(t, line)
		l.greets(nil)
		l.attend(2*time.Minute, func(f frame) {
			switch f.kind {
			case ship.KindOffer:
				l.says(ship.KindAsk, f.payload)
			case ship.KindBase:
				bases++
			}
		})
		if bases != 2 {
			t.Errorf("%d bases, want a second one when its time has come", bases)
		}
	})
}

// TestBadBaseOnce: a base that cannot be taken is not carried again at each connection.
func TestBadBaseOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		line, asked := b.line(), 0
		for n := range 20 {
			d := sha256.Sum256([]byte{byte(n)}) // there is always one more
			offer := append(append([]byte(nil), site[:]...), d[:]...)
			l := lie(t, line)
			l.greets(nil)
			l.says(ship.KindOffer, offer)
			l.attend(5*time.Second, func(f frame) {
				if f.kind == ship.KindAsk {
					asked++
					l.says(ship.KindBase, append(append([]byte(nil), f.payload...), item(4, []byte("junk"))...))
				}
			})
			l.conn.Close()
			<-l.end
		}
		if asked != 1 {
			t.Errorf("asked for %d bases that nobody can take", asked)
		}
		l := lie(t, line)
		l.greets(nil)
		l.says(ship.KindOffer, append(append([]byte(nil), site[:]...), make([]byte, 32)...))
		l.attend(2*time.Hour, func(f frame) {
			if f.kind == ship.KindAsk {
				asked++
			}
		})
		if asked != 2 {
			t.Errorf("asked %d times: it is tried again after an hour", asked)
		}
	})
}

// TestInventedJournals: what a site says to hold of journals that headquarters never heard of is not remembered there.
func TestInventedJournals(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(50)
		known := ship.NewKnown()
		line := ship.New(ship.NewSiteView(b, site, b.Merge), ship.Options{Site: site, Origin: b.Origin(), Logger: slog.New(slog.DiscardHandler),
			Lane: ship.Live, Known: known, Down: true})
		l := lie(t, line)
		says := endless(70_000)
		says.Join(b.Held())
		l.says(ship.KindHello, append(ship.Hello(1, 1, site, journal.ID{'z'}, 1<<20)[:len(ship.Hello(1, 1, site, journal.ID{'z'}, 1<<20))-1], byte(ship.Live)))
		parts := ship.VectorParts(says)
		for i, p := range parts {
			more := byte(1)
			if i == len(parts)-1 {
				more = 0
			}
			l.says(ship.KindHeld, append([]byte{more}, p...))
		}
		l.attend(2*time.Second, func(frame) {})
		held := known.Held()
		for k := range held {
			if k.Stream != journal.Facts || b.Held()[k] == nil {
				t.Fatalf("%v is remembered, of %d", k, len(held))
			}
		}
		if len(held) == 0 {
			t.Error("nothing of what is held is remembered")
		}
	})
}

// TestRefusedIsNotRemembered: what a site brings and headquarters does not take is not remembered there as what the site holds.
func TestRefusedIsNotRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		known, far := ship.NewKnown(), newBox(t, b.r, 'f')
		far.writes(30)
		view := ship.NewSiteView(b, site, func(context.Context, []journal.Batch) error { return journal.ErrTooMuch })
		o := ship.Options{Site: site, Origin: b.Origin(), Logger: slog.New(slog.DiscardHandler), Lane: ship.Behind, Known: known, Down: true, Share: 1}
		up := far.options()
		up.Lane = ship.Behind
		line := ship.New(far, up)
		cut := connect(ship.New(view, o), line, nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if p := line.Progress(); p.Returned == 0 {
			t.Errorf("nothing was refused: %+v", p)
		}
		if held := known.Held(); len(held) > 0 {
			t.Errorf("remembered: %v", held)
		}
		cut()
	})
}

// TestBaseWaitsForRoom: a base for which there is no memory is given when there is, on the same connection.
func TestBaseWaitsForRoom(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(50)
		b.Drop(b.Held())
		shared, bases := &room{}, 0
		o := b.options()
		o.Room = shared
		l := lie(t, ship.New(b, o))
		l.greets(nil)
		take := func(f frame) {
			switch f.kind {
			case ship.KindOffer:
				l.says(ship.KindAsk, f.payload)
			case ship.KindBase:
				bases++
			}
		}
		l.attend(90*time.Second, take)
		if bases != 0 {
			t.Error("a base was given without room")
		}
		shared.mu.Lock()
		shared.free = 1 << 20
		shared.mu.Unlock()
		l.attend(10*time.Minute, take)
		if bases != 1 || shared.taken != 0 || shared.most == 0 {
			t.Errorf("%d bases; room for %d bytes was taken, %d still is", bases, shared.most, shared.taken)
		}
	})
}
