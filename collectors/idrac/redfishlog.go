package idrac

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// The logs of an iDRAC over Redfish, in hw.LogLine and hw.LogCursor.
const (
	lifecycleLog  = "lifecycle"
	redfishSELLog = "sel"
)

// selPeriod is how often the event log is read where the Lifecycle log, which repeats it, has nothing new: its first
// page took an iDRAC9 18 s.
const selPeriod = time.Hour

// redfishLogs is what is remembered of the logs.
type redfishLogs struct {
	services []logService         // nil: not looked for
	tails    map[string]*tail     // by log; they outlive a change of firmware
	read     map[string]time.Time // when a log was read last
	newest   time.Time            // of the lines of the event log
}

// logService is a log and the path of its entries.
type logService struct{ log, entries string }

// readLog reads what came since the visit before: of the Lifecycle log always, of the event log where the former has
// something new, and once an hour.
func (s *redfishSide) readLog(v *redfishVisit) {
	if !s.findLogs(v) {
		return
	}
	news := false
	for _, l := range s.logs.services {
		due := news || l.log == lifecycleLog || len(s.logs.services) == 1 || v.now.Sub(s.logs.read[l.log]) >= selPeriod
		if v.Stopped != "" || !due {
			continue
		}
		lines := len(v.Log)
		if !s.readTail(v, l) {
			continue
		}
		s.logs.read[l.log] = v.now
		news = news || len(v.Log) > lines
	}
}

// maxLogServices bounds the logs looked at. An iDRAC has three.
const maxLogServices = 16

// findLogs finds the paths of the logs, once.
func (s *redfishSide) findLogs(v *redfishVisit) bool {
	if s.logs.tails == nil {
		s.logs.tails, s.logs.read = map[string]*tail{}, map[string]time.Time{}
	}
	if s.logs.services != nil {
		return true
	}
	at := s.places.manager.LogServices.Path
	if at == "" {
		v.Fail(sectionLog, hw.NotSupported, "the iDRAC shows no log services")
		return false
	}
	list, err := redfish.ReadMembers[redfish.LogService](v.ctx, s.client, at, maxLogServices)
	if err != nil {
		v.Missed(sectionLog, "services", err)
		return false
	}
	for _, f := range list.Failed {
		v.Missed(sectionLog, "services", f.Err)
	}
	var found []logService
	for _, log := range []struct{ id, name string }{{"lclog", lifecycleLog}, {"sel", redfishSELLog}} {
		for _, x := range list.Items {
			if strings.EqualFold(x.Value.ID, log.id) && x.Value.Entries.Path != "" {
				found = append(found, logService{log.name, x.Value.Entries.Path})
			}
		}
	}
	if len(list.Failed) == 0 && s.settled(v, sectionLog, "services", len(found)) {
		s.logs.services = slices.Concat([]logService{}, found)
	}
	return len(found) > 0
}

// logPages is how many pages of a log are read at one visit, of 50 entries on an iDRAC.
const logPages = 4

// readTail reads the new entries of a log. False: nothing was read.
func (s *redfishSide) readTail(v *redfishVisit, l logService) bool {
	t := s.logs.tails[l.log]
	if t == nil {
		t = &tail{}
		s.logs.tails[l.log] = t
	}
	c := t.catch()
	for path := l.entries; path != ""; path = c.next(l.entries) {
		page, ok := s.page(v, l, path)
		if !ok {
			if c.pages == 0 {
				return false
			}
			break
		}
		if c.pages == 0 && !s.settled(v, sectionLog, l.log, len(page.Entries)) {
			return false
		}
		s.bridge(v, l, c, &page)
		c.add(page)
	}
	lost, late := c.end()
	switch {
	case lost > 0:
		v.Partial(sectionLog, l.log, hw.TooMuch, strconv.Itoa(lost)+" entries came at once: those older than the newest are left out")
	case late > 0:
		v.Partial(sectionLog, l.log, hw.NotReady, strconv.Itoa(late)+" older entries are read at the next visits")
	}
	s.tellLines(v, l.log, c.lines)
	if t.newest.id != "" {
		v.Cursors = append(v.Cursors, hw.LogCursor{Log: l.log, Cursor: t.newest.id})
	}
	return true
}

// page reads one page of a log.
func (s *redfishSide) page(v *redfishVisit, l logService, path string) (redfish.LogPage, bool) {
	var p redfish.LogPage
	a, err := s.client.Do(v.ctx, redfish.Request{Path: path, Slow: true}, &p)
	if err != nil {
		v.Missed(sectionLog, l.log, err)
		return p, false
	}
	v.Odd(sectionLog, l.log, a.Odd)
	return p, true
}

// maxBridge is how many entries that fell between two pages are read alone: the paging of an iDRAC10 is off by one.
const maxBridge = 3

// bridge adds to a page the entries between it and the page before.
func (s *redfishSide) bridge(v *redfishVisit, l logService, c *catch, p *redfish.LogPage) {
	var between []redfish.LogEntry
	for _, id := range c.between(p.Entries) {
		var e redfish.LogEntry
		if _, err := s.client.Get(v.ctx, strings.TrimSuffix(l.entries, "/")+"/"+id, &e); err == nil && e.ID == id {
			between = append(between, e)
		}
	}
	p.Entries = slices.Concat(between, p.Entries)
}

// tellLines tells entries, which come newest first, in the order they were written. Logins that are surely our own, and
// how often these were repeated, are left out: they are no news of the device.
func (s *redfishSide) tellLines(v *redfishVisit, log string, entries []redfish.LogEntry) {
	local := s.client.Local()
	ours := false
	for _, e := range slices.Backward(entries) {
		code := messageCode(e.MessageID)
		switch code {
		case "USR0030", "USR0032":
			ours = mentions(&e, s.target.Credentials.User, local, "REDFISH")
		case "LOG007": // the entry before was repeated
		default:
			ours = false
		}
		if ours {
			continue
		}
		at, _ := redfish.Time(e.Created)
		if log == redfishSELLog && at.After(s.logs.newest) {
			s.logs.newest = at
		}
		v.Log = append(v.Log, hw.LogLine{
			Unit: s.serial, Log: log, Entry: e.ID, At: at, Level: strings.ToLower(clipped(e.Severity, collectors.MaxText)),
			Code: clipped(code, collectors.MaxText), Text: clipped(e.Message, collectors.MaxLine),
		})
	}
}

// messageCode returns the identifier without its registry: USR0030 of IDRAC.2.7.USR0030.
func messageCode(id string) string { return id[strings.LastIndexByte(id, '.')+1:] }

// mentions says whether an entry names the user, the address and the protocol of a login.
func mentions(e *redfish.LogEntry, user string, from netip.Addr, protocol string) bool {
	words := slices.Concat(strings.FieldsFunc(e.Message, func(r rune) bool { return r == ' ' || r == ',' }), e.MessageArgs)
	var hasUser, hasFrom, hasProtocol bool
	for _, w := range words {
		w = strings.TrimRight(w, ".")
		addr, _ := netip.ParseAddr(w)
		hasUser, hasFrom, hasProtocol = hasUser || w == user, hasFrom || addr.IsValid() && addr.Unmap() == from, hasProtocol || w == protocol
	}
	return hasUser && hasFrom && hasProtocol
}

// clipped cuts a text to so many bytes.
func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
