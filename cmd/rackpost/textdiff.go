package main

import (
	"fmt"
	"strings"
)

const (
	diffContext = 3       // lines around a change
	maxDiffWork = 4 << 20 // pairs of lines that are compared; beyond it a change is shown whole
)

// diffLine is a line of a or b: ' ' in both, '-' in a alone, '+' in b alone.
type diffLine struct {
	sort byte
	text string
	a, b int // lines of each before it
}

// unifiedDiff returns what makes b of a as people and patch(1) read it; empty: they are the same.
func unifiedDiff(nameA, nameB, a, b string) string {
	if a == b {
		return ""
	}
	lines := diffLines(splitLines(a), splitLines(b))
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", nameA, nameB)
	for at := 0; at < len(lines); {
		from, to := hunk(lines, at)
		if from == to {
			break
		}
		writeHunk(&out, lines[from:to])
		at = to
	}
	return out.String()
}

func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// hunk returns the bounds of the next changes at or after at that stand close together, with the lines around
// them; equal bounds when there are none.
func hunk(lines []diffLine, at int) (from, to int) {
	first, last := -1, -1
	for i := at; i < len(lines); i++ {
		switch {
		case lines[i].sort == ' ':
			continue
		case first < 0:
			first = i
		case i-last > 2*diffContext:
			return max(first-diffContext, at), min(last+1+diffContext, len(lines))
		}
		last = i
	}
	if first < 0 {
		return at, at
	}
	return max(first-diffContext, at), min(last+1+diffContext, len(lines))
}

func writeHunk(out *strings.Builder, lines []diffLine) {
	a, b := 0, 0
	for _, l := range lines {
		if l.sort != '+' {
			a++
		}
		if l.sort != '-' {
			b++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", hunkRange(lines[0].a, a), hunkRange(lines[0].b, b))
	for _, l := range lines {
		out.WriteByte(l.sort)
		out.WriteString(plain(strings.TrimRight(l.text, "\r\n")) + "\n")
	}
}

// hunkRange is the first line and how many; of none it is the line before.
func hunkRange(before, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, n)
}

// diffLines finds a longest common sequence of lines.
func diffLines(a, b []string) []diffLine {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []diffLine
	i, j := 0, 0
	add := func(sort byte, text string) {
		out = append(out, diffLine{sort, text, i, j})
		if sort != '+' {
			i++
		}
		if sort != '-' {
			j++
		}
	}
	for _, l := range a[:head] {
		add(' ', l)
	}
	for _, c := range middle(a[head:len(a)-tail], b[head:len(b)-tail]) {
		add(c.sort, c.text)
	}
	for _, l := range a[len(a)-tail:] {
		add(' ', l)
	}
	return out
}

// middle compares what differs at both ends.
func middle(a, b []string) []diffLine {
	var out []diffLine
	i, j := 0, 0
	if len(a)*len(b) <= maxDiffWork {
		common := commonLengths(a, b)
		for i < len(a) && j < len(b) {
			switch {
			case a[i] == b[j]:
				out = append(out, diffLine{sort: ' ', text: a[i]})
				i, j = i+1, j+1
			case common[i+1][j] >= common[i][j+1]:
				out = append(out, diffLine{sort: '-', text: a[i]})
				i++
			default:
				out = append(out, diffLine{sort: '+', text: b[j]})
				j++
			}
		}
	}
	for _, l := range a[i:] {
		out = append(out, diffLine{sort: '-', text: l})
	}
	for _, l := range b[j:] {
		out = append(out, diffLine{sort: '+', text: l})
	}
	return out
}

// commonLengths are the lengths of the longest common sequences of a[i:] and b[j:].
func commonLengths(a, b []string) [][]int32 {
	common := make([][]int32, len(a)+1)
	cells := make([]int32, (len(a)+1)*(len(b)+1))
	for i := range common {
		common[i] = cells[i*(len(b)+1) : (i+1)*(len(b)+1)]
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}
