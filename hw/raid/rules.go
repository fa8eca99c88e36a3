package raid

import (
	"slices"
	"strings"

	"rackpost/hw"
)

// The codes of the verdicts. A code is never reused for another meaning.
const (
	CodeLevel                = "raid-level"
	CodeLevelUnproven        = "raid-level-unproven"
	CodeWriteBackForced      = "raid-write-back-forced"
	CodeWriteBackUnprotected = "raid-write-back-unprotected"
	CodeWriteBackUnproven    = "raid-write-back-unproven"
	CodeWriteCache           = "raid-write-cache"
	CodeWriteBackFallback    = "raid-write-back-fallback"
	CodeWritePolicyUnproven  = "raid-write-policy-unproven"
	CodeWriteThrough         = "raid-write-through"
	CodeDiskCacheOn          = "raid-disk-cache-on"
	CodeDiskCacheUnproven    = "raid-disk-cache-unproven"
	CodeVolumeFailed         = "raid-volume-failed"
	CodeVolumeDegraded       = "raid-volume-degraded"
	CodeBadBlocks            = "raid-bad-blocks"
	CodeRebuild              = "raid-rebuild"
	CodeNoHotSpare           = "raid-no-hot-spare"
	CodeBatteryBad           = "raid-battery-bad"
	CodeBatteryBusy          = "raid-battery-busy"
	CodePreservedCache       = "raid-preserved-cache"
	CodePatrolRead           = "raid-patrol-read"
	CodeDriveFailed          = "raid-drive-failed"
	CodeDrivePredicted       = "raid-drive-predicted"
	CodeMediaErrors          = "raid-media-errors"
	CodeDriveForeign         = "raid-drive-foreign"
	CodeDriveLocked          = "raid-drive-locked"
	CodeDriveWorn            = "raid-drive-worn"
	CodeDriveCacheOn         = "raid-drive-cache-on"
	CodeDriveFirmware        = "raid-drive-firmware"
)

// Rule is what a code means, in English. Other languages are made of the code and the parameters.
type Rule struct {
	Code   string
	On     string // what it is said of
	Level  string // with the default policy
	Text   string // what a verdict says, with {parameters}
	When   string
	Params string // beside name, and for a drive bay, model and serial
	Policy string // what in the policy changes it
	Why    string
	Do     string
}

// Lookup returns the rule with a code, false for one that is not of this package.
func Lookup(code string) (Rule, bool) {
	all := Rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.Code == code })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// Text returns what a verdict or its alert says in English, and what to do about it; false for a code
// that is not of this package.
func Text(code string, params hw.Attrs) (says, do string, ok bool) {
	r, ok := Lookup(code)
	if !ok {
		return "", "", false
	}
	var b strings.Builder
	rest := r.Text
	for {
		before, more, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String(), r.Do, true
		}
		key, after, _ := strings.Cut(more, "}")
		if value := params.Get(key); value != "" {
			b.WriteString(value)
		} else {
			b.WriteString("not told")
		}
		rest = after
	}
}

// Rules returns every rule, in the order of docs/raid.md.
func Rules() []Rule {
	return slices.Concat(levelRules(), cacheRules(), volumeRules(), controllerRules(), driveRules())
}

func levelRules() []Rule {
	return []Rule{{
		Code: CodeLevel, On: "volume", Level: "average; high without redundancy", Params: "level", Policy: "levels, other level",
		Text: "the set is {level}, which is not allowed",
		When: "the level is none of those allowed (default: RAID 1 and RAID 10)",
		Why:  "With large drives a rebuild reads every other drive from end to end for hours or days: RAID 5 loses the set on one unreadable sector or second failure in that time, RAID 6 on a third, and both write slowly meanwhile. A mirror copies one drive. RAID 0 and a single drive lose everything with the first failure.",
		Do:   "Back up the data, build the set anew as RAID 1 or RAID 10 and restore. If the level is wanted, allow it in the policy of this device, customer or site.",
	}, {
		Code: CodeLevelUnproven, On: "volume", Level: "warning", Params: "level", Policy: "unproven",
		Text: "it cannot be told which level the set has",
		When: "the level is not told, or only that there is parity (iDRAC 7 and 8, iDRAC9 before 4.40 over Redfish)",
		Why:  "A set whose level nobody knows cannot be trusted to survive a drive.",
		Do:   "Look at the volume in the page of the iDRAC or iLO. A Dell server tells it with SNMP credentials beside Redfish, or with newer firmware of the iDRAC.",
	}}
}

