package trust_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

const (
	site   = "3b0f8a52-7a11-4c55-9c1e-2f3b6f5d7a10"
	raft   = "rackpost-raft/1"
	health = "rackpost-health/1"
)

var today = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// clock is a machine's, to be set by a test.
type clock struct {
	mu      sync.Mutex
	now     time.Time
	trusted bool
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Trusted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trusted
}

func (c *clock) set(now time.Time, trusted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.trusted = now, trusted
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// machine is a member or one to be.
type machine struct {
	*trust.Keeper
	*clock
	folder trust.Folder
	log    *lines
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	return &machine{
		clock: &clock{now: today, trusted: true}, log: &lines{},
		folder: trust.Folder(filepath.Join(t.TempDir(), "pair")),
	}
}

// open opens the folder of a member.
func (m *machine) open(t testing.TB) *machine {
	t.Helper()
	must(t, m.reopen())
	return m
}

func (m *machine) reopen() error {
	var err error
	m.Keeper, err = trust.New(trust.Config{
		Folder: m.folder, Now: m.clock.Now, Trusted: m.clock.Trusted,
		Logger: slog.New(slog.NewTextHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return err
}

func founder(at *clock) trust.Founder {
	return trust.Founder{
		Name: "north", Site: site, Addresses: map[string]string{"lan": "192.0.2.1:7000"},
		Origin: "9a5e0c7e0d8b4d0fa1b2c3d4e5f60718", Now: at.Now(), Trusted: at.Trusted(),
	}
}

// found makes a pair of one box.
func found(t testing.TB) *machine {
	t.Helper()
	m := newMachine(t)
	_, err := trust.Found(m.folder, founder(m.clock))
	must(t, err)
	return m.open(t)
}

func candidate(name string, role mode.Role) trust.Candidate {
	c := trust.Candidate{Name: name, Role: role, Addresses: map[string]string{"lan": "192.0.2.2:7000"}}
	if role == mode.Box {
		c.Origin = "origin-of-" + name
	}
	return c
}

// desk is what a pair of the tests has agreed on.
type desk struct {
	mu     sync.Mutex
	grants []trust.Grant
	taken  []trust.Member
	fail   error
}

func (d *desk) Grants() []trust.Grant {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]trust.Grant(nil), d.grants...)
}

func (d *desk) Take(_ context.Context, token [32]byte, m trust.Member) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return d.fail
	}
	for i := range d.grants {
		if g := &d.grants[i]; g.Hash == token {
			if g.UsedBy != (mode.NodeID{}) && g.UsedBy != m.Node {
				return errors.New("used by another")
			}
			g.UsedBy = m.Node
			d.taken = append(d.taken, m)
			return nil
		}
	}
	return errors.New("no such token")
}

func (d *desk) Generation() mode.Generation { return mode.Generation{Counter: 3, Random: 77} }

func (d *desk) Applied() uint64 { return 42 }

// invite makes a token that the desk knows.
func (d *desk) invite(t testing.TB, k *trust.Keeper, role mode.Role) trust.Token {
	t.Helper()
	token, grant, err := k.NewToken(role)
	must(t, err)
	d.grants = append(d.grants, grant)
	return token
}

// join has a new machine join at the leader.
func join(t testing.TB, leader *machine, name string, role mode.Role) *machine {
	t.Helper()
	d := &desk{}
	m := newMachine(t)
	j, err := trust.NewJoiner(m.folder, d.invite(t, leader.Keeper, role), candidate(name, role))
	must(t, err)
	_, err = j.Accept(leader.Answer(t.Context(), j.Request(), d))
	must(t, err)
	return m.open(t)
}

// pair makes two boxes and a witness that know each other.
func pair(t testing.TB) (north, south, witness *machine) {
	t.Helper()
	north = found(t)
	south = join(t, north, "south", mode.Box)
	witness = join(t, north, "west", mode.Witness)
	must(t, south.SetMembers(north.Identity().Members))
	return north, south, witness
}

// shake does one handshake over TCP and one byte each way, and returns what each end says.
func shake(t testing.TB, server, client *tls.Config) (cs tls.ConnectionState, atServer, atClient error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = talk(tls.Server(c, server))
		}
		done <- err
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	conn := tls.Client(raw, client)
	atClient = talk(conn)
	cs = conn.ConnectionState()
	return cs, <-done, atClient
}

// talk sends and awaits a byte: only then has a client heard whether its certificate is taken.
func talk(c *tls.Conn) error {
	defer c.Close()
	must := c.SetDeadline(time.Now().Add(10 * time.Second))
	if must != nil {
		return must
	}
	if err := c.Handshake(); err != nil {
		return err
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 1))
	return err
}

// reasonOf returns why err refuses.
func reasonOf(err error) trust.Reason {
	var r *trust.Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

func wantReason(t *testing.T, err error, want trust.Reason, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want refused as %s", want)
	}
	if got := reasonOf(err); got != want {
		t.Fatalf("refused as %q (%v), want %s", got, err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// readKey reads a key of a folder as an intruder would.
func readKey(t testing.TB, path string) ed25519.PrivateKey {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	block, _ := pem.Decode(b)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(t, err)
	return key.(ed25519.PrivateKey)
}

func readCertificate(t testing.TB, path string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	block, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

// forge signs a certificate with a stolen CA key, for a key of the forger's.
func forge(t testing.TB, m *machine, change func(*x509.Certificate, ed25519.PublicKey)) *tls.Config {
	t.Helper()
	ca := readCertificate(t, filepath.Join(string(m.folder), "ca.pem"))
	caKey := readKey(t, filepath.Join(string(m.folder), "ca.key"))
	public, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	template := *readCertificate(t, filepath.Join(string(m.folder), "node.pem"))
	template.RawSubject, template.SerialNumber, template.ExtraExtensions = nil, nil, nil
	change(&template, public)
	der, err := x509.CreateCertificate(rand.Reader, &template, ca, public, caKey)
	must(t, err)
	return &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{raft},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.Raw}, PrivateKey: key}},
	}
}
