package idrac

import (
	"strings"

	"rackpost/hw"
)

// mibUse says what becomes of an object of IDRAC-MIB.
type mibUse uint8

const (
	mibHelper    mibUse = iota // read to name, place or judge the others
	mibName                    // names the component of its row
	mibHealth                  // the component's health
	mibSensor                  // a sample of that name
	mibState                   // what the component does by itself
	mibAttribute               // what people or inventory set
)

// mibObject is one object that is read, and what it becomes. The documentation of the sensors is
// made of these.
type mibObject struct {
	name   string // as in IDRAC-MIB-SMIv2: virtualDiskState
	column string // its number below the entry; of a scalar the OID below outOfBandGroup with its .0, or whole
	use    mibUse
	as     string        // the sensor (its unit ends the name), state or attribute
	kind   hw.SampleType // of a sensor
	// words are those of an enumeration, by number. "" is a number that tells nothing, or that the
	// MIB lacks: the key is left out.
	words  []string
	scale  float64 // what one is in the unit of as; 0: one
	signed bool    // may be below zero
	most   uint64  // the greatest number that is believed; 0: 2147483647
	none   uint64  // the number that says there is none; 0: no number does
	// sparse says that a row without it is well; else its sample is absent with the reason.
	sparse bool
	probe  bool // its health is a StatusProbeEnum, not an ObjectStatusEnum
	byHand bool // told by the code of its table, which has to look at more than this cell
	note   string
}

// mibTable is a table, or a group of scalars, that is read together.
type mibTable struct {
	name      string // as in the MIB
	section   string
	component string // the path, with the object that names it: "drive/<physicalDiskFQDD>"
	prefix    string // of the path
	entry     string // the OID of the entry below outOfBandGroup; of scalars empty
	expected  bool   // a part that was there and is not is a fault
	// indexed says that rows without any name are told by their index. The others are left out until they
	// are named: another name would be another part.
	indexed bool
	solo    bool // of indexed: the first row of the first chassis needs no index
	objects []mibObject
	also    []mibObject // what is made of several objects: as, use and note only
}

// idracMIB is outOfBandGroup of IDRAC-MIB-SMIv2.
const idracMIB = "1.3.6.1.4.1.674.10892.5."

// oid returns the OID of an object: of a column without an index.
func (t *mibTable) oid(o *mibObject) string {
	switch {
	case strings.HasPrefix(o.column, "1.3.6.1.4.1."):
		return o.column
	case t.entry == "":
		return idracMIB + o.column
	}
	return idracMIB + t.entry + "." + o.column
}

// slot returns the place of an object by its name; it is there.
func (t *mibTable) slot(name string) int {
	for i := range t.objects {
		if t.objects[i].name == name {
			return i
		}
	}
	panic("idrac: " + t.name + " has no " + name)
}

// word returns the name of an enumerated value, or "" when it tells nothing.
func (o *mibObject) word(n uint64) string {
	if n < uint64(len(o.words)) {
		return o.words[n]
	}
	return ""
}

// healthOf judges an ObjectStatusEnum: other and unknown are unknown.
func healthOf(n uint64) hw.Health {
	switch n {
	case 3:
		return hw.OK
	case 4:
		return hw.Warning
	case 5, 6:
		return hw.Critical
	}
	return hw.Unknown
}

// probeHealthOf judges a StatusProbeEnum. A probe that failed is a fault of its own.
func probeHealthOf(n uint64) hw.Health {
	switch n {
	case 3:
		return hw.OK
	case 4, 7:
		return hw.Warning
	case 5, 6, 8, 9, 10:
		return hw.Critical
	}
	return hw.Unknown
}

// The words of the enumerations several objects share.
func statusWords() []string { return []string{"", "", "", "ok", "warning", "critical", "critical"} }

func redundancyWords() []string {
	return []string{"", "", "", "full", "degraded", "lost", "not-redundant", "offline"}
}

func yesNo() []string { return []string{"no", "yes"} }
