// Package scrub replaces what identifies the owner of a device in a walk of it or in its documents of Redfish: addresses,
// serial numbers, names and free text, in values and in indexes. It does no I/O.
//
// Numbers, states, models, versions and interface names stay. A text stays only if its object
// is known to carry a vendor's words (class.go), and even then all that was learned elsewhere to
// be a name, a serial number or an address is replaced in it; every other text is replaced
// word by word, so that an unknown MIB leaks nothing. The same input has the same pseudonym in
// every object, and under the same key in every capture.
package scrub
