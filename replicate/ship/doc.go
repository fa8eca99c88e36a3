// Package ship moves records between two stores over one connection: what each lacks of the other's,
// as the bytes it has, until neither lacks anything. docs/ship.md is the protocol. It sees the store
// through an interface of its own and knows nothing of what the records say.
package ship