func cacheRules() []Rule {
	return []Rule{{
		Code: CodeWriteBackForced, On: "volume", Level: "high",
		Text: "writes are cached even without a battery (write-back forced)",
		When: "the write policy, configured or in force, is write-back forced",
		Why:  "The controller answers writes from its memory even while nothing keeps that memory alive: a power cut loses what the server believes written, and with it file systems and databases. It is never right.",
		Do:   "Set the write policy to Write Back, so that the controller writes through while the battery is not ready. Then see to the battery.",
	}, {
		Code: CodeWriteBackUnprotected, On: "volume", Level: "high", Params: "battery",
		Text: "write-back without a good battery: {battery}",
		When: "write-back is configured and the controller's battery is missing, failed, degraded or below its threshold, or there is none",
		Why:  "What is in the cache is lost at a power cut. A controller that sees its battery fail falls back to writing through, which is slow; one that does not notice loses data.",
		Do:   "Replace the battery (the controller's, not the CMOS cell). Until then set the volume to Write Through.",
	}, {
		Code: CodeWriteBackUnproven, On: "volume", Level: "warning", Policy: "unproven",
		Text: "write-back, and nothing is known of the battery",
		When: "write-back is configured, and neither the battery's state nor a protected write cache is told",
		Why:  "A battery of which nothing is known may be dead. Some walks leave the battery table out; some answers are empty until the iDRAC is reset.",
		Do:   "Look at the battery in the page of the iDRAC (Storage, Controllers) or iLO. Where it is there and well: give a Dell server the other protocol (Redfish or SNMP) too, or reset its iDRAC.",
	}, {
		Code: CodeWriteCache, On: "volume", Level: "high when unprotected, warning when degraded", Params: "cache",
		Text: "the write cache is {cache}",
		When: "write-back is configured, and the volume calls its write cache unprotected, or degraded while the battery neither learns nor charges",
		Why:  "Unprotected is write-back without anything that keeps the writes, whatever the policy is called. Degraded is a cache that was made smaller or switched off: safe, and slow.",
		Do:   "Look at the battery and the cache memory in the Lifecycle log, and set the volume to Write Through until they are well.",
	}, {
		Code: CodeWriteBackFallback, On: "volume", Level: "warning",
		Text: "write-back is configured, and it writes through",
		When: "write-back is configured, the volume writes through, and the battery says nothing of a reason",
		Why:  "The data is safe and writes are many times slower than bought. The controller has a reason: cache memory, pinned cache, or a battery that is not what it says.",
		Do:   "Look in the Lifecycle log for the controller's reason (battery, cache memory, preserved cache), and remove it.",
	}, {
		Code: CodeWritePolicyUnproven, On: "volume", Level: "warning", Policy: "unproven",
		Text: "the write policy cannot be read",
		When: "no write policy is told, and the controller is not known to have no cache",
		Why:  "iDRAC 7 and 8, and iDRAC9 before 4.40, do not show it over Redfish. It may be write-back forced.",
		Do:   "Give a Dell server SNMP credentials beside Redfish: SNMP tells the policy on every generation. Of another maker's look in the page of its management controller.",
	}, {
		Code: CodeWriteThrough, On: "volume", Level: "none", Policy: "write-through",
		Text: "it writes through: safe, and slow",
		When: "write-through is configured, or there is no cache",
		Why:  "Safe. Some customers want to know that the cache they paid for is not used.",
		Do:   "If the controller has a cache and a good battery, set Write Back. Otherwise accept write-through in the policy.",
	}, {
		Code: CodeDiskCacheOn, On: "volume", Level: "high; average on SSDs; warning where all are known to keep their cache through a power cut", Params: "media, bus", Policy: "disk cache",
		Text: "the drives' own cache is on: a power cut loses what is in it",
		When: "the disk cache policy is enabled, or the cache is told to be on",
		Why:  "The drives' own caches hold up to some hundred MB each outside the reach of the controller's battery. The controller takes a write for done, drops it from its protected cache, and a power cut loses it. A UPS does not help against a pulled cord or a dead power supply.",
		Do:   "Set the disk cache policy of the volume to Disabled. It takes effect at once and costs little behind a write-back cache.",
	}, {
		Code: CodeDiskCacheUnproven, On: "volume", Level: "warning; average on SATA hard disks", Params: "media, bus, policy", Policy: "disk cache default",
		Text: "the drives' own cache is not proven off: policy {policy}, media {media}, bus {bus}",
		When: "the disk cache policy is default or not told, and not every drive of the set says that its cache is off",
		Why:  "Default leaves the drive as it came. SAS hard disks for servers usually come with the cache off, by a mode page anybody may have changed. SATA hard disks come with it on. SSDs and NVMe drives for servers have it on and most keep it through a power cut with capacitors, which no interface proves; ones for desktops do not.",
		Do:   "Set the disk cache policy of the volume to Disabled: then it is proven, whatever drive is put in next.",
	}}
}

