package uplink

import (
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pulse is a connection that knows whether what is sent over it arrives. Where the kernel knows whether
// headquarters' own machine acknowledges, that counts, so that one that is busy is not taken for a line that
// is cut. Through a proxy only a word of headquarters does; both ends of a lane say something every 5 s, and
// may be busy for a while.
type pulse struct {
	net.Conn
	raw      syscall.RawConn // nil: the kernel does not tell
	patience time.Duration   // then

	mu    sync.Mutex
	heard time.Time // the last word, or acknowledgement
	asked time.Time // what was written first since; zero: nothing waits
	acked uint64
}

func newPulse(c net.Conn, patience time.Duration) *pulse {
	p := &pulse{Conn: c, heard: time.Now(), patience: patience}
	if tcp, ok := c.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			p.raw = raw
		}
	}
	return p
}

// Read notes that headquarters spoke.
func (p *pulse) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 {
		p.mu.Lock()
		p.heard, p.asked = time.Now(), time.Time{}
		p.mu.Unlock()
	}
	return n, err
}

// Write notes that something waits.
func (p *pulse) Write(b []byte) (int, error) {
	p.mu.Lock()
	if p.asked.IsZero() {
		p.asked = time.Now()
	}
	p.mu.Unlock()
	return p.Conn.Write(b)
}

// look returns when headquarters was last heard, and since when something waits for it; zero: nothing does.
func (p *pulse) look(now time.Time) (heard, waiting time.Time) {
	if p.raw != nil {
		p.ask(now)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting = p.asked
	if p.raw == nil && !waiting.IsZero() {
		if waiting = waiting.Add(p.patience); waiting.After(now) {
			waiting = time.Time{}
		}
	}
	return p.heard, waiting
}

// ask asks the kernel what was acknowledged.
func (p *pulse) ask(now time.Time) {
	var info *unix.TCPInfo
	err := p.raw.Control(func(fd uintptr) {
		info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err != nil || info == nil {
		return // it is closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if info.Bytes_acked > p.acked {
		p.acked, p.heard = info.Bytes_acked, now
		if !p.asked.IsZero() {
			p.asked = now
		}
	}
	if info.Unacked == 0 {
		p.asked = time.Time{}
	}
}

// quiet returns for how long something has waited.
func (p *pulse) quiet(now time.Time) time.Duration {
	if _, waiting := p.look(now); !waiting.IsZero() {
		return now.Sub(waiting)
	}
	return 0
}
