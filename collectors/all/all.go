// Package all lists the kinds of devices that can be visited.
package all

import (
	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/idrac"
	"rackpost/collectors/server"
)

// Kinds returns every kind, one line a kind.
func Kinds() []collectors.Kind {
	return []collectors.Kind{
		cisco.Catalyst(),
		cisco.ASA(),
		idrac.Kind(),
		server.Kind(),
	}
}
