package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// server reads one device. It holds one session, and what it learned between visits.
type server struct {
	target collectors.Target
	client *redfish.Client
	now    func() time.Time
	places places
	serial string            // of the unit that answered last
	rollup string            // what the system said of its parts at the last heartbeat
	had    map[string]int    // by name of a collection: how often it was empty since it had members
	drives map[string]string // paths of the drives by their components
	stores map[string]controllers
	failed map[string]bool // resources whose newer form is read since they failed
	logs   logs
	beaten beaten // what the visit before read, if that was a heartbeat
}

// beaten is what a heartbeat read of the system. The visit of the other sections that follows it at once goes by it.
type beaten struct {
	at     time.Time // when the heartbeat ended; zero: there was none
	logins int       // of the client
	system redfish.ComputerSystem
	odd    []redfish.Odd
}

// followTime is how soon after a heartbeat a visit counts as one that follows it.
const followTime = 10 * time.Second

// forget drops what belongs to a unit that is there no more.
func (s *server) forget() {
	s.places, s.logs, s.rollup, s.beaten = places{}, logs{}, "", beaten{}
	s.had, s.drives, s.stores, s.failed = map[string]int{}, map[string]string{}, map[string]controllers{}, map[string]bool{}
}

// visit is one visit under way.
type visit struct {
	parts.Report
	ctx    context.Context
	system redfish.ComputerSystem // read first at every visit that does not follow a heartbeat
	odd    []redfish.Odd          // in it
}

// reader reads one section.
type reader struct {
	section string
	read    func(*server, *visit)
}

func readers() []reader {
	return []reader{
		{sectionHeartbeat, (*server).readHeartbeat},
		{sectionRAID, (*server).readRAID},
		{sectionEnvironment, (*server).readEnvironment},
		{sectionLog, (*server).readLog},
		{sectionInventory, (*server).readInventory},
		{sectionNetwork, (*server).readNetwork},
	}
}

// Collect implements collectors.Collector.
func (s *server) Collect(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	before := s.client.Counters().Requests
	v := &visit{ctx: ctx}
	v.Device, v.Kind, v.Started = s.target.Device.ID, s.target.Device.Kind, s.now()
	for _, x := range due {
		if v.Period == 0 || x.Period < v.Period {
			v.Period = x.Period
		}
	}
	err := s.identify(v, due)
	s.beaten = beaten{}
	if err != nil {
		return hw.Report{Requests: s.client.Counters().Requests - before}, parts.Whole(err)
	}
	for _, rd := range readers() {
		if isDue(due, rd.section) {
			s.readSection(v, rd)
		}
	}
	if len(due) == 1 && isDue(due, sectionHeartbeat) {
		s.beaten = beaten{at: s.now(), logins: s.client.Counters().Logins, system: v.system, odd: v.odd}
	}
	v.Took = s.now().Sub(v.Started)
	v.Requests = s.client.Counters().Requests - before
	return v.Report.Report, nil
}

func isDue(due []collectors.Section, section string) bool {
	return slices.ContainsFunc(due, func(x collectors.Section) bool { return x.Name == section })
}

func (s *server) readSection(v *visit, rd reader) {
	if v.Stopped == "" && v.ctx.Err() != nil {
		v.Stopped = collectors.ReasonOf(v.ctx.Err())
	}
	v.Begin(rd.section)
	if v.Stopped != "" {
		v.Fail(rd.section, v.Stopped, "")
		return
	}
	components, samples, verdicts, lines := len(v.Components), len(v.Samples), len(v.Verdicts), len(v.Log)
	rd.read(s, v)
	if v.Extent(rd.section) != hw.Complete && v.ctx.Err() != nil && rd.section != sectionLog {
		// What was cut off is as good as not read: a section that failed is read again soon, and alone.
		v.Components, v.Samples, v.Verdicts = v.Components[:components], v.Samples[:samples], v.Verdicts[:verdicts]
	}
	if v.Extent(rd.section) != hw.Complete && len(v.Components) == components && len(v.Samples) == samples && len(v.Log) == lines {
		v.Limit(rd.section, hw.Failed)
	}
}

// get reads one resource of a section. Where it fails the section is partial, and the visit over where the
// error concerns the whole device; false then.
func (s *server) get(v *visit, section, what, path string, into any) bool {
	a, err := s.client.Get(v.ctx, path, into)
	if err != nil {
		v.Missed(section, what, err)
		return false
	}
	v.Odd(section, what, a.Odd)
	return true
}

// emptyReadings is how often a collection that had members must be read empty before it is believed: after a
// reset a controller answers before it has seen its parts.
const emptyReadings = 3

// settled says whether what a collection that was read whole shows is believed, were it nothing, and notes why
// the section is partial where it is not. The name what is unique within the device.
func (s *server) settled(v *visit, section, what string, members int) bool {
	empties, had := s.had[what]
	switch {
	case members > 0:
		s.had[what] = 0
	case had && empties+1 < emptyReadings:
		s.had[what]++
		v.Partial(section, what, hw.Inconsistent, "there were some and there is none; believed when it stays so")
		return false
	}
	return true
}

// identify reads the system, or goes by what the heartbeat a moment ago, in this session, read of it.
func (s *server) identify(v *visit, due []collectors.Section) error {
	b := &s.beaten
	age := v.Started.Sub(b.at)
	if b.at.IsZero() || age < 0 || age >= followTime || isDue(due, sectionHeartbeat) || s.client.Counters().Logins != b.logins {
		return s.beat(v)
	}
	v.system, v.odd, v.Unit = b.system, b.odd, s.unit(&b.system)
	return nil
}

// unit says what stands there.
func (s *server) unit(c *redfish.ComputerSystem) *hw.Unit {
	return &hw.Unit{Serial: s.serial, Model: strings.TrimSpace(c.Model), Version: s.places.manager.FirmwareVersion, Name: c.HostName}
}

// beat reads the system, the first request of a visit. Before the first it finds where things are, and anew
// where another unit answers.
func (s *server) beat(v *visit) error {
	found, err := s.see(v)
	if err == nil && !found && s.serial != "" && serialOf(&v.system) != "" && serialOf(&v.system) != s.serial {
		s.forget()
		_, err = s.see(v)
	}
	if err != nil {
		return err
	}
	if serial := serialOf(&v.system); serial != "" {
		s.serial = serial
	}
	v.Unit = s.unit(&v.system)
	return nil
}

// see reads the system, and says whether its place was looked for to do so.
func (s *server) see(v *visit) (found bool, err error) {
	if s.places.known {
		var system redfish.ComputerSystem
		a, err := s.client.Get(v.ctx, s.places.system, &system)
		v.system, v.odd = system, a.Odd
		if err == nil || redfish.Over(err) || collectors.ReasonOf(err) != hw.NotSupported {
			return false, err
		}
		s.forget() // its name changed with the firmware, or another server answers
	}
	return true, s.find(v)
}

// serialOf returns what names the unit: on a Dell the service tag, which is not the serial number of the board.
func serialOf(c *redfish.ComputerSystem) string {
	if isDell(c.Manufacturer) && c.SKU != "" {
		return strings.TrimSpace(c.SKU)
	}
	return strings.TrimSpace(c.SerialNumber)
}

func isDell(maker string) bool { return strings.HasPrefix(strings.ToLower(maker), "dell") }
