package redfish

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The names under which a Client asks its Pins.
const (
	CertificatePin  = "certificate"      // SHA-256 of the leaf certificate, hex
	CertificateSeen = "certificate_seen" // the same of the one the device shows, while it is not the trusted one
	SessionPin      = "session"          // path of the session that is open, empty when none is; of a pair those of the boxes, each as BOX=path
)

// Pins keep what must not be forgotten of a device: the certificate it was first seen with, the session left open. They are asked
// before every request, so a new certificate is accepted as soon as somebody changes the pin. A Client asks from one goroutine at a time.
type Pins interface {
	Recall(name string) (value string, ok bool)
	Learn(name, value string) error
}

// CertificateError says that the device shows another certificate than the pinned one. Both are SHA-256, hex.
type CertificateError struct{ Pinned, Found string }

// Error names both certificates.
func (e *CertificateError) Error() string {
	return fmt.Sprintf("the certificate changed: trusted is %.16s..., it shows %.16s...", e.Pinned, e.Found)
}

// Limits of a connection.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 15 * time.Second // an iDRAC7 takes seconds
	idleTimeout      = 5 * time.Minute
	maxHeaderBytes   = 64 << 10
)

// wire is the one connection to the device.
type wire struct {
	*http.Transport
	pins Pins
	host string // as in a URL

	connect time.Duration // how long a connection may take to be made

	mu     sync.Mutex // the transport dials in a goroutine that may outlive the request
	pinned string     // the certificate to expect; empty takes any
	local  netip.Addr // our address on the connection opened last
	conns  int        // connections opened
}

func newWire(address string, legacy bool, pins Pins) (*wire, error) {
	host, err := hostPort(address)
	if err != nil {
		return nil, err
	}
	w := &wire{pins: pins, host: host, connect: dialTimeout}
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true, // BMCs sign their certificates themselves: verify compares with the pin
		VerifyConnection:   w.verify,
	}
	if legacy {
		conf.MinVersion, conf.MaxVersion, conf.CipherSuites = tls.VersionTLS10, tls.VersionTLS12, legacySuites()
	}
	w.Transport = &http.Transport{
		DialContext:            w.dial,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    handshakeTimeout,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		DisableCompression:     true,                                                   // the BMC's CPU is the scarce thing
		MaxConnsPerHost:        1,
		MaxIdleConns:           1,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return w, nil
}

// hostPort checks host or host:port and returns it as in a URL, without the port of HTTPS.
func hostPort(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, "443"
		if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
			host = host[1 : len(host)-1]
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("%q: the port must be 1 to 65535", address)
	}
	if host == "" || strings.ContainsAny(host, " /@?#[]\\%") || strings.Contains(host, ":") && !isIP(host) {
		return "", fmt.Errorf("%q: give a host name, an IP address, or one of these with :port", address)
	}
	if port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]", nil
		}
		return host, nil
	}
	return net.JoinHostPort(host, port), nil
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: w.connect, KeepAlive: 30 * time.Second}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns++
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		w.local = a.AddrPort().Addr().Unmap()
	}
	return c, nil
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

func (w *wire) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("it shows no certificate")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	found := fingerprint(s.PeerCertificates[0])
	seen, _ := w.pins.Recall(CertificateSeen)
	if w.pinned == "" || strings.EqualFold(w.pinned, found) {
		if seen != "" {
			_ = w.pins.Learn(CertificateSeen, "") // to forget is never refused
		}
		return nil
	}
	if seen != found {
		_ = w.pins.Learn(CertificateSeen, found) // a person is told it in any case: the error names it
	}
	return &CertificateError{Pinned: w.pinned, Found: found}
}

// expect asks what certificate is trusted. A connection that was opened with another one is not used again.
func (w *wire) expect() {
	pinned, _ := w.pins.Recall(CertificatePin)
	w.mu.Lock()
	changed := w.pinned != "" && w.pinned != pinned
	w.pinned = pinned
	w.mu.Unlock()
	if changed {
		w.CloseIdleConnections()
	}
}

// pin keeps the certificate of the first device that answered at this address.
func (w *wire) pin(s *tls.ConnectionState) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pinned != "" || s == nil || len(s.PeerCertificates) == 0 {
		return nil
	}
	found := fingerprint(s.PeerCertificates[0])
	if err := w.pins.Learn(CertificatePin, found); err != nil {
		return fmt.Errorf("keep the fingerprint of the certificate: %w", err)
	}
	w.pinned = found
	return nil
}

func (w *wire) seen() (local netip.Addr, conns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.local, w.conns
}

// legacySuites are those of old BMCs too: RSA key exchange and CBC. RC4 stays out.
func legacySuites() []uint16 {
	var ids []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if !strings.Contains(s.Name, "RC4") {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
