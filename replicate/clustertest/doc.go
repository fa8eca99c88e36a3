// Package clustertest runs members of a pair in a simulated world, for tests only: real Nodes over real Raft, in a
// testing/synctest bubble whose hours last seconds, on a network, on disks and with processes that fail as a schedule says.
//
// A schedule comes from a seed and can be written down, shortened by hand and read back. What it cannot repeat is the order
// in which goroutines run within one instant, and Raft's own random timeouts: a seed that failed once may need a few runs.
//
// What is simulated and what is not:
//   - A process that is stopped sends and receives nothing, writes nothing, and its Node sees nothing new: it waits where it
//     asks for contacts, for the disk or for the network. Raft's own timers go on, so that it never wakes with a lease it
//     believes in; cmd/rackpost stops real processes for that.
//   - A crash cuts a process off and ends it: what its disk has not synced is lost. Between two instructions that wait for
//     nothing there is no crash.
//   - Messages are late, lost, cut one way, and overtake each other. Bytes are not: there are no streams, no TLS, and no hello
//     but the checks of it that Raft's safety needs.
//   - A clock that jumps is the wall clock, by which journals order what they hold; the rest of the pair reads none.
package clustertest
