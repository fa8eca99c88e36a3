package matrix_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rackpost/collectors/sim"
	"rackpost/hw/journal"
	"rackpost/replicate/netlab"
	"rackpost/web"
)

const (
	boxA, boxB, third, rack = "a", "b", "w", "rack" // hosts, and names of members

	period   = 2 * time.Second // of the switch
	patience = 60 * time.Second
	look     = 100 * time.Millisecond
)

// pair is two boxes, perhaps a witness, and what they watch.
type pair struct {
	t       *testing.T
	net     *netlab.Lab
	dir     string
	began   time.Time // what is older is the template's
	members map[string]*member
	lost    map[journal.ID]string // journals on disks that were lost, and of which box
	excused map[visit]bool        // they were on no other disk
	hq      *headquarters         // nil: there is none
	relay   *relay                // nil: none is in front of it
}

// newPair makes the hosts and starts the devices. The members are those of a template, or new ones where that is "".
func newPair(t *testing.T, template string) *pair {
	return layPair(t, template, boxA, boxB, third, rack)
}

// layPair is newPair with more hosts.
func layPair(t *testing.T, template string, hosts ...string) *pair {
	t.Helper()
	dir, err := os.MkdirTemp(scratch(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	p := &pair{t: t, dir: dir, net: netlab.New(t, hosts...), members: map[string]*member{}, lost: map[journal.ID]string{}}
	p.net.Cable(boxA, boxB)
	for _, name := range []string{boxA, boxB, third} { // the devices' host is also the gateway
		p.net.Host(name).Run("ip", "route", "add", "default", "via", p.net.Host(rack).Address(netlab.LAN).String())
	}
	for _, name := range []string{boxA, boxB, third} {
		p.members[name] = &member{pair: p, name: name, dir: filepath.Join(dir, name)}
		if template == "" {
			p.configure(name)
			continue
		}
		copyFolder(t, p.members[name].dir, filepath.Join(template, name))
	}
	p.startRack()
	p.began = time.Now().Truncate(time.Millisecond)
	return p
}

// configure writes what a person writes.
func (p *pair) configure(name string) {
	p.t.Helper()
	h := p.net.Host(name)
	paths := h.Address(netlab.LAN).String()
	if name != third {
		paths += ", " + h.Address(netlab.Direct).String()
	}
	devices := p.net.Host(rack).Address(netlab.LAN)
	common := fmt.Sprintf("name: %s\ndata: data\nsocket: sock\nlog: {level: debug, format: text}\n", name)
	box := fmt.Sprintf("%slisten: 127.0.0.1:8080\nbudget: 1GB\npair: {listen: [%s]}\n", common, paths)
	files := map[string]string{"box.yaml": box}
	switch name {
	case boxA:
		files["box.yaml"] += "site: site.yaml\n"
		files["community"], files["password"] = "public\n", "simulated\n"
		files["site.yaml"] = "site: {id: 00000000-0000-4000-8000-000000000004, name: rack}\n" +
			"credentials:\n  public: {community: {file: community}}\n  servers: {user: root, password: {file: password}}\n" +
			"policy: {timeout: 2s, periods: {health: 2s, ports: 2s, heartbeat: 10s, raid: 30s, environment: off, log: off, jobs: off, inventory: off, network: off, firmware: off}}\n" +
			"devices:\n" +
			fmt.Sprintf("  - {id: core, kind: cisco-catalyst, address: \"%s\", credentials: public}\n", netip.AddrPortFrom(devices, sim.DefaultPort)) +
			fmt.Sprintf("  - {id: db, kind: dell-idrac, address: \"%s\", credentials: servers}\n", netip.AddrPortFrom(devices, sim.DefaultRedfishPort))
	case third:
		files = map[string]string{"witness.yaml": fmt.Sprintf("%slisten: [%s]\n", common, paths)}
	}
	dir := p.members[name].dir
	if err := os.Mkdir(dir, 0o700); err != nil {
		p.t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// startRack runs the devices until the test ends: a switch that numbers its readings, and a server.
func (p *pair) startRack() {
	p.t.Helper()
	h := p.net.Host(rack)
	at := func(port uint16) string { return netip.AddrPortFrom(h.Address(netlab.LAN), port).String() }
	for name, args := range map[string][]string{
		"core": {"-model", "catalyst-3750-48ps", "-listen", at(sim.DefaultPort), "-members", "1"},
		"db":   {"-model", "poweredge-r740", "-listen", at(sim.DefaultRedfishPort), "-snmp", "none"},
	} {
		args = append([]string{"sim", "-control", filepath.Join(p.dir, name+".sock")}, args...)
		c := h.Command(mustProgram(p.t), args...)
		out, err := os.Create(filepath.Join(p.dir, name+".log"))
		if err != nil {
			p.t.Fatal(err)
		}
		c.Stdout, c.Stderr = out, out
		if err := c.Start(); err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() {
			_ = c.Process.Kill()
			_ = c.Wait()
			_ = out.Close()
		})
	}
}

func mustProgram(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (p *pair) member(name string) *member { return p.members[name] }

// other is the other box.
func (p *pair) other(name string) *member {
	if name == boxA {
		return p.members[boxB]
	}
	return p.members[boxA]
}

// start starts members.
func (p *pair) start(names ...string) {
	p.t.Helper()
	for _, name := range names {
		p.members[name].start()
	}
}

// running starts the members of a template and returns the box with authority and the other one.
func (p *pair) running(names ...string) (leader, follower *member) {
	p.t.Helper()
	p.start(names...)
	took := p.until("a box has authority and the other one follows", func() bool {
		leader = p.leader()
		return leader != nil && p.other(leader.name).view().Self.Mode == "follower" && !leader.lastVisit().IsZero()
	})
	p.t.Logf("%s leads after %v", leader.name, took)
	return leader, p.other(leader.name)
}

// leader is the box with authority, nil when there is none. Two are a failure at once.
func (p *pair) leader() *member {
	p.t.Helper()
	var found *member
	for _, name := range []string{boxA, boxB} {
		m := p.members[name]
		if !m.view().Authority {
			continue
		}
		if found != nil && found.view().Authority && m.view().Authority {
			p.t.Fatal("both boxes have authority")
		}
		found = m
	}
	return found
}

// until waits until something is so, and returns how long that took.
func (p *pair) until(what string, is func() bool) time.Duration {
	p.t.Helper()
	return p.untilIn(patience, what, is)
}

func (p *pair) untilIn(most time.Duration, what string, is func() bool) time.Duration {
	p.t.Helper()
	from := time.Now()
	for !is() {
		if time.Since(from) > most {
			p.explain()
			p.t.Fatalf("after %v it is not so that %s", most, what)
		}
		time.Sleep(look)
	}
	return time.Since(from).Round(10 * time.Millisecond)
}

// always fails when something is not so all the time.
func (p *pair) always(what string, d time.Duration, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(look) {
		if !is() {
			p.explain()
			p.t.Fatalf("it is not so that %s", what)
		}
	}
}

// explain tells how every member stands.
func (p *pair) explain() {
	p.t.Helper()
	for _, name := range []string{boxA, boxB, third} {
		m := p.members[name]
		v := m.view()
		p.t.Logf("%s: running %v, %s, authority %v, %q, why %q, alarms %v, refusals %v", name, m.alive(), v.Self.Mode, v.Authority, v.Line, v.Why, v.Alarms, v.Refusals)
		if out, err := exec.Command("tail", "-n", "15", m.logPath()).Output(); err == nil && m.command != nil {
			p.t.Logf("%s said last:\n%s", name, strings.ReplaceAll(string(out), p.dir, ""))
		}
	}
	p.hq.explain()
}

// whole waits until both boxes run, one leads, the other follows, and their journals are equal; it returns the time it took.
func (p *pair) whole() time.Duration {
	p.t.Helper()
	return p.until("the pair is whole and its journals are equal", p.isWhole)
}

func (p *pair) isWhole() bool {
	leader := p.leader()
	if leader == nil {
		return false
	}
	follower := p.other(leader.name)
	return follower.view().Self.Mode == "follower" && caughtUp(leader.view()) && caughtUp(follower.view())
}

func caughtUp(v web.Pair) bool {
	for _, m := range v.Members {
		if m.Role == "box" {
			return m.Journal != nil && m.Journal.Connected && m.Journal.CaughtUp
		}
	}
	return false
}
