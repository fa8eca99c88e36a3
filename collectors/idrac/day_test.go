package idrac_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/collectortest"
	"rackpost/collectors/idrac"
	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// The day goes in steps; a fault is on for some of them, and what is mended must be seen to be so after as many.
const (
	dayStep     = 5 * time.Minute
	dayOn       = 2
	dayOff      = 2
	dayRequests = 100         // of one visit: a log of 500,000 entries is not read to its end
	dayTimeout  = time.Second // of a request: a device that is silent costs it
)

// day is one server and what is known of it.
type day struct {
	t      *testing.T
	clock  *collectortest.Clock // of device and collector
	bmc    *bmc.BMC
	kind   collectors.Kind
	c      collectors.Collector
	target collectors.Target
	state  hw.State
	read   map[string]time.Time // when a section was read last, failed or not
	hasten map[string]bool
	most   int             // requests of one visit
	lines  map[string]bool // read of the Lifecycle log
	last   string          // what the last visit read
	torn   time.Time       // answers were broken until then
	given  uint64          // requests that were not waited for
	under  string          // the last fault that was switched on
	flight int             // requests that were in flight at once when some were given up
}

// newDay starts a server of a model, with its SNMP agent or without.
func newDay(t *testing.T, model string, snmp bool) *day {
	t.Helper()
	d := &day{t: t, clock: collectortest.NewClock(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), read: map[string]time.Time{}, hasten: map[string]bool{}, lines: map[string]bool{}, flight: 1}
	var err error
	if d.bmc, err = bmc.New(model, bmc.Options{Seed: 4, Clock: d.clock.Now}); err != nil {
		t.Fatal(err)
	}
	rack, beside := sim.NewRack(), sim.BMCOptions{}
	if snmp {
		beside.SNMP = "127.0.0.1:0"
	}
	if _, err = rack.AddBMC("server", d.bmc, "127.0.0.1:0", beside); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rack.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	info := rack.Devices()[0]
	user, password := d.bmc.Account()
	d.kind = idrac.Unhurried(d.clock.Now)
	d.target = collectors.Target{
		Device: hw.Device{ID: "server", Kind: d.kind.Name, Address: info.Address}, Credentials: collectors.Credentials{User: user, Password: password},
		SNMP: info.SNMP, Timeout: dayTimeout, Memory: collectors.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	}
	if snmp {
		d.target.Credentials.Community = "public"
	}
	if d.c, err = d.kind.New(d.target); err != nil {
		t.Fatal(err)
	}
	return d
}

// due are the sections whose period has passed, and those that were hastened.
func (d *day) due() (due []collectors.Section) {
	for _, s := range d.kind.Sections {
		at, known := d.read[s.Name]
		if !known || d.clock.Now().Sub(at) >= s.Period || d.hasten[s.Name] {
			due = append(due, s)
		}
	}
	return due
}

// visit reads what is due as the appliance does: the heartbeat, and if that was read, the rest.
func (d *day) visit() {
	d.t.Helper()
	due := d.due()
	first := slices.IndexFunc(due, func(s collectors.Section) bool { return s.First })
	if first < 0 || len(due) == 1 {
		d.collect(due)
		return
	}
	if d.collect(due[first : first+1]) {
		d.collect(slices.Delete(slices.Clone(due), first, first+1))
	}
}

