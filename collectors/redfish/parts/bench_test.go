package parts_test

import (
	"testing"

	"rackpost/collectors/redfish"
	"rackpost/collectors/redfish/parts"
)

// Thermal and Power of the recorded R750, from the bytes to the parts: what section environment costs beside the network.
func BenchmarkEnvironment(b *testing.B) {
	d := recorded(b, "r750-idrac9-6.00")
	const chassis = "/redfish/v1/Chassis/System.Embedded.1"
	b.ReportAllocs()
	for b.Loop() {
		f := parts.Thermal("s", decoded[redfish.Thermal](b, d, chassis+"/Thermal"), parts.Names{})
		p := parts.Power("s", decoded[redfish.Power](b, d, chassis+"/Power"), parts.Names{})
		if len(f.Parts) < 10 || len(p.Parts) < 50 {
			b.Fatal(len(f.Parts), len(p.Parts))
		}
	}
}
