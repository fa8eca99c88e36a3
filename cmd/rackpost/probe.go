package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/redfish"
	"rackpost/hw"
)

// probeBudget is how long the one visit may take.
const probeBudget = 5 * time.Minute

func probeCommand() command {
	return command{
		name: "probe",
		args: "[-json] [-timeout D] [-user U -password-file F] [-community C | -community-file F | -v3-user U ...] KIND ADDRESS",
		does: "visit a device once and print all it says; nothing is stored",
		help: `KIND is one of ` + strings.Join(kindNames(), ", ") + `. ADDRESS is host, host:port or [v6]:port; without a port it is 161
of SNMP, and 443 where -user is given: of Redfish. Of a server the RAID sets are printed first, with what is wrong with them.

  -json               print one JSON object
  -timeout D          for one request, such as 2s
  -standby ADDRESS    of the other unit of a firewall pair, which is visited too
  -snmp ADDRESS       of the SNMP agent of a server, read beside Redfish; without -user it is read alone, and the other ADDRESS
                      may be left out
  -rate N             requests a second at most over Redfish, 2 if not given: more is for what is simulated
  -legacy-tls         allow TLS 1.0 and the ciphers of old iDRAC 7 and 8
` + credentialHelp() + `

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
	credentialFlags
	json    bool
	timeout string
	standby string
	agent   string
	legacy  bool
	rate    float64
}

func (f *probeFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	fs.BoolVar(&f.json, "json", false, "")
	fs.StringVar(&f.timeout, "timeout", "", "")
	fs.StringVar(&f.standby, "standby", "", "")
	fs.StringVar(&f.agent, "snmp", "", "")
	fs.BoolVar(&f.legacy, "legacy-tls", false, "")
	fs.Float64Var(&f.rate, "rate", 0, "")
	f.register(fs)
	return fs
}

// target checks the flags and arguments and returns what to visit.
func (f *probeFlags) target(args []string) (collectors.Kind, collectors.Target, error) {
	t := collectors.Target{Once: true}
	if len(args) == 1 && f.agent != "" && f.user == "" {
		args = append(args, f.agent)
	}
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
	if err := f.server(kind, &t); err != nil {
		return kind, t, err
	}
	if t.Timeout, err = timeoutFlag(f.timeout); err != nil {
		return kind, t, err
	}
	t.Device = hw.Device{ID: hw.DeviceID(args[1]), Kind: kind.Name, Address: joinAddress(host, port)}
	if t.Device.Standby, err = f.standbyOf(kind, t.Device.Address); err != nil {
		return kind, t, err
	}
	t.Memory, t.Logger = &collectors.Memory{}, slog.New(slog.DiscardHandler)
	return kind, t, nil
}

// server reads the credentials and what else a server has flags for.
func (f *probeFlags) server(kind collectors.Kind, t *collectors.Target) (err error) {
	if t.Credentials, err = f.credentials(); err != nil {
		return err
	}
	if f.agent != "" {
		host, port, err := splitAddress(f.agent)
		if err != nil {
			return usagef("-snmp: %v", err)
		}
		if t.SNMP = joinAddress(host, port); !t.Credentials.SNMP() {
			t.Credentials.Community = "public"
		}
	}
	t.LegacyTLS, t.Rate = f.legacy, f.rate
	switch server := speaksRedfish(kind); {
	case !server && f.user != "":
		return usagef("a %s is read over SNMP: give -community or -v3-user, not -user", kind.Name)
	case !server && (f.agent != "" || f.legacy || f.rate != 0):
		return usagef("-snmp, -legacy-tls and -rate are for servers; a %s is not read over Redfish", kind.Name)
	case !(f.rate >= 0 && f.rate <= maxDiscoverRate):
		return usagef("-rate: write more than 0 and at most %d requests a second", maxDiscoverRate)
	case server && !speaksSNMP(kind) && f.user == "":
		return usagef("a %s is read over Redfish: give -user U and -password-file F", kind.Name)
	case server && !speaksSNMP(kind) && t.Credentials.SNMP():
		return usagef("a %s is not read over SNMP: give -user U and -password-file F alone", kind.Name)
	case server && !f.given() && f.agent == "":
		return usagef("give -user U and -password-file F for Redfish, -community C for SNMP, or both")
	}
	return nil
}

// standbyOf reads -standby; empty when it was not given.
func (f *probeFlags) standbyOf(kind collectors.Kind, address string) (string, error) {
	if f.standby == "" {
		return "", nil
	}
	if !kind.Pairs {
		return "", usagef("-standby: a %s is no failover pair", kind.Name)
	}
	host, port, err := splitAddress(f.standby)
	if err != nil {
		return "", usagef("-standby: %v", err)
	}
	standby := joinAddress(host, port)
	if standby == address {
		return "", usagef("-standby: %s is the address itself", standby)
	}
	return standby, nil
}

// timeoutFlag reads -timeout; 0 when it was not given.
func timeoutFlag(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := parseDuration(s)
	if err != nil {
		return 0, usagef("-timeout: %v", err)
	}
	if d < minTimeout || d > maxTimeout {
		return 0, usagef("-timeout: %s is out of bounds; write %s to %s", s, shortDuration(minTimeout), shortDuration(maxTimeout))
	}
	return d, nil
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
	kind = switchedOn(kind)
	if err := mayLogin(ctx, target); err != nil {
		return err
	}
	progress := newVisitProgress(t.err, "visiting "+target.Device.Address)
	target.Logger = progress.logger()
	stop := progress.watch()
	var lent map[string]int
	report, visitErr, err := visitThen(ctx, kind, target, func(ctx context.Context, c collectors.Collector, r *hw.Report) {
		lent = samplesLent(ctx, c, kind, r)
	})
	stop()
	noteLogin(ctx, target, visitErr)
	if err != nil {
		return err
	}
	result := probeResultOf(target.Device, report, visitErr)
	result.Device.Certificate, _ = target.Memory.Recall(redfish.CertificatePin)
	result.Sections = probeSections(kind, report, lent, visitErr)
	result.Grant = grantText(kind, target.Credentials, report, visitErr)
	if f.json {
		err = printJSON(t.out, result)
	} else if visitErr == nil {
		err = result.print(t.out, report.Gaps)
	}
	if err == nil && visitErr != nil {
		err = fmt.Errorf("%s: nothing was read: %s: %w%s%s", target.Device.Address, collectors.ReasonOf(visitErr), visitErr, below(result.Grant), below(advice(kind, collectors.ReasonOf(visitErr))))
	}
	return err
}

// switchedOn is a kind without the sections that are off unless they are configured.
func switchedOn(kind collectors.Kind) collectors.Kind {
	kind.Sections = slices.DeleteFunc(slices.Clone(kind.Sections), func(s collectors.Section) bool { return s.Period == 0 })
	return kind
}

// visitOnce makes one visit of all sections that are on. A visit that read nothing is no error.
func visitOnce(ctx context.Context, kind collectors.Kind, target collectors.Target) (r hw.Report, visitErr, err error) {
	return visitThen(ctx, kind, target, func(context.Context, collectors.Collector, *hw.Report) {})
}

// visitThen is visitOnce with a look at a good report before the session ends.
func visitThen(ctx context.Context, kind collectors.Kind, target collectors.Target,
	then func(context.Context, collectors.Collector, *hw.Report),
) (r hw.Report, visitErr, err error) {
	c, err := kind.New(target)
	if err != nil {
		return r, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	started := time.Now()
	r, visitErr = c.Collect(ctx, switchedOn(kind).Sections)
	if visitErr == nil {
		then(ctx, c, &r)
	}
	r.Started, r.Took = started, time.Since(started)
	limit, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if err := c.Close(limit); err != nil && visitErr == nil {
		return r, nil, fmt.Errorf("close the session: %w", err)
	}
	return r, visitErr, nil
}
