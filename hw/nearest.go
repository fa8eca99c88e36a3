package hw

import "strings"

// Nearest returns the name that word most likely means: the one with the fewest edits, if
// these are at most a third of its length. Empty: none is near.
func Nearest(word string, names []string) string {
	const longest = 64 // the cost is the product of the lengths
	if len(word) > longest {
		return ""
	}
	best, edits := "", len(word)+longest
	for _, n := range names {
		if len(n) > longest {
			continue
		}
		d := distance(strings.ToLower(word), strings.ToLower(n))
		if d < edits && 3*d <= max(len(n), 3) {
			best, edits = n, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete, replace or swap with their neighbour
// to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
