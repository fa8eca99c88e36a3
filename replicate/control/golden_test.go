package control_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// TestGolden: members of different versions are in one pair while they are updated, so the bytes never change. Another sum
// here is another format: it needs a kind or a format number of its own.
func TestGolden(t *testing.T) {
	t.Parallel()
	commands := sha256.Sum256(bytes.Join(some(t), nil))
	state := filled(t).Sum()
	for what, c := range map[string]struct {
		got  [32]byte
		want string
	}{
		"commands": {commands, "b1962b6a02d41362253e69eb7cd40a2a51506af1f14040a9caacdfb4966693fc"},
		"state":    {state, "bba82d3f0c8070af400b9e866f1ecc09f65d8e51569b6446e2b098aac0e22f69"},
	} {
		if got := hex.EncodeToString(c.got[:]); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
