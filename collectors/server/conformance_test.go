package server_test

import (
	"strings"
	"testing"

	"rackpost/collectors/collectortest"
	"rackpost/collectors/redfish"
	"rackpost/collectors/server"
)

// The promises every collector keeps, against a server that is no Dell.
func TestConformance(t *testing.T) {
	t.Parallel()
	collectortest.Run(t, collectortest.Suite{
		Kind:  server.Kind(),
		Units: []string{"mbps"},
		Start: func(tb testing.TB) collectortest.Device {
			d := simulated(tb, model)
			target := d.target()
			device := collectortest.Device{
				Target:   target,
				Heal:     func() { d.listen(); d.fault("clear", "") },
				Silence:  func() { d.fault("silent", "") },
				Refuse:   d.stop,
				BadLogin: func() { d.fault("bad-login", ""); d.fault("sessions-lost", "") },
				Half:     func() { d.fault("half", "") },
				Huge:     func() { d.fault("huge", "") },
				Garbage:  func() { d.fault("garbage", "") },
				Swap: func() { // a person says that the new certificate is right
					d.fault("other-unit", "")
					if err := target.Memory.Learn(redfish.CertificatePin, d.bmc.Fingerprint()); err != nil {
						tb.Error(err)
					}
				},
				Sessions: d.bmc.Sessions,
				InFlight: d.bmc.MostInFlight,
			}
			if strings.HasSuffix(tb.Name(), "works_again") {
				device.BadLogin = nil // after a refused login none is tried for longer than a test may take
			}
			return device
		},
	})
}
