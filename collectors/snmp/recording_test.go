package snmp_test

import (
	"slices"
	"testing"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/snmp"
)

// fast is about what a switch is asked every 30 to 60 seconds: 2,100 varbinds of the
// 3750-48PS.
func fast() (columns []string) {
	add := func(base string, last ...string) {
		for _, l := range last {
			columns = append(columns, base+"."+l)
		}
	}
	add("1.3.6.1.2.1.2.2.1", "7", "8", "9", "13", "14", "19", "20")
	add("1.3.6.1.2.1.31.1.1.1", "1", "6", "7", "8", "9", "10", "11", "12", "13", "15", "18", "19")
	add("1.3.6.1.4.1.9.9", "109.1.1.1.1", "48.1.1.1", "13.1", "500.1", "402.1.2.1", "43.1.1")
	add("1.3.6.1.2.1", "105.1.3.1", "105.1.1.1.6", "17.2")
	return columns
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file     string
		requests int // at most, of a session that knows the device
	}{
		{"cisco_16_switch.snmprec", 40}, {"cisco-c3560.snmprec", 40}, {"ios_2960x.snmprec", 110},
		{"asa.snmprec", 40}, {"ftd_1140.snmprec", 30}, {"ios_4506.snmprec", 30}, {"drac_r540.snmprec", 30},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			mib := recording(t, test.file)
			s := session(t, target(newAgent(t, mib, nil)))
			for range 2 {
				s.StartVisit()
				tab, _, err := s.WalkTimed(t.Context(), fast()...)
				if err != nil {
					t.Fatal(err)
				}
				if bad := checkTable(t, mib, tab); bad != nil {
					t.Errorf("incomplete: %v", bad)
				}
				rows := 0
				for _, c := range tab {
					rows += len(c.Rows)
				}
				t.Logf("%d rows in %d requests", rows, s.Requests())
			}
			if s.Requests() > test.requests {
				t.Errorf("%d requests, want at most %d", s.Requests(), test.requests)
			}
		})
	}
}

// A whole MIB by its root is read without loss too.
func TestRecordingRoot(t *testing.T) {
	t.Parallel()
	mib := recording(t, "asa.snmprec")
	tab, err := session(t, target(newAgent(t, mib, nil))).Walk(t.Context(), "1.3.6.1")
	if err != nil {
		t.Fatal(err)
	}
	if bad := checkTable(t, mib, tab); bad != nil {
		t.Errorf("incomplete: %v", bad)
	}
}

// BenchmarkWalk polls a made switch: 35 columns of 60 ports, 2,100 varbinds. The test
// agent's work is in the figures.
func BenchmarkWalk(b *testing.B) {
	mib, cols := table(ifTable, 35, 60)
	s := session(b, target(newAgent(b, append(mib, obj("1.3.6.1.2.1.1.3.0", gosnmp.TimeTicks, uint32(1))), nil)))
	b.ReportAllocs()
	polls := 0
	for b.Loop() {
		tab, _, err := s.WalkTimed(b.Context(), cols...)
		if err != nil {
			b.Fatal(err)
		}
		if i := slices.IndexFunc(tab, func(c snmp.Column) bool { return len(c.Rows) != 60 || !c.Complete }); i >= 0 {
			b.Fatalf("column %s: %d rows, %v", tab[i].OID, len(tab[i].Rows), tab[i].Err)
		}
		polls++
	}
	b.ReportMetric(float64(s.Requests())/float64(polls), "requests/poll")
}
