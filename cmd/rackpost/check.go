package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"

	"rackpost/collectors/all"
)

func checkCommand() command {
	return command{
		name: "check",
		args: "-config FILE",
		does: "check box.yaml and the site.yaml it names, or a site.yaml alone",
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
		return usagef("name one file: -config FILE")
	}
	site, notes, err := checkFile(*file)
	for _, n := range notes {
		fmt.Fprintf(t.err, "%v (a note)\n", n)
	}
	if err != nil {
		fmt.Fprintln(t.err, err)
		return errSilent
	}
	fmt.Fprintf(t.out, "ok: %d %s\n", len(site.devices), plural(len(site.devices), "device", "devices"))
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// siteKeys are the keys at the left margin that only a site.yaml has.
var siteKeys = regexp.MustCompile(`(?m)^((devices|credentials|customers|racks|policy)[ \t]*:|site[ \t]*:[ \t]*([{#].*)?\r?$)`)

// checkFile checks a box.yaml with its site.yaml, or a site.yaml. The error holds the
// problems of both.
func checkFile(file string) (siteConfig, problems, error) {
	env := secretSource{getenv: os.Getenv, outside: os.Getenv("CREDENTIALS_DIRECTORY") == ""}
	data, err := readConfigFile(file, place{})
	if err != nil {
		return siteConfig{}, nil, err
	}
	if siteKeys.Match(data) {
		return parseSite(file, data, all.Kinds(), env)
	}
	box, err := parseBox(file, data)
	if box.site == "" {
		return siteConfig{}, nil, err
	}
	site, notes, siteErr := loadSite(box, env)
	return site, notes, errors.Join(err, siteErr)
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
