// Package wire connects the members of a pair: one port a path, TLS 1.3 both ways, a hello before
// the first byte, several paths to one peer and what is known of each. It carries Raft, journals
// and requests, and knows nothing of what they say.
package wire
