package raid_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

func TestASoundServer(t *testing.T) {
	t.Parallel()
	if got := raid.Audit(raid.Policy{}, sound()); len(got) > 0 {
		t.Errorf("got %v", words(got))
	}
}

type auditCase struct {
	name   string
	server server
	want   []string // "path code level": what raises an alert
}

func auditCases() []auditCase {
	return slices.Concat(levelCases(), cacheCases(), volumeCases(), spareCases(), controllerCases(), driveCases())
}

// contradictions are servers of which two keys tell different things: the graver is taken.
func contradictions() []auditCase {
	s := sound()
	return []auditCase{
		{"disk cache on now", s.set(mirror, "disk_cache_policy", "default", "disk_cache_now", "enabled"), []string{mirror + " raid-disk-cache-on high"}},
		{"raid 6 lost one and is online", s.set(striped, "level", "raid6", "redundancy_left", "1"), []string{striped + " raid-level average", striped + " raid-volume-degraded average"}},
		{"forced only now", s.set(mirror, "write_policy_now", "write-back-forced"), []string{mirror + " raid-write-back-forced high"}},
		{"no battery, and one that is ready", s.set(perc, "battery", "none"), nil},
		{"battery failed, the cache protected", s.set(cell, "state", "failed").set(striped, "write_policy", "write-through", "write_policy_now", "write-through"), []string{cell + " raid-battery-bad high", mirror + " raid-write-back-unprotected high"}},
	}
}

func levelCases() []auditCase {
	s := sound()
	return []auditCase{
		{"raid 5", s.set(striped, "level", "raid5"), []string{striped + " raid-level average"}},
		{"raid 6", s.set(striped, "level", "raid6", "redundancy_left", "2"), []string{striped + " raid-level average"}},
		{"raid 0", s.set(striped, "level", "raid0", "redundancy_left", "0"), []string{striped + " raid-level high"}},
		{"one drive", s.set(striped, "level", "none", "redundancy_left", "0"), []string{striped + " raid-level high"}},
		{"one parity or two", s.set(striped, "level", "raid5-or-6"), []string{striped + " raid-level average"}},
		{"level not told", s.set(striped, "level", ""), []string{striped + " raid-level-unproven warning"}},
		{"level nobody knows", s.set(striped, "level", "RAID7"), []string{striped + " raid-level-unproven warning"}},
	}
}

