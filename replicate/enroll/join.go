package enroll

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"rackpost/hw/journal"
	"rackpost/replicate/keys"
)

// Dial opens a connection to HOST:PORT, by whatever way. What it returns is not encrypted yet.
type Dial func(ctx context.Context, address string) (net.Conn, error)

// Joining is what a site joins headquarters with.
type Joining struct {
	URL     string // https://HOST[:PORT]
	Token   string // as a person typed it
	Site    journal.ID
	Name    string             // of the site; empty: that of the token
	Key     ed25519.PrivateKey // nil: a new one. The same key gets the same answer once more
	Dial    Dial               // nil: by the system's routes
	Now     func() time.Time   // nil: time.Now
	Trusted bool               // whether Now is right
}

const (
	joinTries = 3
	joinRest  = time.Second
	askTime   = 20 * time.Second // one try
	maxHead   = 32 << 10         // bytes of the head of an answer
)

// Join asks headquarters for a credential. The connection ends unless who answers is the headquarters that
// the token names; nothing was sent by then. An answer that is lost is asked for again.
func Join(ctx context.Context, j Joining) (Credential, error) {
	token, err := ParseToken(j.Token)
	if err != nil {
		return Credential{}, err
	}
	u, err := ParseURL(j.URL)
	if err != nil {
		return Credential{}, err
	}
	if err := j.defaults(); err != nil {
		return Credential{}, err
	}
	p := plea{Token: token.token.Secret[:], Site: j.Site.String(), Name: j.Name, Trusted: j.Trusted}
	if p.Request, err = keys.Request(j.Key); err != nil {
		return Credential{}, err
	}
	cfg := client(func(shown []*x509.Certificate) error {
		i := slices.IndexFunc(shown, func(c *x509.Certificate) bool { return token.token.Fits(keys.FingerprintOf(c)) })
		if i < 0 {
			return refuse(Foreign, "check the address; if it is right, something between opens TLS: have it let this address through untouched, or the token is of another headquarters", "who answers is not the headquarters that the token is for")
		}
		_, err := checkOffice(shown[i], shown, keys.Clock{Now: j.Now()})
		return err
	})
	g, err := j.ask(ctx, Address(u), cfg, p)
	if err != nil {
		return Credential{}, fmt.Errorf("join headquarters at %s: %w", u.Host, err)
	}
	c, err := g.said(j.Key, u.String())
	switch {
	case err != nil:
		return Credential{}, err
	case c.Site != j.Site || !token.token.Fits(c.CA()):
		return Credential{}, refuse(Malformed, "update the older of the two machines", "headquarters' answer is for another site or of another headquarters")
	}
	return c, nil
}

func (j *Joining) defaults() error {
	if j.Dial == nil {
		j.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}
	}
	if j.Now == nil {
		j.Now = time.Now
	}
	if j.Key != nil {
		return nil
	}
	var err error
	_, j.Key, err = ed25519.GenerateKey(rand.Reader)
	return err
}

// ask tries until there is an answer; a refusal is one.
func (j *Joining) ask(ctx context.Context, address string, cfg *tls.Config, p plea) (g grace, err error) {
	for try := range joinTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return grace{}, err
			case <-time.After(joinRest):
			}
		}
		p.Now = j.Now().UnixMilli()
		if g, err = ask(ctx, j.Dial, address, cfg, PathEnroll, p, j.Now()); err == nil || errors.As(err, new(*Refusal)) {
			return g, err
		}
	}
	return grace{}, err
}

// mostURLs bounds the addresses of a headquarters.
const mostURLs = 8

// places are where headquarters is: where it was reached, then where it says it is.
func places(reached string, told []string) []string {
	list := []string{reached}
	for _, s := range told {
		if u, err := ParseURL(s); err == nil && !slices.Contains(list, u.String()) && len(list) < mostURLs {
			list = append(list, u.String())
		}
	}
	return list
}

// client is what all calls of a site have in common. Only Go's own verification is off, which wants a host
// name and a date: VerifyConnection verifies the chain, and is called in every handshake.
func client(verify func(shown []*x509.Certificate) error) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{Protocol, httpProtocol}, SessionTicketsDisabled: true, InsecureSkipVerify: true,
		VerifyConnection: func(cs tls.ConnectionState) error { return verify(cs.PeerCertificates) },
	}
}

// ask sends one request over a connection of its own and returns the answer.
func ask(ctx context.Context, dial Dial, address string, cfg *tls.Config, path string, p plea, now time.Time) (g grace, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	raw, err := dial(ctx, address)
	if err != nil {
		return g, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })()
	cfg.ServerName = hostOf(address)
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return g, Explain(err)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return g, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+path, bytes.NewReader(body))
	if err != nil {
		return g, err
	}
	req.Header.Set("Content-Type", "application/json")
	if err := req.Write(conn); err != nil {
		return g, fmt.Errorf("ask headquarters: %w", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHead+maxMessage)), req)
	if err != nil {
		return g, fmt.Errorf("headquarters' answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return g, Refused(resp, now)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		return g, fmt.Errorf("headquarters' answer: %w", err)
	}
	return g, nil
}

// hostOf is what to name in the handshake; an address is not named there.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return strings.Trim(host, "[]")
}

// protocolVersion is the alert of TLS that Explain has words for, by its number in RFC 8446.
const protocolVersion tls.AlertError = 70

// noProtocol is the alert of a server that speaks none of the protocols that are offered.
const noProtocol tls.AlertError = 120

// Explain adds to the error of a TLS handshake with headquarters what it means, and what to do.
func Explain(err error) error {
	const advice = "check the address; if it is right, something between changes the connection: have it let this address through untouched"
	var remote *net.OpError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record):
		return refuse(Foreign, advice, "who answers speaks no TLS")
	case errors.As(err, &remote) && remote.Op == "remote error" && remote.Err.Error() == protocolVersion.Error():
		return refuse(Foreign, advice, "who answers speaks no TLS 1.3, so it is no headquarters")
	case errors.As(err, &remote) && remote.Op == "remote error" && remote.Err.Error() == noProtocol.Error():
		return refuse(Foreign, advice, "who answers speaks TLS but is no headquarters")
	}
	return err
}
