package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosnmp/gosnmp"
	"pgregory.net/rapid"

	"rackpost/collectors/sim"
)

const (
	ifTable  = "1.3.6.1.2.1.2.2.1"
	ifXTable = "1.3.6.1.2.1.31.1.1.1"
	upTime   = "1.3.6.1.2.1.1.3.0"
	chassis  = "1.3.6.1.2.1.47.1.1.1.1.11"
)

func TestModels(t *testing.T) {
	t.Parallel()
	want := []string{"catalyst-3750-48ps", "catalyst-2960x", "catalyst-9300", "catalyst-9500-svl", "asa-5525-failover"}
	if diff := cmp.Diff(want, sim.Models()); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name    string
		members int
		objects int // about
		ports   int
	}{
		{"catalyst-3750-48ps", 1, 14_500, 60}, {"catalyst-3750-48ps", 2, 22_400, 115}, {"catalyst-3750-48ps", 8, 70_000, 445},
		{"catalyst-2960x", 1, 14_500, 60},
		{"catalyst-9300", 2, 23_400, 115}, {"catalyst-9300", 8, 74_000, 445}, {"catalyst-9500-svl", 2, 19_300, 109}, {"asa-5525-failover", 1, 1350, 10},
	} {
		d := model(t, c.name, sim.ModelOptions{Members: c.members})
		n := sim.Objects(d)
		if n < c.objects*9/10 || n > c.objects*11/10 {
			t.Errorf("%s of %d has %d objects, want about %d", c.name, c.members, n, c.objects)
		}
		s := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
		if ports := walk(t, s, ifTable+".2"); len(ports) != c.ports {
			t.Errorf("%s of %d has %d interfaces, want %d", c.name, c.members, len(ports), c.ports)
		}
	}
	for what, opt := range map[string]sim.ModelOptions{"members": {Members: 9}, "number": {Number: 10_000}, "uptime": {Uptime: -1}} {
		if _, err := sim.NewModel("catalyst-2960x", opt); err == nil {
			t.Errorf("bad %s was taken", what)
		}
	}
	if _, err := sim.NewModel("c", sim.ModelOptions{}); err == nil || !strings.Contains(err.Error(), "catalyst-2960x, catalyst-9300, catalyst-9500-svl, asa-5525-failover") {
		t.Errorf("unknown model: %v", err)
	}
}

// TestBenchStandard counts what a poller reads of one member in the fast sections.
func TestBenchStandard(t *testing.T) {
	t.Parallel()
	c := client(t, serve(t, model(t, "catalyst-3750-48ps", sim.ModelOptions{Members: 1}), sim.AgentOptions{}), gosnmp.Version2c)
	n := 0
	for _, column := range strings.Fields("2.2.1.2 2.2.1.3 2.2.1.5 2.2.1.7 2.2.1.8 2.2.1.9 2.2.1.13 2.2.1.14 2.2.1.15 2.2.1.19 2.2.1.20 2.2.1.4 2.2.1.6 " +
		"31.1.1.1.1 31.1.1.1.6 31.1.1.1.7 31.1.1.1.8 31.1.1.1.9 31.1.1.1.10 31.1.1.1.11 31.1.1.1.12 31.1.1.1.13 31.1.1.1.15 31.1.1.1.18 31.1.1.1.19 " +
		"105.1.1.1.6 105.1.1.1.10 105.1.1.1.12 105.1.1.1.13 10.7.2.1.19 10.7.2.1.3 10.7.2.1.2 10.7.2.1.8") {
		n += len(walk(t, c, "1.3.6.1.2.1."+column))
	}
	if n < 1700 || n > 2300 {
		t.Errorf("%d objects in the columns of a fast cycle, want about 2,100 less the stack and CPU", n)
	}
	busy := 0
	for _, v := range walk(t, c, ifTable+".8") {
		if v == "Integer 1" {
			busy++
		}
	}
	if busy < 24 || busy > 36 {
		t.Errorf("%d of 59 interfaces are up, want about half", busy)
	}
}

