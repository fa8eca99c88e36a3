// Command report reads the output of go test -json and shows one line a package as it ends, the output of what failed, and
// at the end what was skipped and why. It exits with 1 if anything failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// maxLines is how much of a failed test's output is shown, from its end.
const maxLines = 300

// event is a line of go test -json; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// report is what was read so far.
type report struct {
	out            io.Writer
	output         map[string][]string // of a running package or test
	tests          map[string]int      // passed, a package
	running        map[string]bool     // packages
	skipped        map[string][]string // reasons, a test without its subtests
	passed, failed int
}

func main() {
	start := time.Now()
	r := &report{out: os.Stdout, output: map[string][]string{}, tests: map[string]int{}, running: map[string]bool{}, skipped: map[string][]string{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		r.line(line)
		if err != nil {
			break
		}
	}
	r.end(time.Since(start))
	if r.failed > 0 {
		os.Exit(1)
	}
}

func (r *report) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line) // not from a test: the go command itself
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		r.running[e.Package] = true
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packageEnded(e)
		} else {
			r.testEnded(e, key)
		}
		delete(r.output, key)
	}
}

func (r *report) testEnded(e event, key string) {
	switch e.Action {
	case "pass":
		r.tests[e.Package]++
		r.passed++
	case "fail":
		r.failed++
		fmt.Fprintf(r.out, "FAIL %s %s\n", e.Package, e.Test)
		r.print(key)
	case "skip":
		top, _, _ := strings.Cut(e.Test, "/")
		test := e.Package + " " + top
		r.skipped[test] = append(r.skipped[test], reason(r.output[key]))
	}
}

func (r *report) packageEnded(e event) {
	delete(r.running, e.Package)
	switch {
	case e.Action == "fail":
		r.failed++
		fmt.Fprintf(r.out, "FAIL %-40s %6.1f s\n", e.Package, e.Elapsed)
		r.print(e.Package + " ")
		// A test that was running when the process died never ended; its output says why.
		for key := range r.output {
			if strings.HasPrefix(key, e.Package+" Test") || strings.HasPrefix(key, e.Package+" Fuzz") {
				r.print(key)
				delete(r.output, key)
			}
		}
	case e.Action == "pass":
		fmt.Fprintf(r.out, "ok   %-40s %6.1f s %5d tests\n", e.Package, e.Elapsed, r.tests[e.Package])
	}
}

func (r *report) print(key string) {
	lines := r.output[key]
	if extra := len(lines) - maxLines; extra > 0 {
		fmt.Fprintf(r.out, "    (%d lines left out)\n", extra)
		lines = lines[extra:]
	}
	for _, line := range lines {
		fmt.Fprint(r.out, "    ", line)
	}
}

func (r *report) end(took time.Duration) {
	for pkg := range r.running {
		r.failed++
		fmt.Fprintf(r.out, "FAIL %s did not end\n", pkg)
	}
	skipped := 0
	for _, reasons := range r.skipped {
		skipped += len(reasons)
	}
	fmt.Fprintf(r.out, "%d tests passed, %d failed, %d skipped in %v\n", r.passed, r.failed, skipped, took.Round(time.Second))
	for _, test := range slices.Sorted(maps.Keys(r.skipped)) {
		reasons := r.skipped[test]
		fmt.Fprintf(r.out, "skipped: %s (%d): %s\n", test, len(reasons), reasons[0])
	}
}

// reason finds what a skipped test said: the line after the file's name.
func reason(output []string) string {
	for _, line := range output {
		if _, said, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok := strings.Cut(said, ": "); ok {
				return strings.TrimSpace(text)
			}
		}
	}
	return "no reason given"
}
