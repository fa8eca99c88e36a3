package control

import "crypto/sha256"

// Seal puts the right SHA-256 at the end of a state.
func Seal(b []byte) []byte {
	end := max(0, len(b)-sha256.Size)
	sum := sha256.Sum256(b[:end])
	return append(append([]byte{}, b[:end]...), sum[:]...)
}
