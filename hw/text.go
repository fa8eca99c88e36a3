package hw

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what a device may say of itself.
const (
	maxText  = 1024 // bytes of one text
	maxAttrs = 64   // of one component's State or Attrs
)

// clean returns s as valid UTF-8 without control characters and at most maxText bytes.
// It returns s itself, without allocating, when nothing has to change.
func clean(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxText {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isClean(s string) bool {
	if len(s) > maxText {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
		}
	}
	return true
}

// clean returns a with clean texts, in order of key, without empty keys and values; of two
// with one key the first stays. It is a itself where there is nothing to clean: a box holds
// a hundred thousand of these, and those of a report do not change.
func (a Attrs) clean() Attrs {
	if len(a) == 0 {
		return nil
	}
	if a.isClean() {
		return a
	}
	c := make(Attrs, 0, min(len(a), maxAttrs))
	for _, x := range a {
		x = Attr{clean(x.Key), clean(x.Value)}
		if x.Key == "" || x.Value == "" {
			continue
		}
		if len(c) == maxAttrs {
			break
		}
		c = append(c, x)
	}
	slices.SortStableFunc(c, func(x, y Attr) int { return cmp.Compare(x.Key, y.Key) })
	return slices.CompactFunc(c, func(x, y Attr) bool { return x.Key == y.Key })
}

func (a Attrs) isClean() bool {
	if len(a) > maxAttrs {
		return false
	}
	for i, x := range a {
		if x.Key == "" || x.Value == "" || !isClean(x.Key) || !isClean(x.Value) || i > 0 && a[i-1].Key >= x.Key {
			return false
		}
	}
	return true
}

// ShellWord returns s as a shell reads it as one word: as it is where that holds, else between single quotes.
func ShellWord(s string) string {
	bare := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.,:/@+%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !bare(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
