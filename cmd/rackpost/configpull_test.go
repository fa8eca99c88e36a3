package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// pulledCertificate writes a certificate and its key and returns their files.
func pulledCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	shown, err := x509.CreateCertificate(rand.Reader, &template, &template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "box.pem"), filepath.Join(folder, "box.key")
	for file, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: shown}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestPullConnections: strangers of one address hold so many connections to a box, and not more.
func TestPullConnections(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().(*net.TCPAddr).AddrPort()
	_ = free.Close()
	cert, key := pulledCertificate(t)
	a := &appliance{box: boxConfig{pull: pullConfig{listen: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), cert: cert, key: key}}, logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := a.servePull(ctx, http.NotFoundHandler()); err != nil {
			t.Error(err)
		}
	})
	defer serving.Wait()
	defer cancel()
	var last net.Conn
	for i := range mostPullsOfOne + 1 {
		conn, err := net.Dial("tcp", at.String())
		for until := time.Now().Add(10 * time.Second); i == 0 && err != nil && time.Now().Before(until); { // it does not listen yet
			time.Sleep(10 * time.Millisecond)
			conn, err = net.Dial("tcp", at.String())
		}
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		last = conn
	}
	_ = last.SetReadDeadline(time.Now().Add(4 * time.Second)) // less than a handshake may take
	if _, err := last.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection %d of one address is held", mostPullsOfOne+1)
	}
}
