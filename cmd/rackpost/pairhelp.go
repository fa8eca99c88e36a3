package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// pairParts are what may be asked of a pair, in the order of its page.
var pairParts = []struct {
	verb, args, does string
	flags            []string
}{
	{"init", "", "make this box the first of a pair; prints what to run on the other one", nil},
	{"token", "", "print a token that lets one more machine join, within an hour; -witness: as the third voter", []string{"-witness"}},
	{"join", "TOKEN ADDRESS...", "make this machine a member: with the token, at the address of the box that printed it", nil},
	{"status", "", "who leads, what this box may do, each member, path and journal, and what to do", nil},
	{"leave", "[NAME]", "take this machine out of its pair, or a member that is gone for good", []string{"-yes with leave"}},
	{"replace", "NAME", "take a dead box out whose disk is lost, and print a token for the new one", nil},
	{"transfer", "[NAME]", "hand authority to the other box, before this one is stopped for long", nil},
	{"takeover", "", "go on with this box alone: only when the other one is off or gone, because a person looked", []string{"-yes with takeover", "-peer-is-off", "-why TEXT"}},
}

// pairOptions are the flags, those of all parts first.
var pairOptions = []struct{ name, text string }{
	{"-config FILE", `box.yaml, or witness.yaml; /etc/rackpost/box.yaml if not given. While the appliance runs it does what is asked and goes
                   on with it; otherwise this command does init and join itself`},
	{"-socket PATH", "of the appliance; else $RACKPOST_SOCKET, else that of FILE"},
	{"-json", "print one JSON object"},
	{"-witness", "with token"},
	{"-yes with leave", "do not ask back on a terminal; also the last box of a pair"},
	{"-yes with takeover", "as -peer-is-off"},
	{"-peer-is-off", "with takeover: a person made sure that the other box is off; without it this is asked for"},
	{"-why TEXT", "with takeover: the reason, for the record"},
}

const (
	commonPairOptions = 3
	pairExits         = "Exit code of status 0: all is well; 3: something is to be seen to; 1 and 2 as everywhere."
)

// pairHelp is the whole page.
func pairHelp() string {
	var b strings.Builder
	for _, p := range pairParts {
		head := strings.TrimSpace(p.verb + " " + p.args)
		if len(head) > 16 {
			head += "\n" + strings.Repeat(" ", 18)
		}
		fmt.Fprintf(&b, "  %-16s %s\n", head, p.does)
	}
	b.WriteByte('\n')
	for _, o := range pairOptions {
		printPairOption(&b, o.name, o.text)
	}
	return b.String() + "\n" + pairExits
}

func printPairOption(w io.Writer, name, text string) {
	name, with, _ := strings.Cut(name, " with ")
	if with != "" {
		text = "with " + with + ": " + text
	}
	fmt.Fprintf(w, "  %-16s %s\n", name, text)
}

// printPairVerb prints the part of the page that is about the verb of args, if they have one.
func printPairVerb(w io.Writer, args []string) bool {
	for _, p := range pairParts {
		if !slices.Contains(args, p.verb) {
			continue
		}
		fmt.Fprintf(w, "usage: rackpost pair %s\n%s\n\n", strings.TrimSpace(p.verb+" "+p.args), p.does)
		for i, o := range pairOptions {
			if i < commonPairOptions || slices.Contains(p.flags, o.name) {
				printPairOption(w, o.name, o.text)
			}
		}
		if p.verb == "status" {
			fmt.Fprintf(w, "\n%s\n", pairExits)
		}
		return true
	}
	return false
}