func cacheCases() []auditCase {
	s := sound()
	dead := func(state string) server {
		return s.set(cell, "state", state).set(striped, "write_cache", "").set(mirror, "write_cache", "")
	}
	return []auditCase{
		{"forced", s.set(mirror, "write_policy", "write-back-forced", "write_policy_now", ""), []string{mirror + " raid-write-back-forced high"}},
		{"forced now", s.set(mirror, "write_policy", "", "write_policy_now", "write-back-forced"), []string{mirror + " raid-write-back-forced high"}},
		{"battery failed", dead("failed"), []string{cell + " raid-battery-bad high", mirror + " raid-write-back-unprotected high", striped + " raid-write-back-unprotected high"}},
		{"battery missing", dead("missing").set(mirror, "write_policy", "write-through", "write_policy_now", ""), []string{cell + " raid-battery-bad high", striped + " raid-write-back-unprotected high"}},
		{"battery low, all write through", dead("below-threshold").each("volume/", "write_policy", "write-through", "write_policy_now", "write-through"), []string{cell + " raid-battery-bad average"}},
		{"no battery", s.without(cell).set(perc, "battery", "none").each("volume/", "write_cache", "").set(mirror, "write_policy", "write-through", "write_policy_now", "write-through"), []string{striped + " raid-write-back-unprotected high"}},
		{"battery not told", s.without(cell).each("volume/", "write_cache", ""), []string{mirror + " raid-write-back-unproven warning", striped + " raid-write-back-unproven warning"}},
		{"battery in an unknown state", dead("Unknown"), []string{mirror + " raid-write-back-unproven warning", striped + " raid-write-back-unproven warning"}},
		{"battery not told, the cache is protected", s.without(cell), nil},
		{"cache unprotected", s.set(mirror, "write_cache", "unprotected"), []string{mirror + " raid-write-cache high"}},
		{"learning", s.set(cell, "state", "learning").set(mirror, "write_policy_now", "write-through", "write_cache", "degraded"), []string{cell + " raid-battery-busy warning"}},
		{"charging", s.set(cell, "state", "charging"), []string{cell + " raid-battery-busy warning"}},
		{"fallen back", s.set(mirror, "write_policy_now", "write-through"), []string{mirror + " raid-write-back-fallback warning"}},
		{"cache degraded", s.set(mirror, "write_cache", "degraded"), []string{mirror + " raid-write-cache warning"}},
		{"write through", s.set(mirror, "write_policy", "write-through", "write_policy_now", "write-through"), nil},
		{"write policy not told", s.set(mirror, "write_policy", "", "write_policy_now", ""), []string{mirror + " raid-write-policy-unproven warning"}},
		{"write policy of a controller without cache", s.set(perc, "cache_bytes", "0").set(mirror, "write_policy", "", "write_policy_now", ""), nil},
		{"disk cache on", s.set(mirror, "disk_cache_policy", "enabled"), []string{mirror + " raid-disk-cache-on high"}},
		{"disk cache on, ssd", s.set(mirror, "disk_cache_policy", "enabled", "media", "ssd").set(bay(0), "media", "ssd", "wear", "good").set(bay(1), "media", "ssd", "wear", "good"), []string{mirror + " raid-disk-cache-on average", mirror + " raid-no-hot-spare warning"}},
		{"disk cache on, kept through a power cut", s.set(mirror, "disk_cache_policy", "enabled").each("drive/", "power_loss_protection", "yes"), []string{mirror + " raid-disk-cache-on warning"}},
		{"default, sas disks", s.each("drive/", "write_cache", "").set(mirror, "disk_cache_policy", "default"), []string{mirror + " raid-disk-cache-unproven warning"}},
		{"default, sata disks", s.each("drive/", "write_cache", "", "bus", "sata").set(mirror, "disk_cache_policy", "default", "bus", "sata").set(striped, "bus", "sata"), []string{mirror + " raid-disk-cache-unproven average"}},
		{"default, one drive silent", s.set(bay(1), "write_cache", "").set(mirror, "disk_cache_policy", "default"), []string{mirror + " raid-disk-cache-unproven warning"}},
		{"default, one drive not read", s.without(bay(1)).set(mirror, "disk_cache_policy", "default"), []string{mirror + " raid-disk-cache-unproven warning"}},
		{"default, every drive says off", s.set(mirror, "disk_cache_policy", "default"), nil},
		{"disk cache not told", s.each("drive/", "write_cache", "").set(mirror, "disk_cache_policy", "Unknown"), []string{mirror + " raid-disk-cache-unproven warning"}},
	}
}

func volumeCases() []auditCase {
	s := sound()
	return []auditCase{
		{"degraded", s.set(mirror, "state", "degraded", "redundancy_left", "0"), []string{mirror + " raid-volume-degraded high"}},
		{"degraded, no more told", s.set(mirror, "state", "degraded", "redundancy_left", ""), []string{mirror + " raid-volume-degraded high"}},
		{"nothing left", s.set(mirror, "redundancy_left", "0", "state", ""), []string{mirror + " raid-volume-degraded high"}},
		{"raid 6 lost one", s.set(striped, "level", "raid6", "state", "degraded", "redundancy_left", "1"), []string{striped + " raid-level average", striped + " raid-volume-degraded average"}},
		{"failed", s.set(mirror, "state", "failed"), []string{mirror + " raid-volume-failed disaster"}},
		{"offline", s.set(mirror, "state", "offline"), []string{mirror + " raid-volume-failed disaster"}},
		{"state not told", s.set(mirror, "state", ""), nil},
		{"bad blocks", s.set(mirror, "bad_blocks", "yes"), []string{mirror + " raid-bad-blocks high"}},
		{"resynchronising", s.set(mirror, "operation", "resync"), []string{mirror + " raid-rebuild warning"}},
		{"initialising", s.set(mirror, "operation", "initialise"), nil},
		{"checking", s.set(mirror, "operation", "consistency-check"), nil},
		{"drive rebuilding", s.set(bay(1), "operation", "rebuild"), []string{bay(1) + " raid-rebuild warning"}},
		{"drive copying back", s.set(bay(1), "operation", "copyback"), []string{bay(1) + " raid-rebuild warning"}},
		{"drive erasing", s.set(spare, "operation", "erase"), nil},
	}
}

