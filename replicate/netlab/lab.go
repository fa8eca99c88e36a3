package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The wires, which are also the names of a host's interfaces.
const (
	LAN    = "lan"    // to the switch
	Direct = "direct" // the cable between two hosts
	WAN    = "wan"    // to the second switch
)

// Lab is hosts on one switch.
type Lab struct {
	t     testing.TB
	hosts []*Host
	lan   *Host // whose interfaces are the ports of the switch, named after the hosts
	wan   *Host // the same of the second one; nil: there is none
}

// Host is a network namespace.
type Host struct {
	Name   string
	t      testing.TB
	pid    int // the process that holds the namespace
	number int
}

// New makes a host of each name and connects them by a switch. The first has the addresses 10.77.0.1 and fd77::1, and so
// on. The test is skipped where the machine does not allow it.
func New(t testing.TB, names ...string) *Lab {
	t.Helper()
	return build(t, false, names)
}

// NewHere is New for a test that runs in Alone: the first host is the test itself.
func NewHere(t testing.TB, names ...string) *Lab {
	t.Helper()
	if os.Getenv(aloneVariable) == "" {
		t.Fatal("netlab.NewHere outside of netlab.Alone")
	}
	return build(t, true, names)
}

func build(t testing.TB, here bool, names []string) *Lab {
	t.Helper()
	require(t)
	l := &Lab{t: t, lan: newSwitch(t)}
	for i, name := range names {
		h := &Host{Name: name, t: t, pid: os.Getpid()}
		if !here || i > 0 {
			h = hold(t, name)
		}
		h.number = i + 1
		l.hosts = append(l.hosts, h)
		h.join(l.lan, LAN)
	}
	return l
}

func newSwitch(t testing.TB) *Host {
	t.Helper()
	s := hold(t, "switch")
	s.ip("link add name switch type bridge", "link set dev switch up")
	return s
}

// join lays a cable from a host to a switch.
func (h *Host) join(to *Host, wire string) {
	h.t.Helper()
	to.ip(fmt.Sprintf("link add name %s type veth peer name %s netns %d", h.Name, wire, h.pid),
		fmt.Sprintf("link set dev %s master switch up", h.Name))
	h.wire(wire)
}

// Uplink joins hosts by a second switch, with the addresses 10.79.0.N and fd79::N.
func (l *Lab) Uplink(names ...string) {
	l.t.Helper()
	if l.wan == nil {
		l.wan = newSwitch(l.t)
	}
	for _, name := range names {
		l.Host(name).join(l.wan, WAN)
	}
}

// Cable joins two hosts by a cable of their own, with the addresses 10.78.0.N and fd78::N. A host has one at most.
func (l *Lab) Cable(a, b string) {
	l.t.Helper()
	one, two := l.Host(a), l.Host(b)
	one.ip(fmt.Sprintf("link add name %s type veth peer name %s netns %d", Direct, Direct, two.pid))
	one.wire(Direct)
	two.wire(Direct)
}

// Host returns the host of the name.
func (l *Lab) Host(name string) *Host {
	l.t.Helper()
	for _, h := range l.hosts {
		if h.Name == name {
			return h
		}
	}
	l.t.Fatalf("netlab: there is no host %s", name)
	return nil
}

// hold starts a process in a new namespace. It ends when its standard input is closed, also by the end of the test.
func hold(t testing.TB, name string) *Host {
	t.Helper()
	holder := exec.Command("cat")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, err := holder.StdinPipe()
	if err == nil {
		err = holder.Start()
	}
	if err != nil {
		skipIfRefused(t, err)
		t.Fatalf("netlab: a namespace for %s: %v", name, err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = holder.Wait()
	})
	h := &Host{Name: name, t: t, pid: holder.Process.Pid}
	h.start()
	return h
}

// start makes the host ready: IPv6 addresses are there at once, which is a matter of taste where /proc/sys may not be written.
func (h *Host) start() {
	h.t.Helper()
	h.ip("link set lo up")
	h.Run("sh", "-c", "for f in all default; do echo 0 2>/dev/null >/proc/sys/net/ipv6/conf/$f/accept_dad; done; true")
	h.nft("add table netdev netlab")
}

// wire gives the interface its addresses, and a place for the rules of what goes wrong.
func (h *Host) wire(name string) {
	h.t.Helper()
	h.ip(fmt.Sprintf("address add %s/24 dev %s", h.Address(name), name),
		fmt.Sprintf("address add %s/64 dev %s nodad", h.Address6(name), name),
		fmt.Sprintf("link set dev %s up", name))
	h.nft(fmt.Sprintf("add chain netdev netlab %s { type filter hook ingress device %s priority 0; }", name, name))
}

// Address returns the host's IPv4 address on the wire.
func (h *Host) Address(wire string) netip.Addr {
	return netip.AddrFrom4([4]byte{10, network(wire), 0, byte(h.number)})
}

// Address6 returns the host's IPv6 address on the wire.
func (h *Host) Address6(wire string) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd%d::%x", network(wire), h.number))
}

func network(wire string) byte {
	switch wire {
	case Direct:
		return 78
	case WAN:
		return 79
	}
	return 77
}

// Command prepares a program that is to run on the host. Its process is the program's own, so signals reach it; it is
// killed when the test's process ends, however that ends.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	if h.pid != os.Getpid() {
		cmd = exec.Command("nsenter", append([]string{"--net=/proc/" + strconv.Itoa(h.pid) + "/ns/net", "--", name}, args...)...)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Run runs a program on the host and returns what it wrote; the test ends when the program fails.
func (h *Host) Run(name string, args ...string) string {
	h.t.Helper()
	return h.feed("", name, args...)
}

func (h *Host) feed(in, name string, args ...string) string {
	h.t.Helper()
	cmd := h.Command(name, args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("netlab: %s: %s %s: %v\n%s%s", h.Name, name, strings.Join(args, " "), err, in, out)
	}
	return string(out)
}

// Within calls fn on a thread that is on the host: the sockets that fn itself opens, and what they accept, are the host's wherever
// they are used.
func (h *Host) Within(fn func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- h.enter(fn) }()
	if err := <-failed; err != nil {
		return fmt.Errorf("netlab: on %s: %w", h.Name, err)
	}
	return nil
}

// enter goes to the host and back. The thread must live on: with it would die the programs that were ever started by it.
func (h *Host) enter(fn func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close()
	space, err := os.Open("/proc/" + strconv.Itoa(h.pid) + "/ns/net")
	if err == nil {
		defer space.Close()
		err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
	}
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = fn()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, back) // locked, the thread ends with the goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// ip gives lines to ip(8).
func (h *Host) ip(lines ...string) {
	h.t.Helper()
	h.feed(strings.Join(lines, "\n")+"\n", "ip", "-batch", "-")
}

// nft gives lines to nft(8).
func (h *Host) nft(lines ...string) {
	h.t.Helper()
	h.feed(strings.Join(lines, "\n")+"\n", "nft", "-f", "-")
}

// require skips the test where it cannot run; where all tools were to be installed a missing one is a failure.
func require(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may make network namespaces")
	}
	for _, tool := range []string{"ip", "nft", "nsenter"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("RACKPOST_REQUIRE_TOOLS") != "" {
			t.Fatalf("%s is missing; make test should have installed it", tool)
		}
		t.Skipf("%s is missing", tool)
	}
}

func skipIfRefused(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("this machine refuses network namespaces: %v", err)
	}
}
