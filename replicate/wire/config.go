package wire

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"rackpost/replicate/mode"
)

// What a connection is for, as ALPN names it.
const (
	Raft    = "rackpost-raft/1"
	Journal = "rackpost-journal/1"
	Health  = "rackpost-health/1"
	Control = "rackpost-control/1"
	Join    = "rackpost-join/1"
)

// Bounds of what a configuration may ask for.
const (
	leastBody   = 64 << 10
	mostBody    = 8 << 20
	mostPaths   = 8
	mostPeers   = 16
	mostVersion = 64
)

// Trust is who may be at the other end. Its configurations check the cluster's CA and, of a
// server, that it is the member that was meant.
type Trust interface {
	// Server is for connections others make. It asks for no client certificate when protos is Join
	// alone, and demands one otherwise.
	Server(protos []string) *tls.Config
	// Client is for a connection to a member.
	Client(node mode.NodeID, proto string) *tls.Config
	// Who is at the other end by the certificate that was verified.
	Who(tls.ConnectionState) (mode.NodeID, mode.Role, error)
}

// Path is one way to a member, such as the rack's network or the direct cable between the boxes.
// The same way has the same name at both ends.
type Path struct {
	Name    string
	Address string // host:port
}

// Peer is another member: who may connect, and where it is found. One without paths may connect
// and is not called.
type Peer struct {
	Node  mode.NodeID
	Name  string // for people
	Role  mode.Role
	Paths []Path // best first
}

// Protocols is the range of protocol versions a member speaks.
type Protocols struct{ Oldest, Newest uint16 }

// Config is what a Wire is made of. What is 0 or nil has the value named beside it.
type Config struct {
	Cluster   [16]byte // a UUID; another cluster's members are refused
	Node      mode.NodeID
	Role      mode.Role
	Paths     []Path // where this member listens, best first; calls of a path come from its address
	Trust     Trust
	Version   string    // of the program, told in the hello; at most 64 bytes
	Protocols Protocols // 1 to 1
	Feature   uint32    // level of what this program can do, told in the hello

	Memory map[mode.NodeID]Memory // what Memory returned in an earlier run

	PingBox     time.Duration // between two pings to a box on one path; 200 ms
	PingWitness time.Duration // to a witness; 1 s
	Handshake   time.Duration // a caller has so long for TLS and the hello; 3 s
	Request     time.Duration // a request and its answer have so long; 5 s
	MaxBody     int           // bytes of a request or an answer, 64 KB to 8 MB; 1 MB

	Dial   func(ctx context.Context, path, local, remote string) (net.Conn, error) // TCP; local is "" when any will do
	Listen func(ctx context.Context, path, address string) (net.Listener, error)   // TCP

	Logger *slog.Logger // none
}

func (c *Config) check() error {
	switch {
	case c.Cluster == [16]byte{}, c.Node == mode.NodeID{}, c.Role == mode.RoleUnknown:
		return fmt.Errorf("wire needs a cluster, a node and its role")
	case c.Trust == nil:
		return fmt.Errorf("wire needs to know whom to trust")
	case len(c.Paths) == 0 || len(c.Paths) > mostPaths:
		return fmt.Errorf("wire has %d paths: give it 1 to %d", len(c.Paths), mostPaths)
	case len(c.Version) > mostVersion:
		return fmt.Errorf("wire: the version %.80q is longer than %d bytes", c.Version, mostVersion)
	case c.MaxBody != 0 && (c.MaxBody < leastBody || c.MaxBody > mostBody):
		return fmt.Errorf("wire: a request of %d bytes: between %d and %d can be allowed", c.MaxBody, leastBody, mostBody)
	case c.Protocols.Oldest > c.Protocols.Newest:
		return fmt.Errorf("wire: protocols %d to %d are no range", c.Protocols.Oldest, c.Protocols.Newest)
	}
	return checkPaths(c.Paths)
}

func checkPaths(paths []Path) error {
	for i, p := range paths {
		if _, _, err := net.SplitHostPort(p.Address); err != nil || p.Name == "" {
			return fmt.Errorf("path %q with address %q: a path has a name and an address as host:port", p.Name, p.Address)
		}
		if slices.ContainsFunc(paths[:i], func(o Path) bool { return o.Name == p.Name }) {
			return fmt.Errorf("path %q is named twice", p.Name)
		}
	}
	return nil
}

func (c *Config) defaults() {
	if c.Protocols == (Protocols{}) {
		c.Protocols = Protocols{1, 1}
	}
	c.PingBox = cmp.Or(c.PingBox, 200*time.Millisecond)
	c.PingWitness = cmp.Or(c.PingWitness, time.Second)
	c.Handshake = cmp.Or(c.Handshake, 3*time.Second)
	c.Request = cmp.Or(c.Request, 5*time.Second)
	c.MaxBody = cmp.Or(c.MaxBody, 1<<20)
	if c.Dial == nil {
		c.Dial = dialTCP
	}
	if c.Listen == nil {
		c.Listen = listenTCP
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}
