// Package store keeps a box's journal in SQLite and is the only writer of its files:
// segments, bases and twins under one folder. Whatever else it shows (state, alerts,
// series) is a fold of the journal and can be rebuilt.
package store
