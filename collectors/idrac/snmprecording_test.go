package idrac_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// A real R540 with a PERC H740P: what a person can read in its recording.
func TestRecordedR540(t *testing.T) {
	t.Parallel()
	rows := r540(t)
	r := visitingRows(t, rows).visit()
	r.complete(t)
	if u := r.Unit; u == nil || u.Serial != rows.said("1.3.2.0") || u.Model != rows.said("1.3.12.0") || u.Version != rows.said("1.1.8.0") {
		t.Errorf("unit %+v", u)
	}
	id := rows.said("5.1.20.130.1.1.78.1")
	r.wants(t, "controller/"+id, "ok mode= battery=present preserved_cache=no patrol_read=automatic patrol_read_now=stopped consistency=normal copyback=on rollup=ok firmware="+rows.said("5.1.20.130.1.1.8.1"))
	if got, want := r.part(t, "controller/"+id).Attrs.Get(raid.KeyCacheBytes), rows.said("5.1.20.130.1.1.9.1"); got != mebibytes(t, want) {
		t.Errorf("cache %s, the recording says %s MiB", got, want)
	}
	levels := map[string]int{}
	for index, fqdd := range rows.column("5.1.20.140.1.1.35") {
		r.wants(t, "volume/"+fqdd, "ok state=online write_policy=write-back disk_cache_policy=default read_policy=read-ahead bad_blocks=no operation=none security=none controller="+id+
			" redundancy_left="+rows.said("5.1.20.140.1.1.34."+index)+" name="+strings.ReplaceAll(rows.said("5.1.20.140.1.1.2."+index), " ", "~")+" size_bytes="+mebibytes(t, rows.said("5.1.20.140.1.1.6."+index)))
		levels[r.part(t, "volume/"+fqdd).Attrs.Get(raid.KeyLevel)]++
	}
	if d := cmp.Diff(map[string]int{raid.Level1: 1, raid.Level6: 2}, levels); d != "" {
		t.Error(d)
	}
	drives := rows.column("5.1.20.130.4.1.54")
	for index, fqdd := range drives {
		r.wants(t, "drive/"+fqdd, "ok state=online operation=none failure_predicted=no spare=none security=none power=on controller="+id+
			" serial="+rows.said("5.1.20.130.4.1.7."+index)+" model="+rows.said("5.1.20.130.4.1.6."+index)+" enclosure="+fqdd[strings.IndexByte(fqdd, ':')+1:]+
			" bay="+strings.TrimPrefix(fqdd[:strings.IndexByte(fqdd, ':')], "Disk.Bay."))
	}
	count := 0
	for path := range r.parts {
		if strings.HasPrefix(path, "drive/") {
			count++
		}
	}
	if count != len(drives) {
		t.Errorf("%d drives, the device has %d", count, len(drives))
	}
}

func mebibytes(t *testing.T, s string) string {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Error(err)
	}
	return strconv.FormatUint(n<<20, 10)
}

