package cisco

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/sensors.md anew")

const document = "../../docs/sensors.md"

// docs/sensors.md is what the tables say: it is written from them, and this test fails when
// it is not.
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
		t.Errorf("docs/sensors.md is not what the tables say; write it anew: go test ./collectors/cisco -run TestDocument -update\n%s", d)
	}
}

// preface opens the document.
const preface = `# What is read from Cisco

Written from the tables the collector reads by (` + "`collectors/cisco/tables*.go`" + `): ` + "`go test ./collectors/cisco -run TestDocument -update`" + `. Do not edit.

A **sample** is a number; the end of its name is its unit. **State** is what a component does by itself, **attributes** are what people
or the inventory set. A row without either is read to name, place or judge the others. A fall-back is read only where the device has no
row of the object before it. The OID is that of the column, or of the scalar with its ` + "`.0`" + `.

What a device does not offer is not there; what should have been read and was not is absent with the reason, and its section is partial.
Slow sections are read sooner when a fast one shows a change (the table, the parts, the configuration, a restart): [polling.md](polling.md).

`

// leftOut closes the document.
const leftOut = `
## What is left out, and why

| what | reason |
|---|---|
| NAT translations, inspections, the configuration's times on an ASA | not in its SNMP: only its command line or its REST interface tell |
| the licence's limit of connections on an ASA | not in any MIB: the platform's is shown, the licence may be lower |
| process, ARP, route, connection and flash file tables | thousands of rows that load the device and tell an operator nothing; never walked |
| MAC addresses by port | the costliest walk there is on an access switch; the section mac counts them, where it is switched on |
| traps and syslog (clogMessage) | a trap is no reading; every state a trap tells of is polled |
| the duplicate interface addresses of ipAddrTable | old ASA and PIX software loops in that table |
| CISCO-MEMORY-POOL-MIB on an ASA that has the enhanced table | wrong above 4 GB, and reading it stalls the CPU |
| cswSwitchSoftwareImage of a lone switch, cswSwitchHwPriority, cswSwitchNumNextReload | they say nothing the image, the priority and the number do not |
| voltages, currents, power and fan speeds of a chassis in CISCO-ENTITY-SENSOR-MIB | hundreds to a modular chassis, without thresholds; CISCO-ENVMON-MIB and CISCO-ENTITY-FRU-CONTROL-MIB tell what is faulty |
| NX-OS, IOS XR, the manager of a Firepower chassis (FX-OS) | other devices: refused with a word that says so |
| Flexlinks, REP, MPLS, QoS, NetFlow, wireless | not what keeps a rack of servers connected; left to tools for networks |
`

func writeDocument() []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	for _, kind := range []string{CatalystKind, ASAKind} {
		fmt.Fprintf(&b, "## Sections of %s\n\n| section | period |\n|---|---|\n", kind)
		for _, r := range readers(kind) {
			fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.section, r.section, periodText(r.period))
		}
		b.WriteString("\n")
	}
	done := map[string]bool{}
	for _, r := range append(catalystReaders(), asaReaders()...) {
		if !done[r.section] {
			done[r.section] = true
			writeSection(&b, r.section)
		}
	}
	b.WriteString(leftOut)
	return b.Bytes()
}

func periodText(d time.Duration) string {
	switch {
	case d == off:
		return "off, unless site.yaml gives one"
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

func writeSection(b *bytes.Buffer, section string) {
	fmt.Fprintf(b, "## %s\n", section)
	for _, g := range groups() {
		if g.section != section {
			continue
		}
		fmt.Fprintf(b, "\n`%s`: %s, %s", g.component, g.mib, readBy(g.kinds))
		if g.sparse {
			b.WriteString("; a table without rows is well")
		}
		b.WriteString("\n\n| what | kind | unit | object | OID | quirk |\n|---|---|---|---|---|---|\n")
		for i := range g.objects {
			prefix := ""
			for o := &g.objects[i]; o != nil; o = o.other {
				if o.oid != "" {
					fmt.Fprintf(b, "| %s | %s | %s | %s%s | %s | %s |\n", cell(o.as), useText(o), unitText(o), prefix, o.name, strings.TrimSuffix(o.oid, "."), cell(quirk(o)))
				}
				prefix = "else "
			}
		}
		for i := range g.also {
			o := &g.also[i]
			fmt.Fprintf(b, "| %s | %s | %s | made of the others | | %s |\n", cell(o.as), useText(o), unitText(o), cell(quirk(o)))
		}
	}
	b.WriteString("\n")
}

func readBy(kinds []string) string {
	switch {
	case len(kinds) > 1:
		return "Catalyst and ASA"
	case kinds[0] == ASAKind:
		return "ASA"
	}
	return "Catalyst"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

func useText(o *object) string {
	switch {
	case o.use == sensor && o.kind == 1:
		return "counter"
	case o.use == sensor:
		return "gauge"
	case o.use == state:
		return "state"
	case o.use == attribute:
		return "attribute"
	}
	return ""
}

// unitText returns the unit a sensor's name ends in.
func unitText(o *object) string {
	if o.use != sensor {
		return ""
	}
	var units []string
	for _, name := range strings.Split(o.as, ", ") {
		unit := name[strings.LastIndexByte(name, '_')+1:]
		if unit == "total" {
			unit = strings.TrimSuffix(name, "_total")
			unit = unit[strings.LastIndexByte(unit, '_')+1:]
		}
		if len(units) == 0 || units[len(units)-1] != unit {
			units = append(units, unit)
		}
	}
	return strings.Join(units, ", ")
}

// quirk is the note of an object, and the words of an enumeration.
func quirk(o *object) string {
	s := o.note
	if len(o.words) > 0 && o.use == state {
		var words []string
		for _, w := range o.words {
			if w != "" {
				words = append(words, w)
			}
		}
		if s != "" {
			s += "; "
		}
		s += strings.Join(words, ", ")
	}
	return s
}
