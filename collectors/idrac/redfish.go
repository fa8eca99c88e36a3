package idrac

import (
	"context"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// redfishSide reads an iDRAC over Redfish. It holds one session, and what it learned between visits. It is not
// safe for concurrent use.
type redfishSide struct {
	alone  bool // SNMP does not stand in
	target collectors.Target
	client *redfish.Client
	now    func() time.Time
	places places
	serial string         // of the unit that answered last
	had    map[string]int // how a collection was read last, by its name: see settled
	young  time.Time      // until then the iDRAC may not have seen its parts yet
	logins int            // of the client, at the visit before
	beaten beaten         // what the visit before read, if that was a heartbeat

	rollups     rollups
	logs        redfishLogs
	jobs        redfishJobs
	raid        redfishRAID
	environment redfishEnvironment
	inventory   redfishInventory
	network     redfishNetwork
	firmware    redfishFirmware
}

// openRedfish makes the Redfish side of a device. It does not speak to it.
func openRedfish(t collectors.Target) (*redfishSide, error) { return openRedfishAt(t, time.Now) }

func openRedfishAt(t collectors.Target, now func() time.Time) (*redfishSide, error) {
	c, err := redfish.New(redfish.Config{
		Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password,
		LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once, Box: t.Box, Pins: t.Memory, Timeout: t.Timeout, Rate: t.Rate, Logger: t.Logger, Clock: now,
	})
	if err != nil {
		return nil, err
	}
	s := &redfishSide{alone: !t.Credentials.SNMP(), target: t, client: c, now: now}
	s.forget()
	return s, nil
}

// forget drops what belongs to a unit that is there no more.
func (s *redfishSide) forget() {
	s.had, s.rollups, s.logs, s.jobs, s.young = map[string]int{}, nil, redfishLogs{}, redfishJobs{}, time.Time{}
	s.beaten = beaten{}
	s.move()
}

// move drops where things were: the firmware of the iDRAC is another one, or the unit.
func (s *redfishSide) move() {
	s.places = places{}
	s.logs.services, s.jobs.path = nil, ""
	s.raid, s.environment, s.inventory = redfishRAID{}, redfishEnvironment{}, redfishInventory{}
	s.network, s.firmware = redfishNetwork{}, redfishFirmware{}
}

// close ends the session.
func (s *redfishSide) close(ctx context.Context) error { return s.client.Close(ctx) }

// redfishVisit is one visit under way.
type redfishVisit struct {
	parts.Report
	ctx    context.Context
	now    time.Time
	system redfish.ComputerSystem // read first at every visit that does not follow a heartbeat
	dell   dellSystem             // what its Oem says
	young  bool                   // the iDRAC started a moment ago: a collection without members may be one not filled yet
	lost   error                  // why the system could not be read
	fresh  bool                   // chassis and manager were read in this visit, or in the heartbeat that it follows
}

// beaten is what a heartbeat read of the system. The visit of the other sections that follows it at once goes by it.
type beaten struct {
	at     time.Time // when the heartbeat ended; zero: there was none
	system redfish.ComputerSystem
	dell   dellSystem
	lost   error
	fresh  bool
}

// followTime is how soon after a heartbeat a visit counts as one that follows it.
const followTime = 10 * time.Second

// follow takes what the heartbeat before this visit read of the system; false where none did a moment ago, in this session.
func (s *redfishSide) follow(v *redfishVisit, due []collectors.Section) bool {
	b := &s.beaten
	age := v.now.Sub(b.at)
	if b.at.IsZero() || age < 0 || age >= followTime || isDue(due, sectionHeartbeat) || s.client.Counters().Logins != s.logins {
		return false
	}
	v.system, v.dell, v.lost, v.fresh = b.system, b.dell, b.lost, b.fresh
	return true
}

// redfishReader reads one section.
type redfishReader struct {
	section string
	read    func(*redfishSide, *redfishVisit)
}

// redfishReaders are what Redfish reads, in the order it is read.
func redfishReaders() []redfishReader {
	return []redfishReader{
		{sectionHeartbeat, (*redfishSide).readHeartbeat},
		{sectionRAID, (*redfishSide).readRAID},
		{sectionEnvironment, (*redfishSide).readEnvironment},
		{sectionLog, (*redfishSide).readLog},
		{sectionJobs, (*redfishSide).readJobs},
		{sectionInventory, (*redfishSide).readInventory},
		{sectionNetwork, (*redfishSide).readNetwork},
		{sectionFirmware, (*redfishSide).readFirmware},
	}
}

// read makes one visit and reads the sections that are due. The report has no verdicts: they are made when SNMP
// has told the rest. An error means that nothing at all was read; then only Requests counts.
func (s *redfishSide) read(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	before := s.client.Counters().Requests
	v := &redfishVisit{ctx: ctx, now: s.now()}
	v.Device, v.Kind, v.Started, v.Period = s.target.Device.ID, s.target.Device.Kind, v.now, shortest(due)
	err := s.beat(v, due)
	s.beaten = beaten{}
	if err != nil {
		return hw.Report{Requests: s.client.Counters().Requests - before}, s.inUpdate(parts.Whole(err))
	}
	for _, rd := range redfishReaders() {
		if isDue(due, rd.section) {
			s.readSection(v, rd)
		}
	}
	if len(due) == 1 && isDue(due, sectionHeartbeat) {
		s.beaten = beaten{at: s.now(), system: v.system, dell: v.dell, lost: v.lost, fresh: v.fresh}
	}
	v.Took = s.now().Sub(v.Started)
	v.Requests = s.client.Counters().Requests - before
	return v.Report.Report, nil
}

func (s *redfishSide) readSection(v *redfishVisit, rd redfishReader) {
	if v.Stopped == "" && v.ctx.Err() != nil {
		v.Stopped = collectors.ReasonOf(v.ctx.Err())
	}
	v.Begin(rd.section)
	if v.Stopped != "" {
		v.Fail(rd.section, v.Stopped, "")
		return
	}
	before := len(v.Components) + len(v.Samples) + len(v.Log)
	rd.read(s, v)
	if v.Extent(rd.section) != hw.Complete && len(v.Components)+len(v.Samples)+len(v.Log) == before {
		v.Limit(rd.section, hw.Failed)
	}
}

// get reads one resource of a section. Where it fails the section is partial, and the visit over where the error
// concerns the whole device; false then.
func (s *redfishSide) get(v *redfishVisit, section, what, path string, into any) bool {
	a, err := s.client.Get(v.ctx, path, into)
	if err != nil {
		v.Missed(section, what, err)
		return false
	}
	v.Odd(section, what, a.Odd)
	return true
}

// What is remembered of a collection, beside how often it was empty since it had members.
const knownEmpty = -1

// emptyReadings is how often a collection that had members must be read empty before it is believed: after a
// racreset the iDRAC answers before it has seen its parts.
const emptyReadings = 3

// settled says whether what a collection that was read whole shows is believed, were it nothing, and notes why
// the section is partial where it is not. The name what is unique within the device.
func (s *redfishSide) settled(v *redfishVisit, section, what string, members int) bool {
	empties, known := s.had[what]
	switch {
	case members > 0:
		s.had[what] = 0
	case known && empties == knownEmpty:
	case v.young:
		v.Partial(section, what, hw.NotReady, "the iDRAC started a moment ago, and nothing is there yet")
		return false
	case known && empties+1 < emptyReadings:
		s.had[what]++
		v.Partial(section, what, hw.Inconsistent, "there were some and there is none; believed when it stays so")
		return false
	default:
		s.had[what] = knownEmpty
	}
	return true
}

func shortest(due []collectors.Section) time.Duration {
	var p time.Duration
	for _, x := range due {
		if p == 0 || x.Period < p {
			p = x.Period
		}
	}
	return p
}
