package trust_test

import (
	"crypto/tls"
	"net"
	"testing"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// BenchmarkHandshake is one connection of members, both ends, over a pipe in one process.
func BenchmarkHandshake(b *testing.B) {
	north, south, _ := pair(b)
	server, client := north.Server(protos), south.Client(north.Identity().Self.Node, raft)
	b.ReportAllocs()
	for b.Loop() {
		x, y := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(x, server).Handshake() }()
		must(b, tls.Client(y, client).Handshake())
		must(b, <-done)
		_, _ = x.Close(), y.Close()
	}
}

// BenchmarkCheck is the verification of the other end alone.
func BenchmarkCheck(b *testing.B) {
	north, south, _ := pair(b)
	cs := tls.ConnectionState{NegotiatedProtocol: raft}
	cs.PeerCertificates = append(cs.PeerCertificates, readCertificate(b, path(south, "node.pem")))
	b.ReportAllocs()
	for b.Loop() {
		_, err := north.Check(cs)
		must(b, err)
	}
}

// BenchmarkJoin is a token, a request and an answer.
func BenchmarkJoin(b *testing.B) {
	north := found(b)
	for b.Loop() {
		d := &desk{}
		m := newMachine(b)
		j := newJoiner(b, m, d.invite(b, north.Keeper, mode.Witness), candidate("west", mode.Witness))
		_, err := j.Accept(north.Answer(b.Context(), j.Request(), d))
		must(b, err)
		must(b, north.SetMembers([]trust.Member{north.Identity().Self}))
	}
}
