package server

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// The bounds of what is read of logs.
const (
	maxLogs    = 6   // logs of a device
	maxSkipped = 16  // log services that are looked at
	firstLines = 64  // of a log, at the first visit and after it was cleared
	maxLines   = 256 // of a log at one visit: what is more is left out, and said
	maxFollow  = 8   // pages of a log at one visit
	maxSingle  = 16  // entries of a log that are read one by one at one visit
)

// logs are the logs of a device, found once.
type logs struct {
	found bool
	list  []log
}

// log is one log and how far it was read.
type log struct {
	name   string // in hw.LogLine and hw.LogCursor
	path   string // of its entries
	known  bool
	newest mark  // the newest entry then
	count  int64 // entries then, where the service tells
	rising bool  // the oldest entry comes first
	noSkip bool  // the service does not know $skip
}

// mark is what tells an entry from every other: ids begin anew when a log is cleared.
type mark struct{ id, created string }

func markOf(e *redfish.LogEntry) mark {
	if e.ID == "" {
		return mark{e.Path, e.Created}
	}
	return mark{e.ID, e.Created}
}

// readLog reads what came to the logs since the visit before, never a log to its end.
func (s *server) readLog(v *visit) {
	if !s.logs.found {
		s.findLogs(v)
	}
	for i := range s.logs.list {
		if v.Stopped != "" {
			return
		}
		s.readOne(v, &s.logs.list[i])
	}
}

// findLogs looks for the logs of the system and of its manager. What could not be read is looked for again.
func (s *server) findLogs(v *visit) {
	whole := s.places.known // else the manager's may be missing
	var list []log
	for _, services := range []string{v.system.LogServices.Path, s.places.manager.LogServices.Path} {
		if services == "" {
			continue
		}
		paths, err := s.links(v, services)
		if err != nil {
			v.Missed(sectionLog, "services", err)
			whole = false
		}
		for _, path := range paths[:min(len(paths), maxSkipped)] {
			if v.Stopped != "" || len(list) == maxLogs {
				break
			}
			var service redfish.LogService
			if !s.get(v, sectionLog, nameOf(path), path, &service) {
				whole = false
			} else if isLog(&service) {
				list = append(list, log{name: nameOf(path), path: service.Entries.Path})
			}
		}
	}
	for i := range list { // two services may have the same name
		if slices.ContainsFunc(list[:i], func(l log) bool { return l.name == list[i].name }) {
			list[i].name += "-" + strconv.Itoa(i)
		}
	}
	for i := range list { // how far it was read stays
		if at := slices.IndexFunc(s.logs.list, func(l log) bool { return l.path == list[i].path }); at >= 0 {
			list[i] = s.logs.list[at]
		}
	}
	if whole || len(s.logs.list) == 0 {
		s.logs = logs{found: whole, list: list}
	}
}

// nameOf returns the last part of a path as the name of a log.
func nameOf(path string) string {
	path = strings.TrimRight(path, "/")
	return strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
}

// isLog says whether a log service holds lines for people: not dumps, codes or what is switched off.
func isLog(service *redfish.LogService) bool {
	if service.Entries.Path == "" || service.ServiceEnabled != nil && !*service.ServiceEnabled {
		return false
	}
	name := strings.ToLower(service.ID + " " + service.Name)
	return !slices.ContainsFunc([]string{"dump", "postcode", "post code", "crash", "journal", "hostlogger"}, func(word string) bool { return strings.Contains(name, word) })
}

// readOne reads what came to one log.
func (s *server) readOne(v *visit, l *log) {
	fresh, ok := s.fresh(v, l)
	if !ok {
		return
	}
	for i := len(fresh) - 1; i >= 0; i-- {
		v.Log = append(v.Log, s.line(l, &fresh[i]))
	}
	if l.known {
		v.Cursors = append(v.Cursors, hw.LogCursor{Log: l.name, Cursor: l.newest.id})
	}
}

func (s *server) line(l *log, e *redfish.LogEntry) hw.LogLine {
	at, ok := redfish.Time(e.Created)
	line := hw.LogLine{Unit: s.serial, Log: l.name, Entry: markOf(e).id, Level: strings.ToLower(e.Severity), Code: e.MessageID, Text: strings.TrimSpace(e.Message)}
	if ok {
		line.At = at
	}
	if line.Text == "" {
		line.Text = cmp.Or(e.MessageID, strings.TrimSpace(e.Description), e.Name)
	}
	return line
}

// page is a part of a log, the newest entry first.
type page struct {
	entries []redfish.LogEntry
	next    string
	count   int64 // of the whole log; -1 where it is not told
}

