package idrac

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// jobPath is the prefix of a job's component.
const jobPath = "job/"

// The bounds of the job queue. An iDRAC holds 256 jobs, and keeps one that is done for two days.
const (
	maxJobs     = 256
	maxJobReads = 24 // at one visit: what is more is read at the next ones
)

// redfishJobs is what is remembered of the job queue.
type redfishJobs struct {
	path   string
	done   map[string]hw.Component // jobs that are over, by id: they are read once
	active map[string]bool         // jobs that were not, by id
	update firmwareUpdate
}

// firmwareUpdate is an update that was seen running.
type firmwareUpdate struct {
	job, name string
	at        time.Time // when it was seen last
}

// updateTime is how long an iDRAC that fails after an update was seen running is taken to be in it.
const updateTime = 30 * time.Minute

// readJobs tells the jobs of the queue. One that leaves it is no alarm.
func (s *redfishSide) readJobs(v *redfishVisit) {
	paths, ok := s.jobList(v)
	if !ok {
		return
	}
	if s.jobs.done == nil {
		s.jobs.done, s.jobs.active = map[string]hw.Component{}, map[string]bool{}
	}
	s.forgetJobs(paths)
	reads, unread := 0, 0
	for _, active := range []bool{true, false} { // those that run first: they may be many that are done
		for _, p := range paths {
			id := path.Base(p)
			if _, done := s.jobs.done[id]; done || s.jobs.active[id] != active || v.Stopped != "" {
				continue
			}
			if reads++; reads > maxJobReads {
				unread++
				continue
			}
			s.readJob(v, id, p)
		}
	}
	if unread > 0 {
		v.Partial(sectionJobs, "queue", hw.NotReady, fmt.Sprintf("%d jobs are read at the next visits", unread))
	}
	for _, p := range paths {
		if c, ok := s.jobs.done[path.Base(p)]; ok {
			v.Components = append(v.Components, c)
		}
	}
}

// jobList returns the paths of the jobs, the newest first. Their ids are numbers of time.
func (s *redfishSide) jobList(v *redfishVisit) ([]string, bool) {
	for _, at := range s.jobPlaces(v) {
		list, err := s.members(v, at)
		if collectors.ReasonOf(err) == hw.NotSupported && !redfish.Over(err) {
			continue
		}
		if err != nil {
			v.Missed(sectionJobs, "queue", err)
			return nil, false
		}
		s.jobs.path = at
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(b, a)) })
		return slices.Compact(list), true
	}
	if v.Stopped == "" {
		v.Fail(sectionJobs, hw.NotSupported, "the iDRAC shows no job queue")
	}
	return nil, false
}

// jobPlaces returns where the queue may be: where it was, or the manager's own, which tells more of a job, but of an
// iDRAC10, which has it no more in good standing; the standard one; that of an iDRAC 7 or 8.
func (s *redfishSide) jobPlaces(v *redfishVisit) []string {
	if s.jobs.path != "" {
		return []string{s.jobs.path}
	}
	var oem struct {
		Dell struct{ Jobs redfish.Link }
	}
	_, _ = s.places.manager.Links.Oem.Decode(&oem) // what is not told is not tried
	own := oem.Dell.Jobs.Path
	var list []string
	if own != "" && s.places.generation < 10 {
		list = append(list, own)
	}
	if at := s.places.root.JobService.Path; at != "" {
		var service struct{ Jobs redfish.Link }
		if _, err := s.client.Get(v.ctx, at, &service); err != nil && redfish.Over(err) {
			v.Missed(sectionJobs, "service", err)
			return nil
		}
		list = append(list, service.Jobs.Path)
	}
	list = append(list, own)
	if s.places.manager.Path != "" {
		list = append(list, strings.TrimSuffix(s.places.manager.Path, "/")+"/Jobs")
	}
	return slices.DeleteFunc(list, func(p string) bool { return p == "" })
}

// members returns the paths of a collection's members, without reading them.
func (s *redfishSide) members(v *redfishVisit, at string) ([]string, error) {
	var paths []string
	for at != "" && len(paths) < maxJobs {
		var c struct {
			Members []redfish.Link
			Next    string `json:"Members@odata.nextLink"`
		}
		if _, err := s.client.Get(v.ctx, at, &c); err != nil {
			return nil, err
		}
		before := len(paths)
		for _, m := range c.Members {
			if m.Path != "" && len(paths) < maxJobs {
				paths = append(paths, m.Path)
			}
		}
		if at = c.Next; len(paths) == before {
			break
		}
	}
	return paths, nil
}

