package idrac

import (
	"strconv"
	"strings"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// selLog names the system event log in hw.LogLine and hw.LogCursor.
const selLog = "sel"

const (
	firstLines = 64  // of the log, at the first visit and after a jump
	maxLines   = 256 // read at one visit: what is more is left out, and said
)

// logMemory is how far the log was read.
type logMemory struct {
	known  bool
	count  uint64 // records then
	newest string // date of the newest of them: another one at the same place is another log
}

// readLog reads the records that came since the visit before, newest last, never the log to its end: their
// number is told by a scalar, and each is asked for. Records are counted from the oldest, whichever end
// the agent counts from.
func (s *snmpSide) readLog(v *snmpVisit) {
	count, reason := uint64(0), hw.NotSupported
	if len(v.beat.index) > 0 {
		count, reason = v.beat.number(0, heartbeatTable.slot("numEventLogEntries"))
	}
	switch {
	case reason == hw.NotSupported: // an agent without the log
		return
	case reason != "":
		v.partial(sectionLog, "numEventLogEntries", reason, "")
		return
	case count == 0:
		s.log = logMemory{known: true}
		return
	}
	was := min(max(s.log.count, 1), count) // the newest then: it is the same record, or this is another log
	marks, err := s.session.Get(v.ctx, recordOID("8", 1), recordOID("8", count), recordOID("8", count-was+1), recordOID("8", was))
	if err != nil {
		s.unread(v, sectionLog, err)
		return
	}
	first, last := dateText(marks[0]), dateText(marks[1])
	order := recordOrder{count: count, falling: first != "" && last != "" && dateOf(first).After(dateOf(last))}
	newest, before := last, dateText(marks[3])
	if order.falling {
		newest, before = first, dateText(marks[2])
	}
	s.readRecords(v, order, newest, before)
}

// recordOrder finds records by their number from the oldest, 1.
type recordOrder struct {
	count   uint64
	falling bool // the agent's first record is the newest
}

func (o recordOrder) index(n uint64) uint64 {
	if o.falling {
		return o.count - n + 1
	}
	return n
}

// recordOID is a column of a record of the first chassis.
func recordOID(column string, index uint64) string {
	return idracMIB + eventLogTable.entry + "." + column + ".1." + strconv.FormatUint(index, 10)
}

// readRecords reads what came since. newest is the date of the newest record, before that of the one that was the
// newest at the visit before.
func (s *snmpSide) readRecords(v *snmpVisit, order recordOrder, newest, before string) {
	was, from := s.log, uint64(1)
	switch {
	case was.known && was.count == order.count && was.newest == newest:
		s.cursor(v, order.count)
		return
	case was.known && was.count < order.count && (was.count == 0 || was.newest == before):
		from = was.count + 1
	case !was.known && order.count > firstLines:
		from = order.count - firstLines + 1
	}
	if order.count-from+1 > maxLines { // cleared and filled, or a flood
		from = order.count - firstLines + 1
		v.partial(sectionLog, eventLogTable.name, hw.TooMuch, "more records than are read at one visit: the oldest of them are left out")
	}
	read, date, ok := s.records(v, order, from)
	if ok {
		s.log = logMemory{known: true, count: order.count, newest: newest}
	} else if read >= from {
		s.log = logMemory{known: true, count: read, newest: date}
	}
	if s.log.known {
		s.cursor(v, s.log.count)
	}
}

func (s *snmpSide) cursor(v *snmpVisit, n uint64) {
	v.report.Cursors = append(v.report.Cursors, hw.LogCursor{Log: s.logName, Cursor: strconv.FormatUint(n, 10)})
}

// recordsAtOnce is how many records one GET asks: three objects each.
const recordsAtOnce = 8

// records reads the records from a number on. It returns the last that was read, its date, and whether all
// were.
func (s *snmpSide) records(v *snmpVisit, order recordOrder, from uint64) (last uint64, date string, ok bool) {
	last = from - 1
	for n := from; n <= order.count; n += recordsAtOnce {
		var oids []string
		end := min(n+recordsAtOnce-1, order.count)
		for i := n; i <= end; i++ {
			for _, o := range eventLogTable.objects {
				oids = append(oids, recordOID(o.column, order.index(i)))
			}
		}
		vars, err := s.session.Get(v.ctx, oids...)
		if err != nil {
			s.unread(v, sectionLog, err)
			return last, date, false
		}
		for i := n; i <= end; i++ {
			if !s.line(v, i, vars[:3]) {
				return last, date, false
			}
			last, date, vars = i, dateText(vars[2]), vars[3:]
		}
	}
	return last, date, true
}

// line takes one record. False: it could not be read and is to be asked for again. One whose text is none is
// left out, and said.
func (s *snmpSide) line(v *snmpVisit, n uint64, vars []snmp.Var) bool {
	text, status := vars[0], vars[1]
	switch {
	case text.Reason == hw.NotSupported: // cleared since it was counted
		v.partial(sectionLog, eventLogTable.name, hw.Inconsistent, "the log changed while it was read")
		return true
	case text.Reason != "" && text.Reason != hw.Garbage:
		v.partial(sectionLog, eventLogTable.name, text.Reason, "")
		return false
	case text.Reason != "" || text.Type != snmp.TypeOctetString:
		v.partial(sectionLog, eventLogTable.objects[0].name, hw.Garbage, "")
		return true
	}
	l := hw.LogLine{Unit: s.serial, Log: s.logName, Entry: strconv.FormatUint(n, 10), Text: text.Text(), At: dateOf(dateText(vars[2]))}
	if status.Type == snmp.TypeInteger && status.Int > 0 {
		l.Level = eventLogTable.objects[1].word(uint64(status.Int))
	}
	v.report.Log = append(v.report.Log, l)
	return true
}

func dateText(x snmp.Var) string {
	if x.Reason != "" || x.Type != snmp.TypeOctetString {
		return ""
	}
	return strings.Clone(x.Text())
}

// dateOf reads a DateName, yyyymmddHHMMSS.uuuuuu+ooo with the offset from UTC in minutes; without one it is UTC. The
// zero time for what is none: a part that is not known is written as asterisks.
func dateOf(s string) time.Time {
	if len(s) < 14 {
		return time.Time{}
	}
	t, err := time.Parse("20060102150405", s[:14])
	if err != nil {
		return time.Time{}
	}
	if len(s) != 25 || s[21] != '+' && s[21] != '-' || strings.Trim(s[22:], "0123456789") != "" {
		return t
	}
	minutes, _ := strconv.Atoi(s[21:]) // three digits and a sign
	if minutes < -14*60 || minutes > 14*60 {
		return t
	}
	return t.Add(-time.Duration(minutes) * time.Minute)
}
