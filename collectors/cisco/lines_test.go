package cisco

import (
	"testing"
	"time"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// A device that starts anew while its table is read yields no counter of it: nobody knows
// which are of before.
func TestLinesOfARestart(t *testing.T) {
	t.Parallel()
	const ticks = 5_000_000
	for _, x := range []struct {
		ticks uint32
		want  hw.Reason
	}{{ticks + 100, ""}, {100, hw.Inconsistent}} {
		c := &collector{clock: clock{known: true, ticks: ticks, boot: time.UnixMilli(1)}, sheets: &sheets{uptimes: snmp.UpTimes{{Ticks: x.ticks, OK: true}}}}
		v := &visit{report: &hw.Report{}, now: time.UnixMilli(50_000_000)}
		v.begin(sectionLinks)
		g, slot := &grid{}, linkCounters
		g.begin(len(linkGroup.objects))
		g.fill(slot, &linkGroup.objects[slot], &snmp.Column{Complete: true, Rows: []snmp.Row{{Index: "1", Value: snmp.Value{Type: snmp.TypeCounter32, Uint: 7}}}})
		p := &port{index: "1", path: "port/Fa0/1"}
		c.countLine(v, g, 0, slot, p, 0, c.sameBoot(v, sectionLinks))
		if s := v.report.Samples[0]; s.Absent != x.want || (x.want == "") != (s.Count == 7) {
			t.Errorf("at %d ticks: %+v, want %q", x.ticks, s, x.want)
		}
		if partial := v.report.Read[0].Extent == hw.Partial; partial != (x.want != "") {
			t.Errorf("at %d ticks: %+v", x.ticks, v.report.Read)
		}
	}
}
