package crashtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rackpost/store/crashtest"
)

// writeLines appends numbered lines to a file, each synced before it is acknowledged, and goes on from what it finds.
func writeLines(sync bool) crashtest.Child {
	return func(dir string, ack func(string)) {
		path := filepath.Join(dir, "lines")
		next := len(lines(path)) + 1
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		must(err)
		folder, err := os.Open(dir)
		must(err)
		if sync {
			must(folder.Sync())
		}
		for n := next; ; n++ {
			_, err := fmt.Fprintf(f, "%d\n", n)
			must(err)
			if sync {
				must(f.Sync())
			}
			ack(fmt.Sprint(n))
		}
	}
}

// must ends the child, as the appliance ends at an I/O error.
func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// lines returns the whole lines of a file, or none where there is no file. It cuts a torn end off.
func lines(path string) []string {
	b, _ := os.ReadFile(path)
	whole := strings.LastIndexByte(string(b), '\n') + 1
	_ = os.Truncate(path, int64(whole))
	return strings.Fields(string(b[:whole]))
}

// lost returns the acknowledged lines that are not in dir's file.
func lost(dir string, acked []string) []string {
	left := map[string]bool{}
	for _, line := range lines(filepath.Join(dir, "lines")) {
		left[line] = true
	}
	return slices.DeleteFunc(slices.Clone(acked), func(line string) bool { return left[line] })
}

func requireAll(t *testing.T, dir string, acked []string) {
	t.Helper()
	if missing := lost(dir, acked); len(missing) > 0 {
		t.Errorf("acknowledged and lost: %v", missing)
	}
	if !slices.IsSortedFunc(acked, func(a, b string) int { return len(a) - len(b) }) {
		t.Errorf("acknowledgements out of order: %v", acked)
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	crashtest.Loop(t, 3, writeLines(false), requireAll) // a kill loses nothing that was written
}

func TestLoopInSubtest(t *testing.T) {
	t.Parallel()
	t.Run("a name (with) [signs]", func(t *testing.T) {
		crashtest.Loop(t, 2, writeLines(true), requireAll)
	})
}

func TestPowerLoop(t *testing.T) {
	t.Parallel()
	crashtest.PowerLoop(t, 4, writeLines(true), requireAll)
}

// TestPowerLoopCatchesAWriterWithoutSync is the proof that the loop can find something.
func TestPowerLoopCatchesAWriterWithoutSync(t *testing.T) {
	t.Parallel()
	var missing []string
	crashtest.PowerLoop(t, 3, writeLines(false), func(_ *testing.T, dir string, acked []string) {
		missing = append(missing, lost(dir, acked)...)
	})
	if len(missing) == 0 {
		t.Error("a writer that never syncs lost nothing")
	}
}

func TestRounds(t *testing.T) {
	t.Setenv("RACKPOST_SOAK", "")
	if got := crashtest.Rounds(30, 1000); got != 30 {
		t.Errorf("in make test: %d rounds, want 30", got)
	}
	t.Setenv("RACKPOST_SOAK", "1")
	if got := crashtest.Rounds(30, 1000); got != 1000 {
		t.Errorf("in make soak: %d rounds, want 1000", got)
	}
}
