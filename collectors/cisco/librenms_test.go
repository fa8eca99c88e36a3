package cisco_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// difference is something that LibreNMS and we read both, and read differently. What they say
// is written as words; "N" is a number or a name that is not for this repository, "" nothing.
type difference struct{ object, theirs, ours string }

// differences are all there are, with the reason why we are right. One that is not here fails
// the test, and so does one that is here and is none any more.
var differences = map[difference]string{
	{"ifDuplex of a port without link", "unknown", ""}: "dot3StatsDuplexStatus unknown(1) is no duplex: what is not known is not told",
	{"ifAlias", "N", ""}:                         "LibreNMS writes ifDescr where ifAlias is empty; ifAlias is what a person wrote, and nobody did",
	{"ifInOctets and the others", "0", ""}:       "a ring port of a stack has no row in ifXTable: not supported is no 0",
	{"ciscoEnvMonSupplyState", "notPresent", ""}: "CISCO-ENVMON-MIB notPresent(5): an empty bay is no part",
	{"ciscoEnvMonFanState", "notPresent", ""}:    "CISCO-ENVMON-MIB notPresent(5): an empty bay is no part",
	{"cswStackPortOperStatus", "up", ""}:         "ring ports without link are named by the ring; of those with link there is nothing to tell",
	{"cpeExtPdStatsTotalDevices", "N", ""}:       "a count of powered devices: each port that delivers says so by itself",
	{"cRFStatus", "N", ""}:                       "CISCO-RF-MIB is not read: cefcModuleOperStatus tells of each supervisor whether it works",
	{"version", "N", "N"}:                        "sysDescr tells the software that runs; entPhysicalSoftwareRev of this recording is of another unit",
	{"ports_stack", "N", ""}:                     "StackPort over StackSub: no port-channel, but what the stack is made of; its ring is told",
	{"ipv4_addresses", "N", ""}:                  "ipAddrTable loops on PIX and old ASA and is never asked; addresses say nothing of the hardware",
	{"ipv6_addresses", "N", ""}:                  "as ipv4_addresses",
	{"ipsec_tunnels", "N", "N"}:                  "cikeTunnelTable and cipSecTunnelTable have two peers, each by its address: both are told, not the first",
}

// libre is what LibreNMS makes of a recording: modules, their phases, tables of rows.
type libre map[string]map[string]json.RawMessage

// fields is one row of a table.
type fields map[string]any

func (f fields) text(key string) string {
	switch x := f[key].(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return ""
}

func oracle(t *testing.T, name string) libre {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recordings, name+".expected.json"))
	if err != nil {
		t.Skipf("no results of LibreNMS here: %v", err)
	}
	var l libre
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// rows returns a table of a module: of its poller, which knows more, else of its discovery.
func (l libre) rows(module, table string) []fields {
	for _, phase := range []string{"poller", "discovery"} {
		var tables map[string][]fields
		if json.Unmarshal(l[module][phase], &tables) == nil && len(tables[table]) > 0 {
			return tables[table]
		}
	}
	return nil
}

// comparison is one device as both read it.
type comparison struct {
	testing.TB
	name     string
	theirs   libre
	ours     report
	said     walkOf // by the recording itself
	compared int
	found    map[difference]bool
}

// same compares one thing. What LibreNMS keeps to itself is not compared.
func (c *comparison) same(object, where, theirs, ours string) {
	c.Helper()
	if theirs == "<private>" {
		return
	}
	c.compared++
	if theirs == ours {
		return
	}
	d := difference{object, inWords(theirs), inWords(ours)}
	if _, known := differences[d]; !known {
		c.Errorf("%s %s: LibreNMS says %q, we %q", object, where, theirs, ours)
	}
	c.found[d] = true
}

// inWords keeps what is not for this repository out of it.
func inWords(s string) string {
	if s == "0" || s == "" || !strings.ContainsAny(s, "0123456789- ") {
		return s
	}
	return "N"
}

// number is same for numbers.
func (c *comparison) number(object, where string, theirs float64, component, sensor string) {
	c.Helper()
	ours := ""
	if s, ok := c.ours.samples[component+" "+sensor]; ok && s.Absent == "" {
		ours = strconv.FormatFloat(s.Gauge+float64(s.Count), 'f', -1, 64)
	}
	c.same(object, where, strconv.FormatFloat(theirs, 'f', -1, 64), ours)
}

// What LibreNMS reads of a device and we read too is the same, but for what stands in the
// table.
func TestLikeLibreNMS(t *testing.T) {
	t.Parallel()
	found := map[difference]bool{}
	for _, name := range []string{"asa", "ftd_1140", "ios_2960x", "ios_4506"} {
		lines := raw(t, name)
		c := &comparison{
			TB: t, name: name, theirs: oracle(t, name), said: parse(t, lines), found: found,
			ours: visiting(t, kindOf(name), recorded(t, lines)).all(),
		}
		for module := range c.theirs {
			compare, ok := modules[module]
			if !ok {
				t.Errorf("%s: LibreNMS reads %s, and nothing compares it", name, module)
				continue
			}
			compare(c)
		}
		if c.compared < 20 {
			t.Errorf("%s: only %d things to compare", name, c.compared)
		}
		t.Logf("%s: %d things compared", name, c.compared)
	}
	for d, why := range differences {
		if !found[d] || why == "" {
			t.Errorf("%+v is no difference, or has no reason: %q", d, why)
		}
	}
}
