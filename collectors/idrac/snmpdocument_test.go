package idrac

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rackpost/hw"
)

var update = flag.Bool("update", false, "write docs/idrac-sensors.md anew")

const document = "../../docs/idrac-sensors.md"

// docs/idrac-sensors.md is what the tables say: it is written from them, and this test fails when it
// is not.
func TestDocument(t *testing.T) {
	t.Parallel()
	want := writeDocument()
	if *update {
		if err := os.WriteFile(document, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("docs/idrac-sensors.md is not what the tables say; write it anew: go test ./collectors/idrac -run TestDocument -update\n%s", d)
	}
}

const preface = `# What is read from an iDRAC

Written from the tables the collector reads by over SNMP (` + "`collectors/idrac/snmptables*.go`" + `), and from one of what Redfish tells, which a test holds against
what the models and the recorded servers yield: ` + "`go test ./collectors/idrac -run TestDocument -update`" + `. Do not edit.

One device has one set of names, whichever protocol told: a test reads the same simulated servers over both. Redfish is asked first; its paths are below
` + "`/redfish/v1`" + `, of Power and Thermal below Chassis/System.Embedded.1. "D" stands before what is below Oem.Dell. Thermal and Power are one request each; an iDRAC that lacks them
is asked for ThermalSubsystem, PowerSubsystem and Sensors; one that fails at them for the first two, and the section is partial then, since those tell less. A collection that had members
and has none is believed at the third visit. Beside the system, which a heartbeat reads and every visit that does not follow one at once, environment takes 2 requests, firmware 1, inventory 4 (two of them chassis and manager), network 1
and 1 a card; of the R740 model raid and environment together take 10, of the recorded R750 7. Every component read over Redfish has the attribute source=redfish; keys filled from SNMP stand in from_snmp.
The component system of section heartbeat has health_of=parts: what the iDRAC rolls up raises an alert at the second heartbeat that tells it, and only where no part is known to be as ill.

IDRAC-MIB-SMIv2 tells more of RAID than Redfish does on iDRAC 7 and 8 (policies, levels, batteries), and preserved cache on every generation.
Every component read so has the attribute source=snmp; parts of RAID have the words of hw/raid. The OIDs are below ` + "`" + idracMIB + "`" + ` unless they are
whole. A **sample** is a number; the end of its name is its unit. **State** is what a component does by itself, **attributes** are what people or
the inventory set. A row without either is read to name, place or judge the others.

What a number of an enumeration does not tell is left out: it is neither good nor a fault. A row whose name cannot be read is left out, and its section
is partial; so is a section of which a cell holds what its object cannot. A table that had rows and has none is believed at the third visit, and not
while the iDRAC has been up for less than 15 minutes: it answers before it has seen its storage.

Every visit begins with one GET of the objects of statusGroup and of sysObjectID, sysUpTime and sysName: that is the heartbeat, and a change of what it
rolls up hastens the section. A PowerEdge R540 with 10 drives, 3 volumes and 41 voltage probes takes this many requests, the first one included: heartbeat 1,
raid 13, environment 11, log 1 (2 when there is a log, and 1 more for 8 new lines), inventory 5, network 2, firmware 2; all together 29.

`

const leftOut = `
## What is left out, and why

| what | reason |
|---|---|
| which drives a volume is made of, and which volume a dedicated spare is for | no table of IDRAC-MIB tells it: arrayDiskConnectionTable is of Server Administrator's MIB, which an iDRAC does not serve. Redfish does |
| media error counters, the mode of a controller, write policies in force | not in IDRAC-MIB: Redfish tells them |
| fans, supplies, probes and modules of external shelves (130.7, 130.9, 130.11, 130.13) | their states are in the shelf's rollup |
| lcLogTable | served over SNMPv3 only, and to its end only; Redfish reads it by its end |
| systemSlotTable, fruTable, pCIDeviceTable, processorDeviceStatusTable | parts numbers of boards and cards; the processors' states are joined into processorDeviceStatus |
| physicalDiskUsedSpaceInMB, FreeSpaceInMB, T10 PI, block sizes, PCIe widths, manufacture day and week | they say nothing of the health |
| ifTable of the iDRAC | its own ports, of Linux: not the server's |
| sensors of Redfish (Chassis/Sensors) where there are Thermal and Power | what those tell, once more. An iDRAC that lacks them is asked for its sensors where it shows all with one request |
| telemetry reports, event streams | they need a Datacenter licence or a session of their own |
| traps | a trap is no reading; every state a trap tells of is polled |
`

func writeDocument() []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	for _, section := range []string{sectionHeartbeat, sectionRAID, sectionEnvironment, sectionLog, sectionJobs, sectionInventory, sectionNetwork, sectionFirmware} {
		fmt.Fprintf(&b, "## %s\n", section)
		told := map[string]bool{}
		for _, t := range mibTables() {
			if t.section == section {
				writeTable(&b, t, redfishOf(t, told))
			}
		}
		for _, t := range redfishTables() {
			if t.section == section && !told[t.prefix] {
				writeTable(&b, nil, &t)
			}
		}
		b.WriteString("\n")
	}
	b.WriteString(leftOut)
	return b.Bytes()
}