// TestCountersMove checks on every model that between any two times no counter falls, idle ports stand still,
// and the octets fit the packets.
func TestCountersMove(t *testing.T) {
	t.Parallel()
	for _, name := range sim.Models() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clk := newClock()
			first := model(t, name, sim.ModelOptions{Members: 1, Clock: clk.Now})
			rapid.Check(t, func(rt *rapid.T) {
				d, err := first.Another(rapid.IntRange(0, 9999).Draw(rt, "device"))
				if err != nil {
					rt.Fatal(err)
				}
				clk.Pass(time.Duration(rapid.Int64Range(0, int64(90*24*time.Hour)).Draw(rt, "start")))
				before := inProcess(rt, d)
				clk.Pass(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(rt, "between")))
				after := inProcess(rt, d)
				compareCounters(rt, before, after)
			})
		})
	}
}

// inProcess reads the 64-bit columns without a socket.
func inProcess(t *rapid.T, d *sim.Device) map[string]uint64 {
	got := map[string]uint64{}
	names := []string{"060a2b060102011f01010105"}
	for {
		reply := sim.Answer(d, request(1, "public", 0xa5, 0, 100, names...), 60_000)
		p, err := gosnmp.Default.SnmpDecodePacket(reply)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Variables {
			name := strings.TrimPrefix(v.Name, ".")
			if !strings.HasPrefix(name, ifXTable) || strings.HasPrefix(name, ifXTable+".14.") {
				return got
			}
			got[strings.TrimPrefix(name, ifXTable+".")] = gosnmp.ToBigInt(v.Value).Uint64()
		}
		last := strings.Split(strings.TrimPrefix(p.Variables[len(p.Variables)-1].Name, "."+ifXTable+"."), ".")
		var column, index int
		if _, err := fmt.Sscan(strings.Join(last, " "), &column, &index); err != nil {
			t.Fatal(err)
		}
		arc := []byte{byte(index & 0x7f)}
		for v := index >> 7; v > 0; v >>= 7 {
			arc = append([]byte{byte(v&0x7f) | 0x80}, arc...)
		}
		names[0] = fmt.Sprintf("06%02x2b060102011f010101%02x%x", 10+len(arc), column, arc)
	}
}

func compareCounters(t *rapid.T, before, after map[string]uint64) {
	if len(before) < 80 || len(before) != len(after) {
		t.Fatalf("%d counters before, %d after", len(before), len(after))
	}
	for key, old := range before {
		if after[key] < old {
			t.Errorf("counter %s fell from %d to %d", key, old, after[key])
		}
	}
	for _, columns := range [][4]int{{6, 7, 8, 9}, {10, 11, 12, 13}} {
		for key := range before {
			var column, index int
			if _, err := fmt.Sscan(strings.Replace(key, ".", " ", 1), &column, &index); err != nil || column != columns[0] {
				continue
			}
			moved := func(c int) uint64 { k := fmt.Sprintf("%d.%d", c, index); return after[k] - before[k] }
			octets, packets := moved(columns[0]), moved(columns[1])+moved(columns[2])+moved(columns[3])
			if octets < 64*packets && packets > 1 || octets > 1518*packets {
				t.Errorf("port %d: %d octets in %d packets", index, octets, packets)
			}
		}
	}
}

func TestSameSeedSameValues(t *testing.T) {
	t.Parallel()
	clk := newClock()
	read := func(seed uint64) map[string]string {
		d := model(t, "asa-5525-failover", sim.ModelOptions{Seed: seed, Clock: clk.Now})
		return walk(t, client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c), ".1.3")
	}
	if diff := cmp.Diff(read(7), read(7)); diff != "" {
		t.Errorf("the same seed gives other values:\n%s", diff)
	}
	if cmp.Diff(read(7), read(8)) == "" {
		t.Error("another seed gives the same values")
	}
}

