package clustertest

import (
	"net"
	"sync"
	"time"
)

const (
	resend    = 200 * time.Millisecond // until what was lost is sent again; doubled each time
	resendFor = 6 * time.Second        // and after this the connection is given up
	chunk     = 16 << 10
)

// streams returns the two ends of a connection between members over one path. What is lost is sent again, later; order is
// kept; a cut that lasts breaks it.
func (w *World) streams(a, b int, by path) (net.Conn, net.Conn) {
	mine, near := net.Pipe()
	far, yours := net.Pipe()
	var once sync.Once
	broken := make(chan struct{})
	end := func() { once.Do(func() { close(broken); _ = near.Close(); _ = far.Close() }) }
	w.loose.Go(func() { w.pump(far, near, a, b, by, broken); end() })
	w.loose.Go(func() { w.pump(near, far, b, a, by, broken); end() })
	return mine, yours
}

// pump carries bytes one way until an end is closed or the way is cut for long.
func (w *World) pump(to, from net.Conn, src, dst int, by path, broken <-chan struct{}) {
	type piece struct {
		data []byte
		at   time.Time
	}
	queue := make(chan piece, 1024)
	defer close(queue)
	w.loose.Go(func() {
		for p := range queue {
			if !pause(time.Until(p.at), broken) || !w.resent(src, dst, by, broken) {
				_ = from.Close()
				_ = to.Close()
				continue
			}
			if _, err := to.Write(p.data); err != nil {
				_ = from.Close()
			}
		}
	})
	for {
		buf := make([]byte, chunk)
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		late, _ := w.net.trip(src, dst, by)
		select {
		case queue <- piece{buf[:n], time.Now().Add(late)}:
		case <-broken:
			return
		}
	}
}

// resent waits until a message gets through, false when that takes too long.
func (w *World) resent(src, dst int, by path, broken <-chan struct{}) bool {
	wait := resend
	for began := time.Now(); time.Since(began) < resendFor; wait *= 2 {
		if _, ok := w.net.trip(src, dst, by); ok && w.net.open(src, dst, by) {
			return true
		}
		if !pause(wait, broken) {
			return false
		}
	}
	return false
}

// pause waits, false when the end comes before.
func pause(d time.Duration, end <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-end:
		return false
	}
}
