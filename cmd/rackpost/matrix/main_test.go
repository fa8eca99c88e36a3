package matrix_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rackpost/replicate/control"
)

// rowsAtOnce is how many rows run at once. They wait far more than they compute, so the number of processors does not matter.
const rowsAtOnce = "18"

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
var program = sync.OnceValues(func() (string, error) { return build("rackpost") })

// newer is a program of the next feature level.
var newer = sync.OnceValues(func() (string, error) {
	source, err := filepath.Abs("../../../replicate/control/state.go")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	const level = "const Level = %d"
	next := strings.Replace(string(text), fmt.Sprintf(level, control.Level), fmt.Sprintf(level, control.Level+1), 1)
	if next == string(text) {
		return "", fmt.Errorf("%s does not say the feature level as this test looks for it", source)
	}
	changed, overlay := filepath.Join(scratch(), "state.go"), filepath.Join(scratch(), "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err == nil {
		err = os.WriteFile(changed, []byte(next), 0o600)
	}
	if err == nil {
		err = os.WriteFile(overlay, list, 0o600)
	}
	if err != nil {
		return "", err
	}
	return build("newer", "-overlay", overlay)
})

func build(name string, flags ...string) (string, error) {
	const tags = "gosnmp_nodebug,osusergo,netgo,sqlite_omit_load_extension" // those of the Makefile
	path := filepath.Join(scratch(), name)
	args := append([]string{"build", "-trimpath", "-tags", tags, "-o", path}, flags...)
	out, err := exec.Command(cmp.Or(os.Getenv("GO"), "go"), append(args, "rackpost/cmd/rackpost")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build rackpost: %w\n%s", err, out)
	}
	return path, nil
}
