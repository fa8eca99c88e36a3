package hw

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is how many characters a name has at most that a person gives.
const MaxName = 64

// CheckName says what is wrong with a name that a person gives and others read: of a site, a device, a customer, a rack, a box. In
// whatever script, what is not to be seen may not stand in it: two names that look alike must be one, and no character may turn
// round what stands beside it.
func CheckName(s string) error {
	switch {
	case s == "":
		return errors.New("it is empty")
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		return errors.New("it is not UTF-8")
	case utf8.RuneCountInString(s) > MaxName:
		return fmt.Errorf("it has %d characters; write at most %d", utf8.RuneCountInString(s), MaxName)
	case strings.Trim(s, " ") != s:
		return errors.New("it begins or ends with a blank; leave that away")
	case strings.Contains(s, "  "):
		return errors.New("two blanks stand together; write one")
	}
	var before rune
	for at, r := range []rune(s) {
		if why := strange(before, r); why != "" {
			return fmt.Errorf("character %d, %U, %s", at+1, r, why)
		}
		before = r
	}
	return nil
}

// strange says why a character may not stand in a name behind another; empty: it may.
func strange(before, r rune) string {
	switch {
	case unicode.IsSpace(r) && r != ' ', unicode.Is(unicode.Zs, r) && r != ' ', r == '\u2800': // Braille without a dot
		return "is a blank of another kind; write a plain one"
	case !unicode.IsPrint(r), unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return "is not to be seen; type the name anew"
	case unicode.Is(unicode.M, r) && (before == 0 || before == ' '):
		return "is a mark without a letter before it"
	case composes(before, r):
		return "is a mark of the letter before it; write both as one character, as most keyboards do"
	}
	return ""
}

// composes says whether a letter and what follows are one character taken apart, as some systems write names of files: Latin letters with
// marks, kana with sound marks, and Hangul. It is not all of Unicode's normal form C, whose tables weigh more than they are worth here.
func composes(before, r rune) bool {
	switch {
	case r >= 0x300 && r <= 0x36f:
		return before < utf8.RuneSelf && unicode.IsLetter(before)
	case r == 0x3099, r == 0x309a:
		return before >= 0x3040 && before <= 0x30ff
	case r >= 0x1161 && r <= 0x1175:
		return before >= 0x1100 && before <= 0x1112
	case r >= 0x11a8 && r <= 0x11c2:
		return before >= 0xac00 && before <= 0xd7a3
	}
	return false
}
