package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/all"
	"rackpost/collectors/discovery"
)

// How politely we ask when nothing else is said.
const (
	discoverTimeout = time.Second
	discoverRate    = 10
	maxDiscoverRate = 1000
)

func discoverCommand() command {
	return command{
		name: "discover",
		args: "[-site FILE [-new NAME] [-dry-run]] [-credentials NAME,...] [-json] NETWORK|FILE.csv...",
		does: "ask which devices stand at some addresses, and add them to site.yaml",
		help: `NETWORK is 192.0.2.0/24, 192.0.2.10-192.0.2.20 or one address, at most ` + fmt.Sprint(discovery.MaxAddresses) + ` addresses in all. The first line of
FILE.csv names its columns: address, and any of ` + strings.Join(listColumns[1:], ", ") + `.

  -site FILE           try its credentials, and add what is found to its devices; all else in it stays as it is
  -new NAME            there is no FILE yet: make it, for the site NAME, with the credentials of the flags below
  -dry-run             print the lines, write nothing
  -credentials N,...   try only these of FILE
  -json                print one JSON object
  -rate N              requests a second in all, ` + fmt.Sprint(discoverRate) + ` if not given
  -timeout D           for one request, ` + shortDuration(discoverTimeout) + ` if not given; silence is asked once more
  -port N              of addresses without one; that of the protocol if not given

Without -site, or with -new:

` + credentialHelp() + `

One address of a subnet is asked at a time, ` + fmt.Sprint(discovery.AtOnce) + ` subnets at once. Ctrl-C ends it early: what was found until then is written.
Exit code 0: it ran, even if nothing was found; 1: it did not work; 2: wrong usage.`,
		run: runDiscover,
	}
}

// discoverFlags are the flags of discover.
type discoverFlags struct {
	credentialFlags
	site, create string
	only         string
	dryRun, json bool
	rate         float64
	timeout      string
	port         string
}

func (f *discoverFlags) set() *flag.FlagSet {
	fs := flag.NewFlagSet("discover", flag.ContinueOnError)
	fs.StringVar(&f.site, "site", "", "")
	fs.StringVar(&f.create, "new", "", "")
	fs.StringVar(&f.only, "credentials", "", "")
	fs.BoolVar(&f.dryRun, "dry-run", false, "")
	fs.BoolVar(&f.json, "json", false, "")
	fs.Float64Var(&f.rate, "rate", discoverRate, "")
	fs.StringVar(&f.timeout, "timeout", "", "")
	fs.StringVar(&f.port, "port", "", "")
	f.register(fs)
	return fs
}

// check tells what does not go together.
func (f *discoverFlags) check(args []string) error {
	switch {
	case len(args) == 0:
		return usagef("name a network, an address or a list FILE.csv")
	case f.site == "" && (f.create != "" || f.dryRun || f.only != ""):
		return usagef("-new, -dry-run and -credentials need -site FILE")
	case f.site != "" && f.create == "" && f.given():
		return usagef("with -site the credentials are those of the file; -credentials NAME says which")
	case f.create != "" && (f.community != "" || !f.given()):
		return usagef("-new needs -community-file F, or -v3-user U with its files: site.yaml says where a secret is kept, and never holds it")
	case f.create != "" && f.only != "":
		return usagef("-credentials is for those of a file that is there; -new makes one")
	case !(f.rate > 0 && f.rate <= maxDiscoverRate):
		return usagef("-rate: write more than 0 and at most %d requests a second", maxDiscoverRate)
	case f.port != "" && !isPort(f.port):
		return usagef("-port: %q is no port; write 1 to 65535", shorten(f.port))
	}
	return nil
}

// toldPlaces prints what is wrong with a file, each place at the margin as check does.
func toldPlaces(t terminal, err error) error {
	var many problems
	if !errors.As(err, &many) {
		return err
	}
	fmt.Fprintln(t.err, many)
	return errSilent
}

// search is one run of discover.
type search struct {
	flags   discoverFlags
	t       terminal
	timeout time.Duration
	file    siteFile // path empty: there is none
	site    siteConfig
	logins  []discovery.Login
	list    []asked
	units   []knownUnit
	today   string
}

func runDiscover(ctx context.Context, t terminal, args []string) error {
	s := search{t: t, timeout: discoverTimeout, today: time.Now().Format(time.DateOnly)}
	rest, err := parseFlags(s.flags.set(), args)
	if err == nil {
		err = s.flags.check(rest)
	}
	if err != nil {
		return err
	}
	if d, err := timeoutFlag(s.flags.timeout); err != nil {
		return err
	} else if d > 0 {
		s.timeout = d
	}
	if err := s.open(); err != nil {
		return toldPlaces(t, err)
	}
	if err := s.addresses(rest); err != nil {
		return toldPlaces(t, err)
	}
	found, err := s.ask(ctx)
	if err != nil {
		return err
	}
	return s.tell(found)
}

// open reads the site, or takes the credentials of the flags.
func (s *search) open() error {
	f := &s.flags
	if f.site == "" {
		c, err := f.credentials()
		s.logins = []discovery.Login{{Name: flagLogin, Credentials: c}}
		return err
	}
	s.file.path = f.site
	if f.create != "" {
		fresh, err := newSite(f)
		if err != nil {
			return err
		}
		s.file.fresh = fresh
	} else if _, err := os.Stat(f.site); os.IsNotExist(err) {
		return fmt.Errorf("there is no file %s; -new NAME makes it, for a site of that name, with the credentials of -community-file F or -v3-user U", f.site)
	}
	data, err := s.file.read()
	if err != nil {
		return err
	}
	if s.site, err = s.parse(data); err != nil {
		return err
	}
	if !f.dryRun {
		if err := s.file.check(); err != nil {
			return err
		}
	}
	return s.chooseLogins()
}

