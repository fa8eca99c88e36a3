package idrac

import (
	"testing"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/snmp"
	"rackpost/hw"
)

// Unhurried is the kind with a clock of its own and without the pace a real BMC needs.
func Unhurried(clock func() time.Time) collectors.Kind {
	k, pool := Kind(), &snmp.Pool{}
	k.New = func(t collectors.Target) (collectors.Collector, error) {
		made, err := open(t, pool, clock)
		if err != nil {
			return nil, err
		}
		if s := made.(*collector).redfish; s != nil {
			s.client, err = redfish.New(redfish.Config{
				Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password, LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once, Box: t.Box,
				Pins: t.Memory, Timeout: t.Timeout, Logger: t.Logger, Rate: 1e6, Burst: 1e6, Clock: clock,
			})
		}
		return made, err
	}
	return k
}

// JobOf tells a job's document, and whether it is over.
func JobOf(t testing.TB, doc string) (hw.Component, bool) {
	var j dellJob
	if _, err := redfish.Decode([]byte(doc), &j); err != nil {
		t.Fatal(err)
	}
	return j.part("JID_1")
}
