package cisco_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"rackpost/collectors/sim"
	"rackpost/hw"
)

// pool writes one row of cempMemPoolTable: 64-bit and 32-bit columns.
func pool(row int, name string, used, free, used32, free32, freeOver uint64) script {
	const m = "1.3.6.1.4.1.9.9.221.1.1.1.1"
	return script{
		fmt.Sprintf("%s.3.1.%d|4|%s", m, row, name), fmt.Sprintf("%s.6.1.%d|2|1", m, row),
		fmt.Sprintf("%s.7.1.%d|66|%d", m, row, used32), fmt.Sprintf("%s.8.1.%d|66|%d", m, row, free32),
		fmt.Sprintf("%s.17.1.%d|66|0", m, row), fmt.Sprintf("%s.19.1.%d|66|%d", m, row, freeOver),
		fmt.Sprintf("%s.18.1.%d|70|%d", m, row, used), fmt.Sprintf("%s.20.1.%d|70|%d", m, row, free),
	}
}

// ASA 9.18 and later may leave the 64-bit columns at 0: pool by pool, the 32-bit ones tell.
func TestQuirkMemoryIn32BitColumns(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(
		pool(1, "System memory", 0, 0, 700, 50, 1),
		pool(5, "MEMPOOL_DMA", 11, 12, 1, 2, 0),
	).device(t, asaHead)).all()
	r.complete(t)
	if a, b := r.gauge(t, "memory/System memory", "used_bytes"), r.gauge(t, "memory/System memory", "free_bytes"); a != 700 || b != 50+1<<32 {
		t.Errorf("32-bit columns: %v used, %v free", a, b)
	}
	if got := r.gauge(t, "memory/MEMPOOL_DMA", "used_bytes"); got != 11 {
		t.Errorf("64-bit column: %v used", got)
	}
}

// The pools an ASA sets aside for itself are full by design; only the system's is judged.
func TestQuirkOnlySystemMemoryIsJudged(t *testing.T) {
	t.Parallel()
	full := func(percent uint64) script {
		return join(pool(1, "System memory", percent, 100-percent, 0, 0, 0), pool(5, "MEMPOOL_DMA", 100, 0, 0, 0, 0), pool(4, "MEMPOOL_HEAPCACHE_0", 100, 0, 0, 0, 0))
	}
	v := visiting(t, asa, full(91).device(t, asaHead))
	for _, x := range []struct {
		percent uint64
		want    hw.Health
	}{{91, hw.Warning}, {86, hw.Warning}, {84, hw.OK}, {89, hw.OK}, {90, hw.Warning}} {
		v.becomes(full(x.percent).device(t, asaHead))
		r := v.all()
		if got := r.part(t, "memory/System memory").Health; got != x.want {
			t.Errorf("%d %% used is %v, want %v", x.percent, got, x.want)
		}
		for _, path := range []string{"memory/MEMPOOL_DMA", "memory/MEMPOOL_HEAPCACHE_0"} {
			if c := r.part(t, path); c.Health != hw.OK || c.Attrs.Get("fixed") != "true" {
				t.Errorf("%+v", c)
			}
		}
	}
}

const cpm = "1.3.6.1.4.1.9.9.109.1.1"

// FTD has neither column for five seconds: the monitoring interval tells, where it is five.
func TestQuirkFiveSecondsOfFTD(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, script{
		cpm + ".1.1.2.1|2|0", cpm + ".1.1.2.2|2|1", cpm + ".1.1.2.3|2|2", cpm + ".1.1.7.1|66|1", cpm + ".1.1.7.2|66|2", cpm + ".1.1.7.3|66|3",
		cpm + ".1.1.9.1|66|5", cpm + ".1.1.9.2|66|60", cpm + ".1.1.10.1|66|41", cpm + ".1.1.10.2|66|42", cpm + ".1.1.10.3|66|43",
	}.device(t, asaHead)).all()
	r.complete(t)
	if got := r.gauge(t, "cpu/1", "busy_5s_percent"); got != 41 {
		t.Errorf("%v", got)
	}
	for _, path := range []string{"cpu/2", "cpu/3"} {
		if s := r.samples[path+" busy_5s_percent"]; s.Absent != hw.NotSupported {
			t.Errorf("an interval of 60 s, and one not told: %+v", s)
		}
	}
	if got := r.gauge(t, "cpu/3", "busy_1m_percent"); got != 3 {
		t.Errorf("%v", got)
	}
}

// Where the five seconds are told, in the new or the old column, nothing else is asked.
func TestFiveSecondsOfASA(t *testing.T) {
	t.Parallel()
	for column, want := range map[string]float64{"6": 7, "3": 8} {
		r := visiting(t, asa, script{
			cpm + ".1.1.2.1|2|0", fmt.Sprintf("%s.1.1.%s.1|66|%v", cpm, column, want), cpm + ".1.1.9.1|66|5", cpm + ".1.1.10.1|66|99",
		}.device(t, asaHead)).all()
		if got := r.gauge(t, "cpu/1", "busy_5s_percent"); got != want {
			t.Errorf("column %s: %v, want %v", column, got, want)
		}
	}
}

