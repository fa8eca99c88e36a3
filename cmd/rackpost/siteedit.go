package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// section is where the devices of a site.yaml stand in it.
type section struct {
	lines  []string // of the file, each with its end
	at     int      // the lines to be added stand before this one
	indent int      // of the dashes
	key    int      // the line of "devices: []", whose brackets must go; -1: none
	absent bool     // there is no such key
}

// noValue is devices: with nothing after it.
var noValue = regexp.MustCompile(`^[ \t]*["']?devices["']?[ \t]*:[ \t]*(#[^\n]*)?\r?\n?$`)

// emptyList is devices: [] and what may follow it.
var emptyList = regexp.MustCompile(`^([ \t]*["']?devices["']?[ \t]*:)[ \t]*\[[ \t]*\]([ \t]*(#[^\n]*?)?\r?\n?)$`)

// addToDevices returns a site.yaml with blocks added at the end of its devices: lines of
// YAML without indentation. All else is kept byte for byte. Without a device among the blocks,
// they are comments.
func addToDevices(file string, data []byte, blocks [][]string, devices bool) ([]byte, error) {
	s, err := findSection(file, data)
	if err != nil {
		return nil, err
	}
	end := "\n"
	if strings.HasSuffix(s.lines[0], "\r\n") {
		end = "\r\n"
	}
	if last := &s.lines[len(s.lines)-1]; !strings.HasSuffix(*last, "\n") && s.at == len(s.lines) {
		*last += end
	}
	var added []string
	if s.absent && devices {
		added = append(added, end, strings.Repeat(" ", s.indent-2)+"devices:"+end)
	}
	for _, b := range blocks {
		for _, line := range b {
			added = append(added, strings.Repeat(" ", s.indent)+line+end)
		}
	}
	if s.key >= 0 && devices {
		s.lines[s.key] = emptyList.ReplaceAllString(s.lines[s.key], "$1$2")
	}
	return []byte(strings.Join(slices.Insert(s.lines, s.at, added...), "")), nil
}

// findSection finds the devices, or where they would stand.
func findSection(file string, data []byte) (section, error) {
	d := &decoder{file: file}
	body := d.parse(data)
	if body == nil {
		return section{}, d.problems.err()
	}
	root, ok := body.(*ast.MappingNode)
	var values []*ast.MappingValueNode
	switch one, single := body.(*ast.MappingValueNode); {
	case ok && !root.IsFlowStyle && len(root.Values) > 0:
		values = root.Values
	case single:
		values = []*ast.MappingValueNode{one}
	default:
		return section{}, problem{place{file, 1, 1}, "the file is one value in brackets; write each key on a line of its own"}
	}
	s := section{lines: strings.SplitAfter(string(data), "\n"), key: -1, absent: true}
	if s.lines[len(s.lines)-1] == "" {
		s.lines = s.lines[:len(s.lines)-1]
	}
	s.at = len(s.lines)
	line := func(n ast.Node) int { return min(max(d.placeOf(n.GetToken(), place{}).line-1, 0), len(s.lines)-1) }
	keyIndent := d.placeOf(values[0].Key.GetToken(), place{column: 1}).column - 1
	s.indent = keyIndent + 2
	for i, v := range values {
		if v.Key.GetToken().Value != "devices" {
			continue
		}
		s.absent = false
		if i+1 < len(values) {
			s.at = line(values[i+1].Key)
		}
		if err := s.shape(d, v, line(v.Key)); err != nil {
			return s, err
		}
	}
	s.back(max(keyIndent+1, s.indent))
	return s, nil
}

// shape takes over how the list is written, whose key is in the given line.
func (s *section) shape(d *decoder, v *ast.MappingValueNode, line int) error {
	at := d.placeOf(v.Key.GetToken(), place{d.file, 1, 1})
	switch n := v.Value.(type) {
	case *ast.NullNode:
		if !noValue.MatchString(s.lines[line]) {
			return problem{at, "devices: it is null; write devices: with nothing after it"}
		}
		return nil
	case *ast.SequenceNode:
		if !n.IsFlowStyle {
			s.indent = d.placeOf(n.Start, at).column - 1
			return nil
		}
		if len(n.Values) == 0 && emptyList.MatchString(s.lines[line]) {
			s.key = line
			return nil
		}
	}
	return problem{at, "devices: the list is in brackets; write each device on lines of its own that begin with \"- \""}
}

// back moves the place of the new lines before what belongs to the next key or to nothing: empty
// lines, the end of the document, and comments less indented than least.
func (s *section) back(least int) {
	for s.at > 0 {
		line := strings.TrimRight(s.lines[s.at-1], " \t\r\n")
		text := strings.TrimLeft(line, " ")
		if text != "" && text != "..." && (text[0] != '#' || len(line)-len(text) >= least || s.absent) {
			return
		}
		s.at--
	}
}
