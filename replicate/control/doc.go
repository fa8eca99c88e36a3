// Package control is what a pair agrees on: documents with versions, claims, tokens and the feature level, changed only by commands in one order. It does no I/O and reads no clock.
//
// A [Machine] applies commands as Raft commits them. Equal commands in equal order make equal states, byte for byte, on
// every member; a command that is refused is refused everywhere, in the same words, and changes nothing.
package control
