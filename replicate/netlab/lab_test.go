package netlab_test

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rackpost/replicate/netlab"
)

// reaches calls a port that nobody listens at, which is refused at once where the host is there. An answer that is
// expected has more time than one that is not.
func reaches(h *netlab.Host, address string, expected bool) bool {
	wait := "0.4"
	if expected {
		wait = "10"
	}
	out, _ := h.Command("timeout", wait, "bash", "-c", "exec 3<>/dev/tcp/"+address+"/9").CombinedOutput()
	return strings.Contains(string(out), "refused")
}

func TestHostsReachEachOther(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a", "b", "c")
	lab.Cable("a", "b")
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	for _, address := range []string{b.Address(netlab.LAN).String(), b.Address6(netlab.LAN).String(), b.Address(netlab.Direct).String(), c.Address(netlab.LAN).String()} {
		if !reaches(a, address, true) {
			t.Errorf("a does not reach %s", address)
		}
	}
	if reaches(c, b.Address(netlab.Direct).String(), false) {
		t.Error("c reaches the cable between a and b")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t, "a", "b", "c")
	lab.Cable("a", "b")
	a, b, c := lab.Host("a"), lab.Host("b"), lab.Host("c")
	lan, direct := b.Address(netlab.LAN).String(), b.Address(netlab.Direct).String()
	for _, step := range []struct {
		name                   string
		fault                  func()
		lan, direct, fromThird bool
	}{
		{"one wire cut", func() { lab.Cut("a", "b", netlab.LAN) }, false, true, true},
		{"all wires cut", func() { lab.Cut("a", "b") }, false, false, true},
		{"one way", func() { lab.OneWay("a", "b", netlab.Direct) }, true, false, true},
		{"all lost", func() { lab.Loss("a", "b", 100, netlab.LAN) }, false, true, true},
		{"none lost", func() { lab.Loss("a", "b", 0) }, true, true, true},
		{"limited to nothing much", func() { lab.Limit("a", "b", 1, netlab.Direct) }, true, false, true},
		{"mute", func() { lab.Mute("b") }, false, false, false},
		{"unplugged", func() { lab.Unplug("b") }, false, true, false},
		{"healed", func() { lab.Plug("b") }, true, true, true},
	} {
		lab.Heal()
		step.fault()
		if got := reaches(a, lan, step.lan); got != step.lan {
			t.Errorf("%s: a reaches b on the switch: %v", step.name, got)
		}
		if got := reaches(a, direct, step.direct); got != step.direct {
			t.Errorf("%s: a reaches b on the cable: %v", step.name, got)
		}
		if got := reaches(c, lan, step.fromThird); got != step.fromThird {
			t.Errorf("%s: c reaches b: %v", step.name, got)
		}
	}
}

func TestAloneHasItsOwnNetwork(t *testing.T) {
	netlab.Alone(t, func(t *testing.T) {
		lab := netlab.NewHere(t, "a", "b")
		ln, err := net.Listen("tcp", net.JoinHostPort(lab.Host("a").Address(netlab.LAN).String(), "7000"))
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		caller := lab.Host("b").Command("bash", "-c", "exec 3<>/dev/tcp/"+strings.ReplaceAll(ln.Addr().String(), ":", "/"))
		if out, err := caller.CombinedOutput(); err != nil {
			t.Fatalf("b cannot call: %v %s", err, out)
		}
		interfaces, err := net.Interfaces()
		if err != nil || len(interfaces) != 2 {
			t.Errorf("this test has %v, not only lo and lan (%v)", interfaces, err)
		}
	})
}

func TestHostsEndWithTheTest(t *testing.T) {
	t.Parallel()
	var command *exec.Cmd
	t.Run("lab", func(t *testing.T) {
		command = netlab.New(t, "a").Host("a").Command("true")
	})
	if command == nil {
		t.Skip("no lab here")
	}
	deadline := time.Now().Add(5 * time.Second)
	for command.Run() == nil {
		if time.Now().After(deadline) {
			t.Fatal("the namespace outlived its test")
		}
		command = exec.Command(command.Args[0], command.Args[1:]...)
	}
}
