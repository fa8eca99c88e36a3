package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"

	"rackpost/collectors/all"
)

func checkCommand() command {
	return command{
		name: "check",
		args: "FILE | -config FILE",
		does: "check box.yaml and the site.yaml it names, or a site.yaml, witness.yaml or hq.yaml alone",
		help: "Every error is told as file:line:column with what to write instead; nothing is started.\nExit code 0: all is well; 1: there are errors.",
		run:  runCheck,
	}
}

func runCheck(_ context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	file := fs.String("config", "", "")
	rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return err
	case *file == "" && len(rest) == 1:
		*file = rest[0]
	case *file == "" || len(rest) > 0:
		return usagef("name one file")
	}
	right, notes, err := checkFile(*file)
	for _, n := range notes {
		fmt.Fprintf(t.err, "%v (a note)\n", n)
	}
	if err != nil {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	fmt.Fprintf(t.out, "ok: %s\n", right)
	return nil
}

func deviceCount(n int) string { return fmt.Sprintf("%d %s", n, plural(n, "device", "devices")) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// siteKeys are the keys at the left margin that only a site.yaml has.
var siteKeys = regexp.MustCompile(`(?m)^((devices|credentials|customers|racks|policy)[ \t]*:|site[ \t]*:[ \t]*([{#].*)?\r?$)`)

// checkFile checks a box.yaml with its site.yaml, a site.yaml, a witness.yaml or an hq.yaml, and returns what a
// right one holds. The error holds the problems of both.
func checkFile(file string) (right string, notes problems, err error) {
	env := secretSource{getenv: os.Getenv, outside: os.Getenv("CREDENTIALS_DIRECTORY") == "", sealed: notLookedAt}
	data, err := readConfigFile(file, place{})
	if err != nil {
		return "", nil, err
	}
	switch {
	case siteKeys.Match(data):
		site, notes, err := parseSite(file, data, all.Kinds(), env)
		return deviceCount(len(site.devices)), notes, err
	case hqKeys.Match(data):
		h, err := parseHQ(file, data)
		return "headquarters at " + strings.Join(h.urls, ", "), nil, err
	case witnessList.Match(data):
		w, err := parseWitness(file, data)
		return "a witness at " + paths(w.pair.listen), nil, err
	}
	box, err := parseBox(file, data)
	if box.site == "" {
		return "a box of a pair, which knows the devices", nil, err
	}
	if box.pair.at.line == 0 {
		env.sealed = nil
	}
	site, notes, siteErr := loadSite(box, env)
	noteGuard(box, site.devices, &notes)
	return deviceCount(len(site.devices)), notes, errors.Join(err, siteErr)
}

// loadBox reads and checks box.yaml.
func loadBox(file string) (boxConfig, error) {
	data, err := readConfigFile(file, place{})
	if err != nil {
		return boxConfig{}, err
	}
	return parseBox(file, data)
}

// loadSite reads and checks the site.yaml that box names.
func loadSite(box boxConfig, env secretSource) (siteConfig, problems, error) {
	data, err := readConfigFile(box.site, box.siteAt)
	if err != nil {
		return siteConfig{}, nil, err
	}
	return parseSite(box.site, data, all.Kinds(), env)
}
