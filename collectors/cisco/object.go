package cisco

import "rackpost/hw"

// use says what becomes of an object.
type use uint8

const (
	helper    use = iota // read to name or judge the others
	sensor               // a sample of that name
	state                // what the component does by itself
	attribute            // what people or inventory set
)

// object is one MIB object that is read, and what it becomes. The documentation of the
// sensors is made of these.
type object struct {
	name  string        // as in its MIB: ifHCInOctets
	oid   string        // of the column; a scalar's without its .0, its row is "0"
	use   use           //
	as    string        // the sensor (its unit ends the name), state or attribute
	kind  hw.SampleType // of a sensor
	max   uint64        // the greatest value that is believed; 0: any of its type
	latch bool          // a Gauge32 at its top means "at least this": no value
	words []string      // of an enumeration, by number; "" is a number the MIB lacks
	other *object       // read instead where the device has no row of this one
	note  string        // the quirk, for the documentation
}

// group is the objects of one table, or of one scalar group, that are read together.
type group struct {
	section   string
	component string // the path, with the object that names it: "port/<ifName>"
	mib       string
	kinds     []string // that read it
	sparse    bool     // rows come and go: a table without any is asked again and is no loss
	timed     bool     // it holds counters: the device's clock is read with them
	objects   []object
	also      []object // what is made of several objects: as, use and note only
}

// word returns the name of an enumerated value, or "" when the MIB has none.
func (o *object) word(n uint64) string {
	if n < uint64(len(o.words)) {
		return o.words[n]
	}
	return ""
}
