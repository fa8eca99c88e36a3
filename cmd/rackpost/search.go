package main

import (
	"context"
	"errors"
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
		s.logins = []discovery.Login{{Name: f.login(), Credentials: c}}
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
		return fmt.Errorf("there is no file %s; -new NAME makes it, for a site of that name, with the credentials of -community-file F, -v3-user U or -user U", f.site)
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

// login is the name of credentials that were given by flags.
func (f *credentialFlags) login() string {
	if f.user != "" {
		return "servers"
	}
	return "snmp"
}

func (s *search) parse(data []byte) (siteConfig, error) {
	env := secretSource{getenv: os.Getenv, outside: os.Getenv("CREDENTIALS_DIRECTORY") == "", sealed: notLookedAt}
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
			fmt.Fprintf(s.t.err, "credentials %s: not tried, systemd or the pair keeps the secret; CREDENTIALS_DIRECTORY=DIR in the environment names a folder that has what systemd keeps\n", l.Name)
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
			if data, err = readAtMost(arg, maxConfigBytes); err == nil {
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
			Kinds: askers(), Logins: s.logins, Rate: s.flags.rate, Timeout: s.timeout, Progress: p.tell,
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
