package cisco_test

import (
	"slices"
	"strings"
	"testing"

	"rackpost/collectors/sim"
)

// The same events of the simulator's models: alerts exactly, and what goes when the fault
// ends. Components that may change besides end in *.
func TestMutatedModels(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		model, fault string
		want         []string
		event        bool // that does not end: nothing is mended
	}{
		{"catalyst-3750-48ps", "ring-broken 1", []string{"+stack/ring health", "stack/ring", "port/StackSub*"}, false},
		{"catalyst-3750-48ps", "err-disabled Fa1/0/7", []string{"+port/Fa1/0/7 health", "port/Fa1/0/7", "neighbour/Fa1/0/7*", "spanning-tree/*"}, false},
		{"catalyst-9300", "err-disabled Gi1/0/7 linkFlap", []string{"+port/Gi1/0/7 health", "port/Gi1/0/7", "neighbour/Gi1/0/7*", "spanning-tree/*"}, false},
		{"catalyst-3750-48ps", "poe-fault Fa1/0/8", []string{"+port/Fa1/0/8 health", "port/Fa1/0/8", "neighbour/Fa1/0/8*"}, false},
		{"catalyst-3750-48ps", "psu-failed 2", []string{"+psu/2003 health", "psu/2003", "fru/2003", "fan*"}, false},
		{"asa-5525-failover", "psu-failed 1", []string{"+psu/24 health", "psu/24", "fan/28"}, false},
		{"asa-5525-failover", "failover-in-progress absent", []string{"failover/*"}, false},
		{"asa-5525-failover", "failover-in-progress empty", []string{"failover/*"}, false},
		{"asa-5525-failover", "vpn-limit", []string{"+vpn/total health", "vpn/total"}, false},
		{"catalyst-3750-48ps", "member-lost 2", []string{"+member/2 missing", "member/2", "+port/*", "*"}, false},
		{"catalyst-3750-48ps", "sfp-pulled Gi1/0/1", []string{"transceiver/Gi1/0/1", "+port/Gi1/0/1 link-down", "port/Gi1/0/1", "part/GigabitEthernet1/0/1", "neighbour/Gi1/0/1*", "channel/*", "port/*", "spanning-tree/*", "+channel/*"}, false},
		{"catalyst-3750-48ps", "other-unit", []string{"+ unit-changed", "+ restarted", "*"}, false},
		{"catalyst-3750-48ps", "reboot", []string{"+ restarted", "system", "config/*", "module/*", "software/*", "spanning-tree/*", "+ *"}, true},
		{"catalyst-9300", "upgrade", []string{"+ restarted", "*"}, true},
		{"catalyst-9300", "wrap 0s", nil, true},
	} {
		t.Run(strings.ReplaceAll(x.model+" "+x.fault, " ", "-"), func(t *testing.T) {
			t.Parallel()
			d := modelled(t, x.model, sim.ModelOptions{})
			h := &history{visitor: visiting(t, kindOfModel(d), d)}
			h.see()
			sound := kept(&h.state)
			name, arg, _ := strings.Cut(x.fault, " ")
			h.fault(name, arg)
			h.wants(x.fault, h.see(), x.want)
			if x.event {
				return
			}
			h.fault("clear", name)
			h.see()
			for key, now := range kept(&h.state) {
				if was := sound[key]; now != was && strings.HasPrefix(key, "alert ") && key != "alert  restarted" {
					t.Errorf("mended: %s is %q, was %q", key, now, was)
				}
			}
			for key := range sound {
				if _, still := kept(&h.state)[key]; !still && !slices.Contains([]string{"other-unit"}, name) {
					t.Errorf("mended: %s is gone", key)
				}
			}
		})
	}
}
