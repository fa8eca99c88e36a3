// Package snmp is an SNMP v2c and v3 session that never takes a part for the whole.
//
// A session holds one connected UDP socket and has one request in flight. Every answer is
// checked against what was asked: it names the right objects, in rising order, or the
// column it belongs to is marked incomplete. Docs: docs/snmp-walk.md.
//
// OIDs are dotted decimal without a leading dot everywhere in this package.
package snmp