func spareCases() []auditCase {
	s := sound()
	none := []string{mirror + " raid-no-hot-spare warning", striped + " raid-no-hot-spare warning"}
	second := []string{striped + " raid-no-hot-spare warning"}
	return []auditCase{
		{"no spare", s.without(spare), none},
		{"unassigned is no spare", s.set(spare, "spare", "none"), none},
		{"dedicated to the other", s.set(spare, "spare", "dedicated", "spare_for", "Disk.Virtual.0:RAID.Integrated.1-1"), second},
		{"dedicated to both", s.set(spare, "spare", "dedicated", "spare_for", raid.List("Disk.Virtual.0:RAID.Integrated.1-1", "Disk.Virtual.1:RAID.Integrated.1-1")), nil},
		{"dedicated, to which is not told", s.set(spare, "spare", "dedicated"), nil},
		{"too small", s.set(spare, "size_bytes", "1100000000000"), none},
		{"ssd for disks", s.set(spare, "media", "ssd", "wear", "good"), none},
		{"sata for sas", s.set(spare, "bus", "sata"), none},
		{"spare failed", s.set(spare, "state", "failed"), append([]string{spare + " raid-drive-failed high"}, none...)},
		{"spare predicted", s.set(spare, "failure_predicted", "yes"), append([]string{spare + " raid-drive-predicted high"}, none...)},
		{"spare of another controller", s.set(spare, "controller", "CPU.1"), none},
		{"a controller that can have none", s.without(spare).set(perc, "hot_spares", "unsupported"), nil},
		{"raid 0 needs none", s.without(spare).set(striped, "level", "raid0", "redundancy_left", "0"), []string{striped + " raid-level high", mirror + " raid-no-hot-spare warning"}},
		{"spare not told", s.set(spare, "spare", ""), nil},
		{"drives not read", s.without(spare, bay(0), bay(1), bay(2), bay(3), bay(4), bay(5)), nil},
		{"over SNMP, which tells no members", s.each("volume/", "drives", "").each("drive/", "volumes", ""), nil},
	}
}

func controllerCases() []auditCase {
	s := sound()
	ssds := s.each("drive/", "media", "ssd", "wear", "good").each("volume/", "media", "ssd")
	return []auditCase{
		{"patrol read off", s.set(perc, "patrol_read", "off"), []string{perc + " raid-patrol-read warning"}},
		{"patrol read by hand", s.set(perc, "patrol_read", "manual"), []string{perc + " raid-patrol-read warning"}},
		{"patrol read off, flash only", ssds.set(perc, "patrol_read", "off"), nil},
		{"patrol read off, one disk among flash", ssds.set(bay(3), "media", "hdd", "wear", "").set(perc, "patrol_read", "off"), []string{perc + " raid-patrol-read warning"}},
		{"patrol read off, no volume", s.without(mirror, striped).set(perc, "patrol_read", "off"), nil},
		{"patrol read not told", s.set(perc, "patrol_read", ""), nil},
		{"preserved cache", s.set(perc, "preserved_cache", "yes"), []string{perc + " raid-preserved-cache high"}},
	}
}