func volumeRules() []Rule {
	return []Rule{{
		Code: CodeVolumeFailed, On: "volume", Level: "disaster", Params: "state",
		Text: "the set is {state}: its data cannot be reached",
		When: "the volume is failed, offline, foreign, blocked, missing, removed, unusable or read-only",
		Why:  "Its data cannot be reached or not be written.",
		Do:   "Pull no drive and clear nothing. Note which drives failed and in which order (Lifecycle log), then call the vendor: the last one to fail can often be brought back.",
	}, {
		Code: CodeVolumeDegraded, On: "volume", Level: "high; average while one more drive may fail", Params: "left",
		Text: "the set is degraded: drives that may still fail: {left}",
		When: "the volume is degraded, or fewer drives may fail than its level allows",
		Why:  "The next failure may lose the data. Nobody hears it: the server goes on as before.",
		Do:   "While a rebuild runs pull nothing and wait for its end. Else replace the failed drive, the one named by its bay and no other, and watch the rebuild. Back up first if another drive predicts its failure.",
	}, {
		Code: CodeBadBlocks, On: "volume", Level: "high",
		Text: "there are bad blocks in the data",
		When: "the controller found bad blocks in the volume",
		Why:  "They are in the data, not only on one drive: both copies were unreadable, and the controller wrote the hole down. A rebuild carries it along.",
		Do:   "Check the file systems and restore the damaged files from a backup. Clearing the flag repairs nothing: build the set anew when the data is safe.",
	}, {
		Code: CodeRebuild, On: "volume, drive", Level: "warning; average when it takes longer than its size at 30 MB/s, at least 24 hours", Params: "operation, until",
		Text: "{operation} is running",
		When: "a rebuild, copyback, reconstruction or resynchronisation runs",
		Why:  "Until it ends the set has less redundancy and the drives more work than ever. One that does not end is a drive that does not answer. The percent is the sample " + SensorOperationPercent + "; Estimate tells the end.",
		Do:   "Pull nothing, restart nothing, and wait. If it is overdue, look at the media errors of the other drives.",
	}, {
		Code: CodeNoHotSpare, On: "volume", Level: "warning", Params: "level", Policy: "no hot spare",
		Text: "no hot spare can help this {level}",
		When: "the level is redundant, and no sound spare of the same media and bus, large enough, stands by on the controller. Controllers that can have none (BOSS) are left out",
		Why:  "With a spare the rebuild begins in the minute of the failure, not when somebody has driven to the rack. A spare of another kind, too small or predicted to fail is none.",
		Do:   "Put a drive of the same kind and at least the same size in a free bay and assign it as global hot spare; or accept it in the policy where parts are at hand.",
	}}
}

func controllerRules() []Rule {
	return []Rule{{
		Code: CodeBatteryBad, On: "battery", Level: "high; average when every volume of the controller writes through", Params: "state",
		Text: "the battery is {state}",
		When: "the battery is missing, failed, degraded or below its threshold",
		Why:  "It keeps acknowledged writes through a power cut. Batteries last three to five years.",
		Do:   "Order the battery for this controller's model and replace it with the server off. Until then run the volumes write-through.",
	}, {
		Code: CodeBatteryBusy, On: "battery", Level: "warning; average after 24 hours", Params: "state, until",
		Text: "the battery is {state}",
		When: "the battery learns or charges",
		Why:  "Normal every few months and after a power cut; the controller writes through meanwhile, which is slow. It takes hours. One that does not end is a battery at its end.",
		Do:   "Wait until the time given. If it is overdue, replace the battery.",
	}, {
		Code: CodePreservedCache, On: "controller", Level: "high",
		Text: "it keeps writes of a volume that is not there (preserved cache)",
		When: "the controller holds preserved cache",
		Why:  "Writes the server believes done belong to a volume that is missing or offline. They exist nowhere else, and the controller may refuse to work until it is decided about them.",
		Do:   "Bring the missing drives back first: the cache is then written. Discard it only when the volume is given up.",
	}, {
		Code: CodePatrolRead, On: "controller", Level: "warning", Params: "mode", Policy: "patrol read",
		Text: "patrol read is {mode}",
		When: "patrol read is off or only by hand, and the controller has volumes that are not all on SSDs, which it leaves alone as a rule",
		Why:  "It finds unreadable sectors while the other copy can still repair them. Without it they are found in the middle of a rebuild.",
		Do:   "Set patrol read to automatic.",
	}}
}

