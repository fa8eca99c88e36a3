package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/sim"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/store"
)

const (
	demoPeriod = 5 * time.Second // of every section over SNMP, and of a server's heartbeat: faults are to be seen soon
	demoWait   = 5 * time.Second // for a server's answer
	demoRate   = 50              // requests a second to a server; a real one is asked two
	demoBudget = 512 << 20
	demoTries  = 8 // loopback networks that are tried: others may use some
)

func demoCommand() command {
	return command{
		name: "demo",
		args: "[-dir DIR] [-listen ADDR]",
		does: "a simulated rack and one appliance that watches it, live",
		help: `Nothing needs to be set up and nothing is left behind: the rack answers on loopback addresses, the
journal lies in a folder of its own under ` + os.TempDir() + ` and is removed at the end. Ctrl-C ends it.

  -dir DIR       keep the journal there
  -listen ADDR   of the status page; ` + defaultListen + ` if not given, or a free port if that is taken

A second terminal can break the rack; the demo prints the command.`,
		run: runDemo,
	}
}

func runDemo(ctx context.Context, t terminal, args []string) (err error) {
	signal.Ignore(syscall.SIGPIPE)                         // nobody reads the table: an error, with all tidied up
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	dir := fs.String("dir", "", "")
	listen := fs.String("listen", "", "")
	if rest, err := parseFlags(fs, args); err != nil {
		return err
	} else if len(rest) > 0 {
		return usagef("demo takes no arguments")
	}
	address, err := demoListen(*listen)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "rackpost-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if *dir == "" {
		*dir = filepath.Join(scratch, "journal")
	}
	rack, err := demoRack()
	if err != nil {
		return err
	}
	d := demo{t: t, rack: rack, scratch: scratch, control: defaultControl()}
	if conn, err := net.Dial("unix", d.control); err == nil { // another simulator has it
		_ = conn.Close()
		d.control = filepath.Join(scratch, "sim.sock")
	}
	d.box = boxConfig{name: "demo", data: *dir, listen: address, socket: filepath.Join(scratch, "rackpost.sock"), budget: demoBudget}
	return d.run(ctx)
}

// demoListen returns the address of the page: the one asked for, else the default, else a
// free port.
func demoListen(asked string) (netip.AddrPort, error) {
	tries := []string{defaultListen, "127.0.0.1:0"}
	if asked != "" {
		c := &checker{}
		a := c.listen(text{s: asked})
		if len(c.problems) > 0 {
			return a, usagef("-%s", c.problems[0].text)
		}
		tries = []string{a.String()}
	}
	var err error
	for _, s := range tries {
		var ln net.Listener
		if ln, err = net.Listen("tcp", s); err == nil {
			return ln.Addr().(*net.TCPAddr).AddrPort(), ln.Close()
		}
	}
	return netip.AddrPort{}, fmt.Errorf("listen for the status page: %w", err)
}

// demoRack opens the rack on the first loopback network that nobody uses.
func demoRack() (*sim.Rack, error) {
	var err error
	for i := range byte(demoTries) {
		var rack *sim.Rack
		rack, err = sim.DemoRack(sim.DemoOptions{Base: netip.AddrFrom4([4]byte{127, 77 + i, 0, 1})})
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return rack, err
		}
	}
	return nil, err
}

// demo is a rack and the appliance that watches it.
type demo struct {
	t       terminal
	rack    *sim.Rack
	scratch string // folder that is removed at the end
	control string // socket by which faults are switched
	box     boxConfig
}

func (d demo) run(ctx context.Context) error {
	site, err := demoSite(d.rack)
	if err != nil {
		return errors.Join(err, d.rack.Close())
	}
	if err := os.MkdirAll(d.box.data, 0o750); err != nil {
		return errors.Join(err, d.rack.Close())
	}
	logFile, err := os.OpenFile(filepath.Join(d.scratch, "demo.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return errors.Join(err, d.rack.Close())
	}
	defer logFile.Close()
	logger := slog.New(slog.NewTextHandler(logFile, nil))
	a, err := openAppliance(ctx, d.box, site, store.Options{Ballast: -1, MinFree: 1 << 20}, nil, logger)
	if err != nil {
		return errors.Join(err, d.rack.Close())
	}
	screen := newScreen(d.t.out, d.heading(), a)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.rack.Run(ctx) })
	group.Go(func() error { return d.rack.Serve(ctx, d.control) })
	group.Go(func() error { return a.Run(ctx) })
	group.Go(func() error { return screen.Run(ctx) })
	return errors.Join(group.Wait(), a.store.Close())
}

// heading tells where to look and what to try.
func (d demo) heading() []string {
	sim := os.Args[0] + " sim fault"
	control := ""
	if d.control != defaultControl() {
		control = " -control " + d.control
	}
	return []string{
		fmt.Sprintf("A simulated rack, and one appliance that visits it every %s (the RAID sets every %s). Ctrl-C ends it.", shortDuration(demoPeriod), shortDuration(demoPeriods["raid"])),
		fmt.Sprintf("Status page: http://%s", d.box.listen),
		"In a second terminal, to break it, to mend it, to ask it:",
		fmt.Sprintf("  %s port-down -device core-stack -arg Gi1/0/1%s", sim, control),
		fmt.Sprintf("  %s battery-dead -device server-1%s", sim, control),
		fmt.Sprintf("  %s clear -device core-stack%s", sim, control),
		fmt.Sprintf("  %s query core-stack -socket %s", os.Args[0], d.box.socket),
		fmt.Sprintf("  %s raid server-1 -socket %s", os.Args[0], d.box.socket),
	}
}

// demoSite is the configuration of the rack.
func demoSite(rack *sim.Rack) (siteConfig, error) {
	id, err := journal.ParseID("de300000-0000-4000-8000-000000000001")
	if err != nil {
		return siteConfig{}, err
	}
	site := siteConfig{id: id, name: "Demo rack"}
	for _, i := range rack.Devices() {
		kind, err := findKind(all.Kinds(), i.Kind)
		if err != nil {
			return siteConfig{}, err
		}
		site.devices = append(site.devices, demoDevice(rack, i, kind))
	}
	return site, nil
}

// demoPeriods are those of a server's sections; the others are read every minute.
var demoPeriods = map[string]time.Duration{
	"heartbeat": demoPeriod, "raid": 2 * demoPeriod, "environment": 2 * demoPeriod, "log": 2 * demoPeriod, "jobs": 2 * demoPeriod,
}

// demoDevice is how one device of the rack is watched.
func demoDevice(rack *sim.Rack, i sim.DeviceInfo, kind collectors.Kind) collectors.Watched {
	w := collectors.Watched{Kind: kind, Periods: map[string]time.Duration{}, Target: collectors.Target{
		Device:      hw.Device{ID: hw.DeviceID(i.Name), Kind: i.Kind, Name: i.Name, Address: i.Address, Rack: "demo"},
		Credentials: collectors.Credentials{Community: "public"},
		Timeout:     time.Second,
	}}
	b := rack.BMC(i.Name)
	if b != nil {
		w.Target.SNMP, w.Target.Timeout, w.Target.Rate = i.SNMP, demoWait, demoRate
		w.Target.Credentials.User, w.Target.Credentials.Password = b.Account()
	}
	for _, s := range kind.Sections {
		switch period, ours := demoPeriods[s.Name]; {
		case b == nil:
			w.Periods[s.Name] = demoPeriod
		case ours:
			w.Periods[s.Name] = period
		default:
			w.Periods[s.Name] = time.Minute
		}
	}
	return w
}
