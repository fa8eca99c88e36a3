package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rackpost/collectors"
	"rackpost/collectors/discovery"
	"rackpost/hw"
	"rackpost/hw/journal"
	"rackpost/hw/raid"
)

// Bounds of site.yaml.
const (
	maxDevices = 1000
	minPeriod  = time.Second
	maxPeriod  = 7 * day
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Minute
)

// rawSite is site.yaml as it is written.
type rawSite struct {
	At          place
	Site        rawSiteName               `yaml:"site"`
	Customers   []rawCustomer             `yaml:"customers"`
	Racks       []rawName                 `yaml:"racks"`
	Credentials map[string]rawCredentials `yaml:"credentials"`
	Devices     []rawDevice               `yaml:"devices"`
	Policy      rawPolicy                 `yaml:"policy"`
}

type rawSiteName struct {
	At   place
	ID   text `yaml:"id"`
	Name text `yaml:"name"`
}

type rawName struct {
	At   place
	Name text `yaml:"name"`
}

type rawCustomer struct {
	At     place
	Name   text      `yaml:"name"`
	Policy rawWanted `yaml:"policy"`
}

type rawDevice struct {
	At          place
	ID          text            `yaml:"id"`
	Kind        text            `yaml:"kind"`
	Name        text            `yaml:"name"`
	Address     text            `yaml:"address"`
	Standby     text            `yaml:"standby"`
	SNMP        text            `yaml:"snmp"`
	LegacyTLS   text            `yaml:"legacy_tls"`
	Customer    text            `yaml:"customer"`
	Rack        text            `yaml:"rack"`
	Credentials text            `yaml:"credentials"`
	Periods     map[string]text `yaml:"periods"`
	Timeout     text            `yaml:"timeout"`
	Policy      rawWanted       `yaml:"policy"`
}

// rawPolicy holds for every device that says nothing else.
type rawPolicy struct {
	Periods map[string]text `yaml:"periods"`
	Timeout text            `yaml:"timeout"`
	RAID    rawRAID         `yaml:"raid"`
}

// siteChecker checks one site.yaml.
type siteChecker struct {
	*checker
	raw         rawSite
	kinds       []collectors.Kind
	customers   []string
	racks       []string
	credentials map[string]collectors.Credentials // those that were read without a problem
	ids         map[string]place
	addresses   map[string]place
	agents      map[string]place       // of snmp
	wanted      raid.Policy            // of the site
	wantedOf    map[string]raid.Policy // by customer
}

// parseSite checks site.yaml. The error, if any, holds every problem; notes say what is
// right and unwise.
func parseSite(file string, data []byte, kinds []collectors.Kind, env secretSource) (site siteConfig, notes problems, err error) {
	c := &siteChecker{
		checker:     &checker{dir: filepath.Dir(file), env: env},
		kinds:       kinds,
		credentials: map[string]collectors.Credentials{},
		ids:         map[string]place{},
		addresses:   map[string]place{},
		agents:      map[string]place{},
		wantedOf:    map[string]raid.Policy{},
	}
	c.problems = decodeYAML(file, data, &c.raw)
	if c.raw.At.line == 0 { // nothing could be read, and that was told
		return site, nil, c.problems.err()
	}
	site.id, site.name = c.site()
	c.customers = c.names(customerNames(c.raw.Customers), "customer")
	c.racks = c.names(c.raw.Racks, "rack")
	site.customers, site.racks = c.customers, c.racks
	for _, name := range slices.Sorted(maps.Keys(c.raw.Credentials)) {
		before := len(c.problems)
		c.unread = false
		if read := c.credentialsOf(c.raw.Credentials[name]); len(c.problems) == before && !c.unread {
			c.credentials[name] = read
		}
	}
	site.logins = c.logins()
	c.policies()
	c.periods(c.raw.Policy.Periods, c.allSections())
	if t := c.raw.Policy.Timeout; t.set() {
		c.duration(t, minTimeout, maxTimeout)
	}
	if n := len(c.raw.Devices); n > maxDevices {
		c.problems.add(c.raw.Devices[maxDevices].At, "there are %d devices; at most %d are visited by one box", n, maxDevices)
		c.raw.Devices = c.raw.Devices[:maxDevices]
	}
	for _, d := range c.raw.Devices {
		site.devices = append(site.devices, c.device(d))
	}
	c.notes.sort()
	return site, c.notes, c.problems.err()
}

// logins returns the credentials in the order of the file.
func (c *siteChecker) logins() []discovery.Login {
	order := func(a, b string) int {
		x, y := c.raw.Credentials[a].At, c.raw.Credentials[b].At
		return cmp.Or(cmp.Compare(x.line, y.line), cmp.Compare(x.column, y.column), cmp.Compare(a, b))
	}
	var list []discovery.Login
	for _, name := range slices.SortedFunc(maps.Keys(c.raw.Credentials), order) {
		list = append(list, discovery.Login{Name: name, Credentials: c.credentials[name]})
	}
	return list
}

