package keys

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"unicode"
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
	original   = "compare it with the original"
)

var text = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Slip is what is wrong with the text of a token. It repeats nothing of it.
type Slip struct {
	What   string
	Advice string // what to do; empty where that is plain
}

// Error returns what is wrong and what to do.
func (s *Slip) Error() string {
	if s.Advice == "" {
		return s.What
	}
	return s.What + ": " + s.Advice
}

func slip(advice, format string, args ...any) *Slip {
	return &Slip{What: fmt.Sprintf(format, args...), Advice: advice}
}

// Text returns the token for a person to carry over: groups to be read aloud or pasted.
func (t Token) Text() string {
	b := make([]byte, 0, tokenBytes)
	b = append(b, Version<<4|t.Kind&0x0f)
	b = append(b, t.Secret[:]...)
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
// with or without the word rackpost before it. Its error is a *Slip, which names the group where it was made.
func ParseToken(s string) (Token, error) {
	if len(s) > maxText {
		return Token{}, slip("", "this is no token: it has %d characters", len(s))
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
		return Token{}, slip(original, "the token has a slip in group %s of %d", strings.Join(wrong, ", "), groups)
	}
	b, err := text.DecodeString(symbols.String())
	if err != nil || len(b) != tokenBytes {
		return Token{}, slip(original, "the token is damaged")
	}
	return tokenOf(b)
}

func tokenOf(b []byte) (Token, error) {
	body, check := b[:len(b)-1], b[len(b)-1]
	switch version := body[0] >> 4; {
	case whole(body) != check:
		return Token{}, slip(original, "the token has slips in more than one place")
	case version != Version:
		return Token{}, slip("update the older of the two machines", "the token is of version %d, this program knows %d", version, Version)
	}
	t := Token{Kind: body[0] & 0x0f}
	copy(t.Secret[:], body[1:])
	copy(t.ca[:], body[1+SecretBytes:])
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
				return nil, slip(original, "group %d of %d has %d characters instead of %d", g+1, groups, len(part), groupSize)
			}
		}
	}
	all := strings.Join(parts, "")
	if len(all) != groups*groupSize {
		return nil, slip("copy all of it", "a token has %d groups of %d characters, this has %d characters", groups, groupSize, len(all))
	}
	list := make([]string, groups)
	for g := range list {
		part, ok := symbolsOf(all[g*groupSize : (g+1)*groupSize])
		if !ok {
			return nil, slip(original, "group %d of %d has a character that no token has", g+1, groups)
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

// groupCheck is a weighted sum over GF(32). The weights of the places differ, and none is 1, so one wrong
// character or two exchanged ones change it; the group's own term finds exchanged groups.
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
