package idrac_test

import "slices"

// dayServer is a server of the day, what is said of it while nothing is wrong, and what happens to it.
type dayServer struct {
	model    string
	snmp     bool
	hardware bool // faults of its parts alone
	calm     []string
	troubles []trouble
}

// What a fault of a part shows of the parts above it.
var (
	driveAbove = []string{"health drive/", "health volume/", "health controller/", "health system", "health enclosure/"}
	silence    = []string{"unreachable"}
	unread     = []string{"redfish-unread"} // SNMP tells the rest
)

func daysOf() []dayServer {
	const perc, hot = ":RAID.Integrated.1-1", "health temperature/"
	r740 := dayServer{
		model: "poweredge-r740", calm: []string{"raid-no-hot-spare volume/Disk.Virtual.0" + perc},
		troubles: slices.Concat(percTroubles(true, "volume/Disk.Virtual.0:", "volume/Disk.Virtual.1:"), partTroubles(silence, hot), talkTroubles(silence)),
	}
	r630 := r740
	r630.model, r630.snmp = "poweredge-r630", true
	r630.troubles = slices.Concat(percTroubles(false, "volume/Disk.Virtual.0:", "volume/Disk.Virtual.1:"), partTroubles(append([]string{"unit-changed"}, unread...), hot), talkTroubles(unread))
	r750 := dayServer{model: "poweredge-r750", troubles: slices.Concat(bossTroubles(), partTroubles(silence, hot), talkTroubles(silence))}
	r770 := dayServer{ // which judges no temperature by itself, and talks as the others do
		model: "poweredge-r770", hardware: true, calm: []string{"raid-no-hot-spare volume/Disk.Virtual.239:RAID.SL.3-1"},
		troubles: slices.Concat(percTroubles(true, "volume/Disk.Virtual.239:", "volume/Disk.Virtual.238:"), partTroubles(silence, "health system")),
	}
	return []dayServer{r740, r750, r630, r770}
}

// percTroubles are those of a RAID controller with a battery, drives in the bays 0 to 6 (the last one a spare) and two volumes.
// Over Redfish drives say that their caches are off, and count their errors; an iDRAC8 and SNMP tell neither.
func percTroubles(told bool, set0, set1 string) []trouble {
	const bay2, bay6 = "drive/Disk.Bay.2:", "drive/Disk.Bay.6:"
	unproven, errors := []string{"raid-disk-cache-unproven " + set1}, []string(nil)
	if told {
		unproven, errors = nil, []string{"raid-media-errors drive/Disk.Bay.4:"}
	}
	degraded := append([]string{"raid-rebuild " + set1, "raid-rebuild " + bay6, "raid-no-hot-spare " + set1}, driveAbove...)
	return []trouble{
		{fault: "drive-failed", arg: "2", must: []string{"raid-drive-failed " + bay2, "raid-volume-degraded " + set1, "raid-no-hot-spare " + set1}, may: degraded},
		{fault: "drive-predicted", arg: "3", must: []string{"raid-drive-predicted drive/Disk.Bay.3:"}, may: driveAbove},
		{fault: "drive-pulled", arg: "2", must: []string{"missing " + bay2, "raid-volume-degraded " + set1}, may: degraded},
		{fault: "drive-replaced", arg: "2 12m", may: append([]string{"raid-rebuild " + bay2, "raid-volume-degraded " + set1}, degraded...), event: true, steps: 3},
		{fault: "drive-foreign", arg: "2", must: []string{"raid-drive-foreign " + bay2, "raid-volume-degraded " + set1}, may: degraded},
		{fault: "rebuild", arg: "2 1h", must: []string{"raid-rebuild "}, may: append([]string{"raid-volume-degraded " + set1}, degraded...)},
		{fault: "media-errors", arg: "4 120", must: errors, may: driveAbove, steps: 13, counts: true},
		{fault: "spare-removed", must: []string{"raid-no-hot-spare " + set1}},
		{fault: "firmware-mixed", arg: "2", must: []string{"raid-drive-firmware " + bay2}},
		{fault: "battery-dead", must: []string{"raid-battery-bad battery/", "raid-write-back-unprotected volume/"}, may: []string{"health battery/", "health controller/", "health system", "raid-write-cache volume/"}},
		{fault: "battery-learning", must: []string{"raid-battery-busy battery/"}, may: []string{"health battery/"}},
		{fault: "battery-missing", must: []string{"raid-write-back-unprotected volume/"}, may: []string{"health battery/", "missing battery/", "raid-battery-bad battery/", "health controller/", "health system", "raid-write-cache volume/", "raid-write-back-unproven volume/"}, steps: 8},
		{fault: "policy-changed", arg: "1", must: []string{"raid-write-back-forced " + set1}},
		{fault: "policy-changed", arg: "1 WriteThrough"},
		{fault: "disk-cache-on", arg: "0", must: []string{"raid-disk-cache-on " + set0}},
		{fault: "disk-cache-on", arg: "1 Default", must: unproven},
		{fault: "disk-cache-on", arg: "1 Unknown", must: unproven},
		{fault: "patrol-off", must: []string{"raid-patrol-read controller/"}},
	}
}

