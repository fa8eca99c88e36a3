// Package remotewrite writes the samples of a journal to an engine of somebody else's by Prometheus remote write, 1.0 or 2.0.
//
// Two lanes read the journal from positions of their own: live writes what is new, behind what an outage has left. Nothing is handed to
// a Sender, so a receiver that is slow or away costs the visits nothing, and the journal is the only queue.
package remotewrite
