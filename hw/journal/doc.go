// Package journal is the form of what a box remembers: batches, records, layouts, vectors
// and bases as bytes. docs/journal.md is its specification. It does no I/O.
package journal
