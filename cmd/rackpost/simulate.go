package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
)

func simCommand() command {
	return command{
		name: "sim",
		args: "-recording FILE|FOLDER | -model NAME | -models | fault NAME | devices | readings | counters",
		does: "simulate a device over SNMP or Redfish, and break it while it runs",
		help: simHelp(),
		run:  runSim,
	}
}

func simHelp() string {
	return `  rackpost sim -recording F.snmprec -listen ADDR   serve a recorded device
  rackpost sim -recording FOLDER -listen ADDR      serve a recorded tree of Redfish: the folder that holds redfish/v1
  rackpost sim -model NAME -listen ADDR            serve a model whose counters move
  rackpost sim -models                             list the models
  rackpost sim fault NAME [-device D] [-arg A]     switch a fault on
  rackpost sim devices                             what a running simulator serves, as JSON
  rackpost sim readings                            what was read from it over SNMP, as JSON
  rackpost sim counters                            what was asked of it over Redfish: sessions, requests, connections, as JSON

  -listen ADDR     UDP address, 127.0.0.1:1161 if not given; of a server the TCP address of Redfish, 127.0.0.1:8443 if not
                   given; port 0 is a free one
  -community C     that is answered; public if not given; public@60 is VLAN 60 of a switch
  -name N          sysName of a model, or name of a server
  -seed N          another seed is another device
  -number N        of a device, 0 to 9999: part of its serial numbers, name and addresses
  -members N       of a stack
  -contexts N      of a firewall in multiple-context mode
  -snmp ADDR       of the agent beside a server's Redfish; port 1161 on the same host if not given, none is without one
  -user U          of a server; ` + bmc.DefaultUser + ` if not given
  -password-file F its password; ` + bmc.DefaultPassword + ` if not given
  -control PATH    unix socket by which faults are switched; ` + defaultControl() + ` if not given
  -device D        which device of the simulator; not needed if there is one
  -arg A           what the fault is told: see below

Faults, each with the -arg it takes, a PORT being Gi1/0/1 or an ifIndex:
` + sim.FaultHelp() + `
Faults of a server; those of its agent are slow, silent, generr, toobig and garbage as above, written ` + sim.AgentFault + `slow and so on:
` + bmc.FaultHelp() + `
It prints the address it serves and ends on Ctrl-C.`
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
	snmp, user, passwordFile string
	agent                    sim.AgentOptions
	options                  sim.ModelOptions
}

func (f *simFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("sim", flag.ContinueOnError)
	fs.StringVar(&f.recording, "recording", "", "")
	fs.StringVar(&f.model, "model", "", "")
	fs.StringVar(&f.listen, "listen", "", "")
	fs.StringVar(&f.snmp, "snmp", "", "")
	fs.StringVar(&f.user, "user", "", "")
	fs.StringVar(&f.passwordFile, "password-file", "", "")
	fs.BoolVar(&f.models, "models", false, "")
	fs.StringVar(&f.control, "control", "", "")
	fs.StringVar(&f.device, "device", "", "")
	fs.StringVar(&f.arg, "arg", "", "")
	fs.StringVar(&f.agent.Community, "community", "", "")
	fs.StringVar(&f.options.Name, "name", "", "")
	fs.Uint64Var(&f.options.Seed, "seed", 0, "")
	fs.IntVar(&f.options.Number, "number", 0, "")
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
		return usagef("name a fault: %s; of a server %s", strings.Join(sim.Faults(), ", "), strings.Join(bmc.FaultNames(), ", "))
	case len(rest) == 1 && rest[0] == "devices":
		v, err := sim.Control(control).Devices(ctx)
		return printAnswer(t, v, err)
	case len(rest) == 1 && rest[0] == "readings":
		v, err := sim.Control(control).Readings(ctx)
		return printAnswer(t, v, err)
	case len(rest) == 1 && rest[0] == "counters":
		v, err := sim.Control(control).Counters(ctx)
		return printAnswer(t, v, err)
	case len(rest) > 0:
		return usagef("sim has no %q; it has fault NAME, devices, readings and counters", rest[0])
	case f.models:
		_, err := fmt.Fprintln(t.out, strings.Join(simModels(), "\n"))
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