// redfishOf returns what Redfish tells of the parts of a table, once.
func redfishOf(t *mibTable, told map[string]bool) *redfishTable {
	prefix := t.prefix
	if prefix == "" {
		prefix = t.component
	}
	for _, r := range redfishTables() {
		if r.section == t.section && r.prefix == prefix && !told[prefix] || r.section == t.section && strings.HasPrefix(prefix, r.prefix) && prefix == powerSystem && !told[r.prefix] {
			told[r.prefix] = true
			return &r
		}
	}
	return nil
}

// writeTable writes what SNMP and Redfish tell of a sort of parts; either may be nil.
func writeTable(b *bytes.Buffer, t *mibTable, r *redfishTable) {
	var rest []redfishRow
	switch {
	case t == nil:
		fmt.Fprintf(b, "\n`%s`: Redfish %s", r.component, r.resource)
	case r == nil:
		fmt.Fprintf(b, "\n`%s`: SNMP %s", t.component, t.name)
	default:
		fmt.Fprintf(b, "\n`%s`: SNMP %s; Redfish %s", t.component, t.name, r.resource)
	}
	if r != nil {
		rest = slices.Clone(r.rows)
	}
	if t != nil && t.expected || r != nil && r.expected {
		b.WriteString("; missed when it goes")
	}
	b.WriteString("\n\n| what | kind | unit | Redfish | SNMP object | OID | quirk |\n|---|---|---|---|---|---|---|\n")
	if t != nil {
		for i := range t.objects {
			o := &t.objects[i]
			x := taken(&rest, o)
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", o.as, useText(o), unitText(o), x.property, o.name, strings.TrimPrefix(t.oid(o), idracMIB), joined(quirk(o), x.note))
		}
		for i := range t.also {
			o := &t.also[i]
			x := taken(&rest, o)
			fmt.Fprintf(b, "| %s | %s | %s | %s | made of the others | | %s |\n", o.as, useText(o), unitText(o), x.property, joined(quirk(o), x.note))
		}
	}
	for _, x := range rest {
		o := mibObject{as: x.as, use: x.use}
		fmt.Fprintf(b, "| %s | %s | %s | %s | | | %s |\n", o.as, useText(&o), unitText(&o), x.property, x.note)
	}
}

// taken takes the row of an object out of the rest.
func taken(rest *[]redfishRow, o *mibObject) redfishRow {
	i := slices.IndexFunc(*rest, func(x redfishRow) bool { return x.use == o.use && x.as == o.as && (o.use != mibHelper) })
	if i < 0 {
		return redfishRow{}
	}
	x := (*rest)[i]
	*rest = slices.Delete(*rest, i, i+1)
	return x
}

func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Compact(texts), func(s string) bool { return s == "" }), "; ")
}

func useText(o *mibObject) string {
	switch {
	case o.use == mibSensor && o.kind == hw.Counter:
		return "counter"
	case o.use == mibSensor:
		return "gauge"
	}
	return []string{"", "name", "health", "gauge", "state", "attribute"}[o.use]
}

// unitText returns the unit a sensor's name ends in.
func unitText(o *mibObject) string {
	if o.use != mibSensor {
		return ""
	}
	name := strings.TrimSuffix(o.as, "_total")
	return name[strings.LastIndexByte(name, '_')+1:]
}

// quirk is the note of an object, the words of an enumeration, and what one is.
func quirk(o *mibObject) string {
	var parts []string
	if o.note != "" {
		parts = append(parts, o.note)
	}
	var words []string
	for _, w := range o.words {
		if w != "" && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if (o.use == mibState || o.use == mibAttribute) && len(words) > 0 {
		parts = append(parts, strings.Join(words, ", "))
	}
	switch {
	case o.scale > 0 && o.scale < 1:
		parts = append(parts, fmt.Sprintf("in units of %v", o.scale))
	case o.scale > 1:
		parts = append(parts, fmt.Sprintf("in units of %.0f", o.scale))
	}
	return strings.Join(parts, "; ")
}

// No two objects of a table are one, none is out of its place, and every word of RAID is one of the
// vocabulary.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, table := range mibTables() {
		seen := map[string]bool{}
		for i := range table.objects {
			o := &table.objects[i]
			if seen[o.name] || seen[table.oid(o)] {
				t.Errorf("%s: %s twice", table.name, o.name)
			}
			seen[o.name], seen[table.oid(o)] = true, true
			if o.use > mibHealth && o.as == "" {
				t.Errorf("%s: %s becomes nothing", table.name, o.name)
			}
		}
	}
}
