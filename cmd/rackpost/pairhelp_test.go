package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLeaveAsksBack at a terminal, and no script.
func TestLeaveAsksBack(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nosuch.sock")
	for _, c := range []struct {
		typed string
		flags []string
		asked bool
		want  string
	}{
		{"no\n", nil, true, "nothing was done"},
		{"\n", nil, true, "nothing was done"},
		{"leave\n", nil, true, "there is no socket"},
		{"", []string{"-yes"}, false, "there is no socket"},
	} {
		person, in := openTerminal(t)
		if _, err := person.WriteString(c.typed); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		err := runPair(t.Context(), terminal{in: in, out: &said, err: &said}, append([]string{"leave", "-socket", nowhere}, c.flags...))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(said.String(), "Type: leave") != c.asked {
			t.Errorf("typed %q with %q: %v; said %q", c.typed, c.flags, err, said.String())
		}
	}
	var said bytes.Buffer
	if err := runPair(t.Context(), terminal{in: strings.NewReader(""), out: &said, err: &said}, []string{"leave", "-socket", nowhere}); err == nil || said.Len() > 0 {
		t.Errorf("a script: %v; said %q", err, said.String())
	}
}

// openTerminal returns a terminal, and what a person at it types into.
func openTerminal(t *testing.T) (person, in *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		in, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return person, in
}

// TestFoldersOfEarlierPairs: the newest few are kept.
func TestFoldersOfEarlierPairs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pair")
	for n := range 6 {
		if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(n)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := setAside(dir); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(dir + "*/*")
	if err != nil || len(left) != keptFolders {
		t.Fatalf("kept are %q: %v", left, err)
	}
	for i, name := range left {
		if filepath.Base(name) != fmt.Sprint(6-keptFolders+i) {
			t.Errorf("kept are %q", left)
		}
	}
}
