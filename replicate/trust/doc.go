// Package trust says who is a member of a pair and keeps what proves it: the pair's own CA, the
// certificates of its members, the one-time tokens that let a new one in, and the keys that seal
// secrets to a box. docs/trust.md has the reasons.
package trust
