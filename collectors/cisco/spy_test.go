package cisco_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gosnmp/gosnmp"
)

// spy stands between a collector and a device: it notes what is asked, and may hold back
// the requests for a subtree.
type spy struct {
	conn *net.UDPConn // the collector's side

	mu     sync.Mutex
	asked  map[string]int // requests by OID
	under  string         // requests that ask below it are late, or lost
	late   time.Duration  // by how much; 0 is for ever
	caught int            // requests held back
}

// watched has a visitor speak to its device through a spy from now on.
func (v *visitor) watched() *spy {
	v.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		v.Fatal(err)
	}
	s := &spy{conn: conn, asked: map[string]int{}}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.run(ctx, v.server.addr) })
	v.Cleanup(func() { cancel(); _ = conn.Close(); done.Wait() })
	v.target.Device.Address = conn.LocalAddr().String()
	v.open()
	return s
}

// run passes requests on until the socket is closed; every one has a socket of its own.
func (s *spy) run(ctx context.Context, device netip.AddrPort) {
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		packet := make([]byte, 16<<10)
		n, from, err := s.conn.ReadFromUDPAddrPort(packet)
		if err != nil {
			return
		}
		asking.Go(func() {
			if s.pass(ctx, packet[:n]) {
				s.exchange(ctx, packet[:n], from, device)
			}
		})
	}
}

// pass notes a request, and reports whether it may be answered.
func (s *spy) pass(ctx context.Context, packet []byte) bool {
	q, err := gosnmp.Default.SnmpDecodePacket(packet)
	if err != nil {
		return true
	}
	s.mu.Lock()
	held, late := false, s.late
	for _, x := range q.Variables {
		oid := strings.TrimPrefix(x.Name, ".")
		s.asked[oid]++
		held = held || s.under != "" && strings.HasPrefix(oid+".", s.under+".")
	}
	if held {
		s.caught++
	}
	s.mu.Unlock()
	if !held {
		return true
	}
	if late > 0 {
		select {
		case <-time.After(late):
			return true
		case <-ctx.Done():
		}
	}
	return false
}

func (s *spy) exchange(ctx context.Context, packet []byte, from, device netip.AddrPort) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(device))
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(packet); err != nil {
		return
	}
	answer := make([]byte, 64<<10)
	if n, err := conn.Read(answer); err == nil {
		_, _ = s.conn.WriteToUDPAddrPort(answer[:n], from)
	}
}

// hold holds back what asks below an OID; "" is nothing.
func (s *spy) hold(under string, late time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under, s.late, s.caught = under, late, 0
}

// below returns how often something below an OID, or the OID itself, was asked.
func (s *spy) below(oid string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for o, times := range s.asked {
		if o == oid || strings.HasPrefix(o, oid+".") {
			n += times
		}
	}
	return n
}

// exactly returns how often an OID itself was asked.
func (s *spy) exactly(oid string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[oid]
}

// held returns how many requests were held back.
func (s *spy) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caught
}
