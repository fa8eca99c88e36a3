package snmp

import (
	"time"

	"rackpost/hw"
)

// Var is the answer for one object asked by Get.
type Var struct {
	OID    string
	Reason hw.Reason // why there is no value; empty when OK
	Value
}

// Row is one object of a column.
type Row struct {
	Index string // the OID after the column's: "10101", "1.3.10"
	PDU   uint32 // the answer that held it: an index into the UpTimes of its walk
	Value
}

// Column is what a walk read of one column.
type Column struct {
	OID      string
	Rows     []Row     // in OID order, no index twice
	Complete bool      // all rows of the device are here; an empty complete column is an absent object
	Reason   hw.Reason // why it is not complete
	Err      error     // the same with details
}

// Table is the columns of one walk in the order asked.
type Table []Column

// UpTime is the device's clock when it made one answer.
type UpTime struct {
	OK    bool      // false: the device has no sysUpTime, or it was not asked
	Ticks uint32    // SNMPv2-MIB sysUpTime.0 in hundredths of a second; wraps after 497.1 days
	At    time.Time // when the answer arrived here
}

// UpTimes are the clocks of a walk's answers; Row.PDU is an index into them.
type UpTimes []UpTime

// Of returns the clock of the answer that held r; the zero UpTime if there is none.
func (u UpTimes) Of(r Row) UpTime {
	if int(r.PDU) < len(u) {
		return u[r.PDU]
	}
	return UpTime{}
}
