package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBudgetForThreeDays: a budget that does not last for 72 h of what the devices bring is told of, with one that does.
func TestBudgetForThreeDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		budget, policy string
		devices        int
		want           string // in the note; none when empty
	}{
		"a rack":         {"1GB", "", 122, ""},
		"many devices":   {"1GB", "", 900, "box.yaml:3:9: budget: 1GB holds about 26 h of what 900 devices bring; 72 h of it are sent again to a headquarters that was cut off or put back: write 3GB or more"},
		"read often":     {"1GB", "policy: {periods: {ports: 1s}}\n", 60, "write "},
		"the usual":      {"", "", 1000, ""},
		"one that lasts": {"8GB", "", 900, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			box := "name: a\ndata: data\n"
			if c.budget != "" {
				box += "budget: " + c.budget + "\n"
			}
			box += "site: site.yaml\nsocket: sock\n"
			var site strings.Builder
			site.WriteString("site: {id: 6f1c0d3e-9c1b-4b5e-8f57-2d7b1f7a9a01, name: FRA-3}\ncredentials: {sw: {community: {file: community}}}\n" + c.policy + "devices:\n")
			for n := range c.devices {
				fmt.Fprintf(&site, "  - {id: sw-%d, kind: cisco-catalyst, address: 192.0.%d.%d, credentials: sw}\n", n, n/250, n%250+1)
			}
			for file, text := range map[string]string{"box.yaml": box, "site.yaml": site.String(), "community": "public\n"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			right, notes, err := checkFile(filepath.Join(dir, "box.yaml"))
			if err != nil || right != deviceCount(c.devices) {
				t.Fatalf("%q %v", right, err)
			}
			if said := notes.Error(); !strings.Contains(said, c.want) || (c.want == "") != (len(notes) == 0) {
				t.Errorf("notes: %s", said)
			}
		})
	}
}
