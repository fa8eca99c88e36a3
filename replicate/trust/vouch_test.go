package trust_test

import (
	"slices"
	"testing"

	"rackpost/replicate/trust"
)

// TestOnlyBoxesVouch: what a box says every member can check; a witness can say nothing for the pair, and neither can another pair.
func TestOnlyBoxesVouch(t *testing.T) {
	t.Parallel()
	north, south, witness := pair(t)
	statement := []byte("north is a box")
	proof := north.Vouch(statement)
	for range 2 { // the second time it is remembered
		for _, m := range []*machine{north, south, witness} {
			if !m.Vouched(statement, proof) {
				t.Error("what a box said is not believed")
			}
		}
	}
	if witness.Vouch(statement) != nil {
		t.Error("a witness vouches")
	}
	changed := slices.Clone(proof)
	changed[3] ^= 1
	for what, no := range map[string]bool{
		"another statement": south.Vouched([]byte("eve is a box"), proof), "another proof": south.Vouched(statement, changed), "no proof": south.Vouched(statement, nil),
		"no statement": south.Vouched(nil, north.Vouch(nil)), "another pair": south.Vouched(statement, found(t).Vouch(statement)),
	} {
		if no {
			t.Errorf("%s is believed", what)
		}
	}
}

// TestVouchedIsBounded: what is remembered has an end, and what is forgotten is checked again.
func TestVouchedIsBounded(t *testing.T) {
	t.Parallel()
	north := found(t)
	var statements, proofs [][]byte
	for i := range trust.MostVouched + 10 {
		s := []byte{byte(i), byte(i >> 8), 'x'}
		statements, proofs = append(statements, s), append(proofs, north.Vouch(s))
		if !north.Vouched(s, proofs[i]) {
			t.Fatal("not believed")
		}
	}
	if n := trust.Remembered(north.Keeper); n > trust.MostVouched {
		t.Errorf("%d are remembered", n)
	}
	if !north.Vouched(statements[0], proofs[0]) {
		t.Error("the first one is not believed any more")
	}
}
