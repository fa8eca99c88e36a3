package matrix_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rackpost/replicate/enroll"
)

// Where headquarters and who stands in its place listen when a relay is in front of them.
const (
	behindRelay = "127.0.0.1:8443"
	forgetfulAt = "127.0.0.1:8444"
)

// relay stands where the boxes call headquarters, and hands on what comes, or not.
type relay struct {
	p  *pair
	mu sync.Mutex

	target string
	delay  time.Duration // of each direction
	random *rand.Rand    // not nil: connections end after some bytes
	conns  map[net.Conn]bool
}

// relays starts one, until the test ends.
func (p *pair) relays() *relay {
	p.t.Helper()
	r := &relay{p: p, target: behindRelay, conns: map[net.Conn]bool{}}
	ln := p.listenAt(hqAddress + ":443")
	var tasks sync.WaitGroup
	p.t.Cleanup(func() {
		_ = ln.Close()
		r.set(func() {})
		tasks.Wait()
	})
	tasks.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() { r.carry(c) })
		}
	})
	return r
}

// listenAt listens on headquarters' host.
func (p *pair) listenAt(address string) (ln net.Listener) {
	p.t.Helper()
	err := p.net.Host(office).Within(func() (err error) {
		ln, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return ln
}

// set changes how the relay is, and ends all connections.
func (r *relay) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) to(target string)      { r.set(func() { r.target = target }) }
func (r *relay) holds(d time.Duration) { r.set(func() { r.delay = d }) }
func (r *relay) breaks(random *rand.Rand) {
	r.set(func() { r.random = random })
}

func (r *relay) honest() { r.set(func() { r.target, r.delay, r.random = behindRelay, 0, nil }) }

// carry takes one connection to where it is to go.
func (r *relay) carry(c net.Conn) {
	defer c.Close()
	r.mu.Lock()
	target, delay, most := r.target, r.delay, int64(1<<62)
	if r.random != nil {
		most = 500 + r.random.Int64N(20_000)
	}
	r.conns[c] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.conns, c)
	}()
	var far net.Conn
	err := r.p.net.Host(office).Within(func() (err error) {
		far, err = new(net.Dialer).DialContext(context.Background(), "tcp", target)
		return err
	})
	if err != nil {
		return // it does not listen
	}
	defer far.Close()
	var ways sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{far, c}, {c, far}} {
		ways.Go(func() {
			carryLate(way.to, io.LimitReader(way.from, most), delay)
			_ = way.to.Close()
			_ = way.from.Close()
		})
	}
	ways.Wait()
}

// carryLate writes what is read so much later.
func carryLate(to io.Writer, from io.Reader, delay time.Duration) {
	type piece struct {
		bytes []byte
		at    time.Time
	}
	queue := make(chan piece, 4096)
	var writer sync.WaitGroup
	writer.Go(func() {
		for x := range queue {
			time.Sleep(time.Until(x.at))
			_, _ = to.Write(x.bytes) // an end is seen by who reads
		}
	})
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		if n > 0 {
			queue <- piece{b[:n], time.Now().Add(delay)}
		}
		if err != nil {
			break
		}
	}
	close(queue)
	writer.Wait()
}

// liar serves with headquarters' own key, but does something else, until the test ends. It returns where.
func (p *pair) liar(lie http.HandlerFunc) string {
	p.t.Helper()
	dir := filepath.Join(p.t.TempDir(), "hq")
	copyFolder(p.t, dir, filepath.Join(p.hq.data(), "hq"))
	registry, err := enroll.Open(enroll.Config{Folder: dir, Names: []string{hqAddress}, URLs: []string{"https://" + hqAddress}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	ln := p.listenAt("127.0.0.1:0")
	s := &http.Server{Handler: lie, TLSConfig: registry.TLS(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.ServeTLS(ln, "", "") })
	p.t.Cleanup(func() {
		_ = s.Close()
		serving.Wait()
	})
	return ln.Addr().String()
}

func answers500(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "the database is away", http.StatusInternalServerError)
}

// promises gives a lane what it asks for; then the connection is its own.
func promises(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rackpost-ship/1\r\n\r\n")
	return c
}

func closesInMidBody(w http.ResponseWriter, _ *http.Request) {
	c := promises(w)
	if c == nil {
		return
	}
	_, _ = c.Write(make([]byte, 40)) // a frame that is none, and half of the next
	_ = c.Close()
}

func swallows(w http.ResponseWriter, _ *http.Request) {
	c := promises(w)
	if c == nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
}

// forgetful is a headquarters with the key of the real one, whose journal nobody keeps.
func (p *pair) forgetful() *member {
	p.t.Helper()
	m := &member{pair: p, name: office, dir: filepath.Join(p.dir, "forgetful")}
	m.configure(forgetfulAt)
	if err := os.MkdirAll(m.data(), 0o750); err != nil {
		p.t.Fatal(err)
	}
	copyFolder(p.t, filepath.Join(m.data(), "hq"), filepath.Join(p.hq.data(), "hq"))
	return m
}
