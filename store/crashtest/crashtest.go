// Package crashtest kills a writer again and again, by SIGKILL or by a power cut, and checks what it left; for tests only.
//
// The writer is the test's own binary, started again and led to the same test. So all that a test does before it calls Loop
// is done in the child too; keep that to nothing.
package crashtest

import (
	"math/rand/v2"
	"os"
	"testing"

	"rackpost/store/powerfs"
)

// soakVariable is set by `make soak`.
const soakVariable = "RACKPOST_SOAK"

// Child writes below dir until it is killed; to return before that is an error. It calls ack, with one line of text, only
// after what the line names was acknowledged to it. It finds in dir what its predecessors left. After a power cut its
// writes fail; how it ends then does not matter.
type Child func(dir string, ack func(line string))

// Verify checks dir after a kill; acked holds what all children so far acknowledged, in order. It must leave nothing open
// there. What it writes is what the next child finds.
type Verify func(t *testing.T, dir string, acked []string)

// Rounds returns normal, or soak where `make soak` runs.
func Rounds(normal, soakRounds int) int {
	if os.Getenv(soakVariable) != "" {
		return soakRounds
	}
	return normal
}

// Loop starts child and kills it with SIGKILL, n times over the same folder, each time after a random part of 0.3 s, and
// calls verify after each kill. It fails a test in which nothing was ever acknowledged.
func Loop(t *testing.T, n int, child Child, verify Verify) {
	t.Helper()
	runChild(t, child)
	dir := t.TempDir()
	var acked []string
	for round := range n {
		p := start(t, dir)
		p.runAWhile(t)
		acked = append(acked, p.kill()...)
		if verify(t, dir, acked); t.Failed() {
			t.Fatalf("round %d of %d, after %d acknowledgements", round+1, n, len(acked))
		}
	}
	requireAcks(t, acked)
}

// PowerLoop is Loop with power cuts instead of kills, plain and torn in turn: each child works on what its predecessor's
// disk kept. It skips the test where FUSE is missing.
func PowerLoop(t *testing.T, n int, child Child, verify Verify) {
	t.Helper()
	runChild(t, child)
	content := ""
	var acked []string
	for round := range n {
		seed := rand.Uint64()
		disk := powerfs.ForTest(t, content)
		p := start(t, disk.Dir())
		p.runAWhile(t)
		var err error
		// The acknowledgements are counted after the cut: one that comes in between was synced before it.
		if content, err = disk.Cut(round%2 == 1, seed); err != nil {
			t.Fatal(err)
		}
		acked = append(acked, p.kill()...)
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
		if verify(t, content, acked); t.Failed() {
			t.Fatalf("round %d of %d (torn %v, seed %d), after %d acknowledgements", round+1, n, round%2 == 1, seed, len(acked))
		}
	}
	requireAcks(t, acked)
}

func requireAcks(t *testing.T, acked []string) {
	t.Helper()
	if len(acked) == 0 {
		t.Fatal("no child acknowledged anything, so nothing was tested")
	}
}
