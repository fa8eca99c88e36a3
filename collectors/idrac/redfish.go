package idrac

import (
	"context"
	"errors"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
)

// redfishSide reads an iDRAC over Redfish. It holds one session, and what it learned between visits. It is not
// safe for concurrent use.
type redfishSide struct {
	target  collectors.Target
	client  *redfish.Client
	places  places
	serial  string         // of the unit that answered last
	version string         // of its iDRAC: another one may have other paths
	had     map[string]int // by name of a collection: how often it was empty since it had members; see settled

	raid        redfishRAID
	environment redfishEnvironment
	inventory   redfishInventory
	network     redfishNetwork
	firmware    redfishFirmware
}

// openRedfish makes the Redfish side of a device. It does not speak to it.
func openRedfish(t collectors.Target) (*redfishSide, error) {
	c, err := redfish.New(redfish.Config{
		Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password,
		LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once, Pins: t.Memory, Timeout: t.Timeout, Logger: t.Logger,
	})
	if err != nil {
		return nil, err
	}
	s := &redfishSide{target: t, client: c}
	s.forget()
	return s, nil
}

// forget drops what belongs to a unit that is there no more.
func (s *redfishSide) forget() {
	s.places, s.had = places{}, map[string]int{}
	s.raid, s.environment, s.inventory = redfishRAID{}, redfishEnvironment{}, redfishInventory{}
	s.network, s.firmware = redfishNetwork{}, redfishFirmware{}
}

// close ends the session.
func (s *redfishSide) close(ctx context.Context) error { return s.client.Close(ctx) }

// redfishVisit is one visit under way.
type redfishVisit struct {
	parts.Report
	ctx    context.Context
	system redfish.ComputerSystem // read first at every visit
	young  bool                   // the iDRAC started a moment ago: a collection without members may be one not filled yet
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
	v := &redfishVisit{ctx: ctx}
	v.Device, v.Kind, v.Started = s.target.Device.ID, s.target.Device.Kind, time.Now()
	for _, x := range due {
		if v.Period == 0 || x.Period < v.Period {
			v.Period = x.Period
		}
	}
	if err := s.beat(v); err != nil {
		return hw.Report{Requests: s.client.Counters().Requests - before}, parts.Whole(err)
	}
	for _, rd := range redfishReaders() {
		if isDue(due, rd.section) {
			s.readSection(v, rd)
		}
	}
	v.Took = time.Since(v.Started)
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

// emptyReadings is how often a collection that had members must be read empty before it is believed: after a
// racreset the iDRAC answers before it has seen its parts.
const emptyReadings = 3

// settled says whether what a collection that was read whole shows is believed, were it nothing, and notes why
// the section is partial where it is not. The name what is unique within the device.
func (s *redfishSide) settled(v *redfishVisit, section, what string, members int) bool {
	empties, had := s.had[what]
	switch {
	case members > 0:
		s.had[what] = 0
	case v.young:
		v.Partial(section, what, hw.NotReady, "the iDRAC started a moment ago, and nothing is there yet")
		return false
	case had && empties+1 < emptyReadings:
		s.had[what]++
		v.Partial(section, what, hw.Inconsistent, "there were some and there is none; believed when it stays so")
		return false
	case had:
		s.had[what]++
	}
	return true
}

// generation is that of an iDRAC: 7 to 10; 0 is not known.
func generationOf(m redfish.Manager) int {
	model, _, _ := strings.Cut(m.Model, " ")
	switch model {
	case "12G":
		return 7
	case "13G":
		return 8
	case "14G", "15G", "16G":
		return 9
	case "17G", "18G":
		return 10
	}
	return 0
}

// places is where things stand on this iDRAC: found once a unit.
type places struct {
	known      bool
	generation int
	root       redfish.ServiceRoot
	system     string // path
	chassis    redfish.Chassis
	manager    redfish.Manager
}

// beat reads the system: the first request of every visit. Before the first it finds where things are.
func (s *redfishSide) beat(v *redfishVisit) error {
	if !s.places.known {
		if err := s.find(v); err != nil {
			return err
		}
	} else if _, err := s.client.Get(v.ctx, s.places.system, &v.system); err != nil {
		return err
	}
	v.Unit = &hw.Unit{Serial: v.system.SKU, Model: v.system.Model, Version: s.places.manager.FirmwareVersion, Name: v.system.HostName}
	return nil
}

// find reads the root, the system, the chassis it stands in and its iDRAC.
func (s *redfishSide) find(v *redfishVisit) error {
	root, err := s.client.Root(v.ctx)
	if err != nil {
		return err
	}
	p := places{root: root}
	var systems struct{ Members []redfish.Link }
	if _, err := s.client.Get(v.ctx, root.Systems.Path, &systems); err != nil {
		return err
	}
	if len(systems.Members) == 0 {
		return &collectors.VisitError{Reason: hw.NotReady, Err: errors.New("the iDRAC shows no system")}
	}
	p.system = systems.Members[0].Path
	if _, err := s.client.Get(v.ctx, p.system, &v.system); err != nil {
		return err
	}
	for _, l := range v.system.Links.Chassis {
		if _, err := s.client.Get(v.ctx, l.Path, &p.chassis); err != nil {
			return err
		}
		break
	}
	for _, l := range v.system.Links.ManagedBy {
		if _, err := s.client.Get(v.ctx, l.Path, &p.manager); err != nil {
			return err
		}
		break
	}
	p.generation, p.known = generationOf(p.manager), true
	s.places = p
	return nil
}
