//go:build race

package clustertest

const (
	normalSeeds = 50
	shorter     = 50 // part of the measurements
)
