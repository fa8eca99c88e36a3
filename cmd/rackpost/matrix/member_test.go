package matrix_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rackpost/web"
)

// member is one machine of a pair and the process that runs on it, if one does.
type member struct {
	pair    *pair
	name    string
	dir     string
	folder  string // data; beside dir, once it was moved
	program string // empty: that of this version
	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone
}

func (m *member) data() string    { return cmp.Or(m.folder, filepath.Join(m.dir, "data")) }
func (m *member) logPath() string { return filepath.Join(m.dir, "log") }

func (m *member) config() string {
	switch m.name {
	case third:
		return filepath.Join(m.dir, "witness.yaml")
	case office:
		return filepath.Join(m.dir, "hq.yaml")
	}
	return filepath.Join(m.dir, "box.yaml")
}

// start starts the process as the service manager does.
func (m *member) start() {
	m.pair.t.Helper()
	verb := "run"
	switch m.name {
	case third:
		verb = "witness"
	case office:
		verb = "hq"
	}
	path := m.program
	if path == "" {
		path = mustProgram(m.pair.t)
	}
	m.run(m.pair.net.Host(m.name).Command(path, verb, "-config", m.config()))
}

// run starts a command as the process of the member.
func (m *member) run(c *exec.Cmd) {
	m.pair.t.Helper()
	log, err := os.OpenFile(m.logPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		m.pair.t.Fatal(err)
	}
	defer log.Close()
	c.Env = append(os.Environ(), "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "JOURNAL_STREAM=")
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		m.pair.t.Fatal(err)
	}
	ended := make(chan struct{})
	m.command, m.ended = c, ended
	go func() {
		defer close(ended)
		_ = c.Wait() // how it ended is in its ProcessState
	}()
	m.pair.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-ended
	})
}

func (m *member) alive() bool {
	if m.command == nil {
		return false
	}
	select {
	case <-m.ended:
		return false
	default:
		return true
	}
}

func (m *member) signal(s syscall.Signal) { _ = m.command.Process.Signal(s) }

// kill ends the process at once.
func (m *member) kill() {
	m.signal(syscall.SIGKILL)
	<-m.ended
}

// stop ends it in order, in time.
func (m *member) stop() {
	m.pair.t.Helper()
	if !m.alive() {
		return
	}
	m.signal(syscall.SIGTERM)
	select {
	case <-m.ended:
	case <-time.After(5 * time.Second):
		m.pair.explain()
		m.kill()
		m.pair.t.Errorf("%s did not end within 5 s of SIGTERM", m.name)
	}
}

// ends waits until the process ended by itself.
func (m *member) ends() {
	m.pair.t.Helper()
	m.pair.until("the process of "+m.name+" ends by itself", func() bool { return !m.alive() })
}

// rackpost runs a command on the machine and returns what it wrote.
func (m *member) rackpost(args ...string) (string, error) {
	c := m.pair.net.Host(m.name).Command(mustProgram(m.pair.t), args...)
	c.Env = append(os.Environ(), "RACKPOST_SOCKET="+filepath.Join(m.dir, "sock"))
	out, err := c.CombinedOutput()
	return string(out), err
}

// keeps has the pair keep a secret, which is something to agree on.
func (m *member) keeps(name string) error {
	c := m.pair.net.Host(m.name).Command(mustProgram(m.pair.t), "secret", "set", "-socket", filepath.Join(m.dir, "sock"), name)
	c.Stdin = strings.NewReader("of " + name)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// kept says whether the pair keeps a secret, as the member knows it.
func (m *member) kept(name string) bool {
	out, err := m.rackpost("secret", "list")
	return err == nil && strings.Contains(out, name)
}

// moveTo has the member keep its data in another folder, which has a copy of it already.
func (m *member) moveTo(folder string) {
	m.pair.t.Helper()
	text, err := os.ReadFile(m.config())
	if err == nil {
		text = regexp.MustCompile(`(?m)^data: .*$`).ReplaceAll(text, []byte("data: "+folder))
		err = os.WriteFile(m.config(), text, 0o600)
	}
	if err != nil {
		m.pair.t.Fatal(err)
	}
	m.folder = folder
}

// must is rackpost where it has to succeed.
func (m *member) must(args ...string) string {
	m.pair.t.Helper()
	out, err := m.rackpost(args...)
	if err != nil {
		m.pair.explain()
		m.pair.t.Fatalf("%s: rackpost %s: %v\n%s", m.name, strings.Join(args, " "), err, out)
	}
	return out
}

// get asks the process by its socket; it says whether there was an answer.
func (m *member) get(path string, v any) bool {
	if !m.alive() {
		return false
	}
	c := m.client(2 * time.Second)
	answer, err := c.Get("http://rackpost/api/v1" + path)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(v) == nil
}

// client calls the process by its socket.
func (m *member) client(patience time.Duration) http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(m.dir, "sock"))
	}
	return http.Client{Timeout: patience, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// view is how the pair stands as the member knows it; empty when it does not answer.
func (m *member) view() (v web.Pair) {
	m.get("/pair", &v)
	return v
}

// mode waits until the member is in a mode.
func (m *member) mode(want string) time.Duration {
	m.pair.t.Helper()
	return m.pair.until(m.name+" is "+want, func() bool { return m.view().Self.Mode == want })
}

// visit is one that a box was told is durable.
type visit struct {
	box, device string
	at          int64 // it started, Unix ms
}

// told is that, and when it was told.
type told struct {
	visit
	when time.Time
}

var durable = regexp.MustCompile(`^time=(\S+) .*msg="the visit is durable".* device=(\S+) .*started=(\S+)`)

// durable returns what the processes of a box said is durable since the pair began.
func (m *member) durable() (visits []told) {
	f, err := os.Open(m.logPath())
	if err != nil {
		return nil
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		found := durable.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		when, err := time.Parse(time.RFC3339Nano, found[1])
		at, err2 := time.Parse(time.RFC3339Nano, found[3])
		if err == nil && err2 == nil {
			visits = append(visits, told{visit{m.name, found[2], at.UnixMilli()}, when})
		}
	}
	return visits
}

// lastVisit is when the box began its last visit of the switch that is durable.
func (m *member) lastVisit() time.Time {
	last := time.Time{}
	for _, v := range m.durable() {
		if at := time.UnixMilli(v.at); v.device == "core" && at.After(last) {
			last = at
		}
	}
	return last
}

// visits waits until the box made a visit that began after a time, and returns how long after that it began.
func (m *member) visits(after time.Time) time.Duration {
	m.pair.t.Helper()
	m.pair.until(m.name+" visits", func() bool { return m.lastVisit().After(after) })
	for _, v := range m.durable() {
		if at := time.UnixMilli(v.at); v.device == "core" && at.After(after) {
			return at.Sub(after).Round(10 * time.Millisecond)
		}
	}
	return 0
}

// shows says whether a visit of the switch can be asked for.
func (m *member) shows(v visit) bool {
	var s web.Series
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
	q := url.Values{"device": {"core"}, "component": {numberedPort}, "sensor": {numberedSensor}, "from": {at(v.at)}, "to": {at(v.at + 1)}}
	return v.device != "core" || m.get("/query?"+q.Encode(), &s) && len(s.Points) > 0
}

// said says whether the log has a text.
func (m *member) said(text string) bool {
	b, err := os.ReadFile(m.logPath())
	return err == nil && strings.Contains(string(b), text)
}

// count returns how often the log has a text.
func (m *member) count(text string) int {
	b, _ := os.ReadFile(m.logPath()) // none: it never ran
	return strings.Count(string(b), text)
}

func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("copy %s: %v\n%s", from, err, out)
	}
}