// forgetJobs drops what is not in the queue any more.
func (s *redfishSide) forgetJobs(paths []string) {
	there := map[string]bool{}
	for _, p := range paths {
		there[path.Base(p)] = true
	}
	for id := range s.jobs.done {
		if !there[id] {
			delete(s.jobs.done, id)
		}
	}
	for id := range s.jobs.active {
		if !there[id] {
			delete(s.jobs.active, id)
		}
	}
	if !there[s.jobs.update.job] {
		s.jobs.update = firmwareUpdate{}
	}
}

// dellJob is a job, as Dell or as the standard has it.
type dellJob struct {
	redfish.Job
	JobType                string
	Message                string
	MessageID              string `json:"MessageId"`
	ActualRunningStartTime string
	ActualRunningStopTime  string
	CompletionTime         string
}

// readJob reads one job. One that has gone since is none.
func (s *redfishSide) readJob(v *redfishVisit, id, at string) {
	var j dellJob
	a, err := s.client.Get(v.ctx, at, &j)
	if collectors.ReasonOf(err) == hw.NotSupported && !redfish.Over(err) {
		return
	}
	if err != nil {
		v.Missed(sectionJobs, clipped(jobPath+id, 200), err)
		return
	}
	v.Odd(sectionJobs, jobPath+id, a.Odd)
	c, over := j.part(id)
	delete(s.jobs.active, id)
	if over {
		s.jobs.done[id] = c
		if s.jobs.update.job == id {
			s.jobs.update = firmwareUpdate{}
		}
		return
	}
	s.jobs.active[id] = true
	if c.State.Get(raid.KeyState) != "scheduled" && c.State.Get(raid.KeyState) != "new" && j.isUpdate() {
		s.jobs.update = firmwareUpdate{job: id, name: j.Name, at: v.now}
	}
	v.Components = append(v.Components, c)
	v.Gauge(c.Path, "complete_percent", j.PercentComplete, hw.NotReady)
}

// part tells a job, and whether it is over. One that failed is a warning as long as it is in the queue.
func (j *dellJob) part(id string) (c hw.Component, over bool) {
	state := jobWord(j.JobState)
	c = hw.Component{Path: jobPath + id, Section: sectionJobs}
	switch state {
	case "failed", "completed-with-errors", "reboot-failed", "exception":
		c.Health, over = hw.Warning, true
	case "completed", "reboot-completed":
		c.Health, over = hw.OK, true
	case "cancelled":
		over = true
	}
	message, code := j.Message, j.MessageID
	if message == "" && len(j.Messages) > 0 {
		message, code = j.Messages[len(j.Messages)-1].Message, j.Messages[len(j.Messages)-1].MessageID
	}
	c.State = c.State.With(raid.KeyState, state).With("message", clipped(message, collectors.MaxText)).With("message_id", clipped(messageCode(code), collectors.MaxText))
	for _, a := range []hw.Attr{
		{Key: raid.KeySource, Value: raid.SourceRedfish}, {Key: raid.KeyName, Value: j.Name}, {Key: "type", Value: jobWord(j.JobType)},
		{Key: "started", Value: firstDate(j.ActualRunningStartTime, j.StartTime)}, {Key: "ended", Value: firstDate(j.ActualRunningStopTime, j.CompletionTime, j.EndTime)},
	} {
		c.Attrs = c.Attrs.With(a.Key, clipped(a.Value, collectors.MaxText))
	}
	return c, over
}

// isUpdate says whether a job updates firmware. The standard job has no type, but the name Dell gives it.
func (j *dellJob) isUpdate() bool {
	name := strings.ToLower(j.Name)
	return j.JobType == "FirmwareUpdate" || j.JobType == "RepositoryUpdate" || strings.HasPrefix(name, "firmware update") || strings.HasPrefix(name, "update:")
}

// jobWord writes a word of Dell's in ours: ReadyForExecution is ready-for-execution.
func jobWord(s string) string {
	var b strings.Builder
	runes := []rune(strings.ReplaceAll(clipped(s, 100), "iDRAC", "Idrac"))
	for i, r := range runes {
		begins := unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if begins && runes[i-1] != ' ' {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.ReplaceAll(b.String(), " ", "-")
}

// firstDate returns the first that is a date: Dell writes TIME_NA where there is none, and dates without an offset.
func firstDate(dates ...string) string {
	for _, d := range dates {
		if _, err := time.Parse("2006-01-02T15:04:05", strings.TrimSuffix(d, "Z")[:min(len(strings.TrimSuffix(d, "Z")), 19)]); err == nil && !strings.HasPrefix(d, "0000") {
			return d
		}
	}
	return ""
}
