package bmc

import (
	"fmt"
	"strconv"
	"time"
)

// How many entries the logs of a new device have.
const (
	lcHistory  = 2600
	selHistory = 14
	maxEvents  = 20_000
)

// entry is one line of a log.
type entry struct {
	id       int
	at       time.Time
	severity string
	message  string
	code     string // message id without the prefix of the registry
	category string
	args     []any
}

// journal is a log. Entries that were there before the device was made, and those of a flood, are made when they are asked
// for; events are kept. It wraps when full.
type journal struct {
	most   int
	spans  []span
	events []entry
	last   int // id of the newest entry
}

// span is a row of made entries: the first one's id and time, and how far they are apart.
type span struct {
	first, count int
	at           time.Time
	apart        time.Duration
	flood        bool
}

func newJournal(history, most int, now time.Time) journal {
	const apart = 33 * time.Minute
	return journal{most: most, last: history, spans: []span{{first: 1, count: history, at: now.Add(-time.Duration(history) * apart), apart: apart}}}
}

// add appends an event.
func (j *journal) add(at time.Time, severity, code, category, message string, args ...any) {
	j.last++
	j.events = append(j.events, entry{id: j.last, at: at, severity: severity, code: code, category: category, message: message, args: args})
	if len(j.events) > maxEvents {
		j.events = append([]entry(nil), j.events[len(j.events)-maxEvents/2:]...)
	}
}

// flood appends n made entries that all came within a minute.
func (j *journal) flood(now time.Time, n int) {
	apart := time.Minute / time.Duration(n)
	j.spans = append(j.spans, span{first: j.last + 1, count: n, at: now.Add(-time.Minute), apart: apart, flood: true})
	j.last += n
	if len(j.spans) > 16 {
		j.spans = j.spans[len(j.spans)-16:]
	}
}

// first is the id of the oldest entry, and count how many there are.
func (j *journal) first() int { return max(1, j.last-j.most+1) }

func (j *journal) count() int { return j.last - j.first() + 1 }

// get returns the entry of an id between first and last. One that was dropped between others is made up.
func (j *journal) get(id int) entry {
	lo, hi := 0, len(j.events)
	for lo < hi {
		if mid := (lo + hi) / 2; j.events[mid].id < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(j.events) && j.events[lo].id == id {
		return j.events[lo]
	}
	for _, s := range j.spans {
		if n := id - s.first; n >= 0 && n < s.count {
			return s.entry(id, n)
		}
	}
	return entry{id: id, severity: healthOK, code: "LOG007", category: "Audit", message: "The previous log entry was repeated 1 times."}
}

func (s *span) entry(id, n int) entry {
	e := entry{id: id, at: s.at.Add(time.Duration(n) * s.apart), severity: healthOK, category: "Audit"}
	if s.flood {
		e.severity, e.code, e.category = healthWarning, "PDR64", "Storage"
		e.message = fmt.Sprintf("An unrecoverable disk media error occurred on Disk %d in Backplane 1 of Integrated RAID Controller 1.", n%8)
		return e
	}
	switch n % 3 {
	case 0:
		e.code, e.message = "USR0030", "Successfully logged in using root, from 192.0.2.10 and REDFISH."
		e.args = []any{"root", "192.0.2.10", "REDFISH"}
	case 1:
		e.code, e.message = "USR0032", "The session for root from 192.0.2.10 using REDFISH is logged off."
		e.args = []any{"root", "192.0.2.10", "REDFISH"}
	default:
		e.code, e.category, e.message = "LOG007", "Audit", "The previous log entry was repeated 1 times."
	}
	return e
}

// document is an entry as Redfish shows it.
func (e *entry) document(path, prefix string, sel bool) object {
	id := strconv.Itoa(e.id)
	args := e.args
	if args == nil {
		args = []any{}
	}
	o := object{
		"@odata.id": path + "/" + id, "@odata.type": "#LogEntry.v1_9_0.LogEntry", "Id": id, "Name": "Log Entry " + id, "Description": "Log Entry " + id,
		"Created": stamp(e.at), "Message": e.message, "MessageArgs": args, "MessageArgs@odata.count": len(args), "MessageId": prefix + "." + e.code, "Severity": e.severity,
		"EntryType": "Oem", "OemRecordFormat": "Dell", "Links": object{},
		"Oem": object{"Dell": object{"@odata.type": "#DellLCLogEntry.v1_1_0.DellLCLogEntry", "Category": e.category, "Comment": nil, "LastUpdatedByUser": nil}},
	}
	if sel {
		delete(o, "Oem")
		delete(o, "OemRecordFormat")
		o["EntryType"], o["EntryCode"], o["SensorType"], o["SensorNumber"], o["MessageId"] = "SEL", "Assert", nil, 26, fmt.Sprintf("%08x", mix(uint64(len(e.code))<<8|uint64(e.code[0]))&0xffffffff)
	}
	return o
}

// Events returns the codes of what happened to the device since it was made, by the numbers of its Lifecycle log: logins too, but no
// history and no flood, of which nothing happened. The oldest of thousands are left out.
func (b *BMC) Events() map[int]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	codes := map[int]string{}
	for _, e := range b.state.lc.events {
		codes[e.id] = e.code
	}
	return codes
}

// logPaths are the paths of a model's entries: the Lifecycle log's and the event log's.
func (m *model) logPaths() (lc, sel string) {
	switch {
	case m.dell > 8:
		return managerPath + "/LogServices/Lclog/Entries", managerPath + "/LogServices/Sel/Entries"
	case m.dell > 0:
		return managerPath + "/Logs/Lclog", managerPath + "/Logs/Sel"
	}
	return hpeSystem + "/LogServices/Event/Entries", hpeSystem + "/LogServices/IML/Entries"
}

func (m *model) dellLogs(t tree) {
	const base = managerPath + "/LogServices"
	lc, sel := m.logPaths()
	t.collection(base, "LogService", "Log Service Collection", []string{base + "/Sel", base + "/Lclog"})
	for _, l := range []struct {
		id, name, entries, sort string
		most                    int
	}{{"Sel", "SEL Log Service", sel, "SEL", 1024}, {"Lclog", "LifeCycle Controller Log Service", lc, "OEM", 500_000}} {
		path := base + "/" + l.id
		t[path] = func(now *moment) object {
			return resource(path, "LogService.v1_2_0.LogService", l.id, l.name, object{
				"Entries": link(l.entries), "MaxNumberOfRecords": l.most, "OverWritePolicy": "WrapsWhenFull", "ServiceEnabled": true, "LogEntryType": l.sort,
				"DateTime": stamp(now.at), "DateTimeLocalOffset": "+00:00",
			})
		}
	}
}
