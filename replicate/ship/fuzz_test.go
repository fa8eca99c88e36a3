package ship_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rackpost/hw/journal"
	"rackpost/replicate/ship"
	"rackpost/replicate/ship/shiptest"
)

// TestFrames: what is written is read, whatever comes in pieces.
func TestFrames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kinds := rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "kinds")
		var payloads [][]byte
		var stream, buf []byte
		for _, k := range kinds {
			p := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
			payloads = append(payloads, p)
			stream = ship.AppendFrame(stream, ship.Kind(k), p)
		}
		r := bytes.NewReader(stream)
		for i, want := range payloads {
			k, p, err := ship.ReadFrame(r, &buf)
			if err != nil || byte(k) != kinds[i] || !bytes.Equal(p, want) {
				t.Fatalf("frame %d: %d %x, %v", i, k, p, err)
			}
		}
		cut := stream[:rapid.IntRange(0, len(stream)-1).Draw(t, "cut")]
		for r := bytes.NewReader(cut); ; {
			if _, _, err := ship.ReadFrame(r, &buf); err == nil {
				continue
			} else if err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Fatal(err)
			}
			break
		}
	})
}

// TestVectorParts: any vector goes in pieces that fit, and comes together again.
func TestVectorParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := journal.Vector{}
		for i := range rapid.IntRange(0, 40).Draw(t, "keys") {
			k := journal.StreamKey{Site: site, Incarnation: journal.Incarnation(i + 1), Stream: journal.Stream(1 + i%3)}
			at := rapid.Uint64Range(1, journal.MaxSeq/2).Draw(t, "at")
			for range rapid.IntRange(1, 2000).Draw(t, "intervals") {
				v.Add(k, at, at+1)
				at += 4
			}
		}
		got := journal.Vector{}
		for _, p := range ship.VectorParts(v) {
			if len(p)+16 > ship.MaxFrame {
				t.Fatalf("a piece of %d bytes", len(p))
			}
			part, err := journal.UnmarshalVector(p)
			if err != nil {
				t.Fatal(err)
			}
			got.Join(part)
		}
		if !got.Equal(v) {
			t.Fatal("the pieces are another vector")
		}
	})
}

// FuzzPayload: no payload makes a decoder panic.
func FuzzPayload(f *testing.F) {
	f.Add(byte(ship.KindHello), ship.Hello(1, 1, site, journal.ID{2}, 1<<20))
	f.Add(byte(ship.KindAnswer), ship.AnswerBytes(3, journal.Vector{{Site: site, Incarnation: 1, Stream: 1}: {{First: 1, Last: 2}}}))
	f.Add(byte(ship.KindRefuse), ship.RefuseBytes(3, "no"))
	f.Add(byte(ship.KindPing), []byte{1, 2, 3, 4})
	f.Add(byte(ship.KindAsk), make([]byte, 48))
	f.Add(byte(ship.KindPace), ship.PaceBytes(ship.Pace{Paused: true, BytesPerSecond: 1000, Why: "maintenance"}))
	f.Fuzz(func(_ *testing.T, k byte, b []byte) { _ = ship.Parse(ship.Kind(k), b) })
}

// FuzzSession: whatever a peer says after a greeting, the session ends, and the store stands.
func FuzzSession(f *testing.F) {
	greeting := ship.AppendFrame(nil, ship.KindHello, ship.Hello(1, 1, site, journal.ID{'z'}, 1<<20))
	greeting = ship.AppendFrame(greeting, ship.KindHeld, append([]byte{0}, journal.Vector{}.Marshal()...))
	f.Add([]byte{byte(ship.KindBatch), 3, 2, 'R', 'P'})
	f.Add([]byte{byte(ship.KindAnswer), 1, 0, byte(ship.KindAgain), 0, byte(ship.KindBye), 1, 'x'})
	f.Fuzz(func(t *testing.T, script []byte) {
		store := shiptest.New(site, journal.ID{'a'}, 1)
		line := ship.New(store, ship.Options{Site: site, Origin: store.Origin(), Logger: slog.New(slog.DiscardHandler), Share: 1})
		x, y := net.Pipe()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- line.Run(ctx, x) }()
		go func() { _, _ = io.Copy(io.Discard, y) }()
		stream := slices.Clone(greeting)
		for len(script) > 1 { // kind, length, payload
			n := min(int(script[1]), len(script)-2)
			stream = ship.AppendFrame(stream, ship.Kind(script[0]), script[2:2+n])
			script = script[2+n:]
		}
		_, _ = y.Write(stream)
		y.Close()
		if err := <-ended; err == nil {
			t.Error("a session ended without a reason")
		}
		if n := store.Held().Count(); n > 0 {
			t.Errorf("%d batches came out of nothing", n)
		}
	})
}
