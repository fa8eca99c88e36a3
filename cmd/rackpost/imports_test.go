package main_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	module       = "rackpost/"
	root         = "../.."
	architecture = root + "/docs/architecture.md"
	everyTest    = "every test, besides"
)

// doesIO are packages of the standard library by which a pure package would stop being pure.
var doesIO = []string{"database/sql", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2", "net", "os", "plugin", "syscall"}

// rule is a row of the table in docs/architecture.md.
type rule struct {
	ours, others []string
	all          bool // may import every package of ours
	pure         bool // may do no I/O
	testsOnly    bool // is not part of the program
	because      string
}

// source is what a Go file imports.
type source struct {
	pkg     string // below the module, such as "hw/journal"
	name    string
	imports []string
}

func TestImports(t *testing.T) {
	t.Parallel()
	rules := readRules(t)
	sources := readSources(t)
	if len(sources) == 0 {
		t.Fatalf("no Go file found below %s", root)
	}
	for _, v := range violations(rules, sources) {
		t.Error(v)
	}
}

// TestEveryRuleIsReadable guards against a table whose form the test no longer understands.
func TestEveryRuleIsReadable(t *testing.T) {
	t.Parallel()
	rules := readRules(t)
	for _, pkg := range []string{"hw", "hw/journal", "collectors", "store", "web", "cmd/rackpost", everyTest} {
		if _, ok := rules[pkg]; !ok {
			t.Errorf("%s has no row for %s", architecture, pkg)
		}
	}
	if !rules["hw"].pure || !rules["cmd/rackpost"].all || !rules["store/powerfs"].testsOnly || !slices.Equal(rules["hw/journal"].ours, []string{"hw"}) {
		t.Errorf("%s is misread: %+v", architecture, rules)
	}
	for pkg, r := range rules {
		if r.because == "" {
			t.Errorf("%s gives no reason for %s", architecture, pkg)
		}
	}
}

func TestViolations(t *testing.T) {
	t.Parallel()
	rules := map[string]rule{
		"hw":          {pure: true, because: "it is pure"},
		"store":       {ours: []string{"hw"}, others: []string{"example.org/sql"}, because: "it stores"},
		"store/cut":   {testsOnly: true, because: "it is a disk"},
		"store/kill":  {ours: []string{"store/cut"}, testsOnly: true, because: "it kills"},
		"cmd/program": {all: true, because: "it wires"},
		everyTest:     {ours: []string{"store/cut"}, others: []string{"example.org/cmp"}, because: "tests only"},
	}
	for _, c := range []struct {
		name, pkg, file, imported, want string
	}{
		{"allowed", "store", "a.go", module + "hw", ""},
		{"not allowed", "hw", "a.go", module + "store", "hw/a.go: hw may not import rackpost/store, because it is pure"},
		{"command", "cmd/program", "a.go", module + "store", ""},
		{"below", "store/chunk", "a.go", module + "hw", ""},
		{"sibling", "store/chunk", "a.go", module + "store/part", ""},
		{"below its parent", "store", "a.go", module + "store/chunk", ""},
		{"own row", "store/cut", "a.go", module + "hw", "store/cut/a.go: store/cut may not import rackpost/hw, because it is a disk"},
		{"test support in the binary", "store", "a.go", module + "store/cut", "store/a.go: store may not import rackpost/store/cut, because store/cut is for tests only"},
		{"test support in the wiring", "cmd/program", "a.go", module + "store/cut", "cmd/program/a.go: cmd/program may not import rackpost/store/cut, because store/cut is for tests only"},
		{"test support in a test", "store", "a_test.go", module + "store/cut", ""},
		{"test support in test support", "store/kill", "a.go", module + "store/cut", ""},
		{"a test of itself", "hw", "a_test.go", module + "hw", ""},
		{"a test is no way round", "hw", "a_test.go", module + "store", "hw/a_test.go: hw may not import rackpost/store, because it is pure"},
		{"standard library", "store", "a.go", "os", ""},
		{"I/O", "hw", "a.go", "os", "hw/a.go: hw may not import os, because it is pure"},
		{"I/O below", "hw", "a.go", "net/http", "hw/a.go: hw may not import net/http, because it is pure"},
		{"I/O in a test", "hw", "a_test.go", "os", ""},
		{"library", "store", "a.go", "example.org/sql/driver", ""},
		{"library elsewhere", "hw", "a.go", "example.org/sql", "hw/a.go: hw may not import example.org/sql, because it is pure"},
		{"library of like name", "store", "a.go", "example.org/sqlite", "store/a.go: store may not import example.org/sqlite, because it stores"},
		{"library of tests", "store", "a.go", "example.org/cmp", "store/a.go: store may not import example.org/cmp, because it stores"},
		{"library of tests in a test", "store", "a_test.go", "example.org/cmp", ""},
		{"library in the wiring", "cmd/program", "a.go", "example.org/sql", "cmd/program/a.go: cmd/program may not import example.org/sql, because it wires"},
		{"no row", "util", "a.go", "fmt", "util/a.go: util has no row in docs/architecture.md: give it one, or put the file where it belongs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			got := violations(rules, []source{{pkg: c.pkg, name: c.file, imports: []string{c.imported}}})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// violations returns one line for each import that no rule allows.
func violations(rules map[string]rule, sources []source) []string {
	var found []string
	for _, s := range sources {
		row, r, ok := ruleOf(rules, s.pkg)
		if !ok {
			found = append(found, fmt.Sprintf("%s/%s: %s has no row in docs/architecture.md: give it one, or put the file where it belongs", s.pkg, s.name, s.pkg))
			continue
		}
		for _, imported := range s.imports {
			if because, ok := r.allows(rules, row, s, imported); !ok {
				found = append(found, fmt.Sprintf("%s/%s: %s may not import %s, because %s", s.pkg, s.name, s.pkg, imported, because))
			}
		}
	}
	return found
}

// ruleOf returns the row of the package, or of the nearest one above it.
func ruleOf(rules map[string]rule, pkg string) (row string, r rule, ok bool) {
	for row = pkg; row != "."; row = path.Dir(row) {
		if r, ok = rules[row]; ok {
			return row, r, true
		}
	}
	return "", rule{}, false
}

// allows reports whether the rule of row lets s import this, and if not, why.
func (r rule) allows(rules map[string]rule, row string, s source, imported string) (because string, ok bool) {
	test, tests := strings.HasSuffix(s.name, "_test.go"), rules[everyTest]
	ours, isOurs := strings.CutPrefix(imported, module)
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case isOurs:
		importedRow, importedRule, _ := ruleOf(rules, ours)
		if importedRule.testsOnly && !test && !r.testsOnly {
			return ours + " is for tests only", false
		}
		ok = r.all || importedRow == row || slices.Contains(r.ours, ours) || test && within(tests.ours, ours)
	case !strings.Contains(first, "."):
		ok = test || !r.pure || !within(doesIO, imported)
	default:
		ok = within(r.others, imported) || test && within(tests.others, imported)
	}
	return r.because, ok
}

// within reports whether the import is one of these packages or below one.
func within(paths []string, imported string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") })
}

var quoted = regexp.MustCompile("`([^`]+)`")

func readRules(t *testing.T) map[string]rule {
	t.Helper()
	b, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(b), "| package | may import of ours |")
	if !ok {
		t.Fatalf("%s has no table of imports", architecture)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rules := map[string]rule{}
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 {
			t.Fatalf("%s: this row has not four cells: %s", architecture, line)
		}
		rules[strings.Trim(cells[0], "`")] = rule{
			ours:      names(cells[1]),
			all:       cells[1] == "everything",
			others:    names(cells[2]),
			pure:      strings.Contains(cells[2], "no I/O"),
			testsOnly: strings.Contains(cells[2], "tests only"),
			because:   cells[3],
		}
	}
	return rules
}

func names(cell string) []string {
	var found []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		found = append(found, m[1])
	}
	return found
}

func readSources(t *testing.T) []source {
	t.Helper()
	var sources []source
	err := filepath.WalkDir(root, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(e.Name(), ".") && file != root
		if e.IsDir() && (hidden || e.Name() == "testdata" || e.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if e.IsDir() || hidden || filepath.Ext(file) != ".go" {
			return nil
		}
		s, err := readSource(file)
		sources = append(sources, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

func readSource(file string) (source, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return source{}, err
	}
	s := source{pkg: path.Dir(filepath.ToSlash(rel)), name: filepath.Base(file)}
	for _, i := range parsed.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, imported)
	}
	return s, nil
}
