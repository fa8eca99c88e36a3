package raid_test

import (
	"fmt"
	"slices"
	"strings"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// The parts of the server the tests are about: a controller with a battery, a mirror of two SAS disks, a
// RAID 10 of four, a spare, and one NVMe drive beside it.
const (
	perc    = "controller/RAID.Integrated.1-1"
	cell    = "battery/Battery.Integrated.1:RAID.Integrated.1-1"
	mirror  = "volume/Disk.Virtual.0:RAID.Integrated.1-1"
	striped = "volume/Disk.Virtual.1:RAID.Integrated.1-1"
	spare   = "drive/Disk.Bay.6:Enclosure.Internal.0-1:RAID.Integrated.1-1"
	flash   = "drive/Disk.Bay.20:Enclosure.Internal.0-1"
	shelf   = "enclosure/Enclosure.Internal.0-1:RAID.Integrated.1-1"
	cpu     = "controller/CPU.1"
)

func bay(n int) string {
	return fmt.Sprintf("drive/Disk.Bay.%d:Enclosure.Internal.0-1:RAID.Integrated.1-1", n)
}

// stateKeys are those that change by themselves; the audit reads both lists alike.
var stateKeys = []string{raid.KeyState, raid.KeyOperation, raid.KeyWritePolicyNow, raid.KeyWriteCache, raid.KeyDiskCacheNow, raid.KeyRedundancyLeft,
	raid.KeyBadBlocks, raid.KeyPredicted, raid.KeyMediaErrors, raid.KeyWear, raid.KeyPreservedCache, raid.KeyBattery}

type server []hw.Component

// set changes the words of a part; a part that is not there is added. An empty word removes the key.
func (s server) set(path string, kv ...string) server {
	out := append(make(server, 0, len(s)+1), s...)
	i := slices.IndexFunc(out, func(c hw.Component) bool { return c.Path == path })
	if i < 0 {
		out = append(out, hw.Component{Path: path, Section: "raid"})
		i = len(out) - 1
	}
	out[i].State, out[i].Attrs = slices.Clone(out[i].State), slices.Clone(out[i].Attrs)
	for k := 0; k+1 < len(kv); k += 2 {
		list := &out[i].Attrs
		if slices.Contains(stateKeys, kv[k]) {
			list = &out[i].State
		}
		*list = list.With(kv[k], kv[k+1])
	}
	return out
}

func (s server) without(paths ...string) server {
	return slices.DeleteFunc(slices.Clone(s), func(c hw.Component) bool { return slices.Contains(paths, c.Path) })
}

// each changes the words of every part whose path begins so.
func (s server) each(prefix string, kv ...string) server {
	for _, c := range s {
		if strings.HasPrefix(c.Path, prefix) {
			s = s.set(c.Path, kv...)
		}
	}
	return s
}

// sound is a server with nothing wrong and everything told.
func sound() server {
	const id = "RAID.Integrated.1-1"
	s := server{}.set(perc, "model", "PERC H740P Mini", "firmware", "51.16.0-5150", "mode", "raid", "cache_bytes", "8589934592", "patrol_read", "automatic",
		"learn_mode", "automatic", "preserved_cache", "no", "battery", "present").
		set(cell, "controller", id, "state", "ready").
		set(shelf, "controller", id, "state", "ready").
		set(cpu, "mode", "hba", "patrol_read", "unsupported", "preserved_cache", "no", "cache_bytes", "0", "battery", "none")
	for i, v := range []string{mirror, striped} {
		s = s.set(v, "name", fmt.Sprint("vd", i), "controller", id, "level", []string{"raid1", "raid10"}[i], "state", "online", "write_policy", "write-back", "write_policy_now", "write-back",
			"write_cache", "protected", "disk_cache_policy", "disabled", "read_policy", "adaptive", "redundancy_left", "1", "operation", "none", "bad_blocks", "no",
			"media", "hdd", "bus", "sas", "drives", fmt.Sprint(2+2*i), "size_bytes", "1200000000000")
	}
	for n := range 7 {
		volume, role, state := "Disk.Virtual.0:"+id, "none", "online"
		if n > 1 {
			volume = "Disk.Virtual.1:" + id
		}
		if n == 6 {
			volume, role, state = "", "global", "ready"
		}
		s = s.set(bay(n), "controller", id, "bay", fmt.Sprint(n), "volumes", volume, "spare", role, "state", state, "media", "hdd", "bus", "sas", "model", "M1", "firmware", "F2",
			"serial", fmt.Sprint("S", n), "size_bytes", "1200000000000", "failure_predicted", "no", "media_errors", "none", "operation", "none", "write_cache", "disabled", "security", "none")
	}
	return s.set(flash, "controller", "CPU.1", "bay", "20", "state", "non-raid", "spare", "none", "media", "ssd", "bus", "nvme", "model", "N1", "firmware", "2.1.3", "serial", "S20",
		"failure_predicted", "no", "media_errors", "none", "wear", "good", "operation", "none", "write_cache", "disabled", "security", "none")
}

// words says what verdicts say, one text each, sorted; those that could not be judged too.
func words(verdicts []hw.Verdict) []string {
	var out []string
	for _, v := range verdicts {
		level := v.Level.String()
		if level == "" {
			level = "?"
		}
		out = append(out, v.Component+" "+v.Code+" "+level)
	}
	slices.Sort(out)
	return out
}

// faults are the verdicts that raise an alert.
func faults(verdicts []hw.Verdict) []hw.Verdict {
	return slices.DeleteFunc(slices.Clone(verdicts), func(v hw.Verdict) bool { return v.Level == 0 })
}
