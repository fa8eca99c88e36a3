package cisco

import (
	"slices"
	"strconv"
	"strings"

	"rackpost/collectors/snmp"
	"rackpost/hw"
)

const crlLimit = ciscoMgmt + "480.1.1.2.1."

// The places of the objects of resourceGroup.
const (
	resourceValueType = iota
	resourceMax
	resourceUsed
	resourcePeak
	resourceDenied
)

// resourceGroup is a table with a row for each resource of each resource class.
var resourceGroup = group{
	section: sectionContexts, component: "context/<crlResourceClassName>/<crlResourceLimitType>", mib: "CISCO-L4L7MODULE-RESOURCE-LIMIT-MIB", kinds: asaOnly, timed: true,
	objects: []object{
		{name: "crlResourceLimitValueType", oid: crlLimit + "3", words: []string{"", "absolute", "percentage"}, note: "a limit in percent is of a whole the device does not tell: it is not told"},
		{name: "crlResourceLimitMax", oid: crlLimit + "5", use: sensor, as: "limit_count, used_percent", max: max32,
			note: "0 is no limit. Warning from 90 % used until below 85 %; the resources all, cpu and memory are counted in units of their own and never judged"},
		{name: "crlResourceLimitCurrentUsage", oid: crlLimit + "8", use: sensor, as: "current_count", max: max32, note: "a firewall answers for the context it is asked in"},
		{name: "crlResourceLimitPeakUsage", oid: crlLimit + "9", use: sensor, as: "peak_count", max: max32},
		{name: "crlResourceLimitReqsDeniedCount", oid: crlLimit + "10", use: sensor, as: "denied_total", kind: hw.Counter, max: max32},
	},
}

func contextGroups() []*group { return []*group{&resourceGroup} }

// resourceWords are the names of CiscoResourceLimitType.
var resourceWords = []string{
	"", "all", "macAddresses", "concurrentConns", "mgmtConnections", "proxyConns", "probes", "stickyEntries", "natTranslations",
	"regexState", "aclMemory", "syslogBuffer", "ipReassemBuffer", "tcpOOOBuffer", "sslConnections", "hosts", "ipsecSessions",
	"asdmSessions", "sshSessions", "telnetSessions", "cpu", "memory",
}

// resource is the index of one row.
type resource struct{ class, name string }

// parseResource takes an index apart: the class by its length and bytes, and the resource.
func parseResource(index string) (r resource, ok bool) {
	parts := strings.Split(index, ".")
	length, err := strconv.Atoi(parts[0])
	if err != nil || length < 0 || length > 64 || len(parts) != length+2 {
		return r, false
	}
	class := make([]byte, 0, length)
	for _, p := range parts[1 : length+1] {
		b, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return r, false
		}
		class = append(class, byte(b))
	}
	kind, err := strconv.ParseUint(parts[length+1], 10, 32)
	if err != nil || kind == 0 {
		return r, false
	}
	r.name = strconv.FormatUint(kind, 10)
	if kind < uint64(len(resourceWords)) {
		r.name = resourceWords[kind]
	}
	r.class = snmp.Value{Type: snmp.TypeOctetString, Bytes: class}.Text()
	return r, true
}

// readContexts reads what each resource class may use and does. Only a firewall of several
// contexts has it.
func (c *collector) readContexts(v *visit) {
	g, ok := c.read(v, &resourceGroup)
	if !ok {
		return
	}
	consistent := c.sameBoot(v, sectionContexts)
	var rows []int
	var names []string
	classes := map[string]bool{}
	var connections []int
	for _, row := range g.rows() {
		r, ok := parseResource(g.index[row])
		if !ok {
			v.limit(sectionContexts, hw.Partial)
			continue
		}
		classes[r.class] = true
		if r.name == "concurrentConns" {
			connections = append(connections, row)
		}
		rows, names = append(rows, row), append(names, pathName(orNone(r.class))+"/"+r.name)
	}
	indexes := slices.Clone(rows)
	distinguish(names, func(i int) []string { return []string{"#" + g.index[indexes[i]]} })
	for i, row := range rows {
		c.resource(v, g, row, "context/"+names[i], consistent)
	}
	c.classLimit = 0
	if len(classes) == 1 && len(connections) == 1 && g.wholeAll() {
		c.classLimit, _ = limitOf(g, connections[0])
	}
}

// orNone names the class without a name.
func orNone(class string) string {
	if class == "" {
		return "none"
	}
	return class
}

// limitOf returns the limit of a row in the unit its use is counted in; 0 is none.
func limitOf(g *grid, row int) (uint64, hw.Reason) {
	sort, reason := g.word(row, resourceValueType)
	if reason != "" || sort != "absolute" {
		return 0, reason
	}
	return g.number(row, resourceMax)
}

// resource adds one resource of one class.
func (c *collector) resource(v *visit, g *grid, row int, path string, consistent bool) {
	p := hw.Component{Path: path, Section: sectionContexts}
	for slot := resourceUsed; slot <= resourceDenied; slot++ {
		c.vpnSample(v, &p, &resourceGroup, g, row, slot, consistent)
	}
	used, lack := g.number(row, resourceUsed)
	limit, reason := limitOf(g, row)
	judged := !strings.HasSuffix(path, "/all") && !strings.HasSuffix(path, "/cpu") && !strings.HasSuffix(path, "/memory")
	if reason == "" && limit > 0 && judged {
		v.gauge(p.Path, "limit_count", float64(limit), "")
		c.share(v, &p, used, limit, lack)
	}
	v.component(p)
}
