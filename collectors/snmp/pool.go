package snmp

import (
	"context"
	"fmt"
	"sync"

	"github.com/gosnmp/gosnmp"
)

// idleClients is how many of gosnmp's clients wait for the next call: as many as a box
// visits at once when devices answer.
const idleClients = 8

// Pool lends sessions what they need only while a call lasts: gosnmp's client with its
// receive buffer of 64 kB, which would else be held for every device between its visits.
// The zero Pool is ready. It is safe for concurrent use.
type Pool struct {
	mu   sync.Mutex
	idle []*gosnmp.GoSNMP
}

// take returns a client that has a buffer and nothing of any device.
func (p *Pool) take() (*gosnmp.GoSNMP, error) {
	if x := p.waiting(); x != nil {
		return x, nil
	}
	return newClient()
}

func (p *Pool) waiting() *gosnmp.GoSNMP {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	x := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return x
}

// give takes a client back. It keeps nothing of the device: no credentials, no socket.
func (p *Pool) give(x *gosnmp.GoSNMP) {
	load(x, &gosnmp.GoSNMP{})
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < idleClients {
		p.idle = append(p.idle, x)
	}
}

// newClient makes a client with its buffer, which gosnmp makes only when it opens a socket.
// That one is closed at once: nothing was sent, and each session has its own.
func newClient() (*gosnmp.GoSNMP, error) {
	x := &gosnmp.GoSNMP{Target: "127.0.0.1", Port: defaultPort, Transport: "udp", Context: context.Background()}
	if err := x.Connect(); err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	if err := x.Close(); err != nil {
		return nil, fmt.Errorf("close a socket: %w", err)
	}
	return x, nil
}

// load makes x speak for the session that conf describes.
func load(x, conf *gosnmp.GoSNMP) {
	x.Conn, x.Version, x.Community, x.MaxOids = conf.Conn, conf.Version, conf.Community, conf.MaxOids
	x.SecurityModel, x.MsgFlags, x.SecurityParameters = conf.SecurityModel, conf.MsgFlags, conf.SecurityParameters
	x.ContextEngineID, x.ContextName = conf.ContextEngineID, conf.ContextName
}
