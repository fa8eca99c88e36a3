package redfish_test

import (
	"os"
	"testing"

	"rackpost/collectors/redfish"
)

const r750 = "r750-idrac9-6.00"

// TestRecordedCycle: RAID and sensors of a whole server cost at most 15 requests once $expand is believed.
func TestRecordedCycle(t *testing.T) {
	t.Parallel()
	docs, ok := trees(t)[r750]
	if !ok {
		t.Skip("no recorded tree " + r750)
	}
	c := newClient(t, docs.serve(t), nil)
	first := cycle(t, c)
	start := c.Counters()
	second := cycle(t, c)
	now := c.Counters()
	t.Logf("%d drives; first cycle %d requests with the login, then %d and %d bytes", second, start.Requests, now.Requests-start.Requests, now.Received-start.Received)
	if n := now.Requests - start.Requests; n > 15 || first != second || first == 0 {
		t.Errorf("%d requests, %d drives first, then %d", n, first, second)
	}
	if now.Logins != 1 || now.Connections != 1 {
		t.Errorf("counters %+v", now)
	}
}

// cycle reads what a visit every five minutes does, and returns how many drives there are.
func cycle(t *testing.T, c *redfish.Client) (drives int) {
	t.Helper()
	must := func(err error, complete bool) {
		if err != nil || !complete {
			t.Fatalf("not whole: %v", err)
		}
	}
	const base = "/redfish/v1/Systems/System.Embedded.1"
	var system redfish.ComputerSystem
	_, err := c.Get(t.Context(), base, &system)
	must(err, true)
	controllers, err := redfish.ReadMembers[redfish.Storage](t.Context(), c, system.Storage.Path, 64)
	must(err, controllers.Complete)
	for _, s := range controllers.Items {
		if len(s.Value.Drives) == 0 {
			continue
		}
		d, err := redfish.ReadLinked[redfish.Drive](t.Context(), c, s.Path, "Drives", 256)
		must(err, d.Complete)
		v, err := redfish.ReadMembers[redfish.Volume](t.Context(), c, s.Value.Volumes.Path, 256)
		must(err, v.Complete)
		if s.Value.Controllers.Path != "" { // drives on the processor have none
			k, err := redfish.ReadMembers[redfish.StorageController](t.Context(), c, s.Value.Controllers.Path, 16)
			must(err, k.Complete)
		}
		drives += len(d.Items)
	}
	var thermal redfish.Thermal
	_, err = c.Get(t.Context(), "/redfish/v1/Chassis/System.Embedded.1/Thermal", &thermal)
	must(err, len(thermal.Fans) > 0)
	var power redfish.Power
	_, err = c.Get(t.Context(), "/redfish/v1/Chassis/System.Embedded.1/Power", &power)
	must(err, len(power.PowerSupplies) > 0)
	return drives
}

func BenchmarkDecode(b *testing.B) {
	doc, err := os.ReadFile(recordings + "/" + r750 + "/redfish/v1/Chassis/System.Embedded.1/Power/index.json")
	if err != nil {
		b.Skip("no recorded document")
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var p redfish.Power
		if _, err := redfish.Decode(doc, &p); err != nil {
			b.Fatal(err)
		}
	}
}
