// Package mode decides what a box of a pair is and may do: the words of the pair, and a pure
// core that turns what was seen into the next mode and what is to be done. It does no I/O and
// reads no clock.
package mode