// What a storage engineer says of it: two sets are RAID 6, whether the drives' caches are off is not
// proven of any, no spare stands by, and the walk left the table of batteries out, so that nothing proves
// the one behind the write-back cache.
func TestAuditOfR540(t *testing.T) {
	t.Parallel()
	rows := r540(t)
	r := visitingRows(t, rows).visit("raid")
	var got, want []string
	for _, x := range raid.Audit(raid.Policy{}, r.Components) {
		if x.Level > 0 {
			got = append(got, x.Component+" "+x.Code)
		}
	}
	for index, fqdd := range rows.column("5.1.20.140.1.1.35") {
		codes := []string{raid.CodeDiskCacheUnproven, raid.CodeNoHotSpare, raid.CodeWriteBackUnproven}
		if rows.said("5.1.20.140.1.1.13."+index) == "5" {
			codes = append(codes, raid.CodeLevel)
		}
		for _, c := range codes {
			want = append(want, "volume/"+fqdd+" "+c)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// With a battery the same server has one thing less to say.
func TestAuditOfR540WithItsBattery(t *testing.T) {
	t.Parallel()
	rows := r540(t)
	id := rows.said("5.1.20.130.1.1.78.1")
	row := "5.1.20.130.15.1."
	for state, code := range map[string]string{"2": "", "3": raid.CodeBatteryBad, "4": raid.CodeBatteryBad, "5": raid.CodeBatteryBad, "6": raid.CodeBatteryBusy, "7": raid.CodeBatteryBad, "1": raid.CodeWriteBackUnproven} {
		r := visitingRows(t, rows.with(row+"1.1", "2|1", row+"4.1", "2|"+state, row+"6.1", "2|3", row+"20.1", "4|Battery.Integrated.1:"+id, row+"21.1", "4|Battery on it")).visit("raid")
		r.complete(t)
		told := map[string]bool{}
		for _, x := range raid.Audit(raid.Policy{}, r.Components) {
			told[x.Code] = told[x.Code] || x.Level > 0
		}
		for _, c := range []string{raid.CodeBatteryBad, raid.CodeBatteryBusy, raid.CodeWriteBackUnproven} {
			if told[c] != (c == code) {
				t.Errorf("battery state %s: %s is %v", state, c, told[c])
			}
		}
		if told[raid.CodeWriteBackUnprotected] != (code == raid.CodeBatteryBad) {
			t.Errorf("battery state %s: write-back is called unprotected: %v", state, told[raid.CodeWriteBackUnprotected])
		}
	}
}

// The environment and the inventory of the same recording.
func TestRecordedEnvironment(t *testing.T) {
	t.Parallel()
	rows := r540(t)
	r := visitingRows(t, rows).visit()
	for _, x := range []struct {
		path, sensor, column, names string
		scale                       float64
	}{
		{"temperature/", "temperature_celsius", "4.700.20.1.6", "4.700.20.1.8", 10},
		{"fan/", "speed_rpm", "4.700.12.1.6", "4.700.12.1.19", 1},
		{"psu/", "input_volts", "4.600.12.1.16", "4.600.12.1.15", 1},
		{"voltage/", "voltage_volts", "4.600.20.1.6", "4.600.20.1.8", 1000},
	} {
		readings := rows.column(x.column)
		if len(readings) == 0 {
			t.Errorf("the recording has no %s", x.column)
		}
		for index, said := range readings {
			n, err := strconv.ParseFloat(said, 64)
			path := x.path + strings.ReplaceAll(rows.said(x.names+"."+index), " ", "")
			if s, ok := r.samples[path+" "+x.sensor]; !ok || err != nil || s.Absent != "" || s.Gauge != n/x.scale {
				t.Errorf("%s %s is %+v, the recording says %s", path, x.sensor, s, said)
			}
		}
	}
	for index, kind := range rows.column("4.600.30.1.7") {
		n, _ := strconv.ParseFloat(rows.said("4.600.30.1.6."+index), 64)
		key, want := "power/system consumed_watts", n
		if kind == "23" {
			key, want = "psu/PSU.Slot."+strings.TrimPrefix(index, "1.")+" input_amperes", n/10
		}
		if s, ok := r.samples[key]; !ok || s.Absent != "" || s.Gauge != want {
			t.Errorf("%s is %+v, want %v", key, s, want)
		}
	}
	for index, fqdd := range rows.column("4.1100.50.1.26") {
		kib, _ := strconv.ParseUint(rows.said("4.1100.50.1.14."+index), 10, 64)
		r.wants(t, "dimm/"+fqdd, "ok type=ddr4 serial="+rows.said("4.1100.50.1.23."+index)+" size_bytes="+strconv.FormatUint(kib<<10, 10)+" speed_mhz="+rows.said("4.1100.50.1.27."+index))
	}
	for index, fqdd := range rows.column("4.1100.30.1.26") {
		r.wants(t, "cpu/"+fqdd, "ok state=enabled cores="+rows.said("4.1100.30.1.17."+index)+" threads="+rows.said("4.1100.30.1.19."+index))
	}
	r.wants(t, "intrusion/1", "ok state=closed")
	r.wants(t, "cell/PERC1ROMBBattery", "ok state=present")
	r.wants(t, "voltage/SystemBoardDIMMPG", "ok state=good")
	r.wants(t, "psu/PSU.Slot.1", "ok state=present type=ac rated_watts="+strings.TrimSuffix(rows.said("4.600.12.1.6.1.1"), "0"))
	if r.part(t, "system heartbeat").Health != hw.OK {
		t.Error("the system is not ok")
	}
}

// Two visits say the same in the same order.
func TestRecordedTwice(t *testing.T) {
	t.Parallel()
	v := visitingRows(t, r540(t))
	first, second := v.visit(), v.visit()
	second.complete(t)
	if d := cmp.Diff(first.Components, second.Components); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(first.Samples, second.Samples); d != "" {
		t.Error(d)
	}
	t.Logf("requests: %d, then %d", first.Requests, second.Requests)
}

// Requests of a visit of each section by itself: what docs/idrac-sensors.md says.
func TestRequestsOfAVisit(t *testing.T) {
	t.Parallel()
	v := visitingRows(t, r540(t))
	v.visit()
	for section, most := range map[string]int{"heartbeat": 1, "raid": 20, "environment": 30, "inventory": 10, "log": 1, "network": 3, "firmware": 4} {
		got := v.visit(section).Requests
		t.Logf("%s: %d", section, got)
		if got > most {
			t.Errorf("%s takes %d requests, at most %d are allowed", section, got, most)
		}
	}
}
