package scrub

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// MinKey is the fewest bytes of a key.
const MinKey = 16

// keyed makes pseudonyms out of a key. It has no state.
type keyed []byte

// sum is the keyed hash of the parts under a label.
func (k keyed) sum(label string, parts ...[]byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(label))
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	var out [sha256.Size]byte
	h.Sum(out[:0])
	return out
}

// stream returns n bytes that depend on all the parts.
func (k keyed) stream(n int, label string, parts ...[]byte) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for block := byte(0); len(out) < n; block++ {
		sum := k.sum(label, append(parts, []byte{block})...)
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// word is a pseudonym of letters and digits that tells nothing of the length of what it
// stands for.
func (k keyed) word(label, s string, try byte) string {
	sum := k.sum(label, []byte(s), []byte{try})
	return label + "-" + hex.EncodeToString(sum[:4])
}

// rounds of the Feistel network; seven are enough for halves of any size, of which the
// shortest hold no identity.
const rounds = 8

// shape replaces the letters and digits of s by others: a digit by a digit, a letter by a letter
// of the same case. Two different texts never become the same one, and the case of a letter
// does not change which letter replaces it.
func (k keyed) shape(s string) string {
	digits, radix := make([]int, 0, len(s)), make([]int, 0, len(s))
	form := make([]byte, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits, radix, form[i] = append(digits, int(c-'0')), append(radix, 10), '0'
		case c >= 'a' && c <= 'z':
			digits, radix, form[i] = append(digits, int(c-'a')), append(radix, 26), 'a'
		case c >= 'A' && c <= 'Z':
			digits, radix, form[i] = append(digits, int(c-'A')), append(radix, 26), 'A'
		default:
			form[i] = c
		}
	}
	k.permute(digits, radix, []byte(strings.ToLower(string(form))))
	out, next := []byte(s), 0
	for i := range out {
		if isAlnum(s[i]) {
			out[i] = form[i] + byte(digits[next])
			next++
		}
	}
	return string(out)
}

// permute maps the digits one to one onto all others of these radices.
func (k keyed) permute(digits, radix []int, form []byte) {
	half := (len(digits) + 1) / 2
	for round := range rounds {
		from, to, r := digits[half:], digits[:half], radix[:half]
		if round%2 == 1 {
			from, to, r = digits[:half], digits[half:], radix[half:]
		}
		other := make([]byte, len(from))
		for i, d := range from {
			other[i] = byte(d)
		}
		for i, b := range k.stream(2*len(to), "shape", []byte{byte(round)}, form, other) {
			if i%2 == 0 {
				to[i/2] = (to[i/2] + int(b)) % r[i/2]
			} else {
				to[i/2] = (to[i/2] + 256*int(b)) % r[i/2]
			}
		}
	}
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// lower is s in lower case, byte for byte.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
