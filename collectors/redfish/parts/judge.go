package parts

import (
	"rackpost/hw"
	"rackpost/hw/raid"
)

// Judge audits the RAID parts that a visit read in a section by p and puts the verdicts into its report. Of a section
// that was not read whole only what is proven is said, and nothing is taken back. It is called once, after every
// protocol has told what it knows.
func Judge(r *hw.Report, section string, p raid.Policy) {
	extent := hw.Failed
	for _, s := range r.Read {
		if s.Section == section {
			extent = s.Extent
		}
	}
	if extent == hw.Failed {
		return
	}
	var read []hw.Component
	for _, c := range r.Components {
		if c.Section == section {
			read = append(read, c)
		}
	}
	audit := raid.AuditPartial
	if extent == hw.Complete {
		audit = raid.Audit
	}
	r.Verdicts = append(r.Verdicts, audit(p, read)...)
}
