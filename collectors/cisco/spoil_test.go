package cisco_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// spoiling says what becomes of the rows of a device.
type spoiling struct {
	drop, corrupt int                   // rows of a hundred
	only          func(oid string) bool // the others stay; nil is all
}

// spoil drops rows, makes of others what their objects cannot hold, and puts all into
// another order. What it makes of a row is told from what it was: another type, nothing at
// all, or a number no MIB allows.
func (s spoiling) spoil(rows []string, rng *rand.Rand) []string {
	var out []string
	for _, row := range rows {
		oid, value, _ := strings.Cut(row, "|")
		switch n := rng.IntN(100); {
		case strings.HasPrefix(oid, "1.3.6.1.2.1.1.") || s.only != nil && !s.only(oid):
			out = append(out, row)
		case n < s.drop:
		case n < s.drop+s.corrupt:
			ways := nonsense(value)
			out = append(out, oid+"|"+ways[rng.IntN(len(ways))])
		default:
			out = append(out, row)
		}
	}
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// nonsense are values that no object of that type can have.
func nonsense(value string) []string {
	kind, _, _ := strings.Cut(value, "|")
	all := []string{"5|", "6|1.3.6.1.4.1.9", "64|0.0.0.0"}
	if kind == "4" || kind == "4x" {
		return append(all, "2|3", "66|4294967295", "70|18446744073709551615")
	}
	return append(all, "4|nonsense", "4x|ff00fe", "4|", "2|-2147483648")
}

// rowsOf splits a recording into its rows; only those below the subtrees given stay.
func rowsOf(lines []byte, subtrees []string) []string {
	var out []string
	for line := range bytes.Lines(lines) {
		row := strings.TrimRight(string(line), "\r\n")
		oid, _, _ := strings.Cut(row, "|")
		if slices.ContainsFunc(subtrees, func(s string) bool { return strings.HasPrefix(oid, s+".") }) {
			out = append(out, row)
		}
	}
	return out
}

// text makes lines of rows.
func text(rows []string) []byte { return fmt.Appendln(nil, strings.Join(rows, "\n")) }

// namesRows says that an object names a part, or joins it with its name: without it the
// part has another name, and the device told it.
func namesRows(oid string) bool {
	return slices.ContainsFunc([]string{
		"1.3.6.1.2.1.31.1.1.1.1.", "1.3.6.1.4.1.9.9.10.1.1.4.1.1.10.", "1.3.6.1.2.1.2.2.1.2.", "1.3.6.1.2.1.47.1.", "1.3.6.1.4.1.9.9.109.1.1.1.1.2.", "1.3.6.1.4.1.9.9.221.1.1.1.1.3.",
	}, func(p string) bool { return strings.HasPrefix(oid, p) })
}