func (c *siteChecker) site() (journal.ID, string) {
	at := c.raw.Site.At
	if at.line == 0 {
		c.problems.add(c.raw.At, "site: is missing; write site: with its id and its name")
		return journal.ID{}, ""
	}
	t := c.required(c.raw.Site.ID, at, "site.id", "a UUID made once for this site: cat /proc/sys/kernel/random/uuid")
	name := c.label(c.required(c.raw.Site.Name, at, "site.name", "the name of the site for people"))
	if t.s == "" {
		return journal.ID{}, name
	}
	id, err := journal.ParseID(t.s)
	if err != nil || id == (journal.ID{}) {
		c.problems.add(t.at, "id: %q is no UUID; write one made once for this site: cat /proc/sys/kernel/random/uuid", shorten(t.s))
	}
	return id, name
}

func (c *siteChecker) names(raw []rawName, what string) []string {
	var names []string
	seen := map[string]place{}
	for _, r := range raw {
		t := c.required(r.Name, r.At, "name", "the name of the "+what)
		c.unique(seen, t, t.s, what)
		names = append(names, c.label(t))
	}
	return names
}

// unique reports a key that was there before.
func (c *siteChecker) unique(seen map[string]place, t text, key, what string) {
	if key == "" || !t.set() {
		return
	}
	if first, twice := seen[key]; twice {
		c.problems.add(t.at, "%s %q stands in line %d already; each is written once", what, shorten(t.s), first.line)
		return
	}
	seen[key] = t.at
}

func (c *siteChecker) device(r rawDevice) collectors.Watched {
	before := len(c.problems)
	id := c.id(c.required(r.ID, r.At, "id", "a short name that never changes, such as core-switch-1"))
	c.unique(c.ids, r.ID, id, "id")
	kind := c.kind(r)
	w := collectors.Watched{Kind: kind, Target: collectors.Target{
		Device: hw.Device{
			ID:       hw.DeviceID(id),
			Kind:     r.Kind.s,
			Name:     c.label(r.Name),
			Address:  c.address(r),
			Standby:  c.standby(r, kind),
			Customer: c.known(r.Customer, "customer", c.customers),
			Rack:     c.known(r.Rack, "rack", c.racks),
		},
		SNMP:      c.agent(r, kind),
		LegacyTLS: c.legacyTLS(r, kind),
		Policy:    c.policy(r, kind),
		Timeout:   c.timeout(r),
	}}
	c.known(r.Credentials, "credentials", c.credentialNames())
	credentials, read := c.credentials[r.Credentials.s]
	w.Target.Credentials = credentials
	if w.Kind.New == nil {
		return w
	}
	c.fit(r, kind)
	c.periods(r.Periods, sectionNames(w.Kind))
	w.Periods = c.periodsOf(w.Kind, r)
	if len(c.problems) == before && (read || !r.Credentials.set()) {
		c.tryCollector(w, r.At)
	}
	return w
}

// tryCollector lets the kind judge the target; it speaks to nobody.
func (c *siteChecker) tryCollector(w collectors.Watched, at place) {
	t := w.Target
	t.Memory, t.Logger = &collectors.Memory{}, slog.New(slog.DiscardHandler)
	if _, err := w.Kind.New(t); err != nil {
		c.problems.add(at, "%v", err)
	}
}

func sectionNames(k collectors.Kind) []string {
	var names []string
	for _, s := range k.Sections {
		names = append(names, s.Name)
	}
	return names
}

func (c *siteChecker) kind(r rawDevice) collectors.Kind {
	t := c.required(r.Kind, r.At, "kind", "what the device is, such as cisco-catalyst")
	if t.s == "" {
		return collectors.Kind{}
	}
	k, err := findKind(c.kinds, t.s)
	if err != nil {
		c.problems.add(t.at, "%v", err)
	}
	return k
}

// findKind returns the kind called name.
func findKind(kinds []collectors.Kind, name string) (collectors.Kind, error) {
	var names []string
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	if s := hw.Nearest(name, names); s != "" {
		return collectors.Kind{}, fmt.Errorf("unknown kind %q; did you mean %q?", shorten(name), s)
	}
	return collectors.Kind{}, fmt.Errorf("unknown kind %q; the kinds are %s", shorten(name), strings.Join(names, ", "))
}

func (c *siteChecker) address(r rawDevice) string {
	t := c.required(r.Address, r.At, "address", "the device's host name or address, such as 192.0.2.10 or switch-1.example:1161; of a server that of its iDRAC or other BMC")
	return c.onlyAddress(t, c.addresses)
}

