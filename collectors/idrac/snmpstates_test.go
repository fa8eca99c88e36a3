package idrac_test

import (
	"slices"
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// The tables of the made-up states below outOfBandGroup.
const (
	controllerRow = "5.1.20.130.1.1."
	batteryRow    = "5.1.20.130.15.1."
	enclosureRow  = "5.1.20.130.3.1."
	driveRow      = "5.1.20.130.4.1."
	volumeRow     = "5.1.20.140.1.1."
)

// old is an iDRAC8: an R630 of the simulator's.
func old(t testing.TB, faults ...string) mibRows { return modelRows(t, "poweredge-r630", faults...) }

// names of the first rows of the iDRAC8.
func firsts(rows mibRows) (controller, battery, drive, volume string) {
	return raid.ControllerPath + rows.said(controllerRow+"78.1"), raid.BatteryPath + rows.said(batteryRow+"20.1"),
		raid.DrivePath + rows.said(driveRow+"54.1"), raid.VolumePath + rows.said(volumeRow+"35.1")
}

func verdicts(r snmpReport) map[string]hw.Level {
	out := map[string]hw.Level{}
	for _, x := range raid.Audit(raid.Policy{}, r.Components) {
		if x.Level > 0 {
			out[x.Component+" "+x.Code] = x.Level
		}
	}
	return out
}

// Every state an iDRAC 7 or 8 shows of its storage: the word, and what the audit makes of it.
func TestStates(t *testing.T) {
	t.Parallel()
	rows := old(t)
	controller, battery, drive, volume := firsts(rows)
	for _, x := range []struct {
		name string
		set  []string
		part string
		want string // as snmpReport.wants
		code string // the verdict on the part; "" is none besides what the sound server has
	}{
		{"sound", nil, battery, "ok state=ready controller=RAID.Integrated.1-1", ""},
		{"battery failed", []string{batteryRow + "4.1", "2|3", batteryRow + "6.1", "2|5"}, battery, "critical state=failed", raid.CodeBatteryBad},
		{"battery degraded", []string{batteryRow + "4.1", "2|4", batteryRow + "6.1", "2|4"}, battery, "warning state=degraded", raid.CodeBatteryBad},
		{"battery missing", []string{batteryRow + "4.1", "2|5", batteryRow + "6.1", "2|5"}, battery, "critical state=missing", raid.CodeBatteryBad},
		{"battery charging", []string{batteryRow + "4.1", "2|6"}, battery, "ok state=charging", raid.CodeBatteryBusy},
		{"battery low", []string{batteryRow + "4.1", "2|7", batteryRow + "6.1", "2|4"}, battery, "warning state=below-threshold", raid.CodeBatteryBad},
		{"battery unknown", []string{batteryRow + "4.1", "2|1", batteryRow + "6.1", "2|2"}, battery, "unknown state=", ""},
		{"battery unknown behind write-back", []string{batteryRow + "4.1", "2|1"}, volume, "ok state=online", raid.CodeWriteBackUnproven},
		{"forced", []string{volumeRow + "10.1", "2|3"}, volume, "ok write_policy=write-back-forced", raid.CodeWriteBackForced},
		{"write-through", []string{volumeRow + "10.1", "2|1"}, volume, "ok write_policy=write-through", ""},
		{"disk cache on", []string{volumeRow + "26.1", "2|1"}, volume, "ok disk_cache_policy=enabled", raid.CodeDiskCacheOn},
		{"disk cache default", []string{volumeRow + "26.1", "2|3"}, volume, "ok disk_cache_policy=default", raid.CodeDiskCacheUnproven},
		{"disk cache of another firmware", []string{volumeRow + "26.1", "2|99"}, volume, "ok disk_cache_policy=", raid.CodeDiskCacheUnproven},
		{"degraded", []string{volumeRow + "4.1", "2|4", volumeRow + "20.1", "2|4", volumeRow + "34.1", "2|0"}, volume, "warning state=degraded redundancy_left=0", raid.CodeVolumeDegraded},
		{"failed", []string{volumeRow + "4.1", "2|3", volumeRow + "20.1", "2|5"}, volume, "critical state=failed", raid.CodeVolumeFailed},
		{"bad blocks", []string{volumeRow + "23.1", "2|1"}, volume, "ok bad_blocks=yes", raid.CodeBadBlocks},
		{"consistency check", []string{volumeRow + "30.1", "2|3", volumeRow + "31.1", "2|7"}, volume, "ok operation=consistency-check", ""},
		{"reconstruct", []string{volumeRow + "30.1", "2|2", volumeRow + "31.1", "2|7"}, volume, "ok operation=reconstruct", raid.CodeRebuild},
		{"initialise", []string{volumeRow + "30.1", "2|5", volumeRow + "31.1", "2|7"}, volume, "ok operation=initialise", ""},
		{"RAID 5", []string{volumeRow + "13.1", "2|4"}, volume, "ok level=raid5", raid.CodeLevel},
		{"RAID 0", []string{volumeRow + "13.1", "2|2"}, volume, "ok level=raid0", raid.CodeLevel},
		{"concatenated", []string{volumeRow + "13.1", "2|9"}, volume, "ok level=", raid.CodeLevelUnproven},
		{"rebuild", []string{driveRow + "4.1", "2|5", driveRow + "50.1", "2|2", driveRow + "51.1", "2|42"}, drive, "ok operation=rebuild", raid.CodeRebuild},
		{"erase", []string{driveRow + "50.1", "2|3", driveRow + "51.1", "2|42"}, drive, "ok operation=erase", ""},
		{"copyback", []string{driveRow + "50.1", "2|4", driveRow + "51.1", "2|42"}, drive, "ok operation=copyback", raid.CodeRebuild},
		{"foreign", []string{driveRow + "4.1", "2|4", driveRow + "24.1", "2|4"}, drive, "warning state=foreign", raid.CodeDriveForeign},
		{"foreign key", []string{driveRow + "52.1", "2|5"}, drive, "ok security=foreign", raid.CodeDriveForeign},
		{"locked", []string{driveRow + "52.1", "2|4"}, drive, "ok security=locked", raid.CodeDriveLocked},
		{"drive failed", []string{driveRow + "4.1", "2|7", driveRow + "24.1", "2|5"}, drive, "critical state=failed", raid.CodeDriveFailed},
		{"drive removed", []string{driveRow + "4.1", "2|9", driveRow + "24.1", "2|5"}, drive, "critical state=removed", raid.CodeDriveFailed},
		{"read-only", []string{driveRow + "4.1", "2|10", driveRow + "24.1", "2|5"}, drive, "critical state=read-only", raid.CodeDriveFailed},
		{"predicted", []string{driveRow + "31.1", "2|1", driveRow + "24.1", "2|4"}, drive, "warning failure_predicted=yes", raid.CodeDrivePredicted},
		{"worn", []string{driveRow + "35.1", "2|3", driveRow + "49.1", "2|4"}, drive, "ok wear=low", raid.CodeDriveWorn},
		{"no such wear", []string{driveRow + "35.1", "2|3", driveRow + "49.1", "2|255"}, drive, "ok wear=", ""},
		{"spun down", []string{driveRow + "42.1", "2|3"}, drive, "ok power=spun-down", ""},
		{"preserved cache", []string{controllerRow + "69.1", "2|1"}, controller, "ok preserved_cache=yes", raid.CodePreservedCache},
		{"patrol read off", []string{controllerRow + "52.1", "2|3"}, controller, "ok patrol_read=off", raid.CodePatrolRead},
		{"patrol read by hand", []string{controllerRow + "52.1", "2|5"}, controller, "ok patrol_read=manual", raid.CodePatrolRead},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := visitingRows(t, rows.with(x.set...)).visit("raid")
			r.complete(t)
			r.wants(t, x.part, x.want)
			sound := verdicts(visitingRows(t, rows).visit("raid"))
			got := verdicts(r)
			if x.code != "" && got[x.part+" "+x.code] == 0 {
				t.Errorf("the audit does not say %s of it: %v", x.code, got)
			}
			for k := range got {
				if path, code, _ := strings.Cut(k, " "); path == x.part && code != x.code && sound[k] == 0 && x.code == "" {
					t.Errorf("the audit says %s", k)
				}
			}
		})
	}
}

