package idrac_test

import (
	"slices"
	"testing"
	"time"

	"rackpost/collectors/idrac"
	"rackpost/hw"
)

// Jobs that are over are read once, those that run each time; what leaves the queue is no alarm.
func TestJobs(t *testing.T) {
	t.Parallel()
	for _, model := range []string{"poweredge-r740", "poweredge-r750"} {
		s := newServer(t, model)
		c := s.visited(redfishOnly)
		none := c.visit("jobs")
		if none.extent("jobs") != hw.Complete {
			t.Errorf("%s: an empty queue: %v", model, none.Gaps)
		}
		const jobs = 60
		for range jobs {
			s.fault("firmware-update 1m")
		}
		s.clock.pass(time.Hour)
		s.fault("firmware-update 10h")
		var r seen
		for visit := range 4 {
			before := s.bmc.Counters().Total
			r = c.visit("jobs")
			if n := s.bmc.Counters().Total - before; n > 30 {
				t.Errorf("%s: visit %d took %d requests", model, visit, n)
			}
			running := slices.ContainsFunc(r.Components, func(c hw.Component) bool { return c.State.Get("state") == "running" })
			if !running {
				t.Errorf("%s: visit %d does not tell the job that runs", model, visit)
			}
			if visit == 0 && (r.extent("jobs") != hw.Partial || r.gap("jobs/queue").Reason != hw.NotReady) {
				t.Errorf("%s: of %d jobs %d were read: %v", model, jobs, len(r.Components), r.Read)
			}
		}
		if n := len(r.paths("jobs", "job/")); n != jobs+1 || r.extent("jobs") != hw.Complete {
			t.Errorf("%s: %d jobs of %d: %v", model, n, jobs+1, r.Gaps)
		}
		before := s.bmc.Counters().Total
		r = c.visit("jobs")
		if n := s.bmc.Counters().Total - before; n > 3 { // the system, the queue, the one that runs
			t.Errorf("%s: nothing new took %d requests", model, n)
		}
		if len(r.Samples) != 1 || r.Samples[0].Sensor != "complete_percent" || r.Samples[0].Absent != "" {
			t.Errorf("%s: the samples are %+v", model, r.Samples)
		}
		for _, x := range r.Components {
			if x.Expected {
				t.Errorf("%s: %s is missed when it goes", model, x.Path)
			}
		}
	}
}

// A job of any firmware is told by the same words.
func TestJobWords(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]struct {
		state, kind string
		health      hw.Health
		over        bool
	}{
		`{"Id":"JID_1","JobState":"Failed","JobType":"RAIDConfiguration","Message":"Unable to run."}`:              {"failed", "raid-configuration", hw.Warning, true},
		`{"Id":"JID_1","JobState":"CompletedWithErrors","JobType":"BIOSConfiguration"}`:                            {"completed-with-errors", "bios-configuration", hw.Warning, true},
		`{"Id":"JID_1","JobState":"Completed","JobType":"iDRACConfiguration"}`:                                     {"completed", "idrac-configuration", hw.OK, true},
		`{"Id":"JID_1","JobState":"Downloading","JobType":"FirmwareUpdate","PercentComplete":5}`:                   {"downloading", "firmware-update", hw.Unknown, false},
		`{"Id":"JID_1","JobState":"ReadyForExecution","JobType":"SACollectHealthData"}`:                            {"ready-for-execution", "sa-collect-health-data", hw.Unknown, false},
		`{"Id":"JID_1","JobState":null,"JobType":7}`:                                                               {"", "7", hw.Unknown, false},
		`{"Id":"JID_1","JobState":"Exception","Messages":[{"Message":"It failed.","MessageId":"IDRAC.2.7.PR21"}]}`: {"exception", "", hw.Warning, true},
	} {
		c, over := idrac.JobOf(t, doc)
		if c.State.Get("state") != want.state || c.Attrs.Get("type") != want.kind || c.Health != want.health || over != want.over {
			t.Errorf("%s: %+v, over %v", doc, c, over)
		}
	}
	c, _ := idrac.JobOf(t, `{"Id":"JID_1","JobState":"Completed","StartTime":"TIME_NOW","ActualRunningStartTime":"2026-01-02T03:04:05","EndTime":"TIME_NA","Messages":[{"Message":"Done.","MessageId":"IDRAC.2.7.PR19"}]}`)
	if c.Attrs.Get("started") != "2026-01-02T03:04:05" || c.Attrs.Get("ended") != "" || c.State.Get("message_id") != "PR19" {
		t.Errorf("%+v", c)
	}
}
