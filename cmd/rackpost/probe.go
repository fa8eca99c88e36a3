package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/hw"
)

// probeBudget is how long the one visit may take.
const probeBudget = 5 * time.Minute

func probeCommand() command {
	return command{
		name: "probe",
		args: "[-json] [-timeout D] [-community C | -community-file F | -v3-user U ...] KIND ADDRESS",
		does: "visit a device once and print all it says; nothing is stored",
		help: `KIND is one of ` + strings.Join(kindNames(), ", ") + `. ADDRESS is host, host:port or [v6]:port; the port is 161 if none is given.

  -json               print one JSON object
  -timeout D          for one request, such as 2s
  -community C        SNMP v2c, public if nothing is given; every user of this machine can see it in the list of processes
  -community-file F   the same from a file
  -v3-user U          SNMPv3; without the flags below nothing is authenticated
  -v3-auth P          ` + strings.Join(authProtocols, ", ") + `
  -v3-auth-key-file F
  -v3-priv P          ` + strings.Join(privProtocols, ", ") + ` (C: the key form of Cisco)
  -v3-priv-key-file F
  -v3-context C

Exit code 0: the device answered, what was not read stands under gaps; 1: nothing was read; 2: wrong usage.`,
		run: runProbe,
	}
}

func kindNames() []string {
	var names []string
	for _, k := range all.Kinds() {
		names = append(names, k.Name)
	}
	return names
}

// probeFlags are the flags of probe.
type probeFlags struct {
	json          bool
	timeout       string
	community     string
	communityFile string
	v3            collectors.V3
	authFile      string
	privFile      string
}

func (f *probeFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	fs.BoolVar(&f.json, "json", false, "")
	fs.StringVar(&f.timeout, "timeout", "", "")
	fs.StringVar(&f.community, "community", "", "")
	fs.StringVar(&f.communityFile, "community-file", "", "")
	fs.StringVar(&f.v3.User, "v3-user", "", "")
	fs.StringVar(&f.v3.AuthProtocol, "v3-auth", "", "")
	fs.StringVar(&f.authFile, "v3-auth-key-file", "", "")
	fs.StringVar(&f.v3.PrivProtocol, "v3-priv", "", "")
	fs.StringVar(&f.privFile, "v3-priv-key-file", "", "")
	fs.StringVar(&f.v3.Context, "v3-context", "", "")
	return fs
}

// target checks the flags and arguments and returns what to visit.
func (f *probeFlags) target(args []string) (collectors.Kind, collectors.Target, error) {
	var t collectors.Target
	if len(args) != 2 {
		return collectors.Kind{}, t, usagef("name a kind and an address")
	}
	kind, err := findKind(all.Kinds(), args[0])
	if err != nil {
		return kind, t, &usageError{err.Error()}
	}
	host, port, err := splitAddress(args[1])
	if err != nil {
		return kind, t, &usageError{err.Error()}
	}
	if t.Credentials, err = f.credentials(); err != nil {
		return kind, t, err
	}
	if f.timeout != "" {
		if t.Timeout, err = parseDuration(f.timeout); err != nil {
			return kind, t, usagef("-timeout: %v", err)
		}
		if t.Timeout < minTimeout || t.Timeout > maxTimeout {
			return kind, t, usagef("-timeout: %s is out of bounds; write %s to %s", f.timeout, shortDuration(minTimeout), shortDuration(maxTimeout))
		}
	}
	t.Device = hw.Device{ID: hw.DeviceID(args[1]), Kind: kind.Name, Address: joinAddress(host, port)}
	t.Memory, t.Logger = &collectors.Memory{}, slog.New(slog.DiscardHandler)
	return kind, t, nil
}

func (f *probeFlags) credentials() (collectors.Credentials, error) {
	var none collectors.Credentials
	c := &checker{getenv: os.Getenv}
	file := func(path string) string {
		if path == "" {
			return ""
		}
		return c.secretFile(path, place{path, 1, 1})
	}
	if f.communityFile != "" {
		f.community = file(f.communityFile)
	}
	v3 := f.v3
	v3.AuthKey, v3.PrivKey = file(f.authFile), file(f.privFile)
	given := f.v3 != (collectors.V3{}) || f.authFile != "" || f.privFile != ""
	switch {
	case len(c.problems) > 0:
		return none, c.problems.err()
	case !given:
		if f.community == "" {
			f.community = "public"
		}
		return collectors.Credentials{Community: f.community}, nil
	case f.community != "":
		return none, usagef("-community is for v2c and the -v3 flags for v3: give one of them")
	case v3.User == "":
		return none, usagef("-v3-user is missing")
	case (v3.AuthProtocol == "") != (f.authFile == ""):
		return none, usagef("-v3-auth and -v3-auth-key-file go together")
	case (v3.PrivProtocol == "") != (f.privFile == ""):
		return none, usagef("-v3-priv and -v3-priv-key-file go together")
	case v3.PrivProtocol != "" && v3.AuthProtocol == "":
		return none, usagef("-v3-priv needs -v3-auth: SNMPv3 encrypts nothing that it does not authenticate")
	}
	return collectors.Credentials{V3: &v3}, nil
}

func runProbe(ctx context.Context, t terminal, args []string) error {
	var f probeFlags
	rest, err := parseFlags(f.set(), args)
	if err != nil {
		return err
	}
	kind, target, err := f.target(rest)
	if err != nil {
		return err
	}
	report, visitErr, err := visitOnce(ctx, kind, target)
	if err != nil {
		return err
	}
	result := probeResultOf(target.Device, report, visitErr)
	if f.json {
		err = printJSON(t.out, result)
	} else if visitErr == nil {
		err = result.print(t.out, report.Gaps)
	}
	if err == nil && visitErr != nil {
		err = fmt.Errorf("%s: nothing was read: %s: %w", target.Device.Address, collectors.ReasonOf(visitErr), visitErr)
	}
	return err
}

// visitOnce makes one visit of all sections. A visit that read nothing is no error.
func visitOnce(ctx context.Context, kind collectors.Kind, target collectors.Target) (r hw.Report, visitErr, err error) {
	c, err := kind.New(target)
	if err != nil {
		return r, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	started := time.Now()
	r, visitErr = c.Collect(ctx, kind.Sections)
	r.Started, r.Took = started, time.Since(started)
	limit, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if err := c.Close(limit); err != nil && visitErr == nil {
		return r, nil, fmt.Errorf("close the session: %w", err)
	}
	return r, visitErr, nil
}
