package ship_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
)

// batchOf is a batch of an origin that has no store here.
func batchOf(t *testing.T, origin byte, stream journal.Stream, seq uint64, body string, uses ...journal.LayoutID) []byte {
	t.Helper()
	var c journal.Compressor
	h := journal.Header{Key: journal.Key{StreamKey: journal.StreamKey{Site: site, Origin: journal.ID{origin}, Incarnation: 5, Stream: stream}, Seq: seq},
		Turn: 1, WallMS: noon.UnixMilli(), Records: 1, Uses: uses}
	raw, err := c.AppendBatch(nil, h, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// hears waits for a frame of a kind.
func (l *liar) hears(k ship.Kind) []byte {
	l.t.Helper()
	for end := time.After(10 * time.Second); ; {
		select {
		case f, ok := <-l.got:
			if !ok {
				l.t.Fatalf("the connection ended: %v", <-l.end)
			}
			if f.kind == k {
				return f.payload
			}
		case <-end:
			l.t.Fatalf("no frame %d came", k)
		}
	}
}

// sends sends a batch.
func (l *liar) sends(raw []byte) { l.says(ship.KindBatch, item(uint64(len(raw)), raw)) }

// TestOddBatches: each batch that cannot be taken is refused alone, by number and with its reason; the
// others, also those of a later version, are held as they came.
func TestOddBatches(t *testing.T) {
	bubble(t, func(t *testing.T, b *box) {
		line := b.line()
		l := lie(t, line)
		l.greets(nil)
		layout := layouts()[3]
		refused := func(number uint64, want string) {
			t.Helper()
			payload := l.hears(ship.KindRefuse)
			n, size := binary.Uvarint(payload)
			if reason := string(payload[size:]); n != number || !strings.Contains(reason, want) {
				t.Errorf("%d was refused because %q, want %d, %q", n, reason, number, want)
			}
			if log := b.logged(); !strings.Contains(log, want) {
				t.Errorf("the log does not say %q: %s", want, log)
			}
		}
		spoiled := batchOf(t, 'y', journal.Logs, 1, "spoiled")
		spoiled[len(spoiled)-1] ^= 1
		l.sends(spoiled)
		refused(1, "checksum")
		l.sends(batchOf(t, 'y', journal.Samples, 1, "samples", layout.ID))
		refused(2, "layout missing")
		l.sends(batchOf(t, 'a', journal.Facts, 1<<40, "forged")) // an earlier incarnation's: taken
		later := batchOf(t, 'y', journal.Logs, 2, "of another time")
		later[3] = 9
		binary.BigEndian.PutUint32(later[len(later)-4:], crc32.Checksum(later[:len(later)-4], crc32.MakeTable(crc32.Castagnoli)))
		l.sends(later)
		l.says(ship.KindLayout, append(layout.ID[:], item(uint64(len(layout.Bytes)), layout.Bytes)...))
		l.sends(batchOf(t, 'y', journal.Samples, 1, "samples", layout.ID))
		l.sends(batchOf(t, 'y', journal.Samples, 2, "samples", layout.ID))
		time.Sleep(time.Second)
		synctest.Wait()
		if p := line.Progress(); p.Received != 4 || p.Refused != 2 || p.Repeated != 0 || !p.Connected {
			t.Errorf("%+v", p)
		}
		if got := b.Content()[journal.Key{StreamKey: journal.StreamKey{Site: site, Origin: journal.ID{'y'}, Incarnation: 5, Stream: journal.Logs}, Seq: 2}]; got != string(later) {
			t.Error("a batch of a later version is not held as it came")
		}
		l.sends(batchOf(t, 'y', journal.Samples, 2, "other samples", layout.ID))
		if note := string(l.hears(ship.KindNote)); !strings.Contains(note, "1 batches") {
			t.Errorf("told %q", note)
		}
		if p := line.Progress(); p.Conflicts != 1 || p.Repeated != 1 {
			t.Errorf("%+v", p)
		}
	})
}

// TestLargeBatches: what is larger than a frame and than the window goes alone and in parts.
func TestLargeBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 6))
		a, b := newBox(t, r, 'a'), newBox(t, r, 'b')
		la, lb := a.line(), b.line()
		a.writes(20)
		for _, size := range []int{3 << 20, 100 << 10, 5 << 20} {
			body := make([]byte, size)
			for i := range body {
				body[i] = byte(r.Uint32())
			}
			if _, err := a.Store.Write(context.Background(), journal.Logs, noon.UnixMilli(), journal.Lone, body, 1); err != nil {
				t.Fatal(err)
			}
		}
		a.writes(20)
		cut := connect(la, lb, nil)
		settle(t, la, lb)
		same(t, a, b)
		cut()
	})
}

// TestLiveBeforeBehind: while much is behind, what is new is there within a second.
func TestLiveBeforeBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 8))
		a, b := newBox(t, r, 'a'), newBox(t, r, 'b')
		var quick atomic.Bool
		b.Fsync = func(context.Context) error {
			if !quick.Load() {
				time.Sleep(400 * time.Millisecond)
			}
			return nil
		}
		body := make([]byte, 100<<10)
		for i := range body {
			body[i] = byte(r.Uint32())
		}
		for range 200 { // 20 MB
			if _, err := a.Store.Write(context.Background(), journal.Samples, noon.UnixMilli(), journal.Lone, body, 1); err != nil {
				t.Fatal(err)
			}
		}
		la, lb := a.line(), b.line()
		cut := connect(la, lb, nil)
		time.Sleep(1500 * time.Millisecond)
		for range 5 {
			k, err := a.Store.Write(context.Background(), journal.Facts, noon.UnixMilli(), journal.Lone, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if !b.Held().Has(k.StreamKey, k.Seq) {
				t.Errorf("%s is not there after a second", k)
			}
			if p := la.Progress(); p.CaughtUp || p.PeerLacks.Batches == 0 || p.PeerLacks.Oldest.IsZero() {
				t.Errorf("nothing is behind: %+v", p)
			}
		}
		if p := lb.Progress(); p.Lacks.Batches == 0 || p.Rate == 0 {
			t.Errorf("the other end: %+v", p)
		}
		quick.Store(true)
		settle(t, la, lb)
		same(t, a, b)
		cut()
	})
}