// collect makes one visit and takes its report as the appliance does; false where nothing was read.
func (d *day) collect(due []collectors.Section) bool {
	d.t.Helper()
	began := d.clock.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r, err := d.c.Collect(ctx, due)
	cancel()
	if err != nil {
		r = hw.Report{Requests: r.Requests, Gaps: []hw.Gap{{What: hw.VisitGap, Reason: collectors.ReasonOf(err), Detail: err.Error()}}}
		for _, s := range due {
			r.Read = append(r.Read, hw.Scope{Section: s.Name})
		}
	} else if err := collectors.CheckReport(r); err != nil {
		d.t.Errorf("an invalid report: %v", err)
	}
	r.Device, r.Kind, r.Started, r.Period = "server", d.kind.Name, began, dayStep
	clear(d.hasten)
	for _, s := range r.Hasten {
		d.hasten[s] = true
	}
	d.last = ""
	for _, s := range r.Read {
		if s.Extent == hw.Complete || s.Section != "inventory" && s.Section != "network" && s.Section != "firmware" {
			d.read[s.Section] = began
		}
		d.last += fmt.Sprintf(" %s %s", s.Section, s.Extent)
	}
	for _, g := range r.Gaps {
		d.last += fmt.Sprintf("\n    %s: %s %s", g.What, g.Reason, g.Detail)
	}
	for _, l := range r.Log {
		if l.Log == "lifecycle" {
			d.lines[l.Entry] = true
		}
	}
	d.most = max(d.most, r.Requests)
	d.state.Visit(r)
	return err == nil
}

// open are the alerts that are open: "code component".
func (d *day) open() (open []string) {
	for f := range d.state.All() {
		if a, ok := f.Value.(hw.AlertValue); ok && a.Open {
			open = append(open, strings.TrimSpace(f.Group+" "+f.Component))
		}
	}
	slices.Sort(open)
	return open
}

// steps lets some steps pass, each with a visit.
func (d *day) steps(n int) {
	d.t.Helper()
	for range n {
		d.clock.Pass(dayStep)
		d.visit()
		d.limits()
	}
}

// limits holds what no iDRAC may ever see of us.
func (d *day) limits() {
	d.t.Helper()
	c := d.bmc.Counters()
	if c.Abandoned > d.given { // the device goes on with a request that was not waited for
		d.given, d.flight = c.Abandoned, max(d.flight, c.MostInFlight)
	}
	if c.MostInFlight > d.flight {
		d.t.Errorf("under %s: %d requests were in flight at once; the last visit:%s", d.under, c.MostInFlight, d.last)
		d.flight = c.MostInFlight
	}
	for range 100 { // one that was given up is closed by the other side a moment later; by one that is silent, when it is not
		if c.Open <= 1 || slices.Contains(d.bmc.Faults(), "silent") || slices.Contains(d.bmc.Faults(), "silent redfish") {
			c.Open = 0
			break
		}
		time.Sleep(10 * time.Millisecond)
		c = d.bmc.Counters()
	}
	if c.Open > 1 {
		d.t.Errorf("under %s: %d connections are open; the last visit:%s", d.under, c.Open, d.last)
	}
	if c.Sessions > 1 && d.clock.Now().Sub(d.torn) > 40*time.Minute {
		d.t.Errorf("under %s: %d sessions are open; the last visit:%s", d.under, c.Sessions, d.last)
	}
}

// trouble is a fault of the day: what must be told while it is on, and what may be.
type trouble struct {
	fault, arg string
	must       []string // "code component", or the beginning of it
	may        []string // likewise: what else follows from it
	torn       bool     // answers break: the one that opens a session may too
	event      bool     // it ends by itself
	steps      int      // how long it is on; 0 is dayOn
	counts     bool     // something is counted, and told for a week
}

func (x *trouble) String() string { return strings.TrimSpace(x.fault + " " + x.arg) }

// begins says whether one of the words begins the alert.
func begins(words []string, alert string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(alert, w) })
}

// suffer switches one fault on and off and looks at what is told.
func (d *day) suffer(x *trouble, calm []string) {
	d.t.Helper()
	if err := d.bmc.Fault(x.fault, x.arg); err != nil {
		d.t.Fatal(err)
	}
	d.under = x.String()
	if x.torn {
		d.torn = d.clock.Now().Add(dayStep * dayOn)
	}
	for step := range max(x.steps, dayOn) {
		d.steps(1)
		d.told(x, calm, step == max(x.steps, dayOn)-1)
	}
	if !x.event {
		if err := d.bmc.Fault("clear", x.fault); err != nil {
			d.t.Fatal(err)
		}
	}
	d.steps(dayOff)
	if x.counts { // the last of them are read within the hour, and fade in a week
		d.steps(13)
		d.clock.Pass(8 * 24 * time.Hour)
		d.steps(13)
	}
	if open := d.open(); !slices.Equal(open, calm) {
		d.t.Errorf("after %s: open\n  %s\nwant\n  %s\nthe last visit:%s", x, strings.Join(open, "\n  "), strings.Join(calm, "\n  "), d.last)
		d.settle(calm)
	}
}

