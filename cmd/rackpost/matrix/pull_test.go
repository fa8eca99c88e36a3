package matrix_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"rackpost/replicate/netlab"
)

// pullPort is where the boxes let programs pull.
const pullPort = 8482

// pulls has both boxes let programs pull, with a certificate each.
func (p *pair) pulls() {
	p.t.Helper()
	for _, name := range []string{boxA, boxB} {
		m := p.member(name)
		at := p.net.Host(name).Address(netlab.LAN)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			p.t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{at.AsSlice()}, IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			p.t.Fatal(err)
		}
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		if err == nil {
			err = os.WriteFile(filepath.Join(m.dir, "pull.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(m.dir, "pull.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)
		}
		if err != nil {
			p.t.Fatal(err)
		}
		m.addConfig(fmt.Sprintf("pull: {listen: \"%s\", certificate: {file: pull.pem, key: pull.key}}\n", netip.AddrPortFrom(at, pullPort)))
	}
}

// fetcher is a program on another machine that pulls with curl: from one box until that does not answer, then from the other one, with the
// same token and the same next.
type fetcher struct {
	pair  *pair
	token string
	end   chan struct{}
	done  sync.WaitGroup

	mu      sync.Mutex
	next    string
	got     map[recordName]int
	moved   int      // how often it changed the box
	strange []string // what was answered but records
	silent  string   // why there was no answer the last time
}

func (p *pair) fetches(token string) *fetcher {
	f := &fetcher{pair: p, token: token, end: make(chan struct{}), got: map[recordName]int{}}
	f.done.Go(f.run)
	p.t.Cleanup(f.stop)
	return f
}

func (f *fetcher) stop() {
	select {
	case <-f.end:
	default:
		close(f.end)
	}
	f.done.Wait()
}

