package hw_test

import (
	"fmt"
	"testing"
	"time"

	"rackpost/hw"
)

func ports(n int) []hw.Component {
	c := make([]hw.Component, n)
	for i := range c {
		c[i] = port(fmt.Sprintf("Gi1/0/%d", i), "up", "up", "to server "+fmt.Sprint(i))
	}
	return c
}

func BenchmarkVisitUnchanged(b *testing.B) {
	for _, n := range []int{60, 800} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := after(complete(0, ports(n)...))
			r := complete(time.Minute, ports(n)...)
			b.ReportAllocs()
			for b.Loop() {
				s.Visit(r)
			}
		})
	}
}

func BenchmarkVisitFirst(b *testing.B) {
	r := complete(0, ports(60)...)
	b.ReportAllocs()
	for b.Loop() {
		after(r)
	}
}

func BenchmarkNormalise(b *testing.B) {
	r := complete(0)
	for _, p := range ports(50) {
		for _, sensor := range []string{"rx_bytes_total", "tx_bytes_total", "rx_errors_total", "tx_errors_total"} {
			r.Samples = append(r.Samples, hw.Sample{Component: p.Path, Sensor: sensor, Type: hw.Counter})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		hw.Normalise(hw.State{}, r)
	}
}
