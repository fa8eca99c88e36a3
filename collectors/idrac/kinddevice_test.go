package idrac_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// clock is a time that tests move on.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// rackServer is a simulated server: its BMC over TLS, and its SNMP agent.
type rackServer struct {
	testing.TB
	clock  clock
	bmc    *bmc.BMC
	addr   string // of Redfish
	agent  *agent
	agents *sim.Device

	stopRedfish func()
	memory      *collectors.Memory
}

// newServer serves a model over Redfish and over SNMP.
func newServer(t testing.TB, model string) *rackServer {
	t.Helper()
	s := &rackServer{TB: t, memory: &collectors.Memory{}}
	b, err := bmc.New(model, bmc.Options{Clock: s.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	return s.serving(b)
}

func (s *rackServer) serving(b *bmc.BMC) *rackServer {
	s.Helper()
	s.bmc, s.addr = b, "127.0.0.1:0"
	s.startRedfish()
	s.agents = sim.NewController(b)
	s.agent = &agent{tb: s, community: "public"}
	s.agent.serve(s.agents)
	s.Cleanup(s.agent.stop)
	s.Cleanup(func() { s.stopRedfish() })
	return s
}

func (s *rackServer) startRedfish() {
	s.Helper()
	server, err := bmc.Listen(s.addr, s.bmc)
	for range 50 { // the port was ours a moment ago
		if err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
		server, err = bmc.Listen(s.addr, s.bmc)
	}
	if err != nil {
		s.Fatal(err)
	}
	s.addr = server.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	var once sync.Once
	s.stopRedfish = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				s.Error(err)
			}
		})
	}
}

func (s *rackServer) fault(text string) {
	s.Helper()
	name, arg, _ := strings.Cut(text, " ")
	if err := s.bmc.Fault(name, arg); err != nil {
		s.Fatal(err)
	}
}

// over are the protocols of a target.
type over int

const (
	redfishOnly over = iota
	snmpOnly
	bothOver
)

func (s *rackServer) target(o over) collectors.Target {
	user, password := s.bmc.Account()
	t := collectors.Target{
		Device:  hw.Device{ID: "d1", Kind: idrac.KindName, Address: s.addr},
		Timeout: 2 * time.Second, Memory: s.memory, Logger: slog.New(slog.DiscardHandler),
	}
	switch o {
	case redfishOnly:
		t.Credentials = collectors.Credentials{User: user, Password: password}
	case snmpOnly:
		t.Device.Address = s.agent.addr.String()
		t.Credentials = collectors.Credentials{Community: "public"}
	default:
		t.SNMP = s.agent.addr.String()
		t.Credentials = collectors.Credentials{User: user, Password: password, Community: "public"}
	}
	return t
}

// client is a collector of a server.
type client struct {
	*rackServer
	kind collectors.Kind
	collectors.Collector
}

func (s *rackServer) visited(o over) *client { return s.visitedAs(s.target(o)) }

func (s *rackServer) visitedAs(t collectors.Target) *client {
	s.Helper()
	k := idrac.Unhurried(s.clock.now)
	c, err := k.New(t)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close(context.Background()) })
	return &client{s, k, c}
}

// try makes a visit of sections, all where none is named.
func (c *client) try(sections ...string) (hw.Report, error) {
	c.Helper()
	var due []collectors.Section
	for _, x := range c.kind.Sections {
		if len(sections) == 0 || slices.Contains(sections, x.Name) {
			due = append(due, x)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := c.Collect(ctx, due)
	if err != nil {
		return r, err
	}
	if fault := collectors.CheckReport(r); fault != nil {
		c.Errorf("the report is not valid: %v", fault)
	}
	for _, x := range due {
		if !slices.ContainsFunc(r.Read, func(s hw.Scope) bool { return s.Section == x.Name }) {
			c.Errorf("section %s is not mentioned", x.Name)
		}
	}
	return r, nil
}

// visit is try, and fails the test where nothing was read.
func (c *client) visit(sections ...string) seen {
	c.Helper()
	r, err := c.try(sections...)
	if err != nil {
		c.Fatalf("visit of %v: %v", sections, err)
	}
	return seen{r}
}

// failing is try, and fails the test where something was read.
func (c *client) failing(want hw.Reason, sections ...string) *collectors.VisitError {
	c.Helper()
	r, err := c.try(sections...)
	v, ok := err.(*collectors.VisitError)
	switch {
	case err == nil:
		c.Fatalf("the visit was good: %v, gaps %v", r.Read, r.Gaps)
	case !ok || v.Reason != want:
		c.Fatalf("the reason is %q, want %q: %v", collectors.ReasonOf(err), want, err)
	}
	return v
}

// seen is a report as tests ask it.
type seen struct{ hw.Report }

func (r seen) extent(section string) hw.Extent {
	for _, s := range r.Read {
		if s.Section == section {
			return s.Extent
		}
	}
	return hw.Failed
}

func (r seen) part(path, section string) *hw.Component {
	for i := range r.Components {
		if c := &r.Components[i]; c.Path == path && c.Section == section {
			return c
		}
	}
	return nil
}

// paths are the components of a section with a prefix.
func (r seen) paths(section, prefix string) (list []string) {
	for _, c := range r.Components {
		if c.Section == section && strings.HasPrefix(c.Path, prefix) {
			list = append(list, c.Path)
		}
	}
	slices.Sort(list)
	return list
}

func (r seen) gap(what string) *hw.Gap {
	for i := range r.Gaps {
		if r.Gaps[i].What == what {
			return &r.Gaps[i]
		}
	}
	return nil
}

func (r seen) verdict(code string) *hw.Verdict {
	for i := range r.Verdicts {
		if r.Verdicts[i].Code == code {
			return &r.Verdicts[i]
		}
	}
	return nil
}
