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
		"commands": {commands, "0758d45fb2f032ca84828bd124f5f62d5392570cfd1e91f9aa480cf08fd16236"},
		"state":    {state, "95436b1ed8f2456f01e274e8e6a26719906395936e8efc47a4bcbe4e9352e22f"},
	} {
		if got := hex.EncodeToString(c.got[:]); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
}