// flagLogin is the name of credentials that were given by flags.
const flagLogin = "snmp"

func (s *search) parse(data []byte) (siteConfig, error) {
	env := secretSource{getenv: os.Getenv, outside: os.Getenv("CREDENTIALS_DIRECTORY") == ""}
	site, _, err := parseSite(s.file.path, data, all.Kinds(), env)
	return site, err
}

// chooseLogins takes those of the site that -credentials names, or all.
func (s *search) chooseLogins() error {
	var names []string
	for _, l := range s.site.logins {
		names = append(names, l.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no credentials; write credentials: with a name and community: {file: PATH}", s.file.path)
	}
	only := names
	if s.flags.only != "" {
		only = strings.Split(s.flags.only, ",")
	}
	for _, n := range only {
		if err := known(n, names, "credentials"); err != nil {
			return err
		}
	}
	for _, l := range s.site.logins {
		switch {
		case !slices.Contains(only, l.Name):
		case l.Credentials == (collectors.Credentials{}):
			fmt.Fprintf(s.t.err, "credentials %s: not tried, systemd keeps the secret; CREDENTIALS_DIRECTORY=DIR in the environment names a folder that has it\n", l.Name)
		default:
			s.logins = append(s.logins, l)
		}
	}
	if len(s.logins) == 0 {
		return fmt.Errorf("none of the credentials can be tried")
	}
	return nil
}

// addresses reads what is to be asked.
func (s *search) addresses(args []string) error {
	names := listNames{site: s.file.path != "", kinds: all.Kinds(), racks: s.site.racks, customers: s.site.customers}
	for _, l := range s.logins {
		names.credentials = append(names.credentials, l.Name)
	}
	for _, arg := range args {
		var list []asked
		var err error
		if strings.HasSuffix(strings.ToLower(arg), ".csv") {
			var data []byte
			if data, err = os.ReadFile(arg); err == nil {
				list, err = parseAddressList(arg, data, s.flags.port, names)
			}
		} else {
			list, err = network(arg, s.flags.port)
		}
		if err != nil {
			return err
		}
		s.list = append(s.list, list...)
		if len(s.list) > discovery.MaxAddresses {
			return usagef("these are more than %d addresses; ask for them in several runs", discovery.MaxAddresses)
		}
	}
	s.list = unique(s.list)
	return nil
}

// ask asks all that the site does not have.
func (s *search) ask(ctx context.Context) ([]finding, error) {
	have := devicesByAddress(ctx, s.site)
	var places []discovery.Place
	for _, a := range s.list {
		if have[addressKey(a.Address)] == "" {
			places = append(places, a.Place)
		}
	}
	p := progress{w: s.t.err, of: len(places), started: time.Now(), next: 2 * time.Second}
	var results []discovery.Result
	var err error
	if len(places) > 0 {
		results, err = discovery.Run(ctx, discovery.Config{
			Kinds: all.Kinds(), Logins: s.logins, Rate: s.flags.rate, Timeout: s.timeout, Progress: p.tell,
		}, places)
	}
	if err != nil {
		return nil, err
	}
	var found []finding
	for _, a := range s.list {
		if id := have[addressKey(a.Address)]; id != "" {
			found = append(found, finding{Address: a.Address, Found: foundKnown, Device: id, asked: a})
			continue
		}
		found = append(found, findingOf(a, results[0]))
		results = results[1:]
	}
	return found, s.askKnown(ctx, found)
}

// progress tells people now and then how far a long run is.
type progress struct {
	w       io.Writer
	of      int
	started time.Time
	next    time.Duration // since then
}

func (p *progress) tell(asked, answered int) {
	took := time.Since(p.started)
	if took < p.next || asked == p.of {
		return
	}
	p.next = took + 10*time.Second
	left := (took / time.Duration(asked) * time.Duration(p.of-asked)).Round(time.Second)
	fmt.Fprintf(p.w, "%d of %d asked, %d answered, about %s left\n", asked, p.of, answered, shortDuration(left))
}

// tell writes the site and prints what was found.
func (s *search) tell(found []finding) error {
	var lines string
	added, err := 0, error(nil)
	if s.file.path == "" {
		newWritten(nil, siteConfig{}, nil).settle(found)
	} else {
		lines, added, err = s.add(found)
	}
	r := resultOf(found)
	r.Added, r.Lines = added, lines
	if s.flags.json {
		if printErr := printJSON(s.t.out, r); printErr != nil {
			return printErr
		}
		return err
	}
	if printErr := r.print(s.t.out); printErr != nil {
		return printErr
	}
	switch {
	case s.file.path == "":
		return err
	case err != nil && lines != "":
		fmt.Fprintf(s.t.out, "\n%s", lines)
		return fmt.Errorf("%s was not changed: %w; add the lines above under devices: by hand", s.file.path, err)
	case err != nil:
		return err
	case s.flags.dryRun:
		_, err = fmt.Fprintf(s.t.out, "\n%s", lines)
	case s.file.fresh != nil:
		_, err = fmt.Fprintf(s.t.out, "%s: made, %d %s\n", s.file.path, added, plural(added, "device", "devices"))
	case added > 0:
		_, err = fmt.Fprintf(s.t.out, "%s: %d %s added; systemctl reload rackpost takes them over\n", s.file.path, added, plural(added, "device", "devices"))
	case lines != "":
		_, err = fmt.Fprintf(s.t.out, "%s: no device, only comments added\n", s.file.path)
	default:
		_, err = fmt.Fprintf(s.t.out, "%s: nothing to add\n", s.file.path)
	}
	return err
}
