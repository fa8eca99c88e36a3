package sim_test

import (
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

func TestMostInFlight(t *testing.T) {
	t.Parallel()
	d := model(t, "catalyst-2960x", sim.ModelOptions{})
	addr := serve(t, d, sim.AgentOptions{})
	if n := d.MostInFlight(); n != 0 {
		t.Errorf("%d requests in flight before the first", n)
	}
	c := client(t, addr, gosnmp.Version2c)
	for range 200 {
		get(t, c, upTime)
	}
	if n := d.MostInFlight(); n != 1 {
		t.Errorf("%d requests of a client that waits for each answer were in flight at once", n)
	}
	if err := d.Fault("slow", "100ms"); err != nil {
		t.Fatal(err)
	}
	var asking sync.WaitGroup
	for range 3 {
		c := client(t, addr, gosnmp.Version2c)
		asking.Go(func() {
			if _, err := c.Get([]string{upTime}); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if n := d.MostInFlight(); n != 3 {
		t.Errorf("%d of three requests to a slow device were in flight at once", n)
	}
}

// TestUnansweredAreNotInFlight asks a silent device: nothing waits for an answer that never comes.
func TestUnansweredAreNotInFlight(t *testing.T) {
	t.Parallel()
	d := model(t, "catalyst-2960x", sim.ModelOptions{})
	c := client(t, serve(t, d, sim.AgentOptions{}), gosnmp.Version2c)
	c.Timeout, c.Retries = 20*time.Millisecond, 0
	if err := d.Fault("silent", ""); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := c.Get([]string{upTime}); err == nil {
			t.Error("a silent device has answered")
		}
	}
	if n := d.MostInFlight(); n != 1 {
		t.Errorf("%d requests in flight at once, want 1", n)
	}
}