func (f *fetcher) run() {
	boxes := []*member{f.pair.member(boxA), f.pair.member(boxB)}
	for at := 0; ; {
		select {
		case <-f.end:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if !f.take(boxes[at%2]) {
			at++
			f.mu.Lock()
			f.moved++
			f.mu.Unlock()
		}
	}
}

// ask asks a box with curl and returns the status of the answer; 0: there was none.
func (f *fetcher) ask(m *member, path string) (code int, body []byte) {
	u := fmt.Sprintf("https://%s%s", netip.AddrPortFrom(f.pair.net.Host(m.name).Address(netlab.LAN), pullPort), path)
	c := f.pair.net.Host(rack).Command("curl", "-sS", "--noproxy", "*", "--max-time", "8", "--connect-timeout", "1", "--compressed", "-w", "\n%{http_code}",
		"--cacert", filepath.Join(m.dir, "pull.pem"), "-H", "Authorization: Bearer "+f.token, u)
	var why bytes.Buffer
	c.Stderr = &why
	out, err := c.Output()
	i := bytes.LastIndexByte(out, '\n')
	if err != nil || i < 0 {
		return 0, why.Bytes()
	}
	_, _ = fmt.Sscan(string(out[i+1:]), &code)
	return code, out[:i]
}

// take asks a box once; false: it does not answer.
func (f *fetcher) take(m *member) bool {
	f.mu.Lock()
	after := f.next
	f.mu.Unlock()
	code, body := f.ask(m, "/api/v1/changes?limit=500&wait=1s&after="+url.QueryEscape(after))
	f.mu.Lock()
	defer f.mu.Unlock()
	if code == 0 {
		f.silent = string(body)
		return false
	}
	if code != http.StatusOK {
		f.strange = append(f.strange, fmt.Sprintf("%s answers %d to %.60s: %s", m.name, code, after, body))
		return code != http.StatusUnauthorized && code != http.StatusGone
	}
	names, end, ok := readLines(body)
	if !ok {
		return false // it was cut off
	}
	for _, n := range names {
		f.got[n]++
	}
	f.next = end.Next
	return true
}

// lastLine is the last line of an answer.
type lastLine struct {
	Next string `json:"next"`
	More bool   `json:"more"`
}

func readLines(body []byte) (names []recordName, end lastLine, ok bool) {
	text := bufio.NewScanner(bytes.NewReader(body))
	text.Buffer(nil, 32<<20)
	for text.Scan() {
		if bytes.HasPrefix(text.Bytes(), []byte(`{"next"`)) {
			return names, end, json.Unmarshal(text.Bytes(), &end) == nil
		}
		var n recordName
		if json.Unmarshal(text.Bytes(), &n) != nil {
			return nil, end, false
		}
		names = append(names, n)
	}
	return nil, end, false
}

// records are all that a box has.
func (m *member) records() (all []recordName) {
	m.pair.t.Helper()
	client := m.client(patience)
	for after, more := "", true; more; {
		answer, err := client.Get("http://rackpost/api/v1/changes?limit=100000&after=" + url.QueryEscape(after))
		if err != nil {
			m.pair.t.Fatal(err)
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(answer.Body)
		_ = answer.Body.Close()
		names, end, ok := readLines(body.Bytes())
		if err != nil || !ok {
			m.pair.t.Fatalf("%s: %d %v %.200s", m.name, answer.StatusCode, err, body.Bytes())
		}
		all, after, more = append(all, names...), end.Next, end.More
	}
	return all
}

// hasAll waits until it has what a box has now, and fails where something came twice or anything but records was answered.
func (f *fetcher) hasAll(m *member) {
	f.pair.t.Helper()
	all := m.records()
	missing := func() (n int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, r := range all {
			if f.got[r] == 0 {
				n++
			}
		}
		return n
	}
	defer func() {
		if f.pair.t.Failed() {
			f.pair.t.Logf("it has %d records, changed the box %d times, was told %v, %s", len(f.got), f.moved, f.strange, f.silent)
		}
	}()
	took := f.pair.until(fmt.Sprintf("who pulls has the %d records of %s", len(all), m.name), func() bool { return missing() == 0 })
	f.mu.Lock()
	defer f.mu.Unlock()
	twice := 0
	for _, n := range f.got {
		if n > 1 {
			twice++
		}
	}
	if twice > 0 || len(f.strange) > 0 {
		f.pair.t.Errorf("%d records came twice, and %v", twice, f.strange)
	}
	f.pair.t.Logf("%d records of %s, each once, %v later; it changed the box %d times; a position has %d bytes", len(all), m.name, took, f.moved, len(f.next))
}

// asked is what is listed of who pulled and acknowledged nothing.
var asked = regexp.MustCompile(`(?m)^cmdb .* ago +never`)

// pulledThrough: a program pulls from the pair while the leader is killed twice: every record once. Who may pull is known to both boxes, and who may
// no more to neither, also the one that was away.
func pulledThrough(p *pair) {
	if _, err := exec.LookPath("curl"); err != nil {
		p.t.Skip("curl is not installed")
	}
	p.pulls()
	leader, follower := p.running(boxA, boxB)
	p.whole()
	token, _, _ := strings.Cut(leader.must("consumer", "add", "cmdb", "-scopes", "read,changes"), "\n")
	p.until("the other box knows who may pull", func() bool { return strings.Contains(follower.must("consumer", "list"), "cmdb ") })
	f := p.fetches(token)
	f.hasAll(follower)
	p.until("each box knows that it pulled", func() bool {
		return asked.MatchString(p.member(boxA).must("consumer", "list")) && asked.MatchString(p.member(boxB).must("consumer", "list"))
	})
	for range 2 {
		killed := time.Now()
		leader.kill()
		follower.mode("island")
		follower.visits(killed)
		f.hasAll(follower)
		out, err := follower.rackpost("consumer", "add", "graphs")
		if err == nil || !strings.Contains(out, "no box of the pair has authority") || !strings.Contains(out, "rackpost pair status") {
			p.t.Errorf("%s has no authority, and adds a consumer: %v %s", follower.name, err, out)
		}
		p.start(leader.name)
		p.whole()
		leader, follower = p.leader(), p.other(p.leader().name)
		f.hasAll(leader)
		f.hasAll(follower)
	}
	follower.kill()
	leader.mode("solo")
	leader.must("consumer", "remove", "cmdb")
	f.stop()
	p.start(follower.name)
	p.whole()
	for _, m := range []*member{leader, follower} {
		p.until(m.name+" refuses who was removed", func() bool { code, _ := f.ask(m, "/api/v1/sites"); return code == http.StatusUnauthorized })
	}
	p.check()
}
