// Package hw is the vocabulary of a rack and the pure judgements on it: what a device
// is, what a visit yields, and which facts follow from it. It does no I/O and imports
// only the standard library.
package hw