func driveRules() []Rule {
	return []Rule{{
		Code: CodeDriveFailed, On: "drive", Level: "high", Params: "state",
		Text: "the drive is {state}",
		When: "the drive is failed, offline, blocked, missing, removed, unusable or read-only",
		Why:  "It is no member any more, or cannot be one.",
		Do:   "Light its locate LED, compare bay and serial, and replace it with one of the same kind and size.",
	}, {
		Code: CodeDrivePredicted, On: "drive", Level: "high",
		Text: "the drive predicts its failure",
		When: "the drive predicts its failure",
		Why:  "SMART is seldom wrong in this direction: most such drives fail within weeks. Replaced now it costs a rebuild from a whole set; later, one from a degraded set.",
		Do:   "If the set is whole and there is a spare, have the controller copy it (Replace Member), then replace the drive. If another drive of the set has failed, rebuild that one first.",
	}, {
		Code: CodeMediaErrors, On: "drive", Level: "average",
		Text: "media errors of the drive are rising",
		When: "reallocated, pending or uncorrectable sectors grew within the last week",
		Why:  "A few old ones are normal, and are shown only. New ones come before the failure, often before the drive predicts it.",
		Do:   "Run a consistency check, see that the backup is good, and order a drive. Replace it if the number goes on rising.",
	}, {
		Code: CodeDriveForeign, On: "drive", Level: "average",
		Text: "the drive carries a foreign configuration",
		When: "the drive carries the configuration or the key of another controller",
		Why:  "It is no member and no spare until it is decided about. It may hold the only copy of somebody's data: a member that dropped out and came back looks so too.",
		Do:   "Find out where it comes from. Import the configuration if it is this server's; clear it only when nobody wants the data.",
	}, {
		Code: CodeDriveLocked, On: "drive", Level: "average",
		Text: "the drive is locked: the controller has not its key",
		When: "the drive encrypts and the controller has not its key",
		Why:  "Its data cannot be reached, and after a restart a whole set may be so.",
		Do:   "Give the controller the key, or bring the key server back.",
	}, {
		Code: CodeDriveWorn, On: "drive", Level: "warning; average when nothing is left", Params: "wear",
		Text: "the life left of the drive is {wear}",
		When: "at most 10 percent of the rated writes of an SSD are left",
		Why:  "Mirrored SSDs wear alike and end together. Worn ones turn read-only or forget.",
		Do:   "Order replacements, and exchange the drives of a mirror one after the other, some weeks apart.",
	}, {
		Code: CodeDriveCacheOn, On: "drive", Level: "in a set high, average on an SSD; outside warning", Params: "media", Policy: "disk cache, cache outside raid",
		Text: "the drive's own write cache is on",
		When: "the drive says that its write cache is on, and is not known to keep it through a power cut. An idle spare or unassigned drive is left out",
		Why:  "In a set: as for the volume. Outside RAID the operating system flushes the cache when it must, which is safe as far as file system, hypervisor and drive keep to it.",
		Do:   "In a set: set the volume's disk cache policy to Disabled. Outside: switch it off, or accept it for drives that survive a power cut.",
	}, {
		Code: CodeDriveFirmware, On: "drive", Level: "warning", Params: "firmware, most", Policy: "firmware",
		Text: "firmware {firmware}, and most like it run {most}",
		When: "the drive runs other firmware than most drives of its model on the controller; of as many, than the last by name",
		Why:  "The vendor changes firmware because something was wrong with it: drives that drop out of sets, above all. Behaviour under errors and timing differ too.",
		Do:   "Read the release notes and bring all drives of the model to the newer version, one set at a time, with a good backup.",
	}}
}