// settle gives what was found wrong some time, so that it is told once.
func (d *day) settle(calm []string) {
	d.t.Helper()
	for range 6 {
		if d.steps(1); slices.Equal(d.open(), calm) {
			return
		}
	}
	d.t.Fatalf("it stays so:\n  %s", strings.Join(d.open(), "\n  "))
}

// told compares what is open while a fault is on.
func (d *day) told(x *trouble, calm []string, last bool) {
	d.t.Helper()
	open := d.open()
	for _, a := range open {
		if !slices.Contains(calm, a) && !begins(x.must, a) && !begins(x.may, a) {
			d.t.Errorf("under %s: %s is no part of it; the last visit:%s", x, a, d.last)
		}
	}
	for _, a := range calm {
		if !slices.Contains(open, a) && !begins(x.may, a) {
			d.t.Errorf("under %s: %s is not told any more; the last visit:%s", x, a, d.last)
		}
	}
	for _, m := range x.must {
		if last && !slices.ContainsFunc(open, func(a string) bool { return strings.HasPrefix(a, m) }) {
			d.t.Errorf("under %s: %s is not told, but\n  %s\nthe last visit:%s", x, m, strings.Join(open, "\n  "), d.last)
		}
	}
}

// covers wants every fault that the server can have to be one of the day.
func (s *dayServer) covers(t *testing.T, known []string) {
	t.Helper()
	for _, name := range known {
		if name != "clear" && !s.hardware && !slices.ContainsFunc(s.troubles, func(x trouble) bool { return x.fault == name }) {
			t.Errorf("the day has no fault %s", name)
		}
	}
}

// daySeed is another one with RACKPOST_DAY_SEED.
func daySeed(t *testing.T) uint64 {
	if text := os.Getenv("RACKPOST_DAY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed
	}
	return 1
}

// TestDayOfFaults lets a simulated day pass in which each fault that the simulator has goes on and off, in an order that the
// seed gives.
func TestDayOfFaults(t *testing.T) {
	t.Parallel()
	for _, s := range daysOf() {
		t.Run(s.model, func(t *testing.T) {
			t.Parallel()
			d := newDay(t, s.model, s.snmp)
			began := d.clock.Now()
			s.covers(t, d.bmc.KnownFaults())
			d.steps(3)
			calm := d.open()
			if !slices.Equal(calm, s.calm) {
				t.Fatalf("nothing is wrong, and open is\n  %s\nwant\n  %s\nthe last visit:%s", strings.Join(calm, "\n  "), strings.Join(s.calm, "\n  "), d.last)
			}
			seed := daySeed(t)
			order := rand.New(rand.NewPCG(seed, 0)).Perm(len(s.troubles))
			for _, i := range order {
				d.suffer(&s.troubles[i], s.calm)
			}
			t.Logf("seed %d, %s, %d requests at most in a visit, %+v", seed, d.clock.Now().Sub(began), d.most, d.bmc.Counters())
			d.ends()
		})
	}
}

// ends closes the collector and looks for what it left.
func (d *day) ends() {
	d.t.Helper()
	if err := d.c.Close(context.Background()); err != nil {
		d.t.Errorf("close: %v", err)
	}
	if n := d.bmc.Sessions(); n != 0 {
		d.t.Errorf("%d sessions are left open", n)
	}
	if d.most > dayRequests {
		d.t.Errorf("a visit took %d requests", d.most)
	}
	news := 0
	for id, code := range d.bmc.Events() {
		if strings.HasPrefix(code, "USR") { // our own logins are no news of the device
			continue
		}
		if news++; !d.lines[strconv.Itoa(id)] {
			d.t.Errorf("line %d of the log, %s, was not read", id, code)
		}
	}
	if news < 15 {
		d.t.Errorf("the log has %d lines of this day", news)
	}
}
