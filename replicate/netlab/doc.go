// Package netlab builds small networks for tests: hosts that are network namespaces, a switch between them, cables, and
// what goes wrong with them. A namespace lives as long as a process that holds it, so a test that is killed leaves nothing.
//
// A test that starts programs gives them to Host.Command. A test whose own code has to be on the network runs in Alone.
package netlab
