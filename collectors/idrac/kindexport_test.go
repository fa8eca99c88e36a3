package idrac

import (
	"time"

	"rackpost/collectors"
	"rackpost/collectors/redfish"
	"rackpost/collectors/snmp"
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
				Address: t.Device.Address, User: t.Credentials.User, Password: t.Credentials.Password, LegacyTLS: t.LegacyTLS, LeaveSessions: t.Once,
				Pins: t.Memory, Timeout: t.Timeout, Logger: t.Logger, Rate: 1e6, Burst: 1e6, Clock: clock,
			})
		}
		return made, err
	}
	return k
}
