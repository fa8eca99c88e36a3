package raid_test

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
	"rackpost/hw/raid"
)

var update = flag.Bool("update", false, "write docs/raid.md anew")

const document = "../../docs/raid.md"

// docs/raid.md is what the rules say: it is written from them, and this test fails when it is not.
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
		t.Errorf("docs/raid.md is not what the rules say; write it anew: go test ./hw/raid -run TestDocument -update\n%s", d)
	}
}

// Every rule is given by some server of the tables with a level its text names, and every code that is
// given has a rule.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for _, c := range append(auditCases(), contradictions()...) {
		for _, w := range c.want {
			fields := strings.Fields(w)
			code, level := fields[len(fields)-2], fields[len(fields)-1]
			given[code] = true
			if r, ok := raid.Lookup(code); !ok || !strings.Contains(r.Level, level) {
				t.Errorf("%s is %s, and the rule says %q", code, level, r.Level)
			}
		}
	}
	codes := map[string]bool{}
	for _, r := range raid.Rules() {
		if codes[r.Code] {
			t.Errorf("%s: two rules", r.Code)
		}
		codes[r.Code] = true
		if !given[r.Code] && r.Level != "none" {
			t.Errorf("%s: no server of the table has it", r.Code)
		}
		for _, text := range []string{r.On, r.Level, r.Text, r.When, r.Why, r.Do} {
			if text == "" || strings.ContainsAny(text, "\n\t") {
				t.Errorf("%s: text %q", r.Code, text)
			}
		}
	}
	if _, ok := raid.Lookup("raid-none"); ok {
		t.Error("a rule nobody wrote")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	said := func(code string, params hw.Attrs) string {
		says, _, _ := raid.Text(code, params)
		return says
	}
	for got, want := range map[string]string{
		said(raid.CodeLevel, hw.Attrs{{Key: "level", Value: "raid5"}}):         "the set is raid5, which is not allowed",
		said(raid.CodeVolumeDegraded, nil):                                     "the set is degraded: drives that may still fail: not told",
		said(raid.CodePatrolRead, hw.Attrs{{Key: "mode", Value: "{mode} {x"}}): "patrol read is {mode} {x",
		said(raid.CodeBadBlocks, nil):                                          "there are bad blocks in the data",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, _, ok := raid.Text(hw.AlertHealth, nil); ok {
		t.Error("a text for what is not of this package")
	}
	for _, r := range raid.Rules() {
		for _, x := range strings.Split(r.Text, "{")[1:] {
			if key, _, _ := strings.Cut(x, "}"); !slices.Contains(strings.Split(r.Params, ", "), key) {
				t.Errorf("%s: the text has {%s}, which is no parameter", r.Code, key)
			}
		}
	}
}

// The parameters a rule names are those its verdicts have.
func TestRulesNameTheirParameters(t *testing.T) {
	t.Parallel()
	for _, c := range append(auditCases(), contradictions()...) {
		for _, v := range faults(raid.Audit(raid.Policy{}, c.server)) {
			r, _ := raid.Lookup(v.Code)
			named := append(strings.Split(r.Params, ", "), "name", "bay", "model", "serial")
			says, do, ok := raid.Text(v.Code, v.Params)
			if !ok || strings.ContainsAny(says, "{}") || do != r.Do {
				t.Errorf("%s says %q, to do %q", v.Code, says, do)
			}
			for _, p := range v.Params {
				if !slices.Contains(named, p.Key) {
					t.Errorf("%s: %s has the parameter %q, and the rule does not name it", c.name, v.Code, p.Key)
				}
			}
			if (v.Within > 0) != slices.Contains(named, "until") {
				t.Errorf("%s: %s: the rule names until, or does not", c.name, v.Code)
			}
		}
	}
}

const preface = `# What is wrong with a RAID set, and why

Written from the rules of the audit (` + "`hw/raid/rules.go`" + `): ` + "`go test ./hw/raid -run TestDocument -update`" + `. Do not edit.

Every visit that reads a server's RAID parts is judged by ` + "`raid.Audit`" + `. It looks at words only (` + "`hw/raid/words.go`" + `), which every
collector writes alike, whatever the server and the protocol. A verdict has a code, a level, the component and parameters; it
becomes an alert, since the first visit that found it, and ends with the first complete reading that does not find it any more.
` + "`rackpost raid`" + ` shows the parts as a tree with the verdicts and what to do about each.

## Five things that hold of every rule

1. **What is not told is neither well nor a fault.** A health that is null or empty, a word nobody knows, a property that is
   not there: the rule is then *undecided*. That raises nothing and ends nothing: an alert stays until its opposite is read.
2. **What must be proven and is not is told.** The level, the write policy, the battery of a write-back set and the drives' cache
   keep or lose data and are silent about it: there, "not told" and "default" are verdicts of their own (` + "`-unproven`" + `).
3. **What ends by itself has a time.** A learn cycle, a charge, a rebuild are notices until then, and graver after.
4. **A verdict is on the part one must act on**: a drive with its bay, model and serial; the battery, and each set that depends on it.
5. **A partial reading takes nothing back and adds only what it proves.** The spare, the battery or the word that proves may stand in
   what was not read: the verdicts that it could overturn are undecided until the next complete reading.

What two sources tell differently is judged by the graver one.

`

func writeDocument() []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	b.WriteString("## The verdicts\n\nThe levels are those of the default policy.\n\n| code | on | level | when |\n|---|---|---|---|\n")
	for _, r := range raid.Rules() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.Code, r.Code, r.On, r.Level, r.When)
	}
	writePolicy(&b)
	writeSources(&b)
	writeDrives(&b)
	b.WriteString("\n## Each rule, its reason, and what to do\n")
	for _, r := range raid.Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n\"%s\"\n\n*Why:* %s\n\n*What to do:* %s\n", r.Code, r.Text, r.Why, r.Do)
		if r.Params != "" {
			fmt.Fprintf(&b, "\n*Parameters:* %s.\n", r.Params)
		}
	}
	return b.Bytes()
}

