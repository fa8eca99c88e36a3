package matrix_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// rowsAtOnce is how many rows run at once. They wait far more than they compute, so the number of processors does not matter.
const rowsAtOnce = "14"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", rowsAtOnce); err != nil {
			panic(err)
		}
	}
	status := m.Run()
	if status != 0 && os.Getenv(keepVariable) != "" {
		fmt.Fprintln(os.Stderr, "what is left is in", scratch())
		os.Exit(status)
	}
	if err := os.RemoveAll(scratch()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// scratch is a folder for this run. Its name is short: a socket's path may have 108 bytes.
var scratch = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "rpm")
	if err != nil {
		panic(err)
	}
	return dir
})

// program is the program as it is installed.
var program = sync.OnceValues(func() (string, error) {
	const tags = "gosnmp_nodebug,osusergo,netgo,sqlite_omit_load_extension" // those of the Makefile
	path := filepath.Join(scratch(), "rackpost")
	out, err := exec.Command(cmp.Or(os.Getenv("GO"), "go"), "build", "-trimpath", "-tags", tags, "-o", path, "rackpost/cmd/rackpost").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build rackpost: %w\n%s", err, out)
	}
	return path, nil
})
