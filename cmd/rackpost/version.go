package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
)

// version is set by the release build: -ldflags "-X main.version=v1.2.3".
var version string

// versionText returns the version of this binary, or the commit it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "-changed"
		}
	}
	if commit == "" {
		return "development"
	}
	return "development-" + commit + changed
}

func versionCommand() command {
	return command{
		name: "version", does: "print the version",
		run: func(_ context.Context, t terminal, args []string) error {
			if rest, err := parseFlags(flag.NewFlagSet("version", flag.ContinueOnError), args); err != nil || len(rest) > 0 {
				return cmp.Or(err, usagef("version takes no arguments"))
			}
			_, err := fmt.Fprintf(t.out, "rackpost %s %s %s/%s\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func helpCommand() command {
	return command{
		name: "help", args: "[COMMAND]", does: "tell how to use a command",
		run: func(_ context.Context, t terminal, args []string) error {
			if len(args) == 0 {
				printUsage(t.out)
				return nil
			}
			c, err := findCommand(args[0])
			if err != nil {
				return &usageError{err.Error()}
			}
			printCommand(t.out, c)
			return nil
		},
	}
}

func printUsage(w io.Writer) {
	fmt.Fprint(w, "rackpost watches the hardware of a rack, keeps what it learns and tells it.\n\nusage: rackpost COMMAND [flags] [arguments]\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(tw, "  %s\t%s\n", c.name, c.does)
	}
	tw.Flush()
	fmt.Fprint(w, "\nrackpost help COMMAND tells more. Exit codes: 0 done, 1 it did not work, 2 wrong usage.\n")
}

func printCommand(w io.Writer, c command) {
	fmt.Fprintf(w, "rackpost %s: %s\n\nusage: rackpost %s %s\n", c.name, c.does, c.name, c.args)
	if c.help != "" {
		fmt.Fprintf(w, "\n%s\n", c.help)
	}
}
