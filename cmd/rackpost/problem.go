package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems are told of one file.
const maxProblems = 100

// place is where something stands in a configuration file. The zero place is nowhere.
type place struct {
	file         string
	line, column int
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column) }

// problem is one thing wrong with a configuration file, and what to write instead.
type problem struct {
	at   place
	text string
}

func (p problem) Error() string { return p.at.String() + ": " + plain(p.text) }

// problems are all that is wrong with one or more files, in the order of the lines.
type problems []problem

func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = x.Error()
	}
	return strings.Join(lines, "\n")
}

func (p *problems) add(at place, format string, args ...any) {
	*p = append(*p, problem{at, fmt.Sprintf(format, args...)})
}

func (p problems) sort() {
	slices.SortStableFunc(p, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.at.file, b.at.file), cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
}

// err returns the problems sorted, or nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	p.sort()
	if len(p) > maxProblems {
		more := len(p) - maxProblems
		p = p[:maxProblems]
		p.add(p[maxProblems-1].at, "and %d more", more)
	}
	return p
}
