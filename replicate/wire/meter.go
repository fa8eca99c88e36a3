package wire

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"rackpost/replicate/mode"
)

// Traffic is what went over the connections of one kind with one member, TLS and its handshakes
// included, TCP and IP not: those are about 52 bytes for each write, each read and each
// acknowledgement that travels alone.
type Traffic struct {
	Node        mode.NodeID
	Protocol    string
	Connections uint64 // that came to be
	BytesIn     uint64
	BytesOut    uint64
	Reads       uint64
	Writes      uint64
}

type tally struct{ connections, bytesIn, bytesOut, reads, writes atomic.Uint64 }

func (t *tally) add(in, out, reads, writes uint64) {
	t.bytesIn.Add(in)
	t.bytesOut.Add(out)
	t.reads.Add(reads)
	t.writes.Add(writes)
}

type tallyKey struct {
	node  mode.NodeID
	proto string
}

// books are the tallies of every member and protocol.
type books struct {
	mu sync.Mutex
	of map[tallyKey]*tally
}

func (b *books) open(node mode.NodeID, proto string) *tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := tallyKey{node, proto}
	t := b.of[key]
	if t == nil {
		if b.of == nil {
			b.of = map[tallyKey]*tally{}
		}
		t = new(tally)
		b.of[key] = t
	}
	return t
}

func (b *books) drop(node mode.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.of {
		if key.node == node {
			delete(b.of, key)
		}
	}
}

func (b *books) list() []Traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Traffic
	for key, t := range b.of {
		list = append(list, Traffic{key.node, key.proto, t.connections.Load(), t.bytesIn.Load(), t.bytesOut.Load(), t.reads.Load(), t.writes.Load()})
	}
	slices.SortFunc(list, func(a, b Traffic) int {
		return cmp.Or(slices.Compare(a.Node[:], b.Node[:]), cmp.Compare(a.Protocol, b.Protocol))
	})
	return list
}

// mostUnproven is how many bytes a caller may send before its hello was welcome.
const mostUnproven = 32 << 10

var errTooMuch = errors.New("more bytes than a handshake has")

// meter counts the bytes of a connection, and bounds them until it is proven.
type meter struct {
	net.Conn
	own    tally
	tally  atomic.Pointer[tally]
	proven atomic.Bool
	more   atomic.Uint64 // bytes beyond those of a handshake
}

func (m *meter) Read(b []byte) (int, error) {
	if !m.proven.Load() && m.own.bytesIn.Load() >= mostUnproven+m.more.Load() {
		return 0, errTooMuch
	}
	n, err := m.Conn.Read(b)
	if n > 0 {
		m.count(uint64(n), 0, 1, 0)
	}
	return n, err
}

func (m *meter) Write(b []byte) (int, error) {
	n, err := m.Conn.Write(b)
	m.count(0, uint64(n), 0, 1)
	return n, err
}

func (m *meter) count(in, out, reads, writes uint64) {
	m.own.add(in, out, reads, writes)
	if t := m.tally.Load(); t != nil {
		t.add(in, out, reads, writes)
	}
}

// allow lets a caller who stays unproven send n bytes more, and what TLS adds to them.
func (m *meter) allow(n uint64) { m.more.Store(n + n/8) }

// prove lifts the bound and counts for t from now on, and what came before. Nobody else uses the
// connection yet.
func (m *meter) prove(t *tally) {
	t.connections.Add(1)
	t.add(m.own.bytesIn.Load(), m.own.bytesOut.Load(), m.own.reads.Load(), m.own.writes.Load())
	m.tally.Store(t)
	m.proven.Store(true)
}
