//go:build race

package clustertest

const normalSeeds = 50
