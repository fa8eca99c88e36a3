package idrac

import (
	"context"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// The sections SNMP reads.
const (
	sectionHeartbeat   = "heartbeat"
	sectionRAID        = "raid"
	sectionEnvironment = "environment"
	sectionLog         = "log"
	sectionInventory   = "inventory"
	sectionNetwork     = "network"
	sectionFirmware    = "firmware"
)

// snmpSide reads an iDRAC over SNMP: alone, as the second source of an iDRAC 7 or 8, or where Redfish does
// not answer. It holds one session with one request in flight, and what it learned between
// visits. It is not safe for concurrent use.
type snmpSide struct {
	target  collectors.Target
	session *snmp.Session
	tables  map[*mibTable]tableMemory
	serial  string  // of the unit that answered last
	rollups rollups // what the heartbeat read last: a change hastens what it rolls up
	log     logMemory
	logName string         // of the event log, in lines and cursors
	bare    map[string]int // visits in a row at which a controller showed no battery, by its id
}

// openSNMP makes the SNMP side of a device whose agent is at address, host or host:port. It does not speak to
// it. Sides that share a pool share its buffers.
func openSNMP(t collectors.Target, address string, pool *snmp.Pool) (*snmpSide, error) {
	t.Device.Address = address
	session, err := snmp.New(t, pool)
	if err != nil {
		return nil, err
	}
	s := &snmpSide{target: t, session: session, logName: selLog}
	s.forget()
	return s, nil
}

// forget drops what belongs to a unit that is there no more.
func (s *snmpSide) forget() {
	s.tables, s.log, s.bare = map[*mibTable]tableMemory{}, logMemory{}, map[string]int{}
}

// close ends the session.
func (s *snmpSide) close() error { return s.session.Close() }

// sectionReader reads one section.
type sectionReader struct {
	section string
	read    func(*snmpSide, *snmpVisit)
}

// sectionReaders are what SNMP reads, in the order it is read.
func sectionReaders() []sectionReader {
	return []sectionReader{
		{sectionHeartbeat, (*snmpSide).readHeartbeat},
		{sectionRAID, (*snmpSide).readRAID},
		{sectionEnvironment, (*snmpSide).readEnvironment},
		{sectionLog, (*snmpSide).readLog},
		{sectionInventory, (*snmpSide).readInventory},
		{sectionNetwork, (*snmpSide).readNetwork},
		{sectionFirmware, (*snmpSide).readFirmware},
	}
}

// read makes one visit and reads the sections that are due; those SNMP does not know are not in the
// report. Every component has the attribute source=snmp. The report has no verdicts: they are the kind's.
// An error means that nothing at all was read; then only Requests counts.
func (s *snmpSide) read(ctx context.Context, due []collectors.Section) (hw.Report, error) {
	s.session.StartVisit()
	r := hw.Report{Device: s.target.Device.ID, Kind: s.target.Device.Kind, Started: time.Now()}
	for _, x := range due {
		if r.Period == 0 || x.Period < r.Period {
			r.Period = x.Period
		}
	}
	v := &snmpVisit{ctx: ctx, report: &r, beat: newGrid(&heartbeatTable)}
	if err := s.beat(v); err != nil {
		return hw.Report{Requests: s.session.Requests()}, err
	}
	for _, rd := range sectionReaders() {
		if isDue(due, rd.section) {
			s.readSection(v, rd)
		}
	}
	r.Took = time.Since(r.Started)
	r.Requests = s.session.Requests()
	return r, nil
}

func (s *snmpSide) readSection(v *snmpVisit, rd sectionReader) {
	if v.stopped == "" && v.ctx.Err() != nil {
		v.stopped = collectors.ReasonOf(v.ctx.Err())
	}
	v.begin(rd.section)
	if v.stopped != "" {
		v.fail(rd.section, v.stopped, "")
		return
	}
	before := len(v.report.Components) + len(v.report.Samples) + len(v.report.Log)
	v.broken = false
	rd.read(s, v)
	if (v.stopped != "" || v.broken) && len(v.report.Components)+len(v.report.Samples)+len(v.report.Log) == before {
		v.limit(rd.section, hw.Failed)
	}
}

func isDue(due []collectors.Section, section string) bool {
	for _, s := range due {
		if s.Name == section {
			return true
		}
	}
	return false
}
