package link_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/netlab"
)

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
}

func TestWhatACrashLeftIsRemovedAtTheStart(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	for _, f := range families {
		kill(t, startBox(t, a, f.address))
		if !has(a, f.address) {
			t.Fatalf("%s: the address did not outlive the process, so there is nothing to remove", f.name)
		}
		if out, err := box(t, a, "clean", f.address).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", f.name, err, out)
		}
		if has(a, f.address) {
			t.Errorf("%s: the address is still there", f.name)
		}
	}
}

// TestWhatACrashLeftGoesByItself: nobody starts the box again, and its address does not stay in the way of the peer.
func TestWhatACrashLeftGoesByItself(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	for _, f := range families {
		kill(t, startBox(t, a, f.address))
	}
	for _, f := range families {
		eventually(t, f.name+": the kernel removes it", func() bool { return !has(a, f.address) })
	}
}

func TestAddressOfABoxThatLivesIsRenewed(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	startBox(t, a, virtual4)
	shorter := false
	eventually(t, "the time left grew again", func() bool {
		left := a.Run("ip", "-oneline", "address", "show", "to", virtual4)
		if strings.Contains(left, "valid_lft 8sec") {
			shorter = true
		}
		return shorter && strings.Contains(left, "valid_lft 10sec")
	})
}

func TestAddressThatSomebodyConfiguredIsLeftAlone(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	for _, f := range families {
		a.Run("ip", "address", "add", f.address, "dev", netlab.LAN)
		out, err := box(t, a, "clean", f.address).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "not by rackpost") {
			t.Errorf("%s: %v %s", f.name, err, out)
		}
		if !has(a, f.address) {
			t.Errorf("%s: it was removed", f.name)
		}
	}
}

func TestWithoutCapabilities(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	for _, what := range []string{"clean", "hold"} {
		for _, taken := range []string{"-net_admin", "-net_raw"} {
			cmd := box(t, a, what, virtual4, "setpriv", "--bounding-set", taken)
			cmd.WaitDelay = time.Second
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW") {
				t.Errorf("%s with %s: %v %s", what, taken, err, out)
			}
			if n := strings.Count(string(out), "\n"); n != 1 {
				t.Errorf("%s with %s: %d lines, not one clear error: %s", what, taken, n, out)
			}
		}
	}
}
