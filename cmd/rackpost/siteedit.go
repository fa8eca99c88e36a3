package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

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
	case ok && !root.IsFlowStyle:
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
	keyIndent := d.placeOf(values[0].Key.GetToken(), place{column: 1}).column - 1
	s.indent = keyIndent + 2
	for i, v := range values {
		if v.Key.GetToken().Value != "devices" {
			continue
		}
		s.absent = false
		if i+1 < len(values) {
			s.at = d.placeOf(values[i+1].Key.GetToken(), place{}).line - 1
		}
		if err := s.shape(d, v); err != nil {
			return s, err
		}
	}
	s.back(max(keyIndent+1, s.indent))
	return s, nil
}

// shape takes over how the list is written.
func (s *section) shape(d *decoder, v *ast.MappingValueNode) error {
	at := d.placeOf(v.Key.GetToken(), place{d.file, 1, 1})
	switch n := v.Value.(type) {
	case *ast.NullNode:
		if !noValue.MatchString(s.lines[at.line-1]) {
			return problem{at, "devices: it is null; write devices: with nothing after it"}
		}
		return nil
	case *ast.SequenceNode:
		if !n.IsFlowStyle {
			s.indent = d.placeOf(n.Start, at).column - 1
			return nil
		}
		if len(n.Values) == 0 && emptyList.MatchString(s.lines[at.line-1]) {
			s.key = at.line - 1
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

// siteFile is the site.yaml that found devices are added to.
type siteFile struct {
	path  string
	fresh []byte // what a new file begins with; nil: there is a file
}

func (f siteFile) read() ([]byte, error) {
	if f.fresh != nil {
		return f.fresh, nil
	}
	return readConfigFile(f.path, place{})
}

// check reports why the file cannot be written, before anybody is asked.
func (f siteFile) check() error {
	if _, err := os.Lstat(f.path); f.fresh != nil && err == nil {
		return fmt.Errorf("%s exists: leave out -new to add to it", f.path)
	}
	path, err := f.target()
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".site-*")
	if err != nil {
		return fmt.Errorf("%s cannot be written, with -dry-run nothing is: %w", f.path, err)
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}

// target is the file itself, behind links.
func (f siteFile) target() (string, error) {
	if f.fresh != nil {
		return f.path, nil
	}
	return filepath.EvalSymlinks(f.path)
}

// write puts data in the place of the file, which is still as it was when before was read.
// Whoever reads the file finds the old or the new one, whole, of the same owner and mode.
func (f siteFile) write(before, data []byte) (err error) {
	path, err := f.target()
	if err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".site-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = t.Close()
			_ = os.Remove(t.Name())
		}
	}()
	if err := f.dress(path, t); err != nil {
		return err
	}
	if _, err := t.Write(data); err != nil {
		return err
	}
	if err := errors.Join(t.Sync(), t.Close()); err != nil {
		return err
	}
	if f.fresh != nil {
		if err := os.Link(t.Name(), path); err != nil { // never over a file made meanwhile
			return err
		}
		return errors.Join(os.Remove(t.Name()), syncDir(filepath.Dir(path)))
	}
	if now, err := f.read(); err != nil || !bytes.Equal(now, before) {
		return errors.Join(err, fmt.Errorf("%s was changed by somebody in this moment; run this again", f.path))
	}
	if err := os.Rename(t.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// dress gives t the mode and the owner of the file at path.
func (f siteFile) dress(path string, t *os.File) error {
	if f.fresh != nil {
		return t.Chmod(0o644)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	if is, err := t.Stat(); ok && err == nil {
		if now, ok := is.Sys().(*syscall.Stat_t); ok && (now.Uid != own.Uid || now.Gid != own.Gid) {
			if err := t.Chown(int(own.Uid), int(own.Gid)); err != nil {
				return fmt.Errorf("%s would change its owner, run this as root: %w", f.path, err)
			}
		}
	}
	return t.Chmod(info.Mode() & (fs.ModePerm | fs.ModeSetgid))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