// bossTroubles are those of a mirror of two M.2 drives and of NVMe drives at the processor.
func bossTroubles() []trouble {
	const ssd, nvme, set = "drive/Disk.Direct.0-0:", "drive/Disk.Bay.0:", "volume/Disk.Virtual.0:"
	return []trouble{
		{fault: "drive-failed", arg: "100", must: []string{"raid-drive-failed " + ssd, "raid-volume-degraded " + set}, may: driveAbove},
		{fault: "drive-failed", arg: "0", must: []string{"raid-drive-failed " + nvme}, may: driveAbove},
		{fault: "drive-predicted", arg: "101", must: []string{"raid-drive-predicted drive/Disk.Direct.1-1:"}, may: driveAbove},
		{fault: "drive-predicted", arg: "0", must: []string{"raid-drive-predicted " + nvme}, may: driveAbove},
		{fault: "drive-pulled", arg: "100", must: []string{"missing " + ssd, "raid-volume-degraded " + set}, may: driveAbove},
		{fault: "drive-pulled", arg: "1", must: []string{"missing drive/Disk.Bay.1:"}, may: append([]string{"missing volume/"}, driveAbove...)},
		{fault: "drive-replaced", arg: "100 12m", may: append([]string{"raid-rebuild", "raid-volume-degraded " + set}, driveAbove...), event: true, steps: 3},
		{fault: "rebuild", arg: "100 1h", must: []string{"raid-rebuild "}, may: append([]string{"raid-volume-degraded " + set}, driveAbove...)},
		{fault: "media-errors", arg: "0 120", must: []string{"raid-media-errors " + nvme}, may: driveAbove, steps: 13, counts: true},
		{fault: "firmware-mixed", arg: "0", must: []string{"raid-drive-firmware " + nvme}},
	}
}

// partTroubles are those of every server. told is what is said of a server that nothing is told of.
func partTroubles(told []string, hot string) []trouble {
	return []trouble{
		{fault: "psu-out", arg: "2", must: []string{"health psu/"}, may: []string{"health system", "health power"}},
		{fault: "fan-failed", arg: "1", must: []string{"health fan/"}, may: []string{"health system"}},
		{fault: "temperature-high", arg: "45", must: []string{hot}, may: []string{"health system"}},
		{fault: "link-down", arg: "1"},
		{fault: "firmware-update", arg: "12m", event: true},
		{fault: "lockdown"},
		{fault: "other-unit", must: told},
	}
}

// talkTroubles change how answers are given, and nothing of the server: no part may be judged by them. told is what is said of a
// server that tells nothing.
func talkTroubles(told []string) []trouble {
	return []trouble{
		// A session is a day old at most: the next one may be due just now.
		{fault: "sessions-full", may: told},
		{fault: "sessions-lost", event: true},
		{fault: "bad-login", may: told},
		{fault: "locked-out", may: told},
		{fault: "busy", must: told},
		{fault: "not-ready", must: told},
		{fault: "slow", arg: "20ms", may: told},
		{fault: "slow", arg: "2s", must: told},
		{fault: "fail-path", arg: "/Thermal"},
		{fault: "fail-path", arg: "/Volumes"},
		{fault: "fail-path", arg: "/Lclog/Entries"},
		{fault: "silent", must: silence},
		{fault: "silent", arg: "redfish", must: told},
		{fault: "error-first", must: told, torn: true},
		{fault: "expand-wrong", arg: "short"},
		{fault: "expand-wrong", arg: "lost"},
		{fault: "expand-wrong", arg: "empty"},
		{fault: "expand-wrong", arg: "links"},
		{fault: "expand-wrong", arg: "error"},
		{fault: "expand-wrong", arg: "refuse"},
		{fault: "half", must: told, torn: true},
		{fault: "huge", must: told, torn: true},
		{fault: "garbage", may: told, torn: true},
		{fault: "html", must: told},
		{fault: "plain-http", may: told},
		{fault: "old-tls", may: told},
		{fault: "null-health"},
		{fault: "odd-types"},
		{fault: "log-flood"},
		{fault: "certificate-changed", must: told},
		{fault: "racreset", arg: "12m", may: append(told, silence...), event: true, steps: 3},
	}
}
