package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"rackpost/replicate/intake"
	"rackpost/web"
)

// pullPort is where a box answers who pulls, when box.yaml says no port.
const pullPort = 8482

// pullConfig is where programs on other machines pull from this box. They need a token.
type pullConfig struct {
	at        place // zero: they cannot
	listen    netip.AddrPort
	cert, key string // files
}

// rawPull is pull: of box.yaml as it is written.
type rawPull struct {
	At          place
	Listen      text           `yaml:"listen"`
	Certificate rawCertificate `yaml:"certificate"`
}

// pull checks the section; it may be absent.
func (c *checker) pull(r rawPull) pullConfig {
	if r.At.line == 0 {
		return pullConfig{}
	}
	p := pullConfig{at: r.At, listen: c.listenAny(orDefault(r.Listen, fmt.Sprintf("0.0.0.0:%d", pullPort)), pullPort)}
	if r.Certificate.At.line == 0 {
		c.problems.add(r.At, "certificate: is missing; tokens go over TLS alone: write certificate: {file: FILE, key: FILE}, PEM")
		return p
	}
	p.cert, p.key = c.certificate(r.Certificate)
	return p
}

// servePull answers programs on other machines until ctx ends.
func (a *appliance) servePull(ctx context.Context, h http.Handler) error {
	show, err := publicCertificate(a.box.pull.cert, a.box.pull.key, a.logger)
	if err != nil {
		return err
	}
	tcp, err := new(net.ListenConfig).Listen(ctx, "tcp", a.box.pull.listen.String())
	if err != nil {
		return fmt.Errorf("listen for who pulls: %w; write another address after pull: listen: in box.yaml", err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: show, NextProtos: []string{"http/1.1"}}
	return web.Serve(ctx, tls.NewListener(guardPull(tcp), conf), h, slog.New(quietHandshakes{a.logger.Handler()}))
}

// The bounds of connections to a box, of some 30 KB each: whoever connects need not have a token.
const (
	mostPulls      = 512
	mostPullsOfOne = 128 // address
)

func guardPull(l net.Listener) net.Listener { return intake.GuardOf(l, mostPulls, mostPullsOfOne) }