func writePolicy(b *bytes.Buffer) {
	d := raid.Default()
	b.WriteString("\n## The policy\n\nA device's own comes before the customer's, that before the site's, that before the default; each setting by itself. `accept` says nothing,\n" +
		"`notice` warns, `fault` is average or as the table above says. What is not here no policy changes.\n\n| setting | default | changes |\n|---|---|---|\n")
	fmt.Fprintf(b, "| levels | %s | raid-level, raid-level-unproven |\n", strings.Join(d.Levels, ", "))
	for _, s := range []struct {
		name  string
		value raid.Judgement
	}{
		{"other level", d.OtherLevel}, {"unproven", d.Unproven}, {"write-through", d.WriteThrough}, {"disk cache", d.DiskCache}, {"disk cache default", d.CacheDefault},
		{"cache outside raid", d.OutsideRAID}, {"no hot spare", d.NoHotSpare}, {"patrol read", d.PatrolRead}, {"firmware", d.Firmware},
	} {
		var codes []string
		for _, r := range raid.Rules() {
			changed := strings.FieldsFunc(r.Policy, func(c rune) bool { return c == ',' })
			if slices.ContainsFunc(changed, func(x string) bool { return strings.TrimSpace(x) == s.name }) {
				codes = append(codes, r.Code)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", s.name, s.value, strings.Join(codes, ", "))
	}
}

// writeSources is which source has the word of each thing that is judged.
func writeSources(b *bytes.Buffer) {
	b.WriteString(`
## Where the words come from

What a source does not tell stays undecided or not proven; SNMP beside Redfish fills it in (` + "`from_snmp`" + ` names the keys). Dell's own words are those of
` + "`Oem.Dell`" + `, in the resource itself or, on some firmware, in a collection below ` + "`Systems/.../Oem/Dell`" + ` that is read when nothing stands inline.

| what | standard Redfish (any vendor) | iDRAC 7, 8 and iDRAC9 before 4.40 | iDRAC9, iDRAC10 | SNMP of an iDRAC |
|---|---|---|---|---|
| level | RAIDType, else VolumeType | VolumeType: with parity it is open | RAIDType | virtualDiskLayout |
| write policy configured | - | - | DellVolume, DellVirtualDisk WriteCachePolicy | virtualDiskWritePolicy |
| write policy in force, state of the cache | WriteCachePolicy, WriteCacheState | - | WriteCachePolicy, WriteCacheState | - |
| disk cache policy | - | - | DellVolume, DellVirtualDisk DiskCachePolicy; of a drive outside RAID NonRAIDDiskCachePolicy | virtualDiskDiskCachePolicy |
| cache of a drive | WriteCacheEnabled | - | WriteCacheEnabled | - |
| battery | - | - | DellControllerBattery: in the Storage, behind a link, or below the chassis or its PowerSubsystem | batteryTable |
| state of a set, drives that may still fail | Status | Status | RaidStatus, RemainingRedundancy | virtualDiskState, virtualDiskRemainingRedundancy |
| state of a drive, foreign | Status, EncryptionStatus | Status | RaidStatus, of NVMe DriveState | physicalDiskState |
| failure predicted | FailurePredicted | FailurePredicted | FailurePredicted, PredictiveFailureState | physicalDiskSmartAlertIndication |
| operation and its percent | Operations | Operations | Operations, OperationName | physicalDiskOperationalState, virtualDiskOperationalState |
| hot spare | HotspareType, DedicatedSpareDrives | HotspareType | HotspareType, DedicatedSpareDrives | physicalDiskSpareState |
| patrol read | - | - | DellStorageController PatrolReadMode | controllerPatrolReadMode |
| media errors | - | - | DellDriveSMARTAttributes, DellNVMeSMARTAttributes; a licence may be needed | - |
| life left | PredictedMediaLifeLeftPercent | PredictedMediaLifeLeftPercent | PredictedMediaLifeLeftPercent, else SMART | physicalDiskRemainingRatedWriteEndurance |
| preserved cache, bad blocks | - | - | - | controllerPreservedCache, virtualDiskBadBlocksDetected |

* **That there is no battery** of a controller that may have one is said when three readings in a row found none; until then the section is not whole.
* **Media errors** are the sum of reallocated, pending and uncorrectable blocks of a drive. Its counters are one request a drive, so each is asked once an hour; a counter
  that is left out is what it was. The totals of drives with errors survive a restart: errors that rose yesterday are not old because the box was updated.
* **A controller that can have something or not is known by its sort**: a BOSS has no spare, and neither BOSS, HBA nor NVMe at the processor have a cache, a battery or patrol
  read. A controller of the board without drives is not shown.
* **Which drives a set has** either side may tell, the set or the drive. A drive that shows itself as a volume (` + "`RawDevice`" + `) is no set.
`)
}

// writeDrives is what "default" means, by the kind of drive.
func writeDrives(b *bytes.Buffer) {
	b.WriteString(`
## What "default" means for the cache of a drive

"Default" is no setting: the controller leaves the drive as it is. What that is depends on the drive, and no controller says it.

| drive | comes with its cache | after a power cut | so "default" is |
|---|---|---|---|
| SAS hard disk | off, as a rule: the write cache bit of the caching mode page; a vendor's or a user's tool may have set it, and it is saved in the drive | what was in it is lost | not proven: warning |
| SATA hard disk | on; the setting may come back with every power-on | what was in it is lost | nearly surely on: average |
| SAS or SATA SSD for servers | on | kept by capacitors, which SMART may watch and Redfish does not tell | not proven: warning |
| SSD for desktops | on | lost, sometimes with the drive's own tables | not proven: warning; the model tells |
| NVMe for servers | on, or the drive says it has no volatile cache | kept by capacitors | not proven: warning |

Proven off is: the policy "disabled", or every drive of the set, all of them read, saying that its write cache is off. A model known to keep
its cache through a power cut (` + "`power_loss_protection`" + `) makes an enabled cache a warning.
`)
}
