package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"rackpost/hw"
)

// The exit codes of every subcommand.
const (
	exitOK     = 0
	exitFailed = 1 // it was understood and did not work
	exitUsage  = 2 // it was not understood
)

// terminal is where a subcommand reads and writes.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand.
type command struct {
	name string
	args string // what follows the name
	does string // one line
	help string // what else to know; may be empty
	run  func(ctx context.Context, t terminal, args []string) error
}

func commands() []command {
	return []command{
		runCommand(), checkCommand(), discoverCommand(), probeCommand(), captureCommand(), statusCommand(), raidCommand(), locateCommand(), trustCommand(), visitCommand(), queryCommand(),
		pairCommand(), configCommand(), secretCommand(), witnessCommand(),
		uplinkCommand(), hqCommand(), consumerCommand(),
		simCommand(), journalCommand(), demoCommand(),
		versionCommand(), helpCommand(),
	}
}

// usageError is a mistake in how a subcommand was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// exitError ends a subcommand that worked with a code that tells what it found.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// errSilent fails a subcommand that has already said why.
var errSilent = errors.New("failed")

// execute runs the subcommand that args name and returns the exit code.
func execute(ctx context.Context, t terminal, args []string) int {
	if len(args) == 0 {
		printUsage(t.err)
		return exitUsage
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	c, err := findCommand(name)
	if err != nil {
		fmt.Fprintf(t.err, "rackpost: %v\n", err)
		return exitUsage
	}
	err = c.run(ctx, t, args[1:])
	var usage *usageError
	var found *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &found):
		return found.code
	case errors.Is(err, flag.ErrHelp):
		printCommand(t.out, c)
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(t.err, "rackpost %s: %s\nusage: rackpost %s %s\n", c.name, plainLines(err.Error()), c.name, c.args)
		return exitUsage
	case !errors.Is(err, errSilent):
		fmt.Fprintf(t.err, "rackpost %s: %s\n", c.name, plainLines(err.Error())) // a device's words may be in it
	}
	return exitFailed
}

func findCommand(name string) (command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	hint := "rackpost help lists them"
	if s := hw.Nearest(name, names); s != "" {
		hint = fmt.Sprintf("did you mean %q?", s)
	}
	return command{}, fmt.Errorf("there is no subcommand %q; %s", name, hint)
}

// parseFlags reads args into fs and returns the positional ones. Flags may stand before,
// between and after them; "--" ends the flags.
func parseFlags(fs *flag.FlagSet, args []string) ([]string, error) {
	fs.Init(fs.Name(), flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var positional []string
	for {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, flagError(fs, err)
		}
		rest := fs.Args()
		ended := len(rest) < len(args) && args[len(args)-len(rest)-1] == "--"
		if len(rest) == 0 || ended {
			return append(positional, rest...), nil
		}
		positional = append(positional, rest[0])
		args = rest[1:]
	}
}

func flagError(fs *flag.FlagSet, err error) error {
	text := err.Error()
	name, unknown := strings.CutPrefix(text, "flag provided but not defined: -")
	if !unknown {
		return &usageError{text}
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if s := hw.Nearest(name, names); s != "" {
		return usagef("there is no flag -%s; did you mean -%s?", name, s)
	}
	return usagef("there is no flag -%s", name)
}