// The percent of an operation stands there while it runs, and only then.
func TestProgress(t *testing.T) {
	t.Parallel()
	rows := old(t)
	_, _, drive, volume := firsts(rows)
	v := visitingRows(t, rows.with(driveRow+"50.1", "2|2", driveRow+"51.1", "2|42", volumeRow+"30.1", "2|4", volumeRow+"31.1", "2|0"))
	r := v.visit("raid")
	if s := r.samples[drive+" operation_percent"]; s.Gauge != 42 || s.Absent != "" {
		t.Errorf("the rebuild: %+v", s)
	}
	if s, ok := r.samples[volume+" operation_percent"]; !ok || s.Gauge != 0 || s.Absent != "" {
		t.Errorf("the initialisation: %+v", s)
	}
	v.becomes(rows.with(driveRow+"50.1", "2|2", driveRow+"51.1", "2|101"))
	r = v.visit("raid")
	if s := r.samples[drive+" operation_percent"]; s.Absent != hw.OutOfRange {
		t.Errorf("101 percent: %+v", s)
	}
	if s, ok := r.samples[volume+" operation_percent"]; ok {
		t.Errorf("nothing runs: %+v", s)
	}
}

// A controller whose battery has no row has none, where the tables prove it; a controller without a cache never
// had one.
func TestWhetherThereIsABattery(t *testing.T) {
	t.Parallel()
	rows := old(t).without("5.1.20.130.15.1", "4.600.50.1")
	controller, _, _, volume := firsts(rows)
	romb := []string{"4.600.50.1.5.1.1", "2|3", "4.600.50.1.6.1.1", "2|4", "4.600.50.1.7.1.1", "4|PERC1 ROMB Battery"}
	cmos := []string{"4.600.50.1.5.1.1", "2|3", "4.600.50.1.6.1.1", "2|4", "4.600.50.1.7.1.1", "4|System Board CMOS Battery"}
	second := []string{controllerRow + "1.9", "2|9", controllerRow + "78.9", "4|RAID.Slot.9-1", controllerRow + "9.9", "2|2048", controllerRow + "38.9", "2|3"}
	for _, x := range []struct {
		name, word string
		rows       mibRows
	}{
		{"no row", "none", rows},
		{"only the CMOS cell", "none", rows.with(cmos...)},
		{"a sensor of one", "present", rows.with(romb...)},
		{"a sensor of one that is not there", "none", rows.with(slices.Concat(romb, []string{"4.600.50.1.6.1.1", "2|0"})...)},
		{"a sensor of one, two controllers", "", rows.with(slices.Concat(romb, second)...)},
		{"a sensor that cannot be read", "", rows.with(slices.Concat(romb, []string{"4.600.50.1.6.1.1", "4|nonsense", "4.600.50.1.7.1.1", "2|7"})...)},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			v := visitingRows(t, x.rows)
			if got := v.visit("raid").part(t, controller).State.Get(raid.KeyBattery); got != x.word && (got != "" || x.word != "none") {
				t.Errorf("battery is %q at the first visit, want %q", got, x.word)
			}
			v.visit("raid")
			r := v.visit("raid")
			if got := r.part(t, controller).State.Get(raid.KeyBattery); got != x.word {
				t.Errorf("battery is %q, want %q", got, x.word)
			}
			if got := verdicts(r)[volume+" "+raid.CodeWriteBackUnprotected] > 0; got != (x.word == "none") {
				t.Errorf("write-back is called unprotected: %v", got)
			}
		})
	}
}

