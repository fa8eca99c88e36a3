package cisco_test

import (
	"testing"

	"rackpost/collectors"
	"rackpost/collectors/cisco"
	"rackpost/collectors/sim"
)

// Whatever a visit yields stands in docs/sensors.md, which is written from the tables.
func TestEveryReadingIsDocumented(t *testing.T) {
	t.Parallel()
	for _, model := range sim.Models() {
		t.Run(model, func(t *testing.T) {
			t.Parallel()
			d := modelled(t, model, sim.ModelOptions{})
			kind := catalyst
			if d.Kind() == asa.Name {
				kind = asa
			}
			wantDocumented(t, kind, d)
		})
	}
	for _, name := range everyRecording {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantDocumented(t, kindOf(name), recorded(t, raw(t, name)))
		})
	}
}

func wantDocumented(t *testing.T, kind collectors.Kind, d *sim.Device) {
	t.Helper()
	sensors, words := cisco.Documented(kind.Name)
	r := visiting(t, kind, d).all()
	told := map[string]bool{}
	for _, s := range r.Samples {
		if !sensors[s.Sensor] && !told[s.Sensor] {
			told[s.Sensor] = true
			t.Errorf("%s: no table says sensor %s", s.Component, s.Sensor)
		}
	}
	for _, c := range r.Components {
		for _, a := range append(c.State[:len(c.State):len(c.State)], c.Attrs...) {
			if !words[a.Key] && !told[a.Key] {
				told[a.Key] = true
				t.Errorf("%s: no table says %s", c.Path, a.Key)
			}
		}
	}
}
