package main

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
)

// Bounds and defaults of what a pair is told of.
const (
	pairPort             = 8481
	maxPaths             = 4
	defaultWitnessSocket = "/run/rackpost-witness/witness.sock"
)

// pairConfig is how this machine takes part in a pair.
type pairConfig struct {
	at        place            // of the section; zero: the box is in none
	listen    []netip.AddrPort // one address a path, the LAN first; one port
	advertise []netip.AddrPort // as many: where the others find them
	address   netip.Addr       // where the box with authority can be reached; invalid: none is wanted
	device    string           // the network interface of address; empty: the one that has listen[0]
}

// witnessConfig is a machine that only votes: witness.yaml, checked.
type witnessConfig struct {
	boxConfig // name, data, socket, log and pair.listen
}

// rawPair is pair: of box.yaml as it is written.
type rawPair struct {
	At        place
	Listen    []text `yaml:"listen"`
	Advertise []text `yaml:"advertise"`
	Address   text   `yaml:"address"`
	Interface text   `yaml:"interface"`
}

// rawWitness is witness.yaml as it is written.
type rawWitness struct {
	At        place
	Name      text   `yaml:"name"`
	Data      text   `yaml:"data"`
	Listen    []text `yaml:"listen"`
	Advertise []text `yaml:"advertise"`
	Socket    text   `yaml:"socket"`
	Log       rawLog `yaml:"log"`
}

var memberPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// memberName is the name of a machine by which people tell members of a pair apart.
func (c *checker) memberName(t text) {
	if t.s != "" && !memberPattern.MatchString(t.s) {
		c.problems.add(t.at, "name: %q is no name of a member of a pair; write letters, digits, dots, hyphens and underscores, at most 63, such as box-a", shorten(t.s))
	}
}

// pair checks the section; it may be absent.
func (c *checker) pair(r rawPair, name text) pairConfig {
	if r.At.line == 0 {
		return pairConfig{}
	}
	c.memberName(name)
	p := pairConfig{at: r.At}
	p.listen, p.advertise = c.paths(r.At, r.Listen, r.Advertise)
	p.address, p.device = c.virtual(r, p.listen)
	return p
}

// paths reads the addresses of a member: one a path, all of one port.
func (c *checker) paths(at place, listen, advertise []text) (own, told []netip.AddrPort) {
	switch {
	case len(listen) == 0:
		c.problems.add(at, "listen: is missing; write the address of each path to the other box, the LAN first, then the direct cable: [192.0.2.5, 10.99.0.1]")
	case len(listen) > maxPaths:
		c.problems.add(listen[maxPaths].at, "listen: there are %d paths; at most %d are used", len(listen), maxPaths)
		listen = listen[:maxPaths]
	}
	own = c.pathAddresses(listen, "listen")
	if advertise == nil {
		return own, own
	}
	if len(advertise) != len(listen) {
		c.problems.add(at, "advertise: has %d %s, and listen %d; write one for each, in the same order, or leave advertise out",
			len(advertise), plural(len(advertise), "address", "addresses"), len(listen))
		return own, own
	}
	return own, c.pathAddresses(advertise, "advertise")
}

func (c *checker) pathAddresses(list []text, key string) []netip.AddrPort {
	var out []netip.AddrPort
	seen := map[netip.Addr]place{}
	for _, t := range list {
		a, ok := c.pathAddress(t, key)
		if !ok {
			continue
		}
		if first, twice := seen[a.Addr()]; twice {
			c.problems.add(t.at, "%s: %s stands in line %d already; each path has an address of its own", key, a.Addr(), first.line)
			continue
		}
		seen[a.Addr()] = t.at
		if key == "listen" && len(out) > 0 && a.Port() != out[0].Port() {
			c.problems.add(t.at, "%s: port %d; all paths have one port, and the first says %d", key, a.Port(), out[0].Port())
			continue
		}
		out = append(out, a)
	}
	return out
}

