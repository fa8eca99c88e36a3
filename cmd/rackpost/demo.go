package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	demoPeriod = 5 * time.Second // of every section over SNMP, and of a server's heartbeat: faults are to be seen soon
	demoWait   = 5 * time.Second // for a server's answer
	demoRate   = 50              // requests a second to a server; a real one is asked two
	demoAgain  = 8 * time.Second // after it was killed a member is started again
)

// demoPeriods are how many periods those of a server's sections are long; the others have twelve.
var demoPeriods = map[string]int{"heartbeat": 1, "raid": 2, "environment": 2, "log": 2, "jobs": 2}

func demoCommand() command {
	return command{
		name: "demo",
		args: "[-witness] [-dir DIR] [-listen ADDR] | -scenario NAME [-witness] [-for D] [-json]",
		does: "a simulated rack, a pair of boxes that watches it and a headquarters, live, or one story of what fails",
		help: `Nothing needs to be set up and nothing is left behind: rack, boxes and headquarters answer on loopback addresses, each box is a process
of its own, and the journals lie in a folder under ` + os.TempDir() + ` that is removed at the end. Ctrl-C ends it.

  -witness         with a third voter
  -dir DIR         keep the journals there, in a folder a box
  -listen ADDR     of the first box's status page; ` + defaultListen + ` if not given, or a free port if that is taken
  -scenario NAME   tell one story unattended, about a minute, and judge it; exit code 1 when a promise was broken:
` + plotHelp() + `  -period D        with -scenario: how often the devices are visited; ` + shortDuration(demoPeriod) + ` if not given
  -for D           with -scenario uplink-cut: how long the line is cut, 15s to 1d; ` + shortDuration(demoCut) + ` if not given
  -json            with -scenario: print one JSON object

A second terminal can break the rack and kill a box; the demo prints the commands.`,
		run: runDemo,
	}
}

// demoFlags are the flags of demo.
type demoFlags struct {
	witness, json bool
	dir, scenario string
	period        time.Duration
	lasts         time.Duration // of the cut of uplink-cut
	listen        netip.AddrPort
}

func (f *demoFlags) parse(args []string) error {
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.BoolVar(&f.witness, "witness", false, "")
	fs.BoolVar(&f.json, "json", false, "")
	fs.StringVar(&f.dir, "dir", "", "")
	fs.StringVar(&f.scenario, "scenario", "", "")
	listen := fs.String("listen", "", "")
	period := fs.String("period", "", "")
	lasts := fs.String("for", "", "")
	rest, err := parseFlags(fs, args)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return usagef("demo takes no arguments")
	case f.scenario != "" && *listen != "":
		return usagef("-listen is for a demo that is watched; with -scenario nobody looks")
	case *lasts != "" && f.scenario != uplinkPlot:
		return usagef("-for goes with -scenario %s", uplinkPlot)
	case f.scenario == "" && (f.json || *period != ""):
		return usagef("-json and -period go with -scenario")
	}
	f.period = demoPeriod
	if *period != "" {
		if f.period, err = parseDuration(*period); err != nil || f.period < minPeriod || f.period > time.Minute {
			return usagef("-period: write %s to 1m, not %q", shortDuration(minPeriod), shorten(*period))
		}
	}
	f.lasts = demoCut
	if *lasts != "" {
		if f.lasts, err = parseDuration(*lasts); err != nil || f.lasts < leastCut || f.lasts > mostCut {
			return usagef("-for: write %s to %s, not %q", shortDuration(leastCut), shortDuration(mostCut), shorten(*lasts))
		}
	}
	if f.scenario == "" {
		f.listen, err = demoListen(*listen)
	}
	return err
}

func runDemo(ctx context.Context, t terminal, args []string) error {
	if len(args) > 0 && args[0] == "member" {
		return runMember(ctx, t, args[1:])
	}
	var f demoFlags
	if err := f.parse(args); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE)                         // nobody reads the table: an error, with all tidied up
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	if f.scenario != "" {
		return runStory(ctx, t, f)
	}
	lab, err := newLab(f, true)
	if err != nil {
		return err
	}
	lab.listenControl()
	return errors.Join(lab.whileServing(ctx, func(ctx context.Context) error { return lab.show(ctx, t) }), lab.Close())
}

// whileServing runs the rack while fn runs, and ends the members after it.
func (l *demoLab) whileServing(ctx context.Context, fn func(context.Context) error) error {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var group errgroup.Group
	l.served = true
	group.Go(func() error { return l.rack.Run(serving) })
	group.Go(func() error { return l.rack.Serve(serving, l.control) })
	err := fn(ctx)
	err = errors.Join(err, l.stopAll())
	end()
	return errors.Join(err, group.Wait())
}

// show sets the pair up and shows it until ctx ends.
func (l *demoLab) show(ctx context.Context, t terminal) error {
	began := time.Now()
	err := l.setUp(ctx, func(format string, args ...any) {
		fmt.Fprintf(t.out, "%4.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return newScreen(t.out, l.heading(), l.paint).Run(ctx) })
	for _, m := range l.everyone() {
		group.Go(func() error { return m.keepRunning(ctx) })
	}
	return group.Wait()
}

// keepRunning starts a member again some time after it was killed, until ctx ends.
func (m *labMember) keepRunning(ctx context.Context) error {
	for {
		run := m.running()
		if run == nil {
			if err := m.start(); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-run.ended:
			m.again.Store(time.Now().Add(demoAgain).UnixNano())
			pause(ctx, demoAgain)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// heading tells where to look and what to try.
func (l *demoLab) heading() []string {
	self, a := os.Args[0], l.members[0]
	control := ""
	if l.control != defaultControl() {
		control = " -control " + l.control
	}
	witness := ""
	if len(l.members) > 2 {
		witness = " and a witness"
	}
	return []string{
		fmt.Sprintf("A simulated rack, a pair of boxes%s, and a headquarters. The leader visits it every %s. Ctrl-C ends it.", witness, shortDuration(l.period)),
		fmt.Sprintf("Status pages: http://%s and http://%s", a.page, l.members[1].page),
		fmt.Sprintf("In a second terminal: kill -9 PID of a box below; it is started again after %s. Or:", shortDuration(demoAgain)),
		fmt.Sprintf("  %s pair status -socket %s", self, a.socket),
		fmt.Sprintf("  %s hq sites -socket %s", self, l.hq.socket),
		fmt.Sprintf("  %s uplink status -socket %s", self, a.socket),
		fmt.Sprintf("  %s sim fault port-down -device core-stack -arg Gi1/0/1%s", self, control),
		fmt.Sprintf("  %s sim fault battery-dead -device server-1%s", self, control),
		fmt.Sprintf("  %s sim fault clear -device core-stack%s", self, control),
		fmt.Sprintf("  %s locate server-2 on -for 1m -socket %s", self, a.socket),
		fmt.Sprintf("  %s raid server-1 -socket %s", self, a.socket),
	}
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
