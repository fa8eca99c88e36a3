package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/hw"
	"rackpost/web"
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
  -community C        SNMP v2c; every user of this machine can see it in the list of processes
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

// probeResult is what probe -json prints.
type probeResult struct {
	Device     probeDevice      `json:"device"`
	Components []probeComponent `json:"components"`
	Samples    []probeSample    `json:"samples"`
	Gaps       []probeGap       `json:"gaps"`
	Requests   int              `json:"requests"`
	Took       float64          `json:"took_seconds"`
}

type probeDevice struct {
	ID      hw.DeviceID `json:"id"`
	Kind    string      `json:"kind"`
	Name    string      `json:"name"`
	Model   string      `json:"model"`
	Serial  string      `json:"serial"`
	Version string      `json:"version"`
	Uptime  float64     `json:"uptime_seconds"`
}

type probeComponent struct {
	Path   string    `json:"path"`
	Health hw.Health `json:"health"`
	State  hw.Attrs  `json:"state"`
	Attrs  hw.Attrs  `json:"attrs"`
}

type probeSample struct {
	Component string      `json:"component"`
	Sensor    string      `json:"sensor"`
	Value     *web.Number `json:"value,omitempty"`
	Absent    hw.Reason   `json:"absent,omitempty"`
}

type probeGap struct {
	What   string    `json:"what"`
	Reason hw.Reason `json:"reason"`
}

func probeResultOf(d hw.Device, r hw.Report, visitErr error) probeResult {
	p := probeResult{
		Device:     probeDevice{ID: d.ID, Kind: d.Kind},
		Components: []probeComponent{}, Samples: []probeSample{}, Gaps: []probeGap{},
		Requests: r.Requests, Took: r.Took.Seconds(),
	}
	if u := r.Unit; u != nil {
		p.Device.Name, p.Device.Model, p.Device.Serial, p.Device.Version = u.Name, u.Model, u.Serial, u.Version
		p.Device.Uptime = u.Uptime.Seconds()
	}
	for _, c := range r.Components {
		p.Components = append(p.Components, probeComponent{c.Path, c.Health, c.State, c.Attrs})
	}
	for _, s := range r.Samples {
		value, absent := web.NumberOf(s)
		p.Samples = append(p.Samples, probeSample{s.Component, s.Sensor, value, absent})
	}
	for _, g := range r.Gaps {
		p.Gaps = append(p.Gaps, probeGap{g.What, g.Reason})
	}
	if visitErr != nil && len(p.Gaps) == 0 {
		p.Gaps = append(p.Gaps, probeGap{hw.VisitGap, collectors.ReasonOf(visitErr)})
	}
	return p
}

// print writes the result for people; gaps carry the details that JSON leaves out.
func (p probeResult) print(w io.Writer, gaps []hw.Gap) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	d := p.Device
	fmt.Fprintf(tw, "device\t%s\nkind\t%s\nname\t%s\nmodel\t%s\nserial\t%s\nversion\t%s\n", d.ID, d.Kind, plain(d.Name), plain(d.Model), plain(d.Serial), plain(d.Version))
	fmt.Fprintf(tw, "uptime\t%s\nrequests\t%d in %.2f s\n", web.Ago(time.Duration(d.Uptime*float64(time.Second))), p.Requests, p.Took)
	fmt.Fprint(tw, "\nCOMPONENT\tHEALTH\tSTATE\tABOUT IT\n")
	for _, c := range p.Components {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", plain(c.Path), c.Health, attrsText(c.State), attrsText(c.Attrs))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprint(tw, "\nCOMPONENT\tSENSOR\tVALUE\n")
	for _, s := range p.Samples {
		value := "absent: " + string(s.Absent)
		if s.Value != nil {
			value = s.Value.String()
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", plain(s.Component), s.Sensor, value)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(gaps) == 0 {
		_, err := fmt.Fprint(tw, "\nnothing is missing\n")
		return errors.Join(err, tw.Flush())
	}
	fmt.Fprint(tw, "\nNOT READ\tWHY\tDETAILS\n")
	for _, g := range gaps {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", plain(g.What), g.Reason, plain(g.Detail))
	}
	return tw.Flush()
}

func attrsText(attrs hw.Attrs) string {
	var b strings.Builder
	for i, a := range attrs {
		if i > 0 {
			b.WriteByte(' ')
		}
		value := plain(a.Value)
		if strings.Contains(value, " ") {
			value = fmt.Sprintf("%q", value)
		}
		b.WriteString(plain(a.Key) + "=" + value)
	}
	return b.String()
}

// plain makes a device's text safe for a terminal: no control characters, valid UTF-8.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// printJSON writes v indented.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
