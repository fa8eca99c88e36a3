package ship

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"time"
)

// kind says what a frame holds. A number is never reused; a reader passes over those it does not know.
type kind byte

// The kinds. Layouts, batches and bases may be larger than a frame: parts follow, and nothing but
// frames of other kinds than these between them.
const (
	kindHello  kind = 1
	kindHeld   kind = 2
	kindLayout kind = 3
	kindBatch  kind = 4
	kindAnswer kind = 5
	kindRefuse kind = 6
	kindPing   kind = 7
	kindOffer  kind = 8
	kindAsk    kind = 9
	kindBase   kind = 10
	kindAgain  kind = 11
	kindNote   kind = 12
	kindBye    kind = 13
	kindPart   kind = 14
	kindPace   kind = 15
)

// A frame is the length of its payload (4 bytes), the CRC-32C of kind and payload, the kind, the
// payload. Integers are big-endian.
const (
	headSize = 9
	maxFrame = 64 << 10 // of the payload
)

// errBroken is in every error about bytes that no end of this protocol sends.
var errBroken = errors.New("not what this protocol sends")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errBroken, fmt.Sprintf(format, args...))
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// appendFrame writes a frame whose payload is the pieces.
func appendFrame(dst []byte, k kind, pieces ...[]byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, byte(k))
	for _, p := range pieces {
		dst = append(dst, p...)
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-headSize))
	binary.BigEndian.PutUint32(dst[start+4:], crc32.Checksum(dst[start+headSize-1:], castagnoli()))
	return dst
}

// readFrame reads a frame. The payload is in buf, which it may make larger, up to maxFrame.
func readFrame(r io.Reader, buf *[]byte) (kind, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return 0, nil, broken("a frame of %d bytes", n)
	}
	if uint32(cap(*buf)) < n {
		*buf = make([]byte, n)
	}
	payload := (*buf)[:n]
	if _, err := io.ReadFull(r, payload); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	sum := crc32.Update(crc32.Checksum(head[headSize-1:], castagnoli()), castagnoli(), payload)
	if sum != binary.BigEndian.Uint32(head[4:]) {
		return 0, nil, broken("the checksum of a frame does not fit")
	}
	return kind(head[headSize-1]), payload, nil
}

// writer puts frames on a connection, from several goroutines, each frame in one piece.
type writer struct {
	ctx     context.Context // of the session: when it ends, so do writes, within a second
	conn    net.Conn
	timeout time.Duration

	turn chan struct{} // a lock that may be held while time passes, in a simulation too
	buf  []byte        // frames that wait
	err  error

	mu    sync.Mutex
	bytes uint64
	last  time.Time
}

func newWriter(ctx context.Context, conn net.Conn, timeout time.Duration) *writer {
	return &writer{ctx: ctx, conn: conn, timeout: timeout, turn: make(chan struct{}, 1), last: time.Now()}
}

// partingTime is how long a session that ends still tries to say why.
const partingTime = time.Second

// put writes a frame, and sends all that waits when flush is set.
func (w *writer) put(flush bool, k kind, pieces ...[]byte) error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.err != nil {
		return w.err
	}
	if err := w.ctx.Err(); err != nil {
		return err // no byte of this frame went out: what is said last can still be read
	}
	w.err = w.write(w.timeout, flush, k, pieces...)
	return w.err
}

// What waits is sent when it is so much, and no more memory than this is kept while nothing waits.
const (
	enoughToSend = 16 << 10
	keptBuffer   = 1 << 10
)

// write writes a frame, within the time given when it is sent. The caller holds turn.
func (w *writer) write(timeout time.Duration, flush bool, k kind, pieces ...[]byte) error {
	before := len(w.buf)
	w.buf = appendFrame(w.buf, k, pieces...)
	w.mu.Lock()
	w.bytes += uint64(len(w.buf) - before)
	w.mu.Unlock()
	if !flush && len(w.buf) < enoughToSend {
		return nil
	}
	return w.send(timeout)
}

// piece is how much is written within the time given: a large frame on a thin line takes longer.
const piece = 16 << 10

// send writes what waits, each piece within the time given, and all of it within partingTime once the session ends. The caller
// holds turn.
func (w *writer) send(timeout time.Duration) (err error) {
	var end time.Time
	for rest := w.buf; len(rest) > 0 && err == nil; {
		n := min(piece, len(rest))
		if err = w.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			break
		}
		if w.ctx.Err() != nil { // perhaps it came between
			if end.IsZero() {
				end = time.Now().Add(min(timeout, partingTime))
			}
			_ = w.conn.SetWriteDeadline(end)
		}
		_, err = w.conn.Write(rest[:n])
		rest = rest[n:]
	}
	if w.buf = w.buf[:0]; cap(w.buf) > keptBuffer {
		w.buf = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
	return err
}

// flush sends what waits.
func (w *writer) flush() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.err == nil && len(w.buf) > 0 {
		w.err = w.send(w.timeout)
	}
	return w.err
}

// part says why the session ends, if the peer can still be told. No frame follows.
func (w *writer) part(reason string) {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.err == nil {
		w.err = w.write(partingTime, true, kindBye, []byte(short(reason)))
	}
	if w.err == nil {
		w.err = net.ErrClosed
	}
}

// idle returns how long ago the last frame was written.
func (w *writer) idle() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.last)
}

func (w *writer) written() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}
