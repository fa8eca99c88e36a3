// Package cisco reads Cisco Catalyst switches and ASA firewalls over SNMP.
//
// What is read is written in tables (tables.go): each MIB object, the sensor, state or
// attribute it becomes, its range and its fall-back. The code reads those tables, joins
// columns by index, and judges; it knows no OID.
//
// Three rules hold everywhere. A row is known by its index, never by its place in a walk.
// A column that was not read to its end makes its section partial: what is missing there is
// absent with the reason, never gone. A counter's start changes whenever its values before
// and after cannot be subtracted: after a reboot, another unit, a discontinuity the device
// tells of, and after a value that fell, be it a wrap or a clear.
package cisco
