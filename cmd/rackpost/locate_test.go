package main

import (
	"testing"

	"rackpost/web"
)

func TestWhichPartIsMeant(t *testing.T) {
	t.Parallel()
	p := web.RaidPart{Path: "drive/Disk.Bay.0:Enclosure.Internal.0-1", Title: "bay 0 of Enclosure.Internal.0-1"}
	for part, want := range map[string]bool{
		"bay 0": true, "Bay 0": true, "bay 0 of Enclosure.Internal.0-1": true, p.Path: true, "Disk.Bay.0": true, "Disk.Bay.0:Enclosure.Internal.0-1": true,
		"bay": false, "bay 01": false, "0": false, "": false, "Disk.Bay": false, "bay 0 of AHCI.SL.13-1": false,
	} {
		if got := meant(p, part); got != want {
			t.Errorf("%q: %t, want %t", part, got, want)
		}
	}
}
