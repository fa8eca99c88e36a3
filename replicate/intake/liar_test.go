package intake_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/intake"
	"rackpost/replicate/ship"
)

// Frames as docs/ship.md has them: who lies writes his own.
const (
	frameHello  = 1
	frameHeld   = 2
	frameBatch  = 4
	frameRefuse = 6
	framePing   = 7
	frameNote   = 12
	frameEnd    = 13
)

func frame(kind byte, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	sum := crc32.Checksum(append([]byte{kind}, payload...), crc32.MakeTable(crc32.Castagnoli))
	return append(append(binary.BigEndian.AppendUint32(b, sum), kind), payload...)
}

func helloOf(site, origin journal.ID, lane ship.Lane) []byte {
	b := append([]byte("RPS"), 1, 1)
	b = append(append(b, site[:]...), origin[:]...)
	return frame(frameHello, append(binary.AppendUvarint(b, 1<<20), byte(lane)))
}

// holdsNothing is what a liar says to hold.
func holdsNothing() []byte { return frame(frameHeld, append([]byte{0}, journal.Vector{}.Marshal()...)) }

func batchFrame(raw []byte) []byte {
	return frame(frameBatch, append(binary.AppendUvarint(nil, uint64(len(raw))), raw...))
}

// listen reads frames until one of the kind comes, and returns its payload.
func listen(t testing.TB, c net.Conn, kind byte) []byte {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Minute))
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			t.Fatalf("no frame of kind %d came: %v", kind, err)
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(c, payload); err != nil {
			t.Fatal(err)
		}
		if head[8] == kind {
			return payload
		}
	}
}

// rawBatch is a batch of the store given.
func rawBatch(t testing.TB, b *box) []byte {
	t.Helper()
	b.writes(journal.Logs, 1, 100)
	return contentOf(t, b.Store)[0].Bytes
}

// TestLies: what a site may not send is refused by its number and in words; the rest of it and what
// others send is taken.
func TestLies(t *testing.T) {
	t.Parallel()
	var kept atomic.Pointer[string]
	h := newHQ(t, 2, func(c *intake.Config) {
		c.Quarantine = func(_ journal.ID, k journal.Key, raw []byte, _ error) {
			s := k.String() + " " + string(raw)
			kept.Store(&s)
		}
	})
	liar, other := newBox(t, 0), newBox(t, 1)
	good := rawBatch(t, liar)
	torn := append([]byte(nil), rawBatch(t, newBox(t, 0))...)
	torn[len(torn)-1]++
	c, err := h.dial(liar.name, ship.Live)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	lies := append(helloOf(liar.site(), liar.Origin(), ship.Live), holdsNothing()...)
	lies = append(append(append(lies, batchFrame(rawBatch(t, other))...), batchFrame(torn)...), batchFrame(good)...)
	if _, err := c.Write(lies); err != nil {
		t.Fatal(err)
	}
	for number, words := range []string{"another site", "corrupt"} {
		got := listen(t, c, frameRefuse)
		if n, _ := binary.Uvarint(got); n != uint64(number+1) {
			t.Errorf("batch %d is refused (%s), want %d", n, got[1:], number+1)
		}
		t.Logf("%s: %s", words, got[1:])
	}
	until(t, "the good one is taken", func() bool { return liar.there(h) })
	if want := journal.NameOf(torn).String() + " " + string(torn); kept.Load() == nil || *kept.Load() != want {
		t.Error("the batch with the wrong checksum is not kept, or another is")
	}
	row := h.row(liar.name)
	if row.Refused != 2 || row.Refusals["other_site"] != 1 || row.Refusals["corrupt"] != 1 || row.LastRefusal == "" {
		t.Errorf("row %+v", row)
	}
	if n := h.store.of(other.site()).Held().Count(); n != 0 {
		t.Errorf("%d batches stand in the other's name", n)
	}
	other.connect(h)
	until(t, "the other's own come", func() bool { return other.there(h) })
}

// TestPingOfAnyYear: whatever one site says of when its oldest record was written, how all sites are can be told.
func TestPingOfAnyYear(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	liar := newBox(t, 0)
	c, err := h.dial(liar.name, ship.Behind)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(append(helloOf(liar.site(), liar.Origin(), ship.Behind), holdsNothing()...)); err != nil {
		t.Fatal(err)
	}
	for n, ms := range []uint64{253_402_300_799_999, 253_402_300_800_000, 1<<48 - 1, 1 << 63, 1<<64 - 1} {
		ping := binary.AppendUvarint(binary.AppendUvarint([]byte{0}, uint64(n+1)), 1)
		if _, err := c.Write(frame(framePing, binary.AppendUvarint(ping, ms))); err != nil {
			t.Fatal(err)
		}
		until(t, "the ping is there", func() bool { return h.row(liar.name).Lacks == uint64(n+1) })
		if _, err := json.Marshal(h.Status()); err != nil {
			t.Errorf("%d ms: %v", ms, err)
		}
	}
}

