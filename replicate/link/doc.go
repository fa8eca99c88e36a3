// Package link is what a box knows and does on its own wires: which links are up, the virtual address it holds while it
// is the one to ask, and whether it is cut off from everything.
//
// It is a package of its own because it is the only one of the pair that needs netlink, packet sockets and capabilities,
// and because the node needs none of it: a power and a function join them.
package link
