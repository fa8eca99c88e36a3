// Package intaketest is a headquarters of the real parts, with the store and the register, and sites that come
// from memory: for tests and benchmarks.
package intaketest