// TestNumberedReadings reads with many sessions at once: every number is given once, none is left out, and
// answers that do not hold the sensor take none.
func TestNumberedReadings(t *testing.T) {
	t.Parallel()
	for name, sensor := range map[string]string{
		"catalyst-3750-48ps": ifXTable + ".7.10101", "catalyst-2960x": ifXTable + ".7.10101",
		"catalyst-9300": ifXTable + ".7.9", "catalyst-9500-svl": ifXTable + ".7.9", "asa-5525-failover": ifXTable + ".7.2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := model(t, name, sim.ModelOptions{})
			addrs := []string{serve(t, d, sim.AgentOptions{}), serve(t, d, sim.AgentOptions{})}
			given := make(chan uint64, 1000)
			var readers sync.WaitGroup
			for i := range 8 {
				c := client(t, addrs[i%2], gosnmp.Version2c)
				readers.Go(func() {
					for range 50 {
						given <- number(t, c, sensor)
					}
				})
			}
			readers.Wait()
			close(given)
			var got []uint64
			for v := range given {
				got = append(got, v)
			}
			slices.Sort(got)
			for i, v := range got {
				if v != uint64(i+1) {
					t.Fatalf("reading %d has number %d", i+1, v)
				}
			}
			if r := d.Readings(); r.Given != 400 || r.Value != 400 || r.Answers != 400 || len(got) != 400 {
				t.Errorf("readings %+v of %d", r, len(got))
			}
		})
	}
}

// TestUnansweredTakeNoNumber asks in ways that give no answer with the sensor in it.
func TestUnansweredTakeNoNumber(t *testing.T) {
	t.Parallel()
	d := model(t, "asa-5525-failover", sim.ModelOptions{})
	c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
	const sensor = ifXTable + ".7.2"
	fault := func(name, arg string) {
		t.Helper()
		if err := d.Fault(name, arg); err != nil {
			t.Fatal(err)
		}
	}
	read := func(want uint64) {
		t.Helper()
		if got := number(t, c, sensor); got != want {
			t.Errorf("reading %d, want %d", got, want)
		}
	}
	read(1)
	fault("generr", "1.3.6.1.2.1.1")
	if _, err := c.Get([]string{sensor, upTime}); err != nil {
		t.Fatal(err)
	}
	fault("clear", "")
	read(2)
	fault("toobig", "1")
	if _, err := c.Get([]string{sensor, upTime}); err != nil {
		t.Fatal(err)
	}
	fault("clear", "toobig")
	read(3)
	fault("garbage", "truncated")
	c.Timeout, c.Retries = 100*time.Millisecond, 0
	if p, err := c.Get([]string{sensor}); err == nil {
		t.Errorf("a broken answer was read: %s", shown(p))
	}
	fault("clear", "")
	c.Timeout = 5 * time.Second
	read(4)
	if r := d.Readings(); r.Given != 4 {
		t.Errorf("%d readings given, want 4", r.Given)
	}
}

func TestAnother(t *testing.T) {
	t.Parallel()
	first := model(t, "catalyst-2960x", sim.ModelOptions{Number: 5})
	second, err := first.Another(1)
	if err != nil {
		t.Fatal(err)
	}
	if !sim.SharesView(first, second) {
		t.Error("two devices of one model do not share the view")
	}
	serials := func(d *sim.Device) string {
		return text(get(t, client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c), chassis+".1001"))
	}
	if a, b := serials(first), serials(second); a != `OctetString "SIM0005A001"` || b != `OctetString "SIM0006A001"` {
		t.Errorf("serials %s and %s", a, b)
	}
	if err := first.Fault("port-down", "Gi1/0/3"); err != nil {
		t.Fatal(err)
	}
	third, err := first.Another(2)
	if err != nil {
		t.Fatal(err)
	}
	if sim.SharesView(first, second) || sim.SharesView(first, third) || len(third.Faults()) > 0 {
		t.Error("a fault of one device shows on another")
	}
}
