// Command limits checks the rules of the house that no other tool knows: the length of files and functions, words that may
// not stay, and paths of one developer's machine. It prints one line a finding and exits with 1 if there is any.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	maxFileLines     = 600
	maxFunctionLines = 70
)

// The words are written in two parts so that this file does not contain them.
var (
	unfinished  = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	machinePath = regexp.MustCompile(`(^|[\s"'=(\x60])/(wo` + `rk|ro` + `ot|ho` + `me|Us` + `ers)/[A-Za-z0-9]`)
)

func main() {
	files, err := tracked()
	if err != nil {
		fmt.Fprintln(os.Stderr, "list the files:", err)
		os.Exit(1)
	}
	found := 0
	for _, file := range files {
		for _, finding := range check(file) {
			fmt.Println(finding)
			found++
		}
	}
	if found > 0 {
		os.Exit(1)
	}
}

// tracked returns the files of the repository, also those that will be added.
func tracked() ([]string, error) {
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

func check(file string) []string {
	content, err := os.ReadFile(file)
	if err != nil || bytes.IndexByte(content, 0) >= 0 {
		return nil // removed but not yet committed, or not text
	}
	findings := checkWords(file, content)
	if filepath.Ext(file) == ".go" {
		findings = append(findings, checkGo(file, content)...)
	}
	return findings
}

func checkWords(file string, content []byte) []string {
	var findings []string
	for i, line := range strings.Split(string(content), "\n") {
		if word := unfinished.FindString(line); word != "" {
			findings = append(findings, fmt.Sprintf("%s:%d: %s: finish it or leave it out", file, i+1, word))
		}
		if machinePath.MatchString(line) {
			findings = append(findings, fmt.Sprintf("%s:%d: a path of one machine", file, i+1))
		}
	}
	return findings
}

func checkGo(file string, content []byte) []string {
	var findings []string
	if lines := bytes.Count(content, []byte{'\n'}); lines > maxFileLines {
		findings = append(findings, fmt.Sprintf("%s: %d lines, at most %d", file, lines, maxFileLines))
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, content, parser.SkipObjectResolution)
	if err != nil {
		return append(findings, err.Error())
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		at := fset.Position(f.Pos())
		if f.Recv == nil && f.Name.Name == "init" {
			findings = append(findings, fmt.Sprintf("%s: %s runs unasked: call it by name", at, f.Name.Name))
		}
		if lines := fset.Position(f.End()).Line - at.Line + 1; lines > maxFunctionLines {
			findings = append(findings, fmt.Sprintf("%s: %s has %d lines, at most %d", at, f.Name.Name, lines, maxFunctionLines))
		}
	}
	return findings
}
