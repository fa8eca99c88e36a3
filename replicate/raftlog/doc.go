// Package raftlog keeps Raft's log, term and vote in one SQLite file, or in memory for the simulator.
//
// What a method has written is synced when it returns. A [*Store] is a raft.LogStore, raft.StableStore,
// raft.MonotonicLogStore and raft.CommitTrackingLogStore, safe for several goroutines.
package raftlog
