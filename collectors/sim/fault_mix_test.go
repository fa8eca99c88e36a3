package sim_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

// stateRoots are what faults change and clear puts back.
var stateRoots = []string{
	ifTable + ".8", ifXTable + ".14", disabled, poe + ".6", "1.3.6.1.2.1.47.1.1.1.1.7", "1.3.6.1.4.1.9.9.500.1", "1.3.6.1.2.1.31.1.2.1.3",
	"1.3.6.1.4.1.9.9.147.1.2.1.1.1", "1.3.6.1.4.1.9.9.13.1.5", "1.3.6.1.4.1.9.9.23.1.2.1.1.6", "1.3.6.1.2.1.10.7.2.1.19",
}

// TestFaultsMix switches faults on and off in any order: a counter never falls while the unit lives, and when all is
// cleared the device is as it was.
func TestFaultsMix(t *testing.T) {
	t.Parallel()
	args := map[string][]string{
		"port-down": {"10103", "10107,10143", "10147", "5001", "3", "9,55"}, "err-disabled": {"10105 udld", "10143 2", "10", "55"},
		"poe-fault": {"10105", "10109", "13"}, "sfp-pulled": {"10149", "10150", "61"}, "duplex-mismatch": {"10107", "10147", "55"},
		"neighbour-lost": {"10105", "10149", "13"}, "stp-inconsistent": {"10103", "10149", "9"}, "psu-failed": {"1", "0"}, "member-lost": {"1", "2"}, "ring-broken": {"1", "2"},
	}
	for seed, name := range []string{"catalyst-2960x", "catalyst-9300", "asa-5525-failover"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(seed), 7))
			clk := newClock()
			opt := sim.ModelOptions{Members: 2, Clock: clk.Now}
			if name != "catalyst-9300" {
				opt.Members = 1
			}
			d := model(t, name, opt)
			c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
			read := func() map[string]string {
				all := map[string]string{}
				for _, root := range stateRoots {
					for k, v := range walk(t, c, root) {
						all[k] = v
					}
				}
				return all
			}
			known := slices.DeleteFunc(d.KnownFaults(), func(f string) bool {
				return slices.Contains([]string{"failover", "other-unit", "reboot", "upgrade", "wrap", "tunnel-rekey", "slow", "silent", "generr", "toobig", "garbage"}, f)
			})
			before, taken := read(), 0
			for range 3 {
				octets := walk(t, c, ifXTable+".10")
				for range 5 {
					f := known[rnd.IntN(len(known))]
					arg := ""
					if a := args[f]; a != nil {
						arg = a[rnd.IntN(len(a))]
					}
					if d.Fault(f, arg) == nil { // those that the model or its state refuses change nothing
						taken++
					}
					clk.Pass(time.Duration(rnd.IntN(60)) * time.Second)
				}
				if opt.Members == 1 { // a member that was away counts afresh
					notFallen(t, octets, walk(t, c, ifXTable+".10"))
				}
				if err := d.Fault("clear", ""); err != nil {
					t.Fatal(err)
				}
				if diff := changed(before, read()); len(diff) > 0 {
					t.Fatalf("still changed after clear: %v", diff[:min(len(diff), 10)])
				}
			}
			if taken < 6 {
				t.Errorf("%d of 15 faults were taken", taken)
			}
		})
	}
}

func notFallen(t *testing.T, before, after map[string]string) {
	t.Helper()
	for oid, was := range before {
		if now := after[oid]; len(now) < len(was) || len(now) == len(was) && now < was {
			t.Errorf("%s fell from %s to %s", oid, was, now)
		}
	}
}
