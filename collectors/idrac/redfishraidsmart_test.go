package idrac_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Each drive's counters are read once an hour, two drives a visit, and told at every visit after.
func TestCountersOnceAnHour(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(map[string]any) {}, asked: func(path string) {
		if strings.HasSuffix(path, "SMARTAttributes") {
			asked.Add(1)
		}
	}})
	const drives = 7
	most, last := int32(0), int32(0)
	for visit := range 24 {
		r := l.visit(t)
		n := asked.Load()
		most, last = max(most, n-last), n
		for _, c := range r.Components {
			if word := c.State.Get(raid.KeyMediaErrors); strings.HasPrefix(c.Path, "drive/") && visit >= 3 && word != raid.ErrorsNone {
				t.Fatalf("visit %d: %s has %q", visit+1, c.Path, word)
			}
		}
		l.clock.Pass(5 * time.Minute)
	}
	if most != 2 || last != 2*drives {
		t.Errorf("%d at once, %d in two hours", most, last)
	}
}

// Errors that rise go on rising after a restart, those of another drive in the bay do not, and after a quiet week they are old.
func TestErrorsThatRise(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r740")
	l.longVisits(t)
	const path = "drive/Disk.Bay.3:Enclosure.Internal.0-1:" + percID
	word := func() string { return partOf(t, l.longVisits(t), path).State.Get(raid.KeyMediaErrors) }
	l.fault(t, "media-errors 3 60")
	if w := word(); w != raid.ErrorsRising {
		t.Fatalf("%q", w)
	}
	l.fault(t, "clear media-errors")
	word()
	l.restart(t)
	r := l.visit(t)
	if c := partOf(t, r, path); !slices.Contains([]string{"", raid.ErrorsRising}, c.State.Get(raid.KeyMediaErrors)) {
		t.Errorf("just after a restart: %v", c.State)
	}
	if w := word(); w != raid.ErrorsRising {
		t.Errorf("after a restart: %q", w)
	}
	l.clock.Pass(8 * 24 * time.Hour)
	if w := word(); w != raid.ErrorsSome {
		t.Errorf("after a week: %q", w)
	}
	l.fault(t, "drive-replaced 3 1m")
	if w := word(); w != raid.ErrorsNone {
		t.Errorf("after it was replaced: %q", w)
	}
}

// A counter that is not told once costs nothing that was counted.
func TestCounterLeftOut(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(doc map[string]any) {
		if silent.Load() {
			delete(doc, "UncorrectableErrorCount")
		}
	}})
	l.fault(t, "media-errors 3 60")
	l.longVisits(t)
	silent.Store(true)
	const path = "drive/Disk.Bay.3:Enclosure.Internal.0-1:" + percID
	if w := partOf(t, l.longVisits(t), path).State.Get(raid.KeyMediaErrors); w != raid.ErrorsRising {
		t.Errorf("%q", w)
	}
}

// What is counted is a sample of the visit that read it, and the life of an SSD one of every visit.
func TestSamplesOfDrives(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r740")
	l.target.Once = true
	l.restart(t)
	r := l.visit(t)
	has := func(sensor string, of hw.SampleType) int {
		n := 0
		for _, s := range r.Samples {
			if s.Sensor == sensor && s.Type == of && s.Absent == "" {
				n++
			}
		}
		return n
	}
	for sensor, want := range map[string]int{"reallocated_sectors_total": 7, "uncorrectable_errors_total": 7} {
		if n := has(sensor, hw.Counter); n != want {
			t.Errorf("%d of %s", n, sensor)
		}
	}
	for sensor, want := range map[string]int{"temperature_celsius": 7, "powered_hours": 7, "pending_sectors_count": 7, "life_left_percent": 2} {
		if n := has(sensor, hw.Gauge); n != want {
			t.Errorf("%d of %s", n, sensor)
		}
	}
	if err := collectors.CheckReport(r); err != nil {
		t.Error(err)
	}
}

// A rebuild has its percent, of the drive and of its set.
func TestRebuildInPercent(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r740")
	l.fault(t, "rebuild 3 2h")
	l.clock.Pass(time.Hour)
	r := l.visit(t)
	for _, path := range []string{"drive/Disk.Bay.3:Enclosure.Internal.0-1:" + percID, "volume/Disk.Virtual.1:" + percID} {
		i := slices.IndexFunc(r.Samples, func(s hw.Sample) bool { return s.Component == path && s.Sensor == raid.SensorOperationPercent })
		if i < 0 || r.Samples[i].Gauge != 50 || partOf(t, r, path).State.Get(raid.KeyOperation) != raid.OperationRebuild {
			t.Errorf("%s: %v", path, partOf(t, r, path).State)
		}
	}
	l.clock.Pass(2 * time.Hour)
	for _, s := range l.visit(t).Samples {
		if s.Sensor == raid.SensorOperationPercent {
			t.Errorf("nothing runs any more: %+v", s)
		}
	}
}

// Drives beyond the bounds make the section partial; nothing grows.
func TestTooManyDrives(t *testing.T) {
	t.Parallel()
	l := newRAIDLab()
	l.openMoved(t, &moved{edit: func(doc map[string]any) {
		list, ok := doc["Drives"].([]any)
		if !ok || len(list) < 7 || doc["Links"] == nil || doc["Volumes"] == nil {
			return
		}
		for range 300 {
			list = append(list, list[0])
		}
		for i := range list {
			list[i] = map[string]any{"@odata.id": raidSystem + "/Storage/" + percID + "/Drives/Disk.Bay." + string(rune('0'+i%10)) + strings.Repeat("0", i/10) + ":Enclosure.Internal.0-1:" + percID}
		}
		doc["Drives"] = list
		delete(doc, "Drives@odata.count")
	}})
	r := l.visit(t)
	if raidExtent(r) == hw.Complete || len(r.Components) > 300 || len(r.Gaps) == 0 {
		t.Errorf("%v, %d parts, %d gaps", r.Read, len(r.Components), len(r.Gaps))
	}
}

// A drive whose counters cannot be read is told at every visit until they are; the others are read, and nothing else is lost.
func TestCountersThatFail(t *testing.T) {
	t.Parallel()
	l := openRAID(t, "poweredge-r740")
	const bay3 = "raid/Disk.Bay.3:Enclosure.Internal.0-1:" + percID + "/smart"
	l.fault(t, "fail-path /Drives/Disk.Bay.3:Enclosure.Internal.0-1:"+percID+"/Oem")
	told := func(r hw.Report) bool {
		return slices.ContainsFunc(r.Gaps, func(g hw.Gap) bool { return g.What == bay3 && g.Reason == hw.DeviceError })
	}
	l.longVisits(t)
	for range 3 {
		r := l.visit(t)
		if !told(r) || raidExtent(r) != hw.Complete || len(r.Gaps) != 1 || slices.Contains(brief(said(r, true)), "drive/2 raid-media-errors ?") {
			t.Errorf("%v: %v", raidExtent(r), r.Gaps)
		}
		l.clock.Pass(5 * time.Minute)
	}
	l.fault(t, "clear")
	l.clock.Pass(time.Hour)
	l.longVisits(t)
	if r := l.longVisits(t); told(r) || len(r.Gaps) > 0 {
		t.Errorf("it answers again: %v", r.Gaps)
	}
}
