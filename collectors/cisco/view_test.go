package cisco_test

import (
	"fmt"
	"strings"
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
	"rackpost/hw"
)

// What an agent shows, part by part.
var (
	viewSystem = script{iosHead, "1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.9.1.516", "1.3.6.1.2.1.1.3.0|67|86400000"}
	viewPorts  = port(1, "Gi0/1", "GigabitEthernet0/1", 1, 11)
	viewParts  = script{"1.3.6.1.2.1.47.1.4.1.0|67|100", "1.3.6.1.2.1.47.1.1.1.1.5.1|2|3", "1.3.6.1.2.1.47.1.1.1.1.11.1|4|SIM0001"}
	viewCPU    = script{"1.3.6.1.4.1.9.9.109.1.1.1.1.5.1|66|7"}
	viewOldCPU = script{"1.3.6.1.4.1.9.2.1.58.0|2|7"}
)

func shown(t *testing.T, parts ...script) *sim.Device {
	t.Helper()
	return recorded(t, []byte(strings.Join(join(parts...), "\n")+"\n"))
}

// denied returns the sections that failed for want of access, with the words.
func denied(r report) (sections []string, words string) {
	for _, g := range r.Gaps {
		if g.Reason == hw.AccessDenied {
			sections, words = append(sections, g.What), g.Detail
		}
	}
	return sections, words
}

// A narrow view answers as a device does that lacks the tables; every Cisco has them.
func TestNarrowViewIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		shows  []script
		words  string // of the gaps; empty: all is well
		denied string // one of the sections denied
	}{
		{"system and IF-MIB", []script{viewSystem, viewPorts}, "nothing of Cisco's own MIBs and of ENTITY-MIB:", "inventory"},
		{"mib-2", []script{viewSystem, viewPorts, viewParts}, "nothing of Cisco's own MIBs:", "cpu"},
		{"IF-MIB", []script{viewPorts}, "of ENTITY-MIB and of the system group:", "cpu"},
		{"system", []script{viewSystem}, "nothing of Cisco's own MIBs and of ENTITY-MIB:", "ports"},
		{"all, of a young switch", []script{viewSystem, viewPorts, viewParts, viewCPU}, "", ""},
		{"all, of an old switch", []script{viewSystem, viewPorts, viewOldCPU}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := visiting(t, catalyst, shown(t, c.shows...))
			for range 2 {
				r := v.all()
				sections, words := denied(r)
				if c.words == "" {
					if len(sections) > 0 {
						t.Errorf("denied %q: %s", sections, words)
					}
					continue
				}
				if r.extent(t, c.denied) != hw.Failed || !strings.Contains(words, c.words) ||
					!strings.Contains(words, "snmp-server view RACKPOST iso included; snmp-server community COMMUNITY view RACKPOST ro") {
					t.Errorf("%s is %v; denied %q: %s", c.denied, r.extent(t, c.denied), sections, words)
				}
			}
		})
	}
}

// What is shown is read, what is hidden is not called gone, and what is granted is read at
// the next visit.
func TestViewNarrowedAndGranted(t *testing.T) {
	t.Parallel()
	all := shown(t, viewSystem, viewPorts, viewParts, viewCPU)
	v := visiting(t, catalyst, all)
	v.all().complete(t)
	v.becomes(shown(t, viewSystem, viewPorts))
	for visit := range 6 {
		r := v.all()
		for _, section := range []string{"inventory", "cpu"} {
			if r.extent(t, section) == hw.Complete {
				t.Errorf("visit %d: %s is complete", visit+1, section)
			}
		}
		if r.extent(t, "ports") != hw.Complete || r.extent(t, "health") != hw.Complete {
			t.Errorf("visit %d: %v", visit+1, r.Read)
		}
	}
	if sections, _ := denied(v.fast()); len(sections) == 0 {
		t.Error("a fast visit finds nothing denied")
	}
	v.becomes(all)
	r := v.fast()
	r.complete(t)
	r.part(t, "cpu/1")
	v.all().complete(t)
}

func TestGrantNamesTheLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind        collectors.Kind
		credentials collectors.Credentials
		want        []string
	}{
		{cisco.Catalyst(), collectors.Credentials{Community: "hush"}, []string{"snmp-server view RACKPOST iso included", "snmp-server community COMMUNITY view RACKPOST ro"}},
		{cisco.Catalyst(), collectors.Credentials{V3: &collectors.V3{User: "reader", AuthProtocol: "SHA", PrivProtocol: "AES"}}, []string{"snmp-server group GROUP v3 priv read RACKPOST", "show snmp user reader"}},
		{cisco.Catalyst(), collectors.Credentials{V3: &collectors.V3{User: "reader", AuthProtocol: "SHA"}}, []string{"snmp-server group GROUP v3 auth read RACKPOST"}},
		{cisco.Catalyst(), collectors.Credentials{V3: &collectors.V3{User: "reader"}}, []string{"snmp-server group GROUP v3 noauth read RACKPOST"}},
		{cisco.ASA(), collectors.Credentials{Community: "hush"}, []string{"An ASA has no SNMP views"}},
	} {
		t.Run(fmt.Sprint(c.want), func(t *testing.T) {
			t.Parallel()
			got := c.kind.Grant(c.credentials)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in:\n%s", want, got)
				}
			}
			if strings.Contains(got, "hush") {
				t.Errorf("the community is told:\n%s", got)
			}
		})
	}
}
