package trust_test

import (
	"testing"

	"rackpost/replicate/mode"
	"rackpost/replicate/trust"
)

// TestGoldenTokens: what a person copied yesterday is read tomorrow.
func TestGoldenTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		id   string
		role mode.Role
	}{
		"rackpost-2400N-20G37-0G2GK-C1R8Y-1450F-P30DE-003GZ-W58W4-4CN3W-2E1ZD-8S6N8-8PWR7": {"493f7bd4", mode.Box},
		"rackpost-241H0-899PK-8XC6F-JYMBE-KJPVW-XKZ0Z-ZFQET-3N676-QAPTP-14W6W-F5P50-YMKAS": {"9996e66f", mode.Box},
		"rackpost-281HN-899PK-8XC6F-JYMBE-KJPVW-XKZ0Z-ZFQET-3N676-QAPTP-14W6W-F5P50-YMNQF": {"910ef800", mode.Witness},
	} {
		token, err := trust.ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		if token.Text() != text || token.ID() != want.id || token.Role() != want.role {
			t.Errorf("%s is read as %s, %s, %s", text, token.Text(), token.ID(), token.Role())
		}
	}
}
