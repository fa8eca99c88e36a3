package capture

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors"
)

// Exclusion is a part of the tree that no capture reads.
type Exclusion struct {
	OID  string
	What string
}

// Exclusions are what is never read: what is large and of no use, and what is nobody's business.
func Exclusions() []Exclusion {
	return []Exclusion{
		{"1.3.6.1.2.1.3", "ARP table"},
		{"1.3.6.1.2.1.4.21", "routes"},
		{"1.3.6.1.2.1.4.22", "ARP table"},
		{"1.3.6.1.2.1.4.24", "routes"},
		{"1.3.6.1.2.1.4.35", "ARP and neighbour table"},
		{"1.3.6.1.2.1.6.13", "connections"},
		{"1.3.6.1.2.1.6.19", "connections"},
		{"1.3.6.1.2.1.6.20", "listeners"},
		{"1.3.6.1.2.1.7.5", "listeners"},
		{"1.3.6.1.2.1.7.7", "endpoints"},
		{"1.3.6.1.2.1.14", "OSPF"},
		{"1.3.6.1.2.1.15", "BGP peers and routes"},
		{"1.3.6.1.2.1.16.4", "RMON hosts"},
		{"1.3.6.1.2.1.16.5", "RMON hosts"},
		{"1.3.6.1.2.1.16.6", "RMON conversations"},
		{"1.3.6.1.2.1.17.4.3", "MAC addresses"},
		{"1.3.6.1.2.1.17.7.1.2.2", "MAC addresses"},
		{"1.3.6.1.2.1.25.4", "processes"},
		{"1.3.6.1.2.1.25.5", "processes"},
		{"1.3.6.1.2.1.25.6", "installed software"},
		{"1.3.6.1.2.1.47.1.2", "logical entities: they hold communities"},
		{"1.3.6.1.2.1.55", "IPv6 addresses, routes and neighbours"},
		{"1.3.6.1.4.1.9.2.4", "accounting"},
		{"1.3.6.1.4.1.9.2.6", "TCP connections"},
		{"1.3.6.1.4.1.9.2.9", "terminal lines and who is on them"},
		{"1.3.6.1.4.1.9.2.10.17", "flash files"},
		{"1.3.6.1.4.1.9.9.10.1.1.4.2", "flash files"},
		{"1.3.6.1.4.1.9.9.10.1.2", "flash operations"},
		{"1.3.6.1.4.1.9.9.41.1.2.3", "history of the log"},
		{"1.3.6.1.4.1.9.9.96", "copies of the configuration"},
		{"1.3.6.1.4.1.9.9.109.1.2", "processes"},
		{"1.3.6.1.4.1.9.9.109.1.3", "processes"},
		{"1.3.6.1.4.1.9.9.187", "BGP peers"},
		{"1.3.6.1.4.1.9.9.215", "history of MAC addresses"},
		{"1.3.6.1.4.1.9.9.380", "DHCP bindings"},
		{"1.3.6.1.4.1.9.9.392.1.3.21", "sessions of single VPN users"},
		{"1.3.6.1.4.1.9.9.661", "stalls some agents for 20 s an object"},
		{"1.3.6.1.6.3.12", "targets of notifications"},
		{"1.3.6.1.6.3.13", "filters of notifications"},
		{"1.3.6.1.6.3.14", "proxies"},
		{"1.3.6.1.6.3.15", "SNMPv3 users"},
		{"1.3.6.1.6.3.16", "access rights"},
		{"1.3.6.1.6.3.18", "communities"},
	}
}

// always are read of every device: what it is, and how long it has run.
var always = []string{"1.3.6.1.2.1.1", "1.3.6.1.6.3.10.2.1"}

// root is a part of the tree that -all reads, by the children it may have where some of them are
// excluded.
type root struct {
	oid  string
	most int
}

// roots are what a Cisco device may have. SNMP cannot be asked what lies behind an excluded table
// without reading it, so that the groups beside one are asked for by number.
var roots = []root{
	{"1.3.6.1.2.1", 260}, {"1.3.6.1.3", 1}, {"1.3.6.1.6.3", 20},
	{"1.3.6.1.4.1.9", 12}, {"1.3.6.1.4.1.9.9", 1100},
	{"1.3.6.1.4.1.2021", 1}, {"1.3.6.1.4.1.3076", 1}, {"1.3.6.1.4.1.8072", 1}, {"1.3.6.1.4.1.14179", 1},
	{"1.0.8802.1.1.2", 1}, {"1.2.840.10006.300.43", 1}, {"1.3.111.2.802", 1},
}

// mostChildren are asked for below a group that is not a root.
const mostChildren = 40

// Plan returns the subtrees that a capture of a device of this kind reads, in the order of the
// kind, none within another, without those that are never read. With all it is every group that a
// Cisco device may have.
func Plan(kind collectors.Kind, all bool) ([]string, error) {
	plan := slices.Clone(always)
	switch {
	case all:
		for _, r := range roots {
			plan = appendAllowed(plan, r.oid)
		}
	case len(kind.Subtrees) == 0:
		return nil, fmt.Errorf("kind %s does not say what belongs into a capture: use -all", kind.Name)
	}
	if !all {
		for _, oid := range kind.Subtrees {
			if err := allowed(oid); err != nil {
				return nil, err
			}
			plan = appendAllowed(plan, oid)
		}
	}
	return outermost(plan), nil
}

// allowed refuses a subtree that holds something that is excluded.
func allowed(oid string) error {
	if !isOID(oid) {
		return fmt.Errorf("subtree %.60q: want numbers with dots between", oid)
	}
	for _, x := range Exclusions() {
		if oid != x.OID && within(x.OID, oid) {
			return fmt.Errorf("subtree %s: %s (%s) is never read: name the tables beside it", oid, x.OID, x.What)
		}
	}
	return nil
}

// appendAllowed adds a subtree, or of one that holds an exclusion the children that hold none.
func appendAllowed(plan []string, oid string) []string {
	holds := false
	for _, x := range Exclusions() {
		if within(oid, x.OID) {
			return plan
		}
		holds = holds || within(x.OID, oid)
	}
	if !holds {
		return append(plan, oid)
	}
	most := mostChildren
	for _, r := range roots {
		if r.oid == oid {
			most = r.most
		}
	}
	for child := 1; child <= most; child++ {
		plan = appendAllowed(plan, oid+"."+strconv.Itoa(child))
	}
	return plan
}

// outermost removes what is within another subtree, and repeats.
func outermost(plan []string) []string {
	have := make(map[string]bool, len(plan))
	for _, oid := range plan {
		have[oid] = true
	}
	var out []string
	for _, oid := range plan {
		inner := !have[oid] // it was taken already
		for p := parent(oid); p != "" && !inner; p = parent(p) {
			inner = have[p] || slices.Contains(out, p)
		}
		if !inner {
			out = append(out, oid)
			delete(have, oid)
		}
	}
	return out
}

// excluded reports whether an object is never kept.
func excluded(oid string, list map[string]bool) bool {
	for p := oid; p != ""; p = parent(p) {
		if list[p] {
			return true
		}
	}
	return false
}

// within reports whether oid is outer or below it.
func within(oid, outer string) bool { return oid == outer || strings.HasPrefix(oid, outer+".") }

func parent(oid string) string { return oid[:max(0, strings.LastIndexByte(oid, '.'))] }

func isOID(s string) bool {
	for _, f := range strings.Split(s, ".") {
		if _, err := strconv.ParseUint(f, 10, 32); err != nil {
			return false
		}
	}
	return strings.Contains(s, ".")
}
