package cisco_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rackpost/hw"
)

// firewallTrees are the subtrees whose rows are spoiled; the parts and names of interfaces
// are left alone: a device that tells another name has another part.
var firewallTrees = []string{
	"1.3.6.1.4.1.9.9.109.", "1.3.6.1.4.1.9.9.147.", "1.3.6.1.4.1.9.9.171.", "1.3.6.1.4.1.9.9.221.", "1.3.6.1.4.1.9.9.392.", "1.3.6.1.4.1.3076.", "1.3.6.1.2.1.99.",
}

// spoiled drops some rows of a firewall, turns others into what they are not, and puts all
// into another order.
func spoiled(lines []byte, rng *rand.Rand) []byte {
	var out [][]byte
	for line := range bytes.Lines(lines) {
		oid, rest, _ := strings.Cut(string(line), "|")
		other := "4x|ff00ff" // no text is one, and no number is text
		if strings.HasPrefix(rest, "4") {
			other = "2|-7"
		}
		if !slices.ContainsFunc(firewallTrees, func(p string) bool { return strings.HasPrefix(oid, p) }) {
			out = append(out, line)
			continue
		}
		switch rng.IntN(12) {
		case 0, 1:
		case 2:
			out = append(out, fmt.Appendf(nil, "%s|5|\n", oid))
		case 3:
			out = append(out, fmt.Appendf(nil, "%s|%s\n", oid, other))
		default:
			out = append(out, line)
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return bytes.Join(out, nil)
}

// Whatever of a firewall is missing or spoiled: what is told of the rest is what the whole
// device says, under the same names.
func TestFirewallSpoiled(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"asa", "ftd_1140"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := raw(t, name)
			whole := visiting(t, asa, recorded(t, lines)).all()
			for seed := range uint64(20) {
				r := visiting(t, asa, recorded(t, spoiled(lines, rand.New(rand.NewPCG(seed, 1))))).all()
				for path, c := range r.parts {
					was, ok := whole.parts[path]
					if !ok {
						t.Errorf("seed %d: %s is no part of the device", seed, path)
						continue
					}
					if c.Health > hw.OK && c.Health != was.Health {
						t.Errorf("seed %d: %s is %v, was %v", seed, path, c.Health, was.Health)
					}
					for _, a := range c.State {
						if a.Value != was.State.Get(a.Key) && strings.HasPrefix(path, "failover/") && a.Key != "detail" {
							t.Errorf("seed %d: %s %s is %q, was %q", seed, path, a.Key, a.Value, was.State.Get(a.Key))
						}
					}
				}
				for key, s := range r.samples {
					if was, ok := whole.samples[key]; s.Absent == "" && (!ok || was.Absent == "") && (s.Count != was.Count || s.Gauge != was.Gauge) {
						t.Errorf("seed %d: %s is %d %v, was %d %v", seed, key, s.Count, s.Gauge, was.Count, was.Gauge)
					}
				}
			}
		})
	}
}
