package wire_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/wire"
)

// thinConn takes its time for whatever is large.
type thinConn struct{ net.Conn }

func (c thinConn) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(len(b)) * time.Second / (16 << 10))
	return c.Conn.Write(b)
}

// TestThinLineToAWitness: a message that takes longer than Raft gives it arrives all the same at a witness, and a short one has no
// more time than before.
func TestThinLineToAWitness(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	thin := func(c *wire.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, path, local, remote string) (net.Conn, error) {
			conn, err := dial(ctx, path, local, remote)
			return thinConn{conn}, err
		}
	}
	a, w := h.add(mode.Box, thin), h.add(mode.Witness, nil)
	h.meet()
	h.run(a, w)
	h.hears(a, w)
	la, lw := a.Raft(), w.Raft()
	go echo(lw)
	c, err := la.Dial(address(w), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	const timeout = 100 * time.Millisecond
	sent := make([]byte, 8<<10) // half a second on this line
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(sent)
	got := make([]byte, len(sent))
	_ = c.SetDeadline(time.Now().Add(timeout))
	for _, part := range [][]byte{sent[:7<<10], sent[7<<10:]} {
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("it does not come back: %v", err)
	}
	began := time.Now()
	_ = c.SetDeadline(began.Add(timeout))
	if _, err := c.Write(sent[:10]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err == nil || time.Since(began) > 10*timeout {
		t.Errorf("an answer that does not come is waited for %s: %v", time.Since(began), err)
	}
}

// TestRaftMessageIsBounded: a member cannot have another keep what is more than all that can be agreed on, however well it packs.
func TestRaftMessageIsBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "lan")
	a, w := h.add(mode.Box, nil), h.add(mode.Witness, nil)
	h.meet()
	h.run(a, w)
	h.hears(a, w)
	la, lw := a.Raft(), w.Raft()
	took := make(chan int64, 1)
	go func() {
		c, err := lw.Accept()
		if err != nil {
			took <- -1
			return
		}
		n, _ := io.Copy(io.Discard, c)
		took <- n
	}()
	c, err := la.Dial(address(w), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err = c.Write(zeros); err != nil {
			break
		}
	}
	if n := <-took; n < 79<<20 || n > 81<<20 {
		t.Errorf("%d MB are taken, %v", n>>20, err)
	}
}
