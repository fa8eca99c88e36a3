package scrub

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// piece is a part of a text; a settled one is not looked at again.
type piece struct {
	text    string
	low     string // the text in lower case, once it was asked for
	settled bool
}

// manner is how a text is treated.
type manner uint8

const (
	trusted   manner = iota // kept but for what was learned or has the form of an address
	versioned               // the same, and a dotted quad is an address only if it was seen as one
	denied                  // replaced word by word
)

// text replaces what identifies in a text.
func (s *Scrubber) text(v string, how manner) string {
	key := string(rune('0'+how)) + v
	if out, ok := s.memo[key]; ok {
		return out
	}
	pieces := []piece{{text: v}}
	pieces = s.learned(pieces)
	pieces = s.hexMACs(pieces)
	pieces = s.forms(pieces, s.grammar.mac, func(before, m, _ string) (string, bool) { return s.macText(m), !joined(before) })
	pieces = s.forms(pieces, s.grammar.ipv6, s.ipv6Text)
	pieces = s.forms(pieces, s.grammar.ipv4, func(before, m, after string) (string, bool) { return s.ipv4Text(before, m, after, how) })
	if how == denied {
		pieces = s.forms(pieces, s.grammar.port, func(before, m, after string) (string, bool) { return m, true })
	}
	var b strings.Builder
	for _, p := range pieces {
		switch {
		case p.settled || how != denied:
			b.WriteString(p.text)
		default:
			s.wordByWord(&b, p.text)
		}
	}
	if len(s.memo) < maxMemo {
		s.memo[key] = b.String()
	}
	return b.String()
}

// forms settles all that matches in the pieces that are not.
func (s *Scrubber) forms(pieces []piece, form *regexp.Regexp, replace func(before, match, after string) (string, bool)) []piece {
	var out []piece
	for _, p := range pieces {
		if p.settled {
			out = append(out, p)
			continue
		}
		from := 0
		for _, at := range form.FindAllStringIndex(p.text, -1) {
			r, ok := replace(p.text[:at[0]], p.text[at[0]:at[1]], p.text[at[1]:])
			if !ok {
				continue
			}
			out = append(out, piece{text: p.text[from:at[0]]}, piece{text: r, settled: true})
			from = at[1]
		}
		out = append(out, piece{text: p.text[from:]})
	}
	return out
}

// learned settles the names, serial numbers and addresses that were learned, the longest
// first. Pieces is one, the whole text.
func (s *Scrubber) learned(pieces []piece) []piece {
	for _, at := range s.candidates(lower(pieces[0].text)) {
		l := &s.secrets[at]
		for i := 0; i < len(pieces); i++ {
			if pieces[i].settled || len(pieces[i].text) < len(l.plain) {
				continue
			}
			if pieces[i].low == "" {
				pieces[i].low = lower(pieces[i].text)
			}
			at := l.find(pieces[i].low)
			if at < 0 {
				continue
			}
			t := pieces[i].text
			split := []piece{{text: t[:at]}, {text: l.replace(t[at : at+len(l.plain)]), settled: true}, {text: t[at+len(l.plain):]}}
			pieces = append(pieces[:i], append(split, pieces[i+1:]...)...)
			i++ // the rest behind it is looked at next
		}
	}
	return pieces
}

