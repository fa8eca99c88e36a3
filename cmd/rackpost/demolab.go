package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/sim"
	"rackpost/replicate/mode"
)

const (
	demoTries   = 16 // loopback networks that are tried: others may use some
	demoStarts  = 20 * time.Second
	labSite     = "de300000-0000-4000-8000-000000000001"
	demoNetwork = 77 // 127.77.0.0/24, when nobody has it
)

// Where the members listen in the demo's network, the direct cable beside the LAN. The rack has .1 and what follows.
const (
	demoLAN    = 101
	demoDirect = 201
)

// demoLab is a simulated rack in this process, and a pair of processes that watches it.
type demoLab struct {
	rack    *sim.Rack
	served  bool    // the rack was, and is closed by that
	network [3]byte // of its addresses
	port    uint16  // of the members
	scratch string  // folder that is removed at the end
	data    string  // folder of the journals
	control string  // socket by which faults are switched
	period  time.Duration
	listen  netip.AddrPort // of the first page; zero: any
	members []*labMember   // box-a, box-b, and witness-1 if there is one
	hq      *labMember     // nil: there is no headquarters
	heard   func(*labMember, memberNews)
}

// newLab makes the rack and the files of the members.
func newLab(f demoFlags, hq bool) (*demoLab, error) {
	scratch, err := os.MkdirTemp("", "rackpost-demo-")
	if err != nil {
		return nil, err
	}
	l := &demoLab{scratch: scratch, data: cmp.Or(f.dir, filepath.Join(scratch, "journal")), control: filepath.Join(scratch, "sim.sock"), period: f.period, listen: f.listen, heard: func(*labMember, memberNews) {}}
	err = l.build(f.witness)
	if err == nil && hq {
		err = l.buildHQ()
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *demoLab) build(witness bool) error {
	var err error
	if l.data, err = filepath.Abs(l.data); err != nil {
		return err
	}
	if err := l.openRack(); err != nil {
		return err
	}
	l.port = pairPort
	if ln, err := net.Listen("tcp", l.address(demoLAN).String()); err != nil { // somebody listens on every address
		if ln, err = net.Listen("tcp", l.address(demoLAN).Addr().String()+":0"); err != nil {
			return err
		}
		l.port = ln.Addr().(*net.TCPAddr).AddrPort().Port()
		_ = ln.Close()
	} else {
		_ = ln.Close()
	}
	for i, name := range []string{"box-a", "box-b", "witness-1"} {
		m := &labMember{lab: l, name: name, role: mode.Box, paths: []netip.AddrPort{l.address(demoLAN + byte(i)), l.address(demoDirect + byte(i))}}
		if i == 2 {
			if !witness {
				break
			}
			m.role, m.paths = mode.Witness, m.paths[:1]
		}
		if err := m.write(); err != nil {
			return err
		}
		l.members = append(l.members, m)
	}
	return l.writeSite(l.members[0].folder())
}

// openRack opens the rack on the first loopback network that nobody uses.
func (l *demoLab) openRack() error {
	var err error
	for i := range demoTries {
		l.network = [3]byte{127, demoNetwork, 0}
		if i > 0 {
			l.network = [3]byte{127, demoNetwork + byte(rand.IntN(128)), byte(rand.IntN(256))}
		}
		l.rack, err = sim.DemoRack(sim.DemoOptions{Base: l.address(1).Addr()})
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return err
}

func (l *demoLab) address(host byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{l.network[0], l.network[1], l.network[2], host}), l.port)
}

// Close ends every member and removes what is left. The rack must not run any more, or not yet.
func (l *demoLab) Close() error {
	for _, m := range l.everyone() {
		m.kill()
	}
	var err error
	if l.rack != nil && !l.served {
		err = l.rack.Close()
	}
	return errors.Join(err, os.RemoveAll(l.scratch))
}

func (l *demoLab) boxes() []*labMember { return l.members[:2] }

// everyone is the members and headquarters.
func (l *demoLab) everyone() []*labMember {
	if l.hq == nil {
		return l.members
	}
	return append(l.members[:len(l.members):len(l.members)], l.hq)
}

// cutCables tells every member which ways are cut; the others are whole.
func (l *demoLab) cutCables(ways ...way) {
	for _, m := range l.everyone() {
		cuts := map[netip.Addr]cut{}
		for _, w := range ways {
			for i := range min(len(w.from.paths), len(w.to.paths)) {
				switch {
				case w.path >= 0 && w.path != i:
				case w.from == m:
					x := cuts[w.to.paths[i].Addr()]
					x.Peer, x.Out = w.to.paths[i].Addr(), true
					cuts[x.Peer] = x
				case w.to == m:
					x := cuts[w.from.paths[i].Addr()]
					x.Peer, x.In = w.from.paths[i].Addr(), true
					cuts[x.Peer] = x
				}
			}
		}
		o := memberOrder{Cables: []cut{}}
		for _, x := range cuts {
			o.Cables = append(o.Cables, x)
		}
		m.order(o)
	}
}

// way is one direction of a cable.
type way struct {
	from, to *labMember
	path     int // 0: the LAN, 1: the direct cable, -1: all
}