// TestWhoBreaksTheProtocolIsCutOff: and told why, and counted nowhere else.
func TestWhoBreaksTheProtocolIsCutOff(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 1, nil)
	b := newBox(t, 0)
	hello := helloOf(b.site(), b.Origin(), ship.Behind)
	for name, c := range map[string]struct {
		send []byte
		says string
	}{
		"another site's greeting": {helloOf(siteID(5), b.Origin(), ship.Behind), "two sites"},
		"headquarters' own name":  {helloOf(b.site(), hqOrigin, ship.Behind), "copy"},
		"an oversized frame":      {append(hello, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, frameBatch), "a frame of"},
		"no frame at all":         {[]byte("GET / HTTP/1.1\r\n\r\n"), "a frame of"},
		"an oversized batch":      {append(append(hello, holdsNothing()...), frame(frameBatch, binary.AppendUvarint(nil, 1<<40))...), "announces"},
		"more than the window": {append(append(append(hello, holdsNothing()...), batchFrame(make([]byte, 1000))...),
			frame(frameBatch, binary.AppendUvarint(nil, 4<<20))...), "unanswered"},
	} {
		conn, err := h.dial(b.name, ship.Behind)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := conn.Write(c.send); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := listen(t, conn, frameEnd); !strings.Contains(string(got), c.says) {
			t.Errorf("%s: headquarters says %q, want %q", name, got, c.says)
		}
		conn.Close()
	}
	until(t, "all of them left", func() bool { return h.Status().Totals.Connections == 0 })
	if reason := h.row(b.name).Behind.Reason; reason == "" {
		t.Error("the row does not say why")
	}
}

// TestSlowClients: who connects and says nothing does not stay. Who drips keeps the place of its own lane and no
// other, and only until its site connects again.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := simulateHQ(t, 3, nil)
		var open []net.Conn
		for n := range 2 {
			conn, err := h.dialAs(siteName(n), ship.Live, newBox(t, n).Origin().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			open = append(open, conn)
			go io.Copy(io.Discard, conn)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { // a greeting, byte by byte
			for _, c := range helloOf(siteID(1), journal.ID{5}, ship.Live) {
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Second):
				}
				if _, err := open[1].Write([]byte{c}); err != nil {
					return
				}
			}
		}()
		time.Sleep(40 * time.Second)
		if n := h.Status().Totals.Connections; n != 1 || h.row(siteName(0)).Live.Connected {
			t.Errorf("%d connections are still there, want that of who drips", n)
		}
		b := newBox(t, 1)
		b.connect(h)
		b.writes(journal.Facts, 1, 0)
		until(t, "the site's records come", func() bool { return b.there(h) })
		if n := h.Status().Totals.Connections; n != 2 {
			t.Errorf("%d connections, want the site's own two", n)
		}
		h.stop()
	})
}

// TestStorm: of many sites that come at once all are let in, who is told to wait comes in after that.
func TestStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sites = 120
		h := simulateHQ(t, sites, func(c *intake.Config) { c.Limits.PerSecond = 20 })
		began := time.Now()
		in := make(chan time.Duration, sites)
		for n := range sites {
			go func() {
				for {
					conn, err := h.dial(siteName(n), ship.Live)
					r := (*refused)(nil)
					if errors.As(err, &r) {
						if r.status != http.StatusTooManyRequests || r.after <= 0 {
							t.Errorf("refused: %v after %v", r, r.after)
						}
						time.Sleep(r.after)
						continue
					}
					if err != nil {
						t.Error(err)
					} else {
						go io.Copy(io.Discard, conn)
						t.Cleanup(func() { conn.Close() })
					}
					in <- time.Since(began)
					return
				}
			}()
		}
		var last time.Duration
		for range sites {
			last = max(last, <-in)
		}
		if last > 8*time.Second || last < 3*time.Second {
			t.Errorf("the last of %d is in after %v at 20 a second", sites, last)
		}
		h.stop()
	})
}

// TestOneSiteHammers: who connects without end is told to wait, and others are not.
func TestOneSiteHammers(t *testing.T) {
	t.Parallel()
	h := newHQ(t, 2, nil)
	turned := 0
	for range 40 {
		conn, err := h.dial(siteName(0), ship.Live)
		if r := (*refused)(nil); errors.As(err, &r) {
			turned++
			if r.status != http.StatusTooManyRequests || r.after < time.Second {
				t.Errorf("%v after %v", r, r.after)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if turned < 10 {
		t.Errorf("%d of 40 connections turned away", turned)
	}
	if row := h.row(siteName(0)); row.Refusals["too_often"] != uint64(turned) {
		t.Errorf("row %+v", row)
	}
	newBox(t, 1).connect(h)
}

// TestNoRoom: beyond the bound nobody is let in, and told when to come again.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	l := &teller{}
	h := newHQ(t, 5, func(c *intake.Config) {
		c.Limits.Connections = 3
		c.Limits.Silent = time.Nanosecond // what is known is told soon
		c.Teller = l
	})
	for n := range 5 {
		conn, err := h.dial(siteName(n), ship.Live)
		if r := (*refused)(nil); n >= 3 && (!errors.As(err, &r) || r.status != http.StatusServiceUnavailable || r.after == 0) {
			t.Errorf("connection %d: %v", n, err)
		} else if n < 3 && err != nil {
			t.Errorf("connection %d: %v", n, err)
		}
		if conn != nil {
			defer conn.Close()
		}
	}
	if n := h.Status().Totals.TurnedAway; n != 2 {
		t.Errorf("%d turned away", n)
	}
	until(t, "people are told", func() bool { return len(l.told(intake.CodeOutgrown)) == 1 })
}
