package raid_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw/raid"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	device := raid.Policy{Levels: []string{"raid6"}, DiskCache: raid.Accept}
	customer := raid.Policy{Levels: []string{"raid5"}, DiskCache: raid.Notice, PatrolRead: raid.Fault}
	want := raid.Default()
	want.Levels, want.DiskCache, want.PatrolRead = []string{"raid6"}, raid.Accept, raid.Fault
	if d := cmp.Diff(want, raid.Merge(device, customer, raid.Policy{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(raid.Default(), raid.Merge()); d != "" {
		t.Error(d)
	}
	merged := raid.Merge(device)
	merged.Levels[0] = "raid0"
	if device.Levels[0] != "raid6" {
		t.Error("a layer was changed")
	}
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy raid.Policy
		want   string
	}{
		{raid.Policy{}, ""},
		{raid.Default(), ""},
		{raid.Policy{Levels: []string{}}, "no level is allowed"},
		{raid.Policy{Levels: []string{"raid1", "RAID 10"}}, `level "RAID 10": want one of`},
		{raid.Policy{NoHotSpare: "never"}, `no hot spare "never": want accept, notice or fault`},
	} {
		err := c.policy.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.policy, err)
		}
	}
	var j raid.Judgement
	if err := j.UnmarshalText([]byte("fault")); err != nil || j != raid.Fault {
		t.Errorf("%q, %v", j, err)
	}
	if err := j.UnmarshalText([]byte("warn")); err == nil || j != raid.Fault {
		t.Errorf("%q, %v", j, err)
	}
}

// What a policy changes, and that it changes nothing else.
func TestPolicyOfTheAudit(t *testing.T) {
	t.Parallel()
	s := sound()
	for _, c := range []struct {
		name   string
		policy raid.Policy
		server server
		want   []string
	}{
		{"raid 5 allowed", raid.Policy{Levels: []string{"raid5"}}, s.set(striped, "level", "raid5"), []string{mirror + " raid-level average"}},
		{"raid 5 allowed, parity told", raid.Policy{Levels: []string{"raid1", "raid5"}}, s.set(striped, "level", "raid5-or-6"), []string{striped + " raid-level-unproven warning"}},
		{"raid 5 and 6 allowed, parity told", raid.Policy{Levels: []string{"raid1", "raid5", "raid6"}}, s.set(striped, "level", "raid5-or-6"), nil},
		{"other levels accepted", raid.Policy{OtherLevel: raid.Accept}, s.set(striped, "level", "raid5"), nil},
		{"other levels accepted, not raid 0", raid.Policy{OtherLevel: raid.Accept}, s.set(striped, "level", "raid0", "redundancy_left", "0"), []string{striped + " raid-level high"}},
		{"write-through a notice", raid.Policy{WriteThrough: raid.Notice}, s.set(mirror, "write_policy", "write-through", "write_policy_now", "write-through"), []string{mirror + " raid-write-through warning"}},
		{"unproven a fault", raid.Policy{Unproven: raid.Fault}, s.set(mirror, "write_policy", "", "write_policy_now", ""), []string{mirror + " raid-write-policy-unproven average"}},
		{"disk cache accepted", raid.Policy{DiskCache: raid.Accept}, s.set(mirror, "disk_cache_policy", "enabled"), nil},
		{"disk cache accepted, so default is", raid.Policy{DiskCache: raid.Accept}, s.each("drive/", "write_cache", "").set(mirror, "disk_cache_policy", "default"), nil},
		{"default accepted", raid.Policy{CacheDefault: raid.Accept}, s.each("drive/", "write_cache", "").set(mirror, "disk_cache_policy", "default"), nil},
		{"default a fault", raid.Policy{CacheDefault: raid.Fault}, s.each("drive/", "write_cache", "").set(mirror, "disk_cache_policy", "default"), []string{mirror + " raid-disk-cache-unproven average"}},
		{"spares not wanted", raid.Policy{NoHotSpare: raid.Accept}, s.without(spare), nil},
		{"patrol read not wanted", raid.Policy{PatrolRead: raid.Accept}, s.set(perc, "patrol_read", "off"), nil},
		{"patrol read a fault", raid.Policy{PatrolRead: raid.Fault}, s.set(perc, "patrol_read", "off"), []string{perc + " raid-patrol-read average"}},
		{"firmware accepted", raid.Policy{Firmware: raid.Accept}, s.set(bay(1), "firmware", "F1"), nil},
		{"cache outside accepted", raid.Policy{OutsideRAID: raid.Accept}, s.set(flash, "write_cache", "enabled"), nil},
		{"nothing makes forced right", everything(raid.Accept), s.set(mirror, "write_policy", "write-back-forced"), []string{mirror + " raid-write-back-forced high"}},
	} {
		slices.Sort(c.want)
		if d := cmp.Diff(c.want, words(faults(raid.Audit(c.policy, c.server)))); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func everything(j raid.Judgement) raid.Policy {
	return raid.Policy{OtherLevel: j, Unproven: j, WriteThrough: j, DiskCache: j, CacheDefault: j, OutsideRAID: j, NoHotSpare: j, PatrolRead: j, Firmware: j}
}
