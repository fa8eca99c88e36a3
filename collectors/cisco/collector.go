package cisco

import (
	"context"
	"net/netip"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// collector visits one device. Between visits it keeps the names of rows, the columns the
// device lacks, and the starts of its counters, so that a fast visit reads only what moves;
// what it read goes back to the shelf.
type collector struct {
	kind    string
	target  collectors.Target
	session *snmp.Session
	readers []reader
	shared  *shelf
	sheets  *sheets // of the visit under way

	clock    clock
	broken   int64 // Unix ms: counters of before are another's; 0 is never
	identity identity
	entities entities
	known    unitMemory
	ports    ports
	failover failoverMemory
	config   configMemory
	channels channelMemory
	tree     treeMemory

	tunnels    map[netip.Addr]tunnelMemory // by peer
	classLimit uint64                      // connections the resource class of the only context allows; 0 is not told
	standby    standbyMemory

	configOrder string // what the history of changes says of the configuration: see configMemory

	counted map[counted]series // the counters that are not of ports' traffic

	full   map[string]bool // paths of what was nearly full: see fullness
	parts  map[string]bool // paths of parts that were there and are missed when they go
	tables map[*group]table
	lacks  map[string]bool // by OID; bounded by the tables
	hidden hidden

	slotted bool // stack members have slots: see parts.member
}

// young is the uptime below which a missing column is not taken for one the device lacks.
const young = 15 * time.Minute

// What is kept from one collector of a device to the next.
const (
	memoryTicks = "cisco.uptime-ticks"
	memoryWraps = "cisco.uptime-wraps"
	memoryAt    = "cisco.uptime-at-ms"
	memoryBoot  = "cisco.boot-ms"
)

func open(t collectors.Target, kind string, shared *shelf) (collectors.Collector, error) {
	s, err := snmp.New(t, &shared.buffers)
	if err != nil {
		return nil, err
	}
	c := &collector{
		kind: kind, target: t, session: s, readers: readers(kind), shared: shared,
		parts: map[string]bool{}, tables: map[*group]table{}, lacks: map[string]bool{},
	}
	c.recall()
	if err := c.openStandby(); err != nil {
		return nil, err
	}
	return c, nil
}

// recall takes up the clock where the collector before left it.
func (c *collector) recall() {
	ticks, ok := c.target.Memory.Get(memoryTicks)
	if !ok {
		return
	}
	wraps, _ := c.target.Memory.Get(memoryWraps)
	at, _ := c.target.Memory.Get(memoryAt)
	boot, _ := c.target.Memory.Get(memoryBoot)
	c.clock = clock{known: true, ticks: uint32(ticks), wraps: wraps, at: time.UnixMilli(at), boot: time.UnixMilli(boot)}
}

func (c *collector) remember() {
	if !c.clock.known {
		return
	}
	m := c.target.Memory
	m.Set(memoryTicks, int64(c.clock.ticks))
	m.Set(memoryWraps, c.clock.wraps)
	m.Set(memoryAt, c.clock.at.UnixMilli())
	m.Set(memoryBoot, c.clock.boot.UnixMilli())
}

// Collect implements collectors.Collector.
func (c *collector) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	started := time.Now()
	c.startVisit()
	c.sheets = c.shared.take()
	defer func() {
		c.shared.give(c.sheets)
		c.sheets = nil
	}()
	r := hw.Report{
		Device: c.target.Device.ID, Kind: c.kind, Started: started, Period: shortest(due),
		Components: make([]hw.Component, 0, len(c.ports.list)+expectedParts),
		Samples:    make([]hw.Sample, 0, len(c.ports.list)*portCounterCount+expectedParts),
	}
	v := &visit{
		ctx: ctx, report: &r, now: started,
		labels: isDue(due, sectionEnvironment), ports: isDue(due, sectionPorts),
	}
	if err := c.readClock(v); err != nil {
		return hw.Report{Requests: c.requests()}, err
	}
	if !c.identity.known {
		if err := c.identify(v); err != nil {
			return hw.Report{Requests: c.requests()}, err
		}
	}
	if !c.entities.read && !isDue(due, sectionInventory) {
		c.needEntities(v)
	}
	for _, rd := range c.readers {
		if isDue(due, rd.section) {
			c.readSection(v, rd)
			c.sheets.clear() // what the next sections need is kept elsewhere
		}
	}
	c.judgeView(v)
	c.remember()
	r.Unit = c.unit()
	r.Took = time.Since(started)
	r.Requests = c.requests()
	return r, nil
}

// expectedParts is how many components and samples besides those of ports are made room for.
const expectedParts = 64

func (c *collector) readSection(v *visit, rd reader) {
	if v.stopped == "" && v.ctx.Err() != nil {
		v.stopped = collectors.ReasonOf(v.ctx.Err())
	}
	v.begin(rd.section)
	if v.stopped != "" {
		v.fail(rd.section, v.stopped, "")
		return
	}
	before := len(v.report.Components) + len(v.report.Samples)
	rd.read(c, v)
	if v.stopped != "" && len(v.report.Components)+len(v.report.Samples) == before {
		v.limit(rd.section, hw.Failed)
	}
}

// restart forgets what belongs to the device before it started, or to the unit before it
// was exchanged.
func (c *collector) restart() {
	c.identity = identity{}
	c.entities = entities{}
	c.ports.stale = true
	c.failover = c.failover.restarted()
	c.classLimit, c.tunnels = 0, nil
	c.config, c.configOrder = configMemory{}, ""
	c.channels, c.tree, c.slotted = channelMemory{}, treeMemory{}, false
	for i := range c.ports.list {
		p := &c.ports.list[i]
		p.discontinued, p.since, p.readAt = false, 0, 0
		p.untell()
	}
	clear(c.lacks)
	clear(c.parts)
	clear(c.full)
	clear(c.tables)
}

// maxParts bounds the parts that are remembered as expected.
const maxParts = 4096

// expected reports whether a part's absence would be a fault: it is there, or was when its
// state was last read.
func (c *collector) expected(path string, there bool) bool {
	if there && len(c.parts) < maxParts {
		c.parts[path] = true
	}
	return there || c.parts[path]
}

// start returns since when the device's counters count, in Unix ms; 0 is unknown.
func (c *collector) start() int64 {
	if !c.clock.known {
		return c.broken
	}
	return max(c.clock.boot.UnixMilli(), c.broken)
}

func shortest(due []collectors.Section) time.Duration {
	var p time.Duration
	for _, s := range due {
		if p == 0 || s.Period < p {
			p = s.Period
		}
	}
	return p
}

func isDue(due []collectors.Section, section string) bool {
	for _, s := range due {
		if s.Name == section {
			return true
		}
	}
	return false
}
