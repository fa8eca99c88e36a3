package link_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
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

// TestABoxThatStoodStill had authority when it was stopped. The address goes; when it goes on another has both.
func TestABoxThatStoodStill(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a", "b")
	a, b := lab.Host("a"), lab.Host("b")
	stopped := box(t, a, "once", virtual4)
	start(t, stopped)
	eventually(t, "a takes the address", func() bool { return has(a, virtual4) })
	signalTo(t, stopped, syscall.SIGSTOP)
	eventually(t, "its kernel lets go of it", func() bool { return !has(a, virtual4) })
	startBox(t, b, virtual4)
	call(a, b.Address(netlab.LAN).String())
	signalTo(t, stopped, syscall.SIGCONT)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if has(a, virtual4) {
			t.Fatal("it took the address that is no longer its own")
		}
	}
	call(a, virtual4)
	if got := believes(a, virtual4); got != mac(t, b) {
		t.Errorf("its host believes %q has the address, not b", got)
	}
}

func signalTo(t *testing.T, cmd *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
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
		if strings.Contains(left, "valid_lft 5sec") {
			shorter = true
		}
		return shorter && strings.Contains(left, "valid_lft 6sec")
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

// TestWithTheCapabilitiesOfTheUnit: any user, two capabilities, nothing else.
func TestWithTheCapabilitiesOfTheUnit(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a")
	a := lab.Host("a")
	as := func(what, address string) *exec.Cmd {
		self, err := os.Open("/proc/self/exe") // the folder of a test's program is closed to other users
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = self.Close() })
		cmd := box(t, a, what, address, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs",
			"--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all,+net_admin,+net_raw", "--ambient-caps=-all,+net_admin,+net_raw")
		cmd.Args[len(cmd.Args)-1] = "/proc/self/fd/3"
		cmd.ExtraFiles = []*os.File{self}
		return cmd
	}
	for _, f := range families {
		holder := as("hold", f.address)
		start(t, holder)
		eventually(t, f.name+" is taken", func() bool { return has(a, f.address) })
		kill(t, holder)
		if out, err := as("clean", f.address).CombinedOutput(); err != nil || has(a, f.address) {
			t.Errorf("%s: what was left: %v %s", f.name, err, out)
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
