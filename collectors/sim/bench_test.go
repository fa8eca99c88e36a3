package sim_test

import (
	"testing"

	"github.com/gosnmp/gosnmp"

	"rackpost/collectors/sim"
)

// BenchmarkAnswer answers GETBULK of eight counter columns, cut at 1,472 bytes, without a socket.
func BenchmarkAnswer(b *testing.B) {
	d := model(b, "catalyst-3750-48ps", sim.ModelOptions{Members: 1})
	var names []string
	for _, column := range []string{"06", "07", "08", "09", "0a", "0b", "0c", "0d"} {
		names = append(names, "060a2b060102011f010101"+column)
	}
	ask := request(1, "public", 0xa5, 0, 30, names...)
	b.ReportAllocs()
	for b.Loop() {
		if len(sim.Answer(d, ask, 1472)) < 1400 {
			b.Fatal("short answer")
		}
	}
}

// BenchmarkRecorded is the same of a recording, whose objects are encoded beforehand.
func BenchmarkRecorded(b *testing.B) {
	d := recorded(b, table)
	ask := request(1, "public", 0xa5, 0, 9, "06082b06010201020201")
	b.ReportAllocs()
	for b.Loop() {
		if len(sim.Answer(d, ask, 1472)) == 0 {
			b.Fatal("no answer")
		}
	}
}

// BenchmarkUDP is one request at a time over a socket, the client's work included.
func BenchmarkUDP(b *testing.B) {
	c := client(b, serve(b, model(b, "catalyst-3750-48ps", sim.ModelOptions{Members: 1}), sim.AgentOptions{}), gosnmp.Version2c)
	for b.Loop() {
		if _, err := c.GetBulk([]string{ifXTable + ".6", ifXTable + ".10"}, 0, 20); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkModel builds a device.
func BenchmarkModel(b *testing.B) {
	for b.Loop() {
		model(b, "catalyst-3750-48ps", sim.ModelOptions{})
	}
}