func driveCases() []auditCase {
	s := sound()
	return []auditCase{
		{"drive failed", s.set(bay(1), "state", "failed"), []string{bay(1) + " raid-drive-failed high"}},
		{"drive read-only", s.set(flash, "state", "read-only"), []string{flash + " raid-drive-failed high"}},
		{"drive predicted", s.set(bay(1), "failure_predicted", "yes"), []string{bay(1) + " raid-drive-predicted high"}},
		{"media errors rising", s.set(bay(1), "media_errors", "rising"), []string{bay(1) + " raid-media-errors average"}},
		{"media errors, old", s.set(bay(1), "media_errors", "some"), nil},
		{"foreign", s.set(bay(1), "state", "foreign"), []string{bay(1) + " raid-drive-foreign average"}},
		{"foreign key", s.set(bay(1), "security", "foreign"), []string{bay(1) + " raid-drive-foreign average"}},
		{"locked", s.set(bay(1), "security", "locked"), []string{bay(1) + " raid-drive-locked average"}},
		{"worn", s.set(flash, "wear", "low"), []string{flash + " raid-drive-worn warning"}},
		{"worn out", s.set(flash, "wear", "spent"), []string{flash + " raid-drive-worn average"}},
		{"cache of a member on", s.set(bay(1), "write_cache", "enabled"), []string{bay(1) + " raid-drive-cache-on high"}},
		{"cache of an ssd member on", s.set(bay(1), "write_cache", "enabled", "media", "ssd", "wear", "good"), []string{bay(1) + " raid-drive-cache-on average"}},
		{"cache outside on", s.set(flash, "write_cache", "enabled"), []string{flash + " raid-drive-cache-on warning"}},
		{"cache outside configured on", s.set(flash, "write_cache", "", "disk_cache_policy", "enabled"), []string{flash + " raid-drive-cache-on warning"}},
		{"cache outside on, kept through a power cut", s.set(flash, "write_cache", "enabled", "power_loss_protection", "yes"), nil},
		{"cache of a spare on", s.set(spare, "write_cache", "enabled"), nil},
		{"other firmware", s.set(bay(1), "firmware", "F1"), []string{bay(1) + " raid-drive-firmware warning"}},
		{"newer firmware than most", s.set(bay(1), "firmware", "F3"), []string{bay(1) + " raid-drive-firmware warning"}},
		{"other firmware of another model", s.set(bay(1), "firmware", "F1", "model", "M2"), nil},
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for _, c := range append(auditCases(), contradictions()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			slices.Sort(c.want)
			got := raid.Audit(raid.Policy{}, c.server)
			if d := cmp.Diff(c.want, words(faults(got))); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// What a walk over SNMP tells of a server with a mirror of SATA SSDs and two RAID 6 of SAS disks:
// neither the battery nor which drive belongs to which volume.
func TestOverSNMP(t *testing.T) {
	t.Parallel()
	const id = "RAID.Integrated.1-1"
	s := server{}.set(perc, "patrol_read", "automatic", "preserved_cache", "no", "cache_bytes", "8589934592")
	volume := func(n int) string { return fmt.Sprintf("volume/Disk.Virtual.%d:%s", n, id) }
	for n, level := range []string{"raid1", "raid6", "raid6"} {
		s = s.set(volume(n), "controller", id, "level", level, "state", "online", "write_policy", "write-back", "read_policy", "read-ahead", "disk_cache_policy", "default",
			"redundancy_left", []string{"1", "2", "2"}[n], "operation", "none", "bad_blocks", "no", "media", []string{"ssd", "hdd", "hdd"}[n], "bus", []string{"sata", "sas", "sas"}[n])
	}
	for n := range 10 {
		kind := []string{"media", "hdd", "bus", "sas", "model", "M1", "firmware", "F1"}
		if n < 2 {
			kind = []string{"media", "ssd", "bus", "sata", "model", "M2", "firmware", "F5", "wear", "good"}
		}
		s = s.set(bay(n), append(kind, "controller", id, "state", "online", "spare", "none", "failure_predicted", "no", "operation", "none", "security", "none")...)
	}
	var want []string
	for n := range 3 {
		for _, code := range []string{"raid-disk-cache-unproven", "raid-no-hot-spare", "raid-write-back-unproven"} {
			want = append(want, volume(n)+" "+code+" warning")
		}
	}
	want = append(want, volume(1)+" raid-level average", volume(2)+" raid-level average")
	slices.Sort(want)
	if d := cmp.Diff(want, words(faults(raid.Audit(raid.Policy{}, s)))); d != "" {
		t.Error(d)
	}
}

// What is not told is said to be so, with the code of what it might be.
func TestUndecided(t *testing.T) {
	t.Parallel()
	s := sound()
	for _, c := range []struct {
		name   string
		server server
		want   []string
	}{
		{"volume", s.set(mirror, "state", "", "redundancy_left", "", "bad_blocks", "", "operation", "Sort of"), []string{
			mirror + " raid-bad-blocks ?", mirror + " raid-rebuild ?", mirror + " raid-volume-degraded ?", mirror + " raid-volume-failed ?"}},
		{"level", s.set(mirror, "level", ""), []string{mirror + " raid-level ?", mirror + " raid-level-unproven warning", mirror + " raid-no-hot-spare ?", mirror + " raid-volume-degraded ?"}},
		{"drive", s.set(bay(0), "state", "", "failure_predicted", "", "media_errors", "", "operation", "", "security", "", "write_cache", ""), []string{
			bay(0) + " raid-drive-cache-on ?", bay(0) + " raid-drive-failed ?", bay(0) + " raid-drive-foreign ?", bay(0) + " raid-drive-locked ?",
			bay(0) + " raid-drive-predicted ?", bay(0) + " raid-media-errors ?", bay(0) + " raid-rebuild ?"}},
		{"wear of a flash drive", s.set(flash, "wear", ""), []string{flash + " raid-drive-worn ?"}},
		{"controller", s.set(perc, "patrol_read", "Unknown", "preserved_cache", ""), []string{perc + " raid-patrol-read ?", perc + " raid-preserved-cache ?"}},
		{"battery", s.set(cell, "state", ""), []string{cell + " raid-battery-bad ?", cell + " raid-battery-busy ?",
			mirror + " raid-write-back-unprotected ?", striped + " raid-write-back-unprotected ?"}},
		{"spare", s.set(spare, "spare", ""), []string{mirror + " raid-no-hot-spare ?", striped + " raid-no-hot-spare ?"}},
		{"firmware of one of two", s.without(bay(2), bay(3), bay(4), bay(5), bay(6), striped).set(perc, "hot_spares", "unsupported").set(bay(1), "firmware", ""), []string{
			bay(0) + " raid-drive-firmware ?", bay(1) + " raid-drive-firmware ?"}},
	} {
		if d := cmp.Diff(c.want, words(raid.Audit(raid.Policy{}, c.server))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	accepts := raid.Policy{PatrolRead: raid.Accept}
	if got := raid.Audit(accepts, s.set(perc, "patrol_read", "")); len(got) > 0 {
		t.Errorf("what is accepted is undecided: %v", words(got))
	}
}

// A drive is named so that the right one is pulled; what ends by itself says by when.
func TestVerdictTellsWhatAMessageNeeds(t *testing.T) {
	t.Parallel()
	s := sound().set(bay(1), "operation", "rebuild", "size_bytes", "12000000000000").set(cell, "state", "learning")
	want := []hw.Verdict{
		{Component: cell, Section: "raid", Code: raid.CodeBatteryBusy, Level: hw.LevelWarning, Params: hw.Attrs{{Key: "state", Value: "learning"}}, Within: 24 * time.Hour, Late: hw.LevelAverage},
		{Component: bay(1), Section: "raid", Code: raid.CodeRebuild, Level: hw.LevelWarning, Params: hw.Attrs{{Key: "bay", Value: "1"}, {Key: "model", Value: "M1"}, {Key: "operation", Value: "rebuild"}, {Key: "serial", Value: "S1"}},
			Within: 400000 * time.Second, Late: hw.LevelAverage},
	}
	if d := cmp.Diff(want, raid.Audit(raid.Policy{}, s)); d != "" {
		t.Error(d)
	}
}

// Two sections may tell of one part: what one leaves out the other fills, and what either calls a
// fault is one.
func TestTwoSectionsOnePart(t *testing.T) {
	t.Parallel()
	s := sound().set(mirror, "write_policy", "", "bad_blocks", "")
	other := hw.Component{Path: mirror, Section: "snmp", Attrs: hw.Attrs{{Key: "write_policy", Value: "write-back"}}, State: hw.Attrs{{Key: "bad_blocks", Value: "no"}}}
	if got := raid.Audit(raid.Policy{}, append(s, other)); len(got) > 0 {
		t.Errorf("got %v", words(got))
	}
	other.State = hw.Attrs{{Key: "bad_blocks", Value: "yes"}}
	if d := cmp.Diff([]string{mirror + " raid-bad-blocks high"}, words(raid.Audit(raid.Policy{}, append(s.set(mirror, "bad_blocks", "no"), other)))); d != "" {
		t.Error(d)
	}
}