// setUp makes the members a pair, with what rackpost pair init, token and join do, and tells each step.
func (l *demoLab) setUp(ctx context.Context, tell func(string, ...any)) error {
	a := l.members[0]
	box, err := loadBox(a.config)
	if err != nil {
		return err
	}
	host := pairHost{box: box, role: mode.Box, file: a.config, env: secretSource{getenv: os.Getenv}, logger: slog.New(slog.DiscardHandler)}
	if _, err := host.init(ctx, person()); err != nil {
		return fmt.Errorf("rackpost pair init: %w", err)
	}
	tell("rackpost pair init: %s is the first box of a pair", a.name)
	if err := a.start(); err != nil {
		return err
	}
	for _, m := range l.members[1:] {
		if err := m.start(); err != nil {
			return err
		}
		var token invited
		if err := l.retry(ctx, func() error { return a.post(ctx, pairPath+"/token", tokenOrder{m.role}, &token) }); err != nil {
			return fmt.Errorf("rackpost pair token on %s: %w", a.name, err)
		}
		var came joined
		if err := l.retry(ctx, func() error { return m.post(ctx, pairPath+"/join", joinOrder{token.Token, token.Addresses}, &came) }); err != nil {
			return fmt.Errorf("rackpost pair join on %s: %w", m.name, err)
		}
		tell("rackpost pair join: %s joins with its token", m.name)
	}
	if l.hq != nil {
		return l.joinHQ(ctx, tell)
	}
	return nil
}

// retry tries until something works, for as long as a start may take.
func (l *demoLab) retry(ctx context.Context, do func() error) error {
	end := time.Now().Add(demoStarts)
	for {
		err := do()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// writeSite writes site.yaml and its secrets, as a person would.
func (l *demoLab) writeSite(dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "site: {id: %s, name: Demo rack}\nracks: [{name: demo}]\ncredentials:\n  switches: {community: {file: community}}\ndevices:\n", labSite)
	secrets := map[string]string{"community": "public\n"}
	logins := ""
	for _, i := range l.rack.Devices() {
		kind, err := findKind(all.Kinds(), i.Kind)
		if err != nil {
			return err
		}
		login, snmp := "switches", ""
		if c := l.rack.BMC(i.Name); c != nil {
			user, password := c.Account()
			login, snmp = i.Name, ", snmp: "+i.SNMP+", timeout: "+shortDuration(demoWait)
			secrets[i.Name] = password + "\n"
			logins += fmt.Sprintf("  %s: {user: %s, password: {file: %s}, community: {file: community}}\n", login, user, i.Name)
		}
		fmt.Fprintf(&b, "  - {id: %s, kind: %s, address: %q, rack: demo, credentials: %s%s, periods: {%s}}\n", i.Name, i.Kind, i.Address, login, snmp, l.periods(kind, login != "switches"))
	}
	text := strings.Replace(b.String(), "devices:\n", logins+"devices:\n", 1)
	secrets["site.yaml"] = text
	for name, content := range secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// periods are those of the sections of a device.
func (l *demoLab) periods(kind collectors.Kind, server bool) string {
	var words []string
	for _, s := range kind.Sections {
		period := l.period
		if server {
			times, often := demoPeriods[s.Name]
			if !often {
				times = 12
			}
			period *= time.Duration(times)
		}
		words = append(words, s.Name+": "+shortDuration(period))
	}
	return strings.Join(words, ", ")
}

// listenControl lets rackpost sim fault find the rack where it looks, unless another simulator is there.
func (l *demoLab) listenControl() {
	if conn, err := net.Dial("unix", defaultControl()); err == nil { // another simulator has it
		_ = conn.Close()
		return
	}
	l.control = defaultControl()
}

func (m *labMember) folder() string { return filepath.Join(m.lab.scratch, m.name) }

// write writes box.yaml or witness.yaml.
func (m *labMember) write() error {
	if err := os.MkdirAll(m.folder(), 0o700); err != nil {
		return err
	}
	m.data = filepath.Join(m.lab.data, m.name)
	if err := os.MkdirAll(m.data, 0o750); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(m.data, pairFolder)); err != nil { // of an earlier demo with -dir
		return err
	}
	m.socket = filepath.Join(m.lab.scratch, m.name+".sock")
	m.client = newClient(m.socket)
	m.client.http.Timeout = statusTimeout
	var addresses []string
	for _, a := range m.paths {
		addresses = append(addresses, a.String())
	}
	head := fmt.Sprintf("name: %s\ndata: %q\nsocket: %q\nlog: {format: text}\n", m.name, m.data, m.socket)
	listen := "listen: [" + strings.Join(addresses, ", ") + "]\n"
	if m.role == mode.Witness {
		m.config = filepath.Join(m.folder(), "witness.yaml")
		return os.WriteFile(m.config, []byte(head+listen), 0o600)
	}
	if m.name == "box-a" {
		head += "site: site.yaml\n"
	}
	m.page = m.lab.listen
	if m.name != "box-a" || !m.page.IsValid() {
		var err error
		if m.page, err = demoListen("127.0.0.1:0"); err != nil {
			return err
		}
	}
	head += fmt.Sprintf("listen: %s\nbudget: 1GB\npair:\n  %s", m.page, listen)
	m.config = filepath.Join(m.folder(), "box.yaml")
	return os.WriteFile(m.config, []byte(head), 0o600)
}

func (m *labMember) post(ctx context.Context, path string, body, answer any) error {
	return m.client.post(ctx, path, body, answer)
}
