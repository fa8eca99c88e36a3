package main

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw/journal"
	"rackpost/replicate/enroll"
	"rackpost/replicate/trust"
)

// certificateOutline is all of a certificate but what its keys make.
func certificateOutline(c *x509.Certificate, names ...string) string {
	var b strings.Builder
	fmt.Fprintln(&b, c.SignatureAlgorithm, c.PublicKeyAlgorithm, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	fmt.Fprintln(&b, c.Issuer, "|", c.Subject)
	for _, e := range c.Extensions {
		value := hex.EncodeToString(e.Value)
		if id := e.Id.String(); id == "2.5.29.14" || id == "2.5.29.35" { // made of the keys
			value = fmt.Sprint(len(e.Value))
		}
		fmt.Fprintln(&b, e.Id, e.Critical, value)
	}
	out := b.String()
	for i, n := range names {
		out = strings.ReplaceAll(strings.ReplaceAll(out, n, fmt.Sprintf("(%d)", i)), hex.EncodeToString([]byte(n)), fmt.Sprintf("(%d)", i))
	}
	return out
}

// pemOutlines are the outlines of the PEM files of a folder, and how its keys begin.
func pemOutlines(t *testing.T, folder string, files []string, names ...string) string {
	t.Helper()
	var out string
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		block, rest := pem.Decode(b)
		if block == nil || string(pem.EncodeToMemory(block)) != string(b) {
			t.Fatalf("%s: %d bytes left", name, len(rest))
		}
		out += name + " " + block.Type + "\n"
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			out += certificateOutline(c, names...)
		} else {
			out += fmt.Sprintf("%x %d\n", block.Bytes[:16], len(block.Bytes))
		}
	}
	return out
}

var certificateDay = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// TestCertificatesOfAPair: those made now are as those made before, and so are the files that hold them.
func TestCertificatesOfAPair(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "pair")
	id, err := trust.Found(trust.Folder(folder), trust.Founder{Name: "box-a", Site: journal.ID{7}.String(), Origin: journal.ID{8}.String(), Now: certificateDay, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	got := pemOutlines(t, folder, []string{"ca.pem", "node.pem", "ca.key", "node.key"}, id.Cluster.String(), id.Self.Node.String(), id.Self.Node.Short())
	if diff := cmp.Diff(certificatesOfAPair, got); diff != "" {
		t.Error(diff)
	}
}

// TestCertificatesOfHeadquarters does the same.
func TestCertificatesOfHeadquarters(t *testing.T) {
	t.Parallel()
	folder := t.TempDir() + "/hq"
	hq := serveKeepOffice(t, enroll.Config{Folder: folder, Names: []string{"hq.example.net", "127.0.0.1"}, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return certificateDay }})
	joined := hq.join(t)
	b, err := joined.Marshal()
	var kept struct{ Certificate []byte }
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(kept.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	own, err := hq.TLS().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{joined.HQ.String(), joined.Site.String()}
	got := "site\n" + certificateOutline(leaf, names...) + "headquarters\n" + certificateOutline(own.Leaf, names...) + pemOutlines(t, folder, []string{"ca.pem", "ca.key"}, names...)
	if diff := cmp.Diff(certificatesOfHeadquarters, got); diff != "" {
		t.Error(diff)
	}
}

const certificatesOfHeadquarters = `site
ECDSA-SHA256 Ed25519 2026-11-21T09:00:00Z 2027-11-22T09:00:00Z
CN=rackpost headquarters (0) | CN=site FRA-3
2.5.29.15 true 03020780
2.5.29.37 false 300a06082b06010505070302
2.5.29.19 true 3000
2.5.29.35 false 24
2.5.29.17 false 3060865e75726e3a7261636b706f73743a68713a(0)3a736974653a(1)
headquarters
ECDSA-SHA256 ECDSA 2026-11-21T09:00:00Z 2027-02-20T09:00:00Z
CN=rackpost headquarters (0) | CN=rackpost headquarters
2.5.29.15 true 03020780
2.5.29.37 false 300a06082b06010505070301
2.5.29.19 true 3000
2.5.29.35 false 24
2.5.29.17 false 304c820e68712e6578616d706c652e6e657487047f000001863475726e3a7261636b706f73743a68713a(0)
ca.pem CERTIFICATE
ECDSA-SHA256 ECDSA 2026-01-01T00:00:00Z 2046-11-22T09:00:00Z
CN=rackpost headquarters (0) | CN=rackpost headquarters (0)
2.5.29.15 true 03020204
2.5.29.19 true 30060101ff020100
2.5.29.14 false 22
2.5.29.17 false 3036863475726e3a7261636b706f73743a68713a(0)
ca.key PRIVATE KEY
308187020100301306072a8648ce3d02 138
`

const certificatesOfAPair = `ca.pem CERTIFICATE
Ed25519 Ed25519 2026-01-01T00:00:00Z 2046-11-22T09:00:00Z
CN=rackpost pair (0) | CN=rackpost pair (0)
2.5.29.15 true 03020204
2.5.29.19 true 30060101ff020100
2.5.29.14 false 22
2.5.29.30 true 303aa13830028200300a8708000000000000000030228720000000000000000000000000000000000000000000000000000000000000000030028100
node.pem CERTIFICATE
Ed25519 Ed25519 2026-11-21T09:00:00Z 2027-11-22T09:00:00Z
CN=rackpost pair (0) | CN=box (2)
2.5.29.15 true 03020780
2.5.29.37 false 301406082b0601050507030206082b06010505070301
2.5.29.19 true 3000
2.5.29.35 false 24
2.5.29.17 false 305c865a75726e3a7261636b706f73743a(0)3a626f783a(1)
ca.key PRIVATE KEY
302e020100300506032b657004220420 48
node.key PRIVATE KEY
302e020100300506032b657004220420 48
`