// candidates are the secrets that may stand in a text of lower case, in their order: those of which
// it holds the beginning.
func (s *Scrubber) candidates(low string) []int {
	found := slices.Clone(s.short)
	for i := 0; i+minSecret <= len(low); i++ {
		found = append(found, s.begins[low[i:i+minSecret]]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// hexMACs settles the MAC addresses that were seen as octets, where they stand as twelve digits
// within a row of them.
func (s *Scrubber) hexMACs(pieces []piece) []piece {
	var out []piece
	for _, p := range pieces {
		from, run := 0, 0
		for i := 0; i < len(p.text) && !p.settled; i++ {
			if run++; !isHex(p.text[i]) {
				run = 0
			}
			if run < 12 {
				continue
			}
			at := i - 11
			if m := p.text[at : i+1]; s.macs[parseMAC(m)] {
				out = append(out, piece{text: p.text[from:at]}, piece{text: s.macText(m), settled: true})
				from, run = i+1, 0
			}
		}
		out = append(out, piece{text: p.text[from:], settled: p.settled})
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// secret is a text that identifies, wherever it stands.
type secret struct {
	plain   string // in lower case
	whole   bool   // only where it is a word of its own
	replace func(string) string
}

// find returns where it begins in a text of lower case, or -1.
func (l *secret) find(low string) int {
	for from := 0; ; {
		at := strings.Index(low[from:], l.plain)
		if at < 0 {
			return -1
		}
		at += from
		end := at + len(l.plain)
		if !l.whole || (at == 0 || !isAlnum(low[at-1])) && (end == len(low) || !isAlnum(low[end])) {
			return at
		}
		from = at + 1
	}
}

// wordByWord writes a text with its words replaced; what stands between them stays.
func (s *Scrubber) wordByWord(b *strings.Builder, t string) {
	for t != "" {
		n, ascii := wordLength(t)
		if n == 0 {
			b.WriteByte(t[0])
			t = t[1:]
			continue
		}
		w := t[:n]
		t = t[n:]
		switch {
		case s.grammar.known[lower(w)]:
			b.WriteString(w)
		case ascii:
			b.WriteString(s.shapeOf(w))
		default:
			b.WriteString(s.nameOf(w))
		}
	}
}

// shapeOf is shape, remembered: descriptions say the same words again and again.
func (s *Scrubber) shapeOf(w string) string {
	if out, ok := s.shapes[w]; ok {
		return out
	}
	out := s.shape(w)
	if len(s.shapes) < maxMemo {
		s.shapes[w] = out
	}
	return out
}

// wordLength returns the length of the word a text begins with, and whether it is ASCII.
func wordLength(t string) (n int, ascii bool) {
	ascii = true
	for n < len(t) && (isAlnum(t[n]) || t[n] >= utf8.RuneSelf) {
		ascii = ascii && t[n] < utf8.RuneSelf
		n++
	}
	return n, ascii
}

// joined reports whether a text ends within a word.
func joined(before string) bool { return before != "" && isAlnum(before[len(before)-1]) }

func (s *Scrubber) macText(m string) string { return likeMAC(m, s.addresses.mac(parseMAC(m))) }

// parseMAC reads twelve digits, whatever is between them.
func parseMAC(m string) [6]byte {
	var a [6]byte
	n := 0
	for i := range len(m) {
		if isHex(m[i]) && n < 12 {
			d, _ := strconv.ParseUint(m[i:i+1], 16, 8) // it is a digit
			a[n/2] = a[n/2]<<4 | byte(d)
			n++
		}
	}
	return a
}

// likeMAC writes an address with the separators and the case of m.
func likeMAC(m string, a [6]byte) string {
	digits := "0123456789abcdef"
	if up := strings.ToUpper(m); up == m && up != strings.ToLower(m) {
		digits = "0123456789ABCDEF"
	}
	out, n := []byte(m), 0
	for i := range out {
		if isAlnum(out[i]) {
			out[i] = digits[a[n/2]>>(4-n%2*4)&15]
			n++
		}
	}
	return string(out)
}

func (s *Scrubber) ipv6Text(before, m, after string) (string, bool) {
	a, err := netip.ParseAddr(m)
	if err != nil || joined(before) || after != "" && (isAlnum(after[0]) || after[0] == ':') {
		return "", false
	}
	return netip.AddrFrom16(s.addresses.ipv6(a.As16())).String(), true
}

func (s *Scrubber) ipv4Text(before, m, after string, how manner) (string, bool) {
	var a [4]byte
	for i, f := range strings.Split(m, ".") {
		n, err := strconv.ParseUint(f, 10, 8)
		if err != nil {
			return "", false
		}
		a[i] = byte(n)
	}
	digit := func(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	end := len(before) - 1
	switch {
	case digit(before, end), digit(after, 0), end > 0 && before[end] == '.' && digit(before, end-1), strings.HasPrefix(after, ".") && digit(after, 1):
		return "", false // part of something longer
	case how != denied && !s.seen[a] && (how == versioned || isVersion(before)):
		return m, true
	}
	return netip.AddrFrom4(s.addresses.ipv4(a)).String(), true
}

// isVersion reports whether what follows this text is the number of a version.
func isVersion(before string) bool {
	low := strings.TrimRight(lower(before), " :(,")
	return strings.HasSuffix(low, "version") || strings.HasSuffix(low, "release") || strings.HasSuffix(lower(before), "v") && !joined(before[:len(before)-1])
}