// pathAddress reads one address; without a port it has the usual one.
func (c *checker) pathAddress(t text, key string) (netip.AddrPort, bool) {
	if t.bad || !t.set() {
		return netip.AddrPort{}, false
	}
	a, err := netip.ParseAddrPort(t.s)
	if err != nil {
		bare, bareErr := netip.ParseAddr(strings.Trim(t.s, "[]"))
		a, err = netip.AddrPortFrom(bare, pairPort), bareErr
	}
	ip := a.Addr()
	switch {
	case err != nil:
		c.problems.add(t.at, "%s: %q is no address; write that of a network interface of this machine, such as 192.0.2.5 or 192.0.2.5:%d", key, shorten(t.s), pairPort)
	case a.Port() == 0:
		c.problems.add(t.at, "%s: port 0 is none; write 1 to 65535, or no port for %d", key, pairPort)
	case ip.IsUnspecified():
		c.problems.add(t.at, "%s: %s stands for every address; write the one of this path: the box must know over which cable it speaks", key, ip)
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		c.problems.add(t.at, "%s: %s is no address of one machine", key, ip)
	case ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "":
		c.problems.add(t.at, "%s: %s says nothing without its interface; write %s%%eth1", key, ip, ip)
	default:
		return a, true
	}
	return a, false
}

var interfacePattern = regexp.MustCompile(`^[A-Za-z0-9_.:@-]{1,15}$`)

// virtual reads the address that the box with authority holds. It may be absent.
func (c *checker) virtual(r rawPair, own []netip.AddrPort) (address netip.Addr, device string) {
	t := r.Address
	switch {
	case t.bad:
		return netip.Addr{}, ""
	case !t.set() && r.Interface.set():
		c.problems.add(r.Interface.at, "interface: is that of address, which is missing; write address: 192.0.2.4, or leave interface out")
		return netip.Addr{}, ""
	case !t.set():
		return netip.Addr{}, ""
	}
	a, err := netip.ParseAddr(t.s)
	switch {
	case err != nil:
		c.problems.add(t.at, "address: %q is no address; write one of the LAN that no machine has, without the length of the network, such as 192.0.2.4", shorten(t.s))
	case !a.IsGlobalUnicast() || a.Zone() != "":
		c.problems.add(t.at, "address: other machines do not reach %s; write an address of the LAN that no machine has", a)
	}
	for _, o := range own {
		if o.Addr() == a {
			c.problems.add(t.at, "address: %s is this machine's own, under listen; write one that neither box has", a)
		}
	}
	if d := r.Interface; d.set() && !d.bad && !interfacePattern.MatchString(d.s) {
		c.problems.add(d.at, "interface: %q is no name of a network interface; ip link lists them", shorten(d.s))
	}
	return a, r.Interface.s
}

// parseWitness checks witness.yaml. The error, if any, holds every problem.
func parseWitness(file string, data []byte) (witnessConfig, error) {
	var raw rawWitness
	c := &checker{problems: decodeYAML(file, data, &raw), dir: filepath.Dir(file)}
	if raw.At.line == 0 {
		return witnessConfig{}, c.problems.err()
	}
	w := witnessConfig{boxConfig{
		name:      c.label(c.required(raw.Name, raw.At, "name", "the name of this machine, such as witness-1")),
		data:      c.path(c.required(raw.Data, raw.At, "data", "a folder for what is voted on, such as /var/lib/rackpost-witness")),
		socket:    c.path(orDefault(raw.Socket, defaultWitnessSocket)),
		logLevel:  c.level(orDefault(raw.Log.Level, "info")),
		logFormat: c.oneOf(orDefault(raw.Log.Format, "auto"), "auto", "text", "json"),
		pair:      pairConfig{at: raw.At},
	}}
	c.memberName(raw.Name)
	c.socketLength(w.socket, raw.Socket)
	w.pair.listen, w.pair.advertise = c.paths(raw.At, raw.Listen, raw.Advertise)
	return w, c.problems.err()
}

// loadWitness reads and checks witness.yaml.
func loadWitness(file string) (witnessConfig, error) {
	data, err := readConfigFile(file, place{})
	if err != nil {
		return witnessConfig{}, err
	}
	return parseWitness(file, data)
}

// witnessList is what only a witness.yaml has: addresses as a list at the left margin.
var witnessList = regexp.MustCompile(`(?m)^listen[ \t]*:[ \t]*(\[|#|\r?$)`)

// paths names the addresses of a member.
func paths(list []netip.AddrPort) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}
