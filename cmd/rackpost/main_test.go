package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

// TestMain lets the scripts run rackpost itself: this test binary under another name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"rackpost": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("RACKPOST_SOCKET", "")
			e.Setenv("CREDENTIALS_DIRECTORY", "")
			e.Setenv("NOTIFY_SOCKET", "")
			return nil
		},
	})
}