// fresh returns the entries that came since the visit before, the newest first, and notes how far the log was
// read. False: it could not be read.
func (s *server) fresh(v *visit, l *log) ([]redfish.LogEntry, bool) {
	p, ok := s.begin(v, l)
	if !ok {
		return nil, false
	}
	fresh, met := before(p.entries, l)
	for n := 1; !met && l.known && !l.rising && p.next != "" && len(fresh) < maxLines && n < maxFollow; n++ {
		if p, ok = s.page(v, l, p.next); !ok {
			return nil, false
		}
		var more []redfish.LogEntry
		more, met = before(p.entries, l)
		fresh = append(fresh, more...)
	}
	cleared := p.count >= 0 && p.count < l.count
	limit := firstLines
	if met || l.known && !cleared {
		limit = maxLines
	}
	if len(fresh) > limit {
		if l.known && !cleared {
			v.Partial(sectionLog, l.name, hw.TooMuch, "more entries than are read at one visit: the oldest of them are left out")
		}
		fresh = fresh[:limit]
	}
	if len(fresh) > 0 {
		l.newest = markOf(&fresh[0])
	}
	l.known, l.count = l.known || len(fresh) > 0 || p.count == 0, p.count
	return fresh, true
}

// before returns the entries before the one that was the newest at the visit before, and whether that was met.
func before(entries []redfish.LogEntry, l *log) ([]redfish.LogEntry, bool) {
	if l.newest == (mark{}) {
		return entries, l.known
	}
	for i := range entries {
		if markOf(&entries[i]) == l.newest {
			return entries[:i], true
		}
	}
	return entries, false
}

// begin reads the part of the log where the newest entries are. A log whose oldest entry comes first is read from
// where it ended.
func (s *server) begin(v *visit, l *log) (page, bool) {
	if l.rising && !l.noSkip && l.count > 0 {
		p, ok := s.skipTo(v, l, l.count-1)
		if _, met := before(p.entries, l); ok && met {
			return p, true
		}
		if v.Stopped != "" {
			return p, false
		}
	}
	p, ok := s.page(v, l, l.path)
	if !ok || !l.rising || p.next == "" || p.count <= 0 {
		return p, ok
	}
	if end, ok := s.skipTo(v, l, max(0, p.count-maxLines)); ok && len(end.entries) > 0 {
		return end, true
	}
	v.Partial(sectionLog, l.name, hw.NotSupported, "the log shows its oldest entries first, and cannot be read from its end")
	return p, false
}

// skipTo reads the log from an entry on. False: the service does not know how.
func (s *server) skipTo(v *visit, l *log, n int64) (page, bool) {
	var p page
	_, err := s.read(v, l, fmt.Sprintf("%s?$skip=%d", l.path, n), &p)
	if err == nil {
		return p, true
	}
	if redfish.Over(err) {
		v.Missed(sectionLog, l.name, err)
	}
	l.noSkip = !redfish.Over(err) && collectors.ReasonOf(err) != hw.NotReady && collectors.ReasonOf(err) != hw.NoAnswer
	return p, false
}

// page reads a page of the log.
func (s *server) page(v *visit, l *log, path string) (page, bool) {
	var p page
	odd, err := s.read(v, l, path, &p)
	if err != nil {
		v.Missed(sectionLog, l.name, err)
		return p, false
	}
	v.Odd(sectionLog, l.name, odd)
	return p, true
}

// read reads a page and orders it. Entries that are only linked are read one by one, the newest first, until one
// is known.
func (s *server) read(v *visit, l *log, path string, p *page) ([]redfish.Odd, error) {
	var doc redfish.LogPage
	a, err := s.client.Do(v.ctx, redfish.Request{Path: path, Slow: true}, &doc)
	if err != nil {
		return nil, err
	}
	*p = page{entries: doc.Entries, next: doc.Next, count: -1}
	if doc.Count != nil {
		p.count = *doc.Count
	}
	if rising(p.entries) {
		l.rising = true
		slices.Reverse(p.entries)
	}
	return a.Odd, s.resolve(v, l, p)
}

// rising says whether the oldest entry comes first.
func rising(entries []redfish.LogEntry) bool {
	if len(entries) < 2 {
		return false
	}
	first, last := &entries[0], &entries[len(entries)-1]
	a, errA := strconv.ParseUint(nameOf(cmp.Or(first.ID, first.Path)), 10, 64)
	b, errB := strconv.ParseUint(nameOf(cmp.Or(last.ID, last.Path)), 10, 64)
	if errA == nil && errB == nil && a != b {
		return a < b
	}
	return first.Created < last.Created
}

// resolve reads the entries that are links, as far as they are new and few.
func (s *server) resolve(v *visit, l *log, p *page) error {
	read := 0
	for i := range p.entries {
		e := &p.entries[i]
		if e.ID != "" || e.Message != "" || e.Created != "" || e.Path == "" {
			continue
		}
		if nameOf(e.Path) == strings.ToLower(l.newest.id) { // ids may begin anew: then it is read too little, and not wrong
			e.ID, e.Created = l.newest.id, l.newest.created
			return nil
		}
		if read == maxSingle {
			if l.known {
				v.Partial(sectionLog, l.name, hw.TooMuch, "entries have to be read one by one: the oldest of the new ones are left out")
			}
			p.entries = p.entries[:i]
			return nil
		}
		read++
		if _, err := s.client.Do(v.ctx, redfish.Request{Path: e.Path, Slow: true}, e); err != nil {
			return err
		}
	}
	return nil
}
