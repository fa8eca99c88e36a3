package idrac_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rackpost/hw"
	"rackpost/hw/raid"
)

// spoil drops one row in eight, and makes of as many what their objects cannot hold: another type, nothing at
// all, or a number no MIB allows.
func (m mibRows) spoil(seed uint64) mibRows {
	rng, out := rand.New(rand.NewPCG(seed, 7)), mibRows{}
	for _, oid := range slices.Sorted(maps.Keys(m)) {
		value := m[oid]
		switch n := rng.IntN(8); {
		case namesRows(oid):
			out[oid] = value
		case n == 0:
		case n == 1:
			ways := []string{"5|", "6|1.3.6.1.4.1.9", "64|0.0.0.0"}
			if strings.HasPrefix(value, "4") {
				ways = append(ways, "2|3", "66|4294967295")
			} else {
				ways = append(ways, "4|nonsense", "4x|ff00fe", "4|", "2|-2147483648", "2|2147483646")
			}
			out[oid] = ways[rng.IntN(len(ways))]
		default:
			out[oid] = value
		}
	}
	return out
}

// spoilOnly drops single rows and leaves the others whole, so that sections stay complete.
func (m mibRows) spoilOnly(seed uint64) mibRows {
	rng, out := rand.New(rand.NewPCG(seed, 9)), mibRows{}
	for _, oid := range slices.Sorted(maps.Keys(m)) {
		if rng.IntN(40) > 0 || namesRows(oid) {
			out[oid] = m[oid]
		}
	}
	return out
}

// namesRows says that an object names the rows of a table whose rows have another name without it.
func namesRows(oid string) bool {
	return slices.ContainsFunc([]string{"4.600.12.1.15.", "4.700.12.1.19.", "4.1100.50.1.26.", "4.1100.30.1.26."}, func(p string) bool { return strings.HasPrefix(oid, mib+p) })
}

// Whatever rows are dropped or garbled: what is told is what the whole device says, and what is missing is
// missing from a section that is not complete. The audit never says that all is well where the whole
// device has a fault that the rows left could show.
func TestSpoiltRows(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]mibRows{
		"r740": modelRows(t, "poweredge-r740"), "r630": old(t, "drive-failed 2", "disk-cache-on 0", "battery-dead"), "r540": r540OrNothing(t),
	} {
		if rows == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := visitingRows(t, rows)
			whole := v.visit()
			whole.complete(t)
			for seed := range uint64(40) {
				w := visitingRows(t, rows.spoilOnly(seed))
				wantNothingElse(t, seed, whole, w.visit())
				w.agent.stop()
			}
			for seed := range uint64(60) {
				w := visitingRows(t, rows.spoil(seed))
				wantNothingElse(t, seed, whole, w.visit())
				w.agent.stop()
			}
		})
	}
}

func r540OrNothing(t *testing.T) (rows mibRows) {
	t.Helper()
	t.Run("recording", func(t *testing.T) { rows = r540(t) })
	return rows
}

func wantNothingElse(t *testing.T, seed uint64, whole, r snmpReport) {
	t.Helper()
	for key, s := range r.samples {
		if was, ok := whole.samples[key]; !ok || s.Absent == "" && (s.Gauge != was.Gauge || s.Count != was.Count) {
			t.Errorf("seed %d: %+v, was %+v", seed, s, was)
		}
	}
	for path, c := range r.parts {
		was, ok := whole.parts[path]
		if !ok || c.Health != hw.Unknown && c.Health != was.Health && path != "power/system" && !strings.HasPrefix(path, "system") {
			t.Errorf("seed %d: %+v, was %+v", seed, c, was)
			continue
		}
		for _, a := range append(slices.Clone(c.State), c.Attrs...) {
			if said := was.State.Get(a.Key) + was.Attrs.Get(a.Key); said != a.Value && !derived(a) {
				t.Errorf("seed %d: %s: %s is %q, was %q", seed, path, a.Key, a.Value, said)
			}
		}
	}
	for path, c := range whole.parts {
		if _, ok := r.parts[path]; !ok && r.extent(t, c.Section) == hw.Complete {
			t.Errorf("seed %d: %s is gone, and %s is called complete", seed, path, c.Section)
		}
	}
	wantNoOtherVerdict(t, seed, whole, r)
}

// wantNoOtherVerdict: no fault is found that is none, and none is called settled: it is found again, cannot be
// judged, or its section is not complete.
func wantNoOtherVerdict(t *testing.T, seed uint64, whole, r snmpReport) {
	t.Helper()
	faults, said := verdicts(whole), map[string]bool{}
	for _, x := range raid.Audit(raid.Policy{}, r.Components) {
		key := x.Component + " " + x.Code
		said[key] = true
		if x.Level > 0 && faults[key] == 0 && !unproven(x.Code) {
			t.Errorf("seed %d: the audit says %s", seed, key)
		}
	}
	for key := range faults {
		if !said[key] && r.extent(t, "raid") == hw.Complete {
			t.Errorf("seed %d: the audit says no more %s, and the section is complete", seed, key)
		}
	}
}

// derived says whether a key is made of others where its own object is not told: a label of the display name,
// a bay of the name.
func derived(a hw.Attr) bool { return a.Key == raid.KeyName || a.Key == raid.KeyBay }

// unproven are the codes that say what is not told.
// One that no spare is there rests on drives that were not read, too.
func unproven(code string) bool {
	return strings.HasSuffix(code, "-unproven") || code == raid.CodeNoHotSpare
}