// Cores are parts of their CPU, whatever the order and names of the rows.
func TestCoresOfFirewall(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, script{
		cpm + ".1.1.2.7|2|20", cpm + ".1.1.6.7|66|10", cpm + ".2.1.3.7.1|66|11", cpm + ".2.1.4.7.1|66|12", cpm + ".2.1.3.7.2|66|13",
		"1.3.6.1.2.1.47.1.1.1.1.7.20|4|Processor 0/0",
	}.device(t, asaHead)).all()
	r.complete(t)
	for path, want := range map[string]float64{"cpu/Processor 0/0": 10, "cpu/Processor 0/0/core/1": 11, "cpu/Processor 0/0/core/2": 13} {
		if got := r.gauge(t, path, "busy_5s_percent"); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	if s := r.samples["cpu/Processor 0/0/core/2 busy_1m_percent"]; s.Absent != hw.NotSupported {
		t.Errorf("%+v", s)
	}
}

// A supply without input is one fault: its fan stands still and is none.
func TestQuirkOneDeadSupplyIsOneFault(t *testing.T) {
	t.Parallel()
	v := visiting(t, asa, modelled(t, "asa-5525-failover", sim.ModelOptions{}))
	v.all()
	v.fault("psu-failed", "")
	var faults []string
	for _, c := range v.all().Components {
		if c.Health > hw.OK {
			faults = append(faults, c.Path)
		}
	}
	if len(faults) != 1 || !strings.HasPrefix(faults[0], "psu/") {
		t.Errorf("faults %q, want one of a supply", faults)
	}
}

// A fan deep in a bay that is empty is no fan; one in a supply with input that stands still
// is a fault.
func TestFansOfSupplies(t *testing.T) {
	t.Parallel()
	const e, phys = "1.3.6.1.2.1.99.1.1.1", "1.3.6.1.2.1.47.1.1.1.1"
	sensor := func(index string, kind, value int) script {
		return script{
			e + ".1." + index + "|2|" + strconv.Itoa(kind), e + ".2." + index + "|2|9", e + ".3." + index + "|2|0",
			e + ".4." + index + "|2|" + strconv.Itoa(value), e + ".5." + index + "|2|1",
		}
	}
	tree := script{phys + ".5.1|2|3", phys + ".4.1|2|0"}
	for i, s := range []int{18, 24} {
		tree = append(tree,
			fmt.Sprintf("%s.5.%d|2|6", phys, s), fmt.Sprintf("%s.4.%d|2|1", phys, s), fmt.Sprintf("%s.7.%d|4|Power Supply %d", phys, s, i),
			fmt.Sprintf("%s.4.%d|2|%d", phys, s+1, s), fmt.Sprintf("%s.7.%d|4|Presence", phys, s+1),
			fmt.Sprintf("%s.4.%d|2|%d", phys, s+2, s), fmt.Sprintf("%s.7.%d|4|Input", phys, s+2),
			fmt.Sprintf("%s.4.%d|2|%d", phys, s+3, s), fmt.Sprintf("%s.4.%d|2|%d", phys, s+4, s+3))
	}
	r := visiting(t, asa, join(tree, sensor("19", 12, 1), sensor("20", 12, 1), sensor("22", 10, 0),
		sensor("25", 12, 2), sensor("26", 12, 2), sensor("28", 10, 0)).device(t, asaHead)).all()
	if got := r.part(t, "fan/22").Health; got != hw.Critical {
		t.Errorf("a fan that stands still in a supply with input is %v", got)
	}
	for _, path := range []string{"fan/28", "psu/24"} {
		if c, ok := r.parts[path]; ok {
			t.Errorf("%+v is in an empty bay", c)
		}
	}
}

// A CPU or pool of which the name was not read is left out: under its index it would be
// another part.
func TestNamesNotRead(t *testing.T) {
	t.Parallel()
	r := visiting(t, asa, join(script{
		cpm + ".1.1.2.1|2|20", cpm + ".1.1.6.1|66|10", cpm + ".1.1.6.2|66|11", "1.3.6.1.2.1.47.1.1.1.1.7.20|4|Processor 0/0",
	}, pool(1, "System memory", 1, 2, 1, 2, 0), pool(5, "", 1, 2, 1, 2, 0)).device(t, asaHead)).all()
	if got := r.gauge(t, "cpu/Processor 0/0", "busy_5s_percent"); got != 10 {
		t.Errorf("%v", got)
	}
	for path := range r.parts {
		if strings.HasPrefix(path, "memory/") || path == "cpu/2" {
			t.Errorf("%s is there", path)
		}
	}
	if r.extent(t, "cpu") != hw.Partial || r.extent(t, "memory") != hw.Partial {
		t.Errorf("%v", r.Read)
	}
}
