package bmc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// certificate makes a self-signed one that follows from its seed.
func certificate(seed [32]byte, name string) (tls.Certificate, error) {
	seed[0] &= 0x7f // below the order of the curve
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(seed[:8]), Subject: pkix.Name{CommonName: name, Organization: []string{"Simulated"}}, DNSNames: []string{name},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2045, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(nil, &template, &template, key.Public(), key) // nil: the signature follows from the key (RFC 6979)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Fingerprint is the SHA-256 of the certificate shown now, in hexadecimal.
func (b *BMC) Fingerprint() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := sha256.Sum256(b.cert.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// listener hands out TLS connections, or plain ones while the fault is on.
type listener struct {
	net.Listener
	bmc    *BMC
	config *tls.Config
}

// tracked is a connection that ends when the device restarts and is silent when it is.
type tracked struct {
	net.Conn
	bmc    *BMC
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		t := &tracked{Conn: c, bmc: l.bmc, closed: make(chan struct{})}
		plain, down := l.bmc.enter(t)
		switch {
		case down:
			_ = t.Close()
		case plain:
			return t, nil
		default:
			return tls.Server(t, l.config), nil
		}
	}
}

// enter counts a connection.
func (b *BMC) enter(c net.Conn) (plain, down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counters.Connections++
	b.conns[c] = struct{}{}
	b.counters.MostOpen = max(b.counters.MostOpen, len(b.conns))
	return b.state.talk.plain, b.state.reset.phase(b.opt.Clock()) == resetDown
}

// closeAll ends all connections. The lock is held, which Close takes: the raw ones are closed.
func (b *BMC) closeAll() {
	for c := range b.conns {
		_ = c.(*tracked).Conn.Close()
	}
}

func (t *tracked) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() {
		close(t.closed)
		t.bmc.mu.Lock()
		defer t.bmc.mu.Unlock()
		delete(t.bmc.conns, t)
	})
	return err
}

// Read waits while the device is silent.
func (t *tracked) Read(p []byte) (int, error) {
	for {
		t.bmc.mu.Lock()
		silent, changed := t.bmc.state.talk.silent, t.bmc.changed
		t.bmc.mu.Unlock()
		if !silent {
			return t.Conn.Read(p)
		}
		select {
		case <-changed:
		case <-t.closed:
			return 0, io.EOF
		}
	}
}

// Run serves TLS on l until ctx ends, closes l and all connections, and returns nil. The device may be run again on another
// listener, or on several at once; it keeps its sessions.
func (b *BMC) Run(ctx context.Context, l net.Listener) error {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true, // a resumed session would not show the certificate
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			c := b.cert
			return &c, nil
		},
		VerifyConnection: func(tls.ConnectionState) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.counters.Handshakes++
			return nil
		},
	}
	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	old.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.state.talk.oldTLS {
			return old, nil
		}
		return nil, nil
	}
	srv := &http.Server{
		Handler: b.Handler(), ReadHeaderTimeout: time.Minute, IdleTimeout: 10 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(io.Discard, "", 0), // what clients do wrong is their matter
	}
	var serving sync.WaitGroup
	srv.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			serving.Add(1)
		case http.StateClosed, http.StateHijacked:
			serving.Done()
		}
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = srv.Close()
	})
	err := srv.Serve(&listener{Listener: l, bmc: b, config: config})
	if stop() {
		_ = srv.Close()
	} else {
		<-closed
	}
	serving.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// Server is a device with the address it listens on.
type Server struct {
	bmc *BMC
	l   net.Listener
}

// Listen opens addr, host:port with port 0 for a free one. Run serves it; Close is for a server that is never run.
func Listen(addr string, b *BMC) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: write an address as 127.0.0.1:8443: %w", addr, err)
	}
	return &Server{bmc: b, l: l}, nil
}

// Addr returns the address the server listens on.
func (s *Server) Addr() netip.AddrPort { return s.l.Addr().(*net.TCPAddr).AddrPort() }

// BMC returns the device.
func (s *Server) BMC() *BMC { return s.bmc }

// Close closes the listener.
func (s *Server) Close() error { return s.l.Close() }

// Run serves until ctx ends. It is called once.
func (s *Server) Run(ctx context.Context) error { return s.bmc.Run(ctx, s.l) }
