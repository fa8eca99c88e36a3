package ship_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// TestAskCrossesAnOffer: a peer that asks for what it was offered, while the next is offered, gets it by the name it asked for.
func TestAskCrossesAnOffer(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		b.writes(50)
		b.Drop(b.Held())
		l := lie(t, b.line())
		l.greets(nil)
		var offers, bases [][]byte
		see := func(f frame) {
			switch f.kind {
			case ship.KindOffer:
				offers = append(offers, f.payload)
			case ship.KindBase:
				bases = append(bases, f.payload[:48])
			case ship.KindBye:
				t.Errorf("it ends: %s", f.payload)
			}
		}
		l.attend(2*time.Second, see)
		for range 2 {
			b.writes(50)
			b.Drop(b.Held())
			l.says(ship.KindAgain, journal.Vector{{Site: site, Origin: journal.ID{'z'}, Incarnation: 1, Stream: journal.Facts}: {{First: 1, Last: 1}}}.Marshal()) // it looks through everything
			l.attend(2*time.Second, see)
		}
		if len(offers) < 2 {
			t.Fatalf("%d offers", len(offers))
		}
		l.says(ship.KindAsk, offers[0])
		l.attend(2*time.Second, see)
		if len(bases) != 1 || string(bases[0]) != string(offers[0]) {
			t.Errorf("%d bases after one was asked for, named %x, asked for was %x", len(bases), bases, offers[0])
		}
	})
}

// TestOfferCrossesABase: what is offered while another base is on its way is asked for on the same connection, in its time.
func TestOfferCrossesABase(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		far := newBox(t, b.r, 'f')
		far.writes(50)
		base, err := far.Base(site)
		if err != nil {
			t.Fatal(err)
		}
		l := lie(t, b.line())
		l.greets(nil)
		offer := func(n byte) []byte {
			d := sha256.Sum256([]byte{n})
			return append(append([]byte(nil), site[:]...), d[:]...)
		}
		var asks [][]byte
		see := func(f frame) {
			switch f.kind {
			case ship.KindAsk:
				asks = append(asks, f.payload)
			case ship.KindBye:
				t.Errorf("it ends: %s", f.payload)
			}
		}
		l.says(ship.KindOffer, offer(1))
		l.attend(time.Second, see)
		l.says(ship.KindOffer, offer(2))
		l.attend(2*time.Second, see)
		l.says(ship.KindBase, append(offer(1), item(uint64(len(base)), base)...))
		l.attend(5*time.Minute, see)
		if len(asks) != 2 || string(asks[0]) != string(offer(1)) || string(asks[1]) != string(offer(2)) {
			t.Errorf("asked for %x, want %x and %x", asks, offer(1), offer(2))
		}
	})
}
