package netlab

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const aloneVariable = "RACKPOST_NETLAB_ALONE"

// Alone runs the function in a process of its own whose only network is a new namespace, so that the goroutines of the
// code under test are on that network, all of them. It is the whole body of a test that is no subtest.
func Alone(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	if os.Getenv(aloneVariable) == t.Name() {
		(&Host{Name: "here", t: t, pid: os.Getpid()}).start()
		fn(t)
		return
	}
	require(t)
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	again.Env = append(os.Environ(), aloneVariable+"="+t.Name())
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := again.CombinedOutput()
	skipIfRefused(t, err)
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()):
		t.Skipf("%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Fatalf("it did not run:\n%s", out)
	}
	t.Logf("%s", out)
}
