package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"rackpost/replicate/link"
)

const (
	gone        = 20 * time.Second       // after it the kernel gives a connection up that nobody acknowledges
	nextAddress = 250 * time.Millisecond // after it the next address of a name is called too
	mostPlaces  = 4                      // addresses of a name that are called
	nameGrace   = 300 * time.Millisecond // for a name whose addresses are known from before
	nameLife    = 5 * time.Second        // of one question
)

// Dial opens a connection over the way to HOST:PORT.
func (w Way) Dial(ctx context.Context, links Links, address string) (net.Conn, error) {
	d := newDialer()
	defer d.close()
	return d.dial(ctx, w, links, address)
}

// dialer remembers the addresses of names: while a line is cut nobody tells them.
type dialer struct {
	end  context.CancelFunc
	life context.Context // of the questions, which outlive those who ask
	wg   sync.WaitGroup

	mu    sync.Mutex
	names map[string][]netip.Addr
	asked map[string]chan struct{} // questions under way, closed at their end
}

func newDialer() *dialer {
	d := &dialer{names: map[string][]netip.Addr{}, asked: map[string]chan struct{}{}}
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// close ends the questions under way, and returns when they have ended.
func (d *dialer) close() {
	d.end()
	d.wg.Wait()
}

func (d *dialer) dial(ctx context.Context, w Way, links Links, address string) (net.Conn, error) {
	proxy, err := w.proxy()
	if err != nil {
		return nil, err
	}
	first := address
	if proxy != nil {
		first = proxyAddress(proxy)
	}
	host, port, err := net.SplitHostPort(first)
	if err != nil {
		return nil, err
	}
	places, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	conn, err := call(ctx, w.bind(links), places, port)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return conn, nil
	}
	if err := connect(ctx, conn, proxy, address); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return proxied{conn}, nil
}

// proxied is a connection of which the kernel knows only whether the proxy acknowledges.
type proxied struct{ net.Conn }

// call calls the addresses one after the other, without waiting for the end of the one before.
func call(ctx context.Context, bind control, places []netip.Addr, port string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(places))
	start := func(a netip.Addr) {
		go func() {
			dialer := net.Dialer{ControlContext: bind.on(a), KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 2}}
			c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), port))
			results <- result{c, err}
		}()
	}
	var errs []error
	next := time.NewTimer(0)
	defer next.Stop()
	begun := 0
	for done := 0; done < len(places); {
		select {
		case <-next.C:
			if begun < len(places) {
				start(places[begun])
				begun++
				next.Reset(nextAddress)
			}
		case r := <-results:
			done++
			if r.err == nil {
				cancel()
				for range begun - done { // the others end at once
					if late := <-results; late.conn != nil {
						_ = late.conn.Close()
					}
				}
				return r.conn, nil
			}
			errs = append(errs, r.err)
			next.Reset(0)
		}
	}
	return nil, errs[0]
}

// control prepares a socket before it calls.
type control struct {
	name string // of the interface; empty: any
	link link.Link
	err  error
}

// bind returns how the sockets of a way are prepared.
func (w Way) bind(links Links) control {
	b := control{name: w.Interface}
	if w.Interface == "" || links == nil {
		return b
	}
	if all, known := links.Links(); known {
		i := slices.IndexFunc(all, func(l link.Link) bool { return l.Name == w.Interface })
		if i < 0 {
			b.err = fmt.Errorf("this box has no interface %s: \"ip link\" shows those it has", w.Interface)
			return b
		}
		b.link = all[i]
	}
	return b
}

// on returns the function that ties a socket to the interface, or, where that is not allowed, to its address.
func (b control) on(to netip.Addr) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, _ string, c syscall.RawConn) error {
		if b.err != nil {
			return b.err
		}
		var err error
		outer := c.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(gone.Milliseconds()))
			if b.name == "" {
				return
			}
			if err = unix.BindToDevice(int(fd), b.name); errors.Is(err, unix.EPERM) {
				err = b.source(int(fd), to)
			}
			if err != nil {
				err = fmt.Errorf("send from interface %s: %w", b.name, err)
			}
		})
		return errors.Join(outer, err)
	}
}

// source ties a socket to the address of the interface that is of the same kind as the one to be called.
func (b control) source(fd int, to netip.Addr) error {
	for _, p := range b.link.Addresses {
		switch a := p.Addr().Unmap(); {
		case a.Is4() != to.Unmap().Is4() || a.IsLinkLocalUnicast():
		case a.Is4():
			return unix.Bind(fd, &unix.SockaddrInet4{Addr: a.As4()})
		default:
			return unix.Bind(fd, &unix.SockaddrInet6{Addr: a.As16()})
		}
	}
	return errors.New("it has no address, and the system does not let this box bind to it by name")
}

// lookup returns the addresses of a name. Those known from before do, when the answer takes long.
func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	d.mu.Lock()
	known, asked := d.names[host], d.ask(host)
	d.mu.Unlock()
	grace := make(<-chan time.Time)
	if len(known) > 0 {
		t := time.NewTimer(nameGrace)
		defer t.Stop()
		grace = t.C
	}
	select {
	case <-asked:
	case <-grace:
		return known, nil
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known = d.names[host]; len(known) == 0 {
		return nil, fmt.Errorf("the name %s has no address, or nobody tells it: see the DNS servers of this box", host)
	}
	return known, nil
}

// ask asks for a name unless that is under way. The caller holds mu. The question ends by itself, at the
// latest after nameLife.
func (d *dialer) ask(host string) <-chan struct{} {
	if ch, ok := d.asked[host]; ok {
		return ch
	}
	ch := make(chan struct{})
	d.asked[host] = ch
	d.wg.Go(func() {
		ctx, cancel := context.WithTimeout(d.life, nameLife)
		defer cancel()
		all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		d.mu.Lock()
		defer d.mu.Unlock()
		if err == nil && len(all) > 0 {
			for i := range all {
				all[i] = all[i].Unmap()
			}
			d.names[host] = all[:min(len(all), mostPlaces)]
		}
		delete(d.asked, host)
		close(ch)
	})
	return ch
}
