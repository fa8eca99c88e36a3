package idrac

import (
	"cmp"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// smartMemory is what is known of the counters of drives, which are read one by one and seldom.
type smartMemory struct {
	drives map[string]*smartDrive // by id
	shut   time.Time              // none is asked for until then: the licence does not cover it
	why    string
}

// smartDrive is one drive's.
type smartDrive struct {
	mark    string    // of its serial; empty is not known
	read    time.Time // when it was asked for last
	counted [errorCounters]uint64
	told    bool // some counter was ever told
	errors  raid.Errors
	word    string        // for raid.KeyMediaErrors
	left    *float64      // rated writes left, percent
	odd     []redfish.Odd // of the last reading
	missed  *hw.Gap       // why there is none since; told until there is one
}

const (
	smartTime     = time.Hour
	smartVisits   = 12 // visits in that time: each drive has its turn
	smartAtLeast  = 2
	maxSMART      = 1024
	learnedErrors = "media_errors"
	errorCounters = 5
)

// readSMART adds the error counters of drives. Each is a request of its own, so in one visit only as many are
// read as make every drive be read within the hour; what was read before is told again.
func (s *redfishSide) readSMART(v *redfishVisit, stores []*dellStore, list []parts.Part) {
	at := map[string]int{}
	for i := range list {
		if id, ok := strings.CutPrefix(list[i].Path, raid.DrivePath); ok {
			at[id] = i
		}
	}
	s.forgetSMART(at)
	for _, x := range s.dueSMART(v, stores, at) {
		if v.Stopped != "" || v.Started.Before(s.raid.smart.shut) {
			break
		}
		s.readDriveSMART(v, x, &list[at[x.id]])
	}
	if why := s.raid.smart.why; why != "" && v.Started.Before(s.raid.smart.shut) {
		v.Gap(sectionRAID+"/smart", hw.AccessDenied, why)
	}
	for _, id := range slices.Sorted(maps.Keys(at)) {
		d := s.raid.smart.drives[id]
		if d == nil {
			continue
		}
		d.tell(&list[at[id]])
		v.Odd(sectionRAID, id+"/smart", d.odd)
		if d.missed != nil {
			v.Gap(sectionRAID+"/"+id+"/smart", d.missed.Reason, d.missed.Detail)
		}
	}
	s.learnErrors()
}

// forgetSMART drops what is known of drives that are there no more, and of those that were replaced.
func (s *redfishSide) forgetSMART(at map[string]int) {
	for id := range s.raid.smart.drives {
		if _, ok := at[id]; !ok && len(at) > 0 && len(s.raid.smart.drives) > maxSMART/2 {
			delete(s.raid.smart.drives, id)
		}
	}
}

// smartPlace is where the counters of a drive stand.
type smartPlace struct {
	id, path string
	drive    *smartDrive
	inline   *dellSMART // they are here already
}

// dueSMART returns the drives whose turn it is, the longest unread first. A probe reads all.
func (s *redfishSide) dueSMART(v *redfishVisit, stores []*dellStore, at map[string]int) []smartPlace {
	var due, now []smartPlace
	for _, d := range stores {
		for _, x := range d.Drives {
			id := fqddAt(x.Path)
			if _, ok := at[id]; !ok {
				continue
			}
			var oem dellDriveOem
			if _, err := x.Oem.Decode(&oem); err != nil {
				continue
			}
			drive := s.smartOf(id, strings.TrimSpace(x.SerialNumber))
			for _, m := range []dellSMART{oem.Dell.DellDriveSMARTAttributes, oem.Dell.DellNVMeSMARTAttributes} {
				switch {
				case drive == nil:
				case m.counts():
					now = append(now, smartPlace{id, m.Path, drive, &m})
				case m.Path != "" && v.Started.Sub(drive.read) >= smartTime:
					due = append(due, smartPlace{id, m.Path, drive, nil})
				}
			}
		}
	}
	slices.SortStableFunc(due, func(a, b smartPlace) int { return a.drive.read.Compare(b.drive.read) })
	if !s.target.Once {
		due = due[:min(len(due), max(smartAtLeast, (len(at)+smartVisits-1)/smartVisits))]
	}
	return append(now, due...)
}

// smartOf returns the memory of a drive, nil where there is no room. Another serial is another drive; none is the same.
func (s *redfishSide) smartOf(id, serial string) *smartDrive {
	mark := serialMark(serial)
	d := s.raid.smart.drives[id]
	switch {
	case d == nil && len(s.raid.smart.drives) >= maxSMART:
		return nil
	case d == nil:
		d = &smartDrive{}
		d.mark, d.errors = s.recallErrors(id)
		s.raid.smart.drives[id] = d
	}
	if mark != "" && d.mark != "" && mark != d.mark {
		*d = smartDrive{}
	}
	d.mark = cmp.Or(mark, d.mark)
	return d
}

func (s *redfishSide) readDriveSMART(v *redfishVisit, x smartPlace, p *parts.Part) {
	m := x.inline
	if m == nil {
		x.drive.read = v.Started // also where it fails: its turn comes again
		m = &dellSMART{}
		a, err := s.client.Get(v.ctx, x.path, m)
		switch {
		case err != nil && unlicensed(err):
			s.raid.smart.shut, s.raid.smart.why = v.Started.Add(absentTime), err.Error()
			return
		case redfish.Over(err):
			v.Missed(sectionRAID, x.id+"/smart", err)
			return
		case collectors.ReasonOf(err) == hw.NotSupported:
			x.drive.read = v.Started.Add(absentTime - smartTime) // there is none; another firmware may have it
			return
		case err != nil:
			x.drive.missed = &hw.Gap{Reason: collectors.ReasonOf(err), Detail: err.Error()}
			return
		}
		x.drive.odd, x.drive.missed = a.Odd, nil
	}
	x.drive.take(m, v.Started)
	m.samples(p)
}

// unlicensed says that a licence is missing: nobody mends that within the hour.
func unlicensed(err error) bool {
	var e *redfish.Error
	return errors.As(err, &e) && slices.ContainsFunc(e.Messages, func(m redfish.Message) bool {
		return strings.Contains(m.ID, ".LIC") || strings.HasSuffix(m.ID, "SWC0242")
	})
}

// counters are those that count media errors.
func (m *dellSMART) counters() [errorCounters]*float64 {
	return [...]*float64{m.ReallocatedBlockCount, m.CurrentPendingSectorCount, m.UncorrectableErrorCount, m.UncorrectableLBACount, m.MediaDataIntegrityErrorsCount}
}

// counts says that the resource has counters, and is not only a link to them.
func (m *dellSMART) counts() bool {
	for _, c := range m.counters() {
		if c != nil {
			return true
		}
	}
	return false
}

// take counts a reading. A counter that is not told this time is what it was.
func (d *smartDrive) take(m *dellSMART, at time.Time) {
	total := uint64(0)
	for i, c := range m.counters() {
		if n, ok := whole(c); ok {
			d.counted[i], d.told = n, true
		}
		total += d.counted[i]
	}
	if d.told {
		d.errors, d.word = d.errors.Count(total, at)
	}
	switch {
	case m.DriveLifeRemainingPercent != nil:
		d.left = m.DriveLifeRemainingPercent
	case m.LifeUsedPercent != nil && *m.LifeUsedPercent >= 0:
		left := max(0, 100-*m.LifeUsedPercent)
		d.left = &left
	}
}

// whole reads a counter.
func whole(f *float64) (uint64, bool) {
	if f == nil || !(*f >= 0 && *f < 1<<53) {
		return 0, false
	}
	return uint64(*f), true
}

// tell adds what is known of a drive's counters to it.
func (d *smartDrive) tell(p *parts.Part) {
	p.SetState(raid.KeyMediaErrors, d.word)
	if d.left != nil && p.State.Get(raid.KeyWear) == "" && p.Attrs.Get(raid.KeyMedia) != raid.MediaHDD {
		p.Life(*d.left)
	}
}

// samples adds the numbers themselves.
func (m *dellSMART) samples(p *parts.Part) {
	for _, c := range []struct {
		sensor string
		value  *float64
	}{
		{"reallocated_sectors_total", m.ReallocatedBlockCount}, {"uncorrectable_errors_total", m.UncorrectableErrorCount},
		{"uncorrectable_sectors_total", m.UncorrectableLBACount}, {"media_errors_total", m.MediaDataIntegrityErrorsCount},
		{"program_failures_total", m.ProgramFailCount}, {"erase_failures_total", m.EraseFailCount},
		{"command_timeouts_total", m.CommandTimeoutCount}, {"unsafe_shutdowns_total", m.UnsafeShutdownsCount},
	} {
		if n, ok := whole(c.value); ok {
			p.Samples = append(p.Samples, hw.Sample{Component: p.Path, Sensor: c.sensor, Type: hw.Counter, Count: n})
		}
	}
	celsius := m.DriveTemperatureCelsius
	if k := m.CompositeTemperatureKelvin; celsius == nil && k != nil && *k > 0 {
		c := *k - 273
		celsius = &c
	}
	for _, g := range []struct {
		sensor string
		value  *float64
	}{{"pending_sectors_count", m.CurrentPendingSectorCount}, {"powered_hours", m.PowerOnHours}, {"temperature_celsius", celsius},
		{"critical_warnings_count", m.CriticalWarningsCount}, {"read_error_rate", m.ReadErrorRate}, {"crc_errors_percent", m.CRCErrorCountPercent}} {
		if g.value != nil {
			p.Samples = append(p.Samples, parts.Gauge(p.Path, g.sensor, g.value, ""))
		}
	}
}

// learnErrors keeps the counts of drives that have errors beyond a restart, so that they go on rising after it.
func (s *redfishSide) learnErrors() {
	was, _ := s.target.Memory.Recall(learnedErrors)
	var all []learned
	for _, text := range raid.Split(was) {
		if l, ok := readLearned(text); ok && s.raid.smart.drives[l.id] == nil {
			all = append(all, l) // a drive that was not read this time
		}
	}
	for id, d := range s.raid.smart.drives {
		if d.errors.Total > 0 {
			all = append(all, learned{id, d.mark, d.errors})
		}
	}
	slices.SortFunc(all, func(a, b learned) int {
		return cmp.Or(b.errors.Rose.Compare(a.errors.Rose), cmp.Compare(a.id, b.id))
	})
	var list []string
	for _, l := range all {
		list = append(list, l.text())
	}
	text := raid.List(list...)
	if text == was {
		return
	}
	if err := s.target.Memory.Learn(learnedErrors, text); err != nil {
		s.target.Logger.Warn("the error counts of drives are forgotten at a restart", "error", err)
	}
}

// recallErrors returns what was learned of the drive with an id before a restart, and the mark of that drive.
func (s *redfishSide) recallErrors(id string) (mark string, e raid.Errors) {
	text, _ := s.target.Memory.Recall(learnedErrors)
	for _, entry := range raid.Split(text) {
		if l, ok := readLearned(entry); ok && l.id == id {
			return l.mark, l.errors
		}
	}
	return "", raid.Errors{}
}

// learned is what is kept of a drive with errors: its id, a mark of its serial, the total, and when that rose last.
type learned struct {
	id, mark string
	errors   raid.Errors
}

// text writes it as ID=TOTAL@ROSE@MARK, in Unix seconds.
func (l learned) text() string {
	rose := int64(0)
	if !l.errors.Rose.IsZero() {
		rose = l.errors.Rose.Unix()
	}
	return l.id + "=" + digits(l.errors.Total) + "@" + strconv.FormatInt(rose, 10) + "@" + l.mark
}

func readLearned(text string) (learned, bool) {
	id, rest, _ := strings.Cut(text, "=")
	total, rest, _ := strings.Cut(rest, "@")
	rose, mark, ok := strings.Cut(rest, "@")
	n, err := strconv.ParseUint(total, 10, 64)
	at, err2 := strconv.ParseInt(rose, 10, 64)
	if !ok || id == "" || err != nil || err2 != nil {
		return learned{}, false
	}
	l := learned{id, mark, raid.Errors{Total: n, Known: true}}
	if at > 0 {
		l.errors.Rose = time.Unix(at, 0)
	}
	return l, true
}

// serialMark is short for a serial, empty for none.
func serialMark(serial string) string {
	if serial == "" {
		return ""
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(serial))
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}
