package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rackpost/collectors/sim"
)

func simCommand() command {
	return command{
		name: "sim",
		args: "-recording FILE | -model NAME | -models | fault NAME | devices | readings",
		does: "simulate an SNMP device, and break it while it runs",
		help: `  rackpost sim -recording F.snmprec -listen ADDR   serve a recorded device
  rackpost sim -model NAME -listen ADDR            serve a model whose counters move
  rackpost sim -models                             list the models
  rackpost sim fault NAME [-device D] [-arg A]     switch a fault on
  rackpost sim devices                             what a running simulator serves, as JSON
  rackpost sim readings                            what was read from it, as JSON

  -listen ADDR     UDP address; 127.0.0.1:1161 if not given, port 0 is a free one
  -community C     that is answered; public if not given; public@60 is VLAN 60 of a switch
  -name N          sysName of a model
  -seed N          another seed is another device
  -members N       of a stack
  -contexts N      of a firewall in multiple-context mode
  -control PATH    unix socket by which faults are switched; ` + defaultControl() + ` if not given
  -device D        which device of the simulator; not needed if there is one
  -arg A           what the fault is told: see below

Faults, each with the -arg it takes, a PORT being Gi1/0/1 or an ifIndex:
` + sim.FaultHelp() + `
It prints the address it serves and ends on Ctrl-C.`,
		run: runSim,
	}
}

// defaultControl is the control socket of this user's simulator.
func defaultControl() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("rackpost-sim-%d.sock", os.Getuid()))
}

// simFlags are the flags of sim.
type simFlags struct {
	recording, model, listen string
	models                   bool
	control, device, arg     string
	agent                    sim.AgentOptions
	options                  sim.ModelOptions
}

func (f *simFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("sim", flag.ContinueOnError)
	fs.StringVar(&f.recording, "recording", "", "")
	fs.StringVar(&f.model, "model", "", "")
	fs.StringVar(&f.listen, "listen", fmt.Sprintf("127.0.0.1:%d", sim.DefaultPort), "")
	fs.BoolVar(&f.models, "models", false, "")
	fs.StringVar(&f.control, "control", "", "")
	fs.StringVar(&f.device, "device", "", "")
	fs.StringVar(&f.arg, "arg", "", "")
	fs.StringVar(&f.agent.Community, "community", "", "")
	fs.StringVar(&f.options.Name, "name", "", "")
	fs.Uint64Var(&f.options.Seed, "seed", 0, "")
	fs.Func("members", "", func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > sim.MaxMembers {
			return fmt.Errorf("use 1 to %d, or leave it out", sim.MaxMembers)
		}
		f.options.Members = n
		return nil
	})
	fs.Func("contexts", "", func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > sim.MaxContexts {
			return fmt.Errorf("use 1 to %d, or leave it out", sim.MaxContexts)
		}
		f.options.Contexts = n
		return nil
	})
	return fs
}

func runSim(ctx context.Context, t terminal, args []string) error {
	var f simFlags
	rest, err := parseFlags(f.set(), args)
	if err != nil {
		return err
	}
	control := f.control
	if control == "" {
		control = defaultControl()
	}
	switch {
	case len(rest) == 2 && rest[0] == "fault":
		if err := sim.Control(control).Fault(ctx, f.device, rest[1], f.arg); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.out, "%s: done\n", rest[1])
		return err
	case len(rest) == 1 && rest[0] == "fault":
		return usagef("name a fault: %s", strings.Join(sim.Faults(), ", "))
	case len(rest) == 1 && rest[0] == "devices":
		v, err := sim.Control(control).Devices(ctx)
		return printAnswer(t, v, err)
	case len(rest) == 1 && rest[0] == "readings":
		v, err := sim.Control(control).Readings(ctx)
		return printAnswer(t, v, err)
	case len(rest) > 0:
		return usagef("sim has no %q; it has fault NAME, devices and readings", rest[0])
	case f.models:
		_, err := fmt.Fprintln(t.out, strings.Join(sim.Models(), "\n"))
		return err
	}
	return f.serve(ctx, t, control)
}

func printAnswer(t terminal, v any, err error) error {
	if err != nil {
		return err
	}
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// serve runs one device until ctx ends.
func (f *simFlags) serve(ctx context.Context, t terminal, control string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	d, name, err := f.made()
	if err != nil {
		return err
	}
	rack := sim.NewRack()
	agent, err := rack.Add(name, d, f.listen, f.agent)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s listens on %s\n", name, agent.Addr())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return rack.Run(ctx) })
	group.Go(func() error {
		err := rack.Serve(ctx, control)
		if err != nil && f.control == "" { // another simulator has it; this one does without
			fmt.Fprintf(t.err, "no faults can be switched: %v\n", err)
			return nil
		}
		return err
	})
	return group.Wait()
}

// made returns the device the flags ask for and its name.
func (f *simFlags) made() (*sim.Device, string, error) {
	switch {
	case f.recording != "" && f.model != "":
		return nil, "", usagef("give -recording or -model, not both")
	case f.model != "":
		if err := known(f.model, sim.Models(), "model"); err != nil {
			return nil, "", err
		}
		d, err := sim.NewModel(f.model, f.options)
		return d, f.model, err
	case f.recording == "":
		return nil, "", usagef("give -recording FILE or -model NAME; rackpost sim -models lists the models")
	}
	file, err := os.Open(f.recording)
	if err != nil {
		return nil, "", fmt.Errorf("open the recording: %w", err)
	}
	defer file.Close()
	rec, err := sim.ReadRecording(file, f.recording)
	if err != nil {
		return nil, "", err
	}
	return sim.NewRecorded(rec), filepath.Base(f.recording), nil
}

// known returns a usage error if name is not among names.
func known(name string, names []string, what string) error {
	for _, n := range names {
		if n == name {
			return nil
		}
	}
	if s := nearest(name, names); s != "" {
		return usagef("there is no %s %q; did you mean %q?", what, name, s)
	}
	return usagef("there is no %s %q; there are %s", what, name, strings.Join(names, ", "))
}
