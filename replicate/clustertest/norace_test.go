//go:build !race

package clustertest

const (
	normalSeeds = 1000
	shorter     = 5 // part of the measurements
)
