// Package discovery asks what stands at a list of addresses, and bothers no network with it:
// one address of a subnet at a time, few subnets at once, few requests a second, each
// credentials once.
package discovery