// FQDDs say what a drive belongs to; where they do not, nothing is said.
func TestPlaces(t *testing.T) {
	t.Parallel()
	rows := old(t)
	for _, x := range []struct{ fqdd, name, want string }{
		{"Disk.Bay.12:Enclosure.Internal.0-1:RAID.Slot.3-1", "Physical Disk 0:1:12", "ok bay=12 controller=RAID.Slot.3-1 enclosure=Enclosure.Internal.0-1:RAID.Slot.3-1"},
		{"Disk.Bay.7:Enclosure.External.0-1.RAID.Slot.3-1", "Physical Disk 0:1:7", "ok bay=7 enclosure=Enclosure.External.0-1.RAID.Slot.3-1"},
		{"Disk.Bay.21:Enclosure.Internal.0-2", "PCIe SSD in Slot 21", "ok bay=21 controller= enclosure=Enclosure.Internal.0-2"},
		{"Disk.Direct.0-0:AHCI.Slot.1-1", "Physical Disk 0:0", "ok bay=0 controller=AHCI.Slot.1-1 enclosure="},
		{"Disk.Direct.1-1:BOSS.SL.12-1", "SSD 1", "ok bay= controller=BOSS.SL.12-1 enclosure="},
	} {
		r := visitingRows(t, rows.with(driveRow+"54.1", "4|"+x.fqdd, driveRow+"2.1", "4|"+x.name)).visit("raid")
		r.wants(t, "drive/"+x.fqdd, x.want)
	}
}

// Shelves are told with their own state.
func TestEnclosure(t *testing.T) {
	t.Parallel()
	rows := old(t).with(enclosureRow+"1.1", "2|1", enclosureRow+"2.1", "4|BP13G+ 0:1", enclosureRow+"4.1", "2|5", enclosureRow+"24.1", "2|4", enclosureRow+"23.1", "2|5", enclosureRow+"32.1", "2|8",
		enclosureRow+"47.1", "4|Enclosure.Internal.0-1:RAID.Integrated.1-1", enclosureRow+"26.1", "4|3.35", enclosureRow+"8.1", "4|Not Available")
	r := visitingRows(t, rows).visit("raid")
	r.complete(t)
	r.wants(t, "enclosure/Enclosure.Internal.0-1:RAID.Integrated.1-1", "warning state=degraded rollup=critical slots=8 firmware=3.35 service_tag= controller=RAID.Integrated.1-1 model=BP13G+~0:1")
}
