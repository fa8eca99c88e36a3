package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"

	"rackpost/replicate/mode"
)

// The text of a token: 12 groups of 5 characters. The first 4 of a group carry 20 bits, the fifth
// checks the group and its place, so that a slip is found in the group where it was made.
const (
	alphabet   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's: no I, L, O, U
	groups     = 12
	groupSize  = 5
	tokenBytes = groups * (groupSize - 1) * 5 / 8
	maxText    = 1 << 10
	tokenHead  = "rackpost"
	siteKind   = 8 // what the tokens of headquarters have in place of a role: replicate/enroll
)

var text = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Text returns the token for a person to carry over: groups to be read aloud or pasted.
func (t Token) Text() string {
	b := make([]byte, 0, tokenBytes)
	b = append(b, tokenVersion<<4|byte(t.role))
	b = append(b, t.secret[:]...)
	b = append(b, t.ca[:]...)
	b = append(b, whole(b))
	symbols := text.EncodeToString(b)
	var out strings.Builder
	out.WriteString(tokenHead)
	for g := range groups {
		part := symbols[g*(groupSize-1) : (g+1)*(groupSize-1)]
		out.WriteByte('-')
		out.WriteString(part)
		out.WriteByte(alphabet[groupCheck(g, part)])
	}
	return out.String()
}

// whole checks all groups at once.
func whole(b []byte) byte {
	sum := sha256.Sum256(append([]byte("rackpost token 1"), b...))
	return sum[0]
}

// ParseToken reads what Text wrote, as a person typed it: in any case, with any separators or none,
// with or without the word rackpost before it. Its error names the group with a slip and repeats
// nothing of the token.
func ParseToken(s string) (Token, error) {
	if len(s) > maxText {
		return Token{}, refuse(Malformed, "this is no token: it has %d characters", len(s))
	}
	parts, err := splitGroups(s)
	if err != nil {
		return Token{}, err
	}
	var symbols strings.Builder
	var wrong []string
	for g, part := range parts {
		if at := strings.IndexByte(alphabet, part[groupSize-1]); groupCheck(g, part[:groupSize-1]) != at {
			wrong = append(wrong, fmt.Sprint(g+1))
		}
		symbols.WriteString(part[:groupSize-1])
	}
	if len(wrong) > 0 {
		return Token{}, refuse(Malformed, "the token has a slip in group %s of %d: compare it with the original", strings.Join(wrong, ", "), groups)
	}
	b, err := text.DecodeString(symbols.String())
	if err != nil {
		return Token{}, refuse(Malformed, "the token is damaged: compare it with the original")
	}
	return tokenOf(b)
}

func tokenOf(b []byte) (Token, error) {
	head, b, check := b[0], b[1:len(b)-1], b[len(b)-1]
	if whole(append([]byte{head}, b...)) != check {
		return Token{}, refuse(Malformed, "the token has slips in more than one place: compare it with the original")
	}
	if head>>4 != tokenVersion {
		return Token{}, refuse(Malformed, "the token is of version %d, this program knows %d: update the older of the two machines", head>>4, tokenVersion)
	}
	if head&0x0f == siteKind {
		return Token{}, refuse(Malformed, "the token lets a site send to headquarters, not a machine into a pair: give it to \"rackpost uplink join\"; here one of \"rackpost pair token\" belongs")
	}
	t := Token{role: mode.Role(head & 0x0f)}
	if t.role != mode.Box && t.role != mode.Witness {
		return Token{}, refuse(Malformed, "the token is for a role that this version does not know: update this machine")
	}
	r := bytes.NewReader(b)
	for _, to := range [][]byte{t.secret[:], t.ca[:]} {
		if _, err := r.Read(to); err != nil {
			return Token{}, refuse(Malformed, "the token is damaged: compare it with the original")
		}
	}
	return t, nil
}

// splitGroups returns the groups in the alphabet's own characters.
func splitGroups(s string) ([]string, error) {
	s = strings.TrimSpace(s)
	if len(s) >= len(tokenHead) && strings.EqualFold(s[:len(tokenHead)], tokenHead) {
		s = s[len(tokenHead):]
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("-_.,–—", r) })
	if len(parts) == groups {
		for g, part := range parts {
			if len(part) != groupSize {
				return nil, refuse(Malformed, "group %d of %d has %d characters instead of %d: compare it with the original", g+1, groups, len(part), groupSize)
			}
		}
	}
	all := strings.Join(parts, "")
	if len(all) != groups*groupSize {
		return nil, refuse(Malformed, "a token has %d groups of %d characters, this has %d characters: copy all of it", groups, groupSize, len(all))
	}
	list := make([]string, groups)
	for g := range list {
		part, ok := symbolsOf(all[g*groupSize : (g+1)*groupSize])
		if !ok {
			return nil, refuse(Malformed, "group %d of %d has a character that no token has: compare it with the original", g+1, groups)
		}
		list[g] = part
	}
	return list, nil
}

// symbolsOf reads what looks alike as the same.
func symbolsOf(s string) (string, bool) {
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return "", false
		}
	}
	return s, len(s) == groupSize
}

// groupCheck is a weighted sum over GF(32). The weights of the places differ, and none is 1, so one
// wrong character or two exchanged ones change it; the group's own term finds exchanged groups.
func groupCheck(group int, part string) int {
	sum := power(group)
	for i := range len(part) {
		sum ^= multiply(power(i+1), strings.IndexByte(alphabet, part[i]))
	}
	return sum
}

// power returns 2 to the n in GF(32); it differs for n from 0 to 30.
func power(n int) int {
	p := 1
	for range n {
		p = multiply(p, 2)
	}
	return p
}

// multiply is done in GF(32) modulo x^5 + x^2 + 1.
func multiply(a, b int) int {
	product := 0
	for ; b > 0; b >>= 1 {
		if b&1 != 0 {
			product ^= a
		}
		if a <<= 1; a&0x20 != 0 {
			a ^= 0x25
		}
	}
	return product
}
