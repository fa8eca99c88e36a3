package redfish_test

import (
	"testing"

	"rackpost/collectors/redfish"
)

// An iDRAC8 names a DIMM with a # in the path: it is asked for, and two of them are two.
func TestHashInPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/redfish/v1/Systems/System.Embedded.1/Memory/iDRAC.Embedded.1#DIMMSLOTA1":   "/redfish/v1/Systems/System.Embedded.1/Memory/iDRAC.Embedded.1%23DIMMSLOTA1",
		"/redfish/v1/Systems/System.Embedded.1/Memory/iDRAC.Embedded.1%23DIMMSLOTA1": "/redfish/v1/Systems/System.Embedded.1/Memory/iDRAC.Embedded.1%23DIMMSLOTA1",
		"/redfish/v1/Chassis/1/Thermal#/Fans/0":                                      "/redfish/v1/Chassis/1/Thermal#/Fans/0",
		"/redfish/v1/Chassis/1#":                                                     "/redfish/v1/Chassis/1#",
	} {
		if got := redfish.AsSent(path); got != want {
			t.Errorf("%s is asked for as %s, want %s", path, got, want)
		}
	}
}
