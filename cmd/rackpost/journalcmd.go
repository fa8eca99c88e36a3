package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"rackpost/store"
)

func journalCommand() command {
	return command{
		name: "journal",
		args: "verify DIR | dump [-samples] DIR",
		does: "check the checksums and chains of a journal, or print its batches in words",
		help: `  rackpost journal verify DIR   exit code 1 if anything is damaged or missing
  rackpost journal dump DIR     every batch and its records; the samples too with -samples; exit code 1 if anything is damaged

DIR is the data folder of box.yaml. Both only read. Stop the appliance first, or take a copy: what is
written meanwhile may look damaged.`,
		run: runJournal,
	}
}

func runJournal(ctx context.Context, t terminal, args []string) error {
	fs := flag.NewFlagSet("journal", flag.ContinueOnError)
	samples := fs.Bool("samples", false, "")
	rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return err
	case len(rest) != 2 || rest[0] != "verify" && rest[0] != "dump":
		return usagef("say verify or dump, and the folder of the journal")
	}
	if info, err := os.Stat(rest[1]); err != nil {
		return err
	} else if !info.IsDir() {
		return usagef("%s is no folder; name the data folder of box.yaml", rest[1])
	}
	if rest[0] == "dump" {
		return store.Dump(ctx, rest[1], t.out, *samples)
	}
	audit, err := store.Verify(ctx, rest[1], t.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d %s, %d %s, %d %s: ", audit.Segments, plural(audit.Segments, "segment", "segments"),
		audit.Batches, plural(audit.Batches, "batch", "batches"), audit.Bases, plural(audit.Bases, "base", "bases"))
	if n := len(audit.Faults); n > 0 {
		fmt.Fprintf(t.out, "%d %s\n", n, plural(n, "fault", "faults"))
		return errSilent
	}
	_, err = fmt.Fprintln(t.out, "sound")
	return err
}
