package matrix_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// keepVariable names a folder in which templates are kept from run to run: a row is then there half a minute earlier.
const keepVariable = "RACKPOST_MATRIX_KEEP"

// templates are the folders of a whole pair, as the real commands made it. Each row begins with a copy: a member gets its
// vote half a minute after it joined, which is too long for every row.
type templates struct{ bare, witnessed string }

func makeTemplates(t *testing.T) templates {
	t.Helper()
	kept := os.Getenv(keepVariable)
	if kept == "" {
		kept = t.TempDir()
	}
	made := templates{bare: filepath.Join(kept, "bare"), witnessed: filepath.Join(kept, "witnessed")}
	if _, err := os.Stat(made.witnessed); err == nil {
		return made
	}
	if err := os.MkdirAll(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	bare, witnessed := found(t), found(t)
	from := time.Now()
	witnessed.start(third)
	witnessed.join(third, "-witness")
	for _, p := range []*pair{bare, witnessed} {
		p.until("everybody votes", p.voting)
		p.whole()
	}
	t.Logf("everybody votes %v after the join", time.Since(from).Round(time.Second))
	bare.saveAs(made.bare)
	witnessed.saveAs(made.witnessed)
	return made
}

// found makes a pair of two boxes by the commands a person gives.
func found(t *testing.T) *pair {
	t.Helper()
	p := newPair(t, "")
	p.start(boxA, boxB)
	p.member(boxA).listens()
	p.member(boxA).must("pair", "init")
	p.join(boxB)
	return p
}

// join lets a machine in by a token of box a.
func (p *pair) join(name string, flags ...string) {
	p.t.Helper()
	p.joinAt(boxA, name, flags...)
}

// joinAt lets a machine in by a token of a box.
func (p *pair) joinAt(at, name string, flags ...string) {
	p.t.Helper()
	var token struct {
		Token     string   `json:"token"`
		Addresses []string `json:"addresses"`
	}
	out := p.member(at).must(append([]string{"pair", "token", "-json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &token); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	p.member(name).listens()
	p.member(name).must(append([]string{"pair", "join", token.Token}, token.Addresses...)...)
}

// listens waits until the process can be asked.
func (m *member) listens() {
	m.pair.t.Helper()
	m.pair.until(m.name+" listens at its socket", func() bool { // one that was killed left its own behind
		c, err := net.Dial("unix", filepath.Join(m.dir, "sock"))
		return err == nil && c.Close() == nil
	})
}

// voting says whether every other member votes, as the leader knows it.
func (p *pair) voting() bool {
	leader := p.leader()
	if leader == nil {
		return false
	}
	v := leader.view()
	for _, m := range v.Members {
		if m.Vote != "voter" {
			return false
		}
	}
	return len(v.Members) > 0
}

// saveAs ends all at once, so that nobody is set aside, and keeps the folders.
func (p *pair) saveAs(dir string) {
	p.t.Helper()
	for _, name := range p.everybody() {
		p.member(name).signal(syscall.SIGKILL)
	}
	for _, name := range p.everybody() {
		<-p.member(name).ended
	}
	fresh := dir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		p.t.Fatal(err)
	}
	if err := os.MkdirAll(fresh, 0o700); err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{boxA, boxB, third} {
		m := p.member(name)
		for _, drop := range []string{m.logPath(), filepath.Join(m.data(), "ballast"), filepath.Join(m.dir, "sock")} {
			_ = os.Remove(drop) // it may not be there
		}
		copyFolder(p.t, filepath.Join(fresh, name), m.dir)
	}
	if err := os.Rename(fresh, dir); err != nil {
		p.t.Fatal(err)
	}
}
