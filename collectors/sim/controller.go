package sim

import (
	"bytes"

	"rackpost/collectors/sim/bmc"
)

// controller is a BMC as its SNMP agent sees it: [bmc.BMC] is one.
type controller interface {
	Rows() []bmc.Row
	Edition() uint64 // another one when Rows may be others
	Mute() bool      // the agent is silent
}

// live is what an agent shows of a controller, made anew when it may be another.
type live struct {
	of      controller
	edition uint64
}

// NewController serves what the SNMP agent of a BMC shows now. It has the faults of the protocol; those of the server are
// the BMC's. A BMC without rows has an agent that knows nothing.
func NewController(b *bmc.BMC) *Device {
	d := newRecorded(&view{})
	d.live = &live{of: b, edition: b.Edition()}
	d.view = d.live.view()
	return d
}

func (l *live) view() *view {
	rows := l.of.Rows()
	entries := make([]entry, 0, len(rows))
	for _, r := range rows {
		name, err := parseOID(r.OID)
		content, bad := Row{Type: r.Type, Value: bytes.Clone(r.Value)}.encode()
		if err == nil && bad == nil { // the rows are a model's: its tests read them all
			entries = append(entries, constant(name, r.Type, content))
		}
	}
	v, _ := newView(entries)
	return v
}

// refresh makes the view of a live device anew if need be, and says whether its agent answers. The lock is held.
func (d *Device) refresh() bool {
	if d.live == nil {
		return true
	}
	if d.live.of.Mute() {
		return false
	}
	if now := d.live.of.Edition(); now != d.live.edition {
		d.live.edition, d.view = now, d.live.view()
	}
	return true
}
