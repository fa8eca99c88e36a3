package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rackpost/collectors/sim"
	"rackpost/collectors/sim/bmc"
	"rackpost/hw"
)

// simModels are the models of both protocols.
func simModels() []string { return append(sim.Models(), bmc.Models()...) }

// serve runs one device until ctx ends.
func (f *simFlags) serve(ctx context.Context, t terminal, control string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // the terminal was closed
	defer stop()
	rack := sim.NewRack()
	if err := f.fill(rack, t); err != nil {
		return err
	}
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

// fill puts the device that the flags ask for into the rack, and says where it listens.
func (f *simFlags) fill(rack *sim.Rack, t terminal) error {
	folder := false
	switch {
	case f.recording != "" && f.model != "":
		return usagef("give -recording or -model, not both")
	case f.model != "":
		if err := known(f.model, simModels(), "model"); err != nil {
			return err
		}
	case f.recording == "":
		return usagef("give -recording FILE, -recording FOLDER or -model NAME; rackpost sim -models lists the models")
	default:
		info, err := os.Stat(f.recording)
		if err != nil {
			return fmt.Errorf("open the recording: %w", err)
		}
		folder = info.IsDir()
	}
	if folder || slices.Contains(bmc.Models(), f.model) {
		return f.fillServer(rack, t)
	}
	if f.snmp != "" || f.user != "" || f.passwordFile != "" {
		return usagef("-snmp, -user and -password-file are of a server: %s, or a recorded tree", strings.Join(bmc.Models(), ", "))
	}
	if f.listen == "" {
		f.listen = address("127.0.0.1", sim.DefaultPort)
	}
	d, name, err := f.made()
	if err != nil {
		return err
	}
	agent, err := rack.Add(name, d, f.listen, f.agent)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s listens on %s\n", name, agent.Addr())
	return err
}

// made returns the SNMP device and its name.
func (f *simFlags) made() (*sim.Device, string, error) {
	if f.model != "" {
		d, err := sim.NewModel(f.model, f.options)
		return d, f.model, err
	}
	d, err := readDevice(f.recording)
	return d, filepath.Base(f.recording), err
}

func readDevice(path string) (*sim.Device, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the recording: %w", err)
	}
	defer file.Close()
	rec, err := sim.ReadRecording(file, path)
	if err != nil {
		return nil, err
	}
	return sim.NewRecorded(rec), nil
}

// fillServer adds a server, with its agent where there is something to show.
func (f *simFlags) fillServer(rack *sim.Rack, t terminal) error {
	if f.options.Members != 0 || f.options.Contexts != 0 {
		return usagef("-members is of a stack and -contexts of a firewall, not of a server")
	}
	b, name, err := f.madeServer()
	if err != nil {
		return err
	}
	if f.listen == "" {
		f.listen = address("127.0.0.1", sim.DefaultRedfishPort)
	}
	beside, err := f.beside(b)
	if err != nil {
		return err
	}
	s, err := rack.AddBMC(name, b, f.listen, beside)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; choose others with -listen and -snmp, or -snmp none", err)
	}
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s listens on %s", name, s.Addr())
	if snmp := rack.Devices()[0].SNMP; snmp != "" {
		line += ", its SNMP agent on " + snmp
	}
	user, password := b.Account()
	if f.passwordFile != "" {
		password = "in " + f.passwordFile
	}
	_, err = fmt.Fprintf(t.out, "%s; user %s, password %s\n", line, user, password)
	return err
}

func (f *simFlags) madeServer() (b *bmc.BMC, name string, err error) {
	c := &checker{env: secretSource{getenv: os.Getenv}}
	opt := bmc.Options{Seed: f.options.Seed, Number: f.options.Number, Name: f.options.Name, User: f.user}
	if f.passwordFile != "" {
		opt.Password = c.secretFile(f.passwordFile, place{f.passwordFile, 1, 1})
	}
	if err := c.problems.err(); err != nil {
		return nil, "", err
	}
	if f.model != "" {
		b, err = bmc.New(f.model, opt)
		return b, f.model, err
	}
	b, err = bmc.NewRecorded(f.recording, opt)
	return b, filepath.Base(filepath.Clean(f.recording)), err
}

// besideTree is what a capture calls the recording of SNMP that lies beside the tree of Redfish.
const besideTree = "device.snmprec"

// beside says what agent the server has: of a model it shows the server, of a recorded tree the recording beside it.
func (f *simFlags) beside(b *bmc.BMC) (sim.BMCOptions, error) {
	beside := sim.BMCOptions{SNMP: f.snmp, Agent: f.agent}
	none := f.snmp == "none" || f.snmp == "" && len(b.Rows()) == 0
	if f.model == "" {
		recorded := filepath.Join(f.recording, besideTree)
		if _, err := os.Stat(recorded); err == nil && f.snmp != "none" {
			if beside.Device, err = readDevice(recorded); err != nil {
				return beside, err
			}
			none = false
		}
	}
	switch {
	case none:
		beside.SNMP = ""
	case f.snmp == "":
		host, _, err := net.SplitHostPort(f.listen)
		if err != nil {
			return beside, usagef("-listen %s: write an address as 127.0.0.1:8443", f.listen)
		}
		beside.SNMP = address(host, sim.DefaultPort)
	case len(b.Rows()) == 0 && beside.Device == nil:
		return beside, usagef("-snmp: there is nothing that its agent could show; leave it out")
	}
	return beside, nil
}

func address(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// known returns a usage error if name is not among names.
func known(name string, names []string, what string) error {
	for _, n := range names {
		if n == name {
			return nil
		}
	}
	if s := hw.Nearest(name, names); s != "" {
		return usagef("there is no %s %q; did you mean %q?", what, name, s)
	}
	return usagef("there is no %s %q; there are %s", what, name, strings.Join(names, ", "))
}
