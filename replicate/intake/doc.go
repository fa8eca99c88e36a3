// Package intake is headquarters' receiving end: it lets the sites' connections in, merges what all of
// them bring in common transactions, and says of each site what it brings, what it may, and whether it
// is heard. docs/intake.md tells how. It sees the store, the certificates and the alarms through
// interfaces of its own.
package intake
