package enroll_test

import (
	"testing"

	"rackpost/replicate/enroll"
)

// TestGoldenToken: what a person copied yesterday is read tomorrow.
func TestGoldenToken(t *testing.T) {
	t.Parallel()
	const text = "rackpost-301HJ-899PK-8XC6F-JYMBE-KJPVW-XKZ0Z-ZFQET-3N676-QAPTP-14W6W-F5P50-YMN4Q"
	token, err := enroll.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	if token.Text() != text || token.ID() != "aafc1409" {
		t.Errorf("it is read as %s, %s", token.Text(), token.ID())
	}
}