// standby is the address of the other unit of a pair; none is fine.
func (c *siteChecker) standby(r rawDevice, kind collectors.Kind) string {
	if r.Standby.set() && kind.New != nil && !kind.Pairs {
		c.problems.add(r.Standby.at, "standby: a %s is no failover pair; take it out", kind.Name)
		return ""
	}
	return c.onlyAddress(r.Standby, c.addresses)
}

// onlyAddress checks an address that no other device may have. None is fine.
func (c *siteChecker) onlyAddress(t text, taken map[string]place) string {
	if t.s == "" {
		return ""
	}
	host, port, err := splitAddress(t.s)
	if err != nil {
		c.problems.add(t.at, "%v", err)
		return ""
	}
	c.unique(taken, t, net.JoinHostPort(strings.ToLower(host), port), "address")
	return joinAddress(host, port)
}

func (c *siteChecker) timeout(r rawDevice) time.Duration {
	switch {
	case r.Timeout.set():
		return c.duration(r.Timeout, minTimeout, maxTimeout)
	case c.raw.Policy.Timeout.set():
		d, err := parseDuration(c.raw.Policy.Timeout.s)
		if err == nil {
			return d
		}
	}
	return 0
}

// known reports a name that is not among those defined above; no name is fine.
func (c *siteChecker) known(t text, what string, names []string) string {
	if !t.set() || t.s == "" || slices.Contains(names, t.s) {
		return t.s
	}
	switch s := hw.Nearest(t.s, names); {
	case s != "":
		c.problems.add(t.at, "%s: there is no %q; did you mean %q?", what, shorten(t.s), s)
	case len(names) == 0:
		c.problems.add(t.at, "%s: there is no %q; the file defines none", what, shorten(t.s))
	default:
		c.problems.add(t.at, "%s: there is no %q; the file defines %s", what, shorten(t.s), strings.Join(names, ", "))
	}
	return t.s
}

func (c *siteChecker) allSections() []string {
	var names []string
	for _, k := range c.kinds {
		names = append(names, sectionNames(k)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// off is written for the period of a section that is not to be read.
const off = "off"

// periods checks periods by section.
func (c *siteChecker) periods(raw map[string]text, sections []string) {
	for name, t := range raw {
		switch {
		case !slices.Contains(sections, name):
			c.noSection(t.at, name, sections)
		case !t.set():
			c.problems.add(c.raw.At, "periods: %s has no value; write a duration such as 60s, or off", name)
		case t.s != off:
			c.duration(t, minPeriod, maxPeriod)
		}
	}
}

func (c *siteChecker) noSection(at place, name string, sections []string) {
	if s := hw.Nearest(name, sections); s != "" {
		c.problems.add(at, "periods: there is no section %q; did you mean %q?", shorten(name), s)
		return
	}
	c.problems.add(at, "periods: there is no section %q; there are %s", shorten(name), strings.Join(sections, ", "))
}

// periodsOf returns the periods of a device that are not those of its kind: its own, else
// the policy's. 0 is off.
func (c *siteChecker) periodsOf(k collectors.Kind, r rawDevice) map[string]time.Duration {
	periods := map[string]time.Duration{}
	dark := len(k.Sections) > 0
	for _, s := range k.Sections {
		t := r.Periods[s.Name]
		if !t.set() {
			t = c.raw.Policy.Periods[s.Name]
		}
		if d, err := parseDuration(t.s); t.s == off || err == nil {
			periods[s.Name] = d
		}
		dark = dark && t.s == off
	}
	if dark {
		c.problems.add(r.At, "every section is off; leave one on, or take the device out")
	}
	return periods
}

var hostPattern = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// splitAddress reads host, host:port, [v6]:port or a bare v6 address. The port is empty if
// none is given.
func splitAddress(s string) (host, port string, err error) {
	wrong := fmt.Errorf("%q is no address; write a host name or an IP address, with :port if it is not 161 (SNMP) or 443 (Redfish): 192.0.2.10, [2001:db8::1]:1161", shorten(s))
	bare := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		bare = s[1 : len(s)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil {
		return a.String(), "", nil
	}
	host = s
	if strings.Contains(s, ":") {
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", "", wrong
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "", fmt.Errorf("%q: %q is no port; write 1 to 65535", shorten(s), shorten(port))
		}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String(), port, nil
	}
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	numeric := strings.Trim(last, "0123456789.") == ""
	if len(host) > 253 || numeric || !hostPattern.MatchString(host) {
		return "", "", wrong
	}
	return host, port, nil
}

func joinAddress(host, port string) string {
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}
