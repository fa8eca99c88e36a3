package link_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"rackpost/replicate/link"
	"rackpost/replicate/netlab"
)

const (
	virtual4 = "10.77.0.100"
	virtual6 = "fd77::100"

	helperVariable = "RACKPOST_LINK_HELPER"
	patience       = 20 * time.Second // for what has to happen, also on a loaded machine
)

// TestMain is the tests, or a box on another host of the lab: "hold ADDRESS" holds it until it is killed, "island ADDRESS"
// does it without authority, "once ADDRESS" has authority only the first time it is asked, "clean ADDRESS" removes what
// another left.
func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(helperVariable)); len(words) == 2 {
		if err := helper(words[0], words[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil { // these tests wait, they do not compute
		panic(err)
	}
	os.Exit(m.Run())
}

func helper(what, address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	monitor := link.NewMonitor(slog.New(slog.DiscardHandler))
	asked := 0
	verify := func(context.Context) error {
		if asked++; what == "once" && asked > 1 {
			return errors.New("no authority")
		}
		return nil
	}
	a, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr(address), Interface: netlab.LAN, Verify: verify,
		Monitor: monitor, GiveWay: func() bool { return what == "island" }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if what == "clean" {
		return a.Clean()
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = monitor.Run(ctx) })
	defer wg.Wait()
	defer stop()
	return a.Hold(ctx)
}

// box prepares a helper on a host. The words before it run it, such as a program that takes away its rights.
func box(t *testing.T, h *netlab.Host, what, address string, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	words := append(before, self)
	cmd := h.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), helperVariable+"="+what+" "+address)
	return cmd
}

// startBox starts a helper that holds an address, and returns when its host has it.
func startBox(t *testing.T, h *netlab.Host, address string) *exec.Cmd {
	t.Helper()
	cmd := box(t, h, "hold", address)
	start(t, cmd)
	eventually(t, h.Name+" takes "+address, func() bool { return has(h, address) })
	return cmd
}

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// has says whether the host has the address.
func has(h *netlab.Host, address string) bool {
	return strings.Contains(h.Run("ip", "-oneline", "address", "show"), " "+address+"/")
}

// mac returns the hardware address of the host on the switch.
func mac(t *testing.T, h *netlab.Host) string {
	t.Helper()
	fields := strings.Fields(h.Run("ip", "-oneline", "link", "show", netlab.LAN))
	for i, f := range fields {
		if f == "link/ether" {
			return fields[i+1]
		}
	}
	t.Fatalf("%s has no hardware address: %s", h.Name, fields)
	return ""
}

// believes returns the hardware address that the host has in mind for an address.
func believes(h *netlab.Host, address string) string {
	fields := strings.Fields(h.Run("ip", "neighbour", "show", "to", address))
	for i, f := range fields {
		if f == "lladdr" {
			return fields[i+1]
		}
	}
	return ""
}

// call makes the host look for an address.
func call(h *netlab.Host, address string) {
	_ = h.Command("timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/"+address+"/9").Run()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// here is the box that is the test itself.
type here struct {
	*netlab.Host
	monitor *link.Monitor
	log     *record
}

// newHere follows the links until the test ends, and then makes sure that no goroutine is left.
func newHere(t *testing.T, h *netlab.Host) *here {
	t.Helper()
	box := &here{Host: h, log: &record{}}
	box.monitor = link.NewMonitor(box.log.logger())
	run(t, box.monitor.Run)
	eventually(t, "the links are known", func() bool { _, known := box.monitor.Links(); return known })
	return box
}

func (h *here) address(t *testing.T, ip string, giveWay func() bool) *link.Address {
	t.Helper()
	a, err := link.NewAddress(link.AddressConfig{Address: netip.MustParseAddr(ip), Beside: h.Address(netlab.LAN),
		Monitor: h.monitor, GiveWay: giveWay, Logger: h.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hold holds the address until the returned function is called, which returns when it is let go.
func (h *here) hold(t *testing.T, a *link.Address) (stop func()) {
	t.Helper()
	return run(t, a.Hold)
}

// run runs something until the returned function is called, or the test ends.
func run(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("it ended with: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// record keeps what was logged.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

func (r *record) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }
