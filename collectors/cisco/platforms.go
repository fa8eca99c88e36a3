package cisco

import (
	"slices"
	"strings"
)

// platform is the greatest number of concurrent connections Cisco publishes for a model.
type platform struct {
	key         string // in entPhysicalModelName, without blanks and dashes
	connections uint64
}

// platforms are the firewalls whose limit is published: the licensing chapters of the ASA
// configuration guides and the data sheets of the Firepower and Secure Firewall series.
// Where the licence decides it is the greater number. ASAv and the 5585-X do not tell their
// limit by the name of the chassis: the virtual one depends on its entitlement, the other on
// its module.
var platforms = []platform{
	{"ASA5505", 25_000}, {"ASA5510", 130_000}, {"ASA5520", 280_000}, {"ASA5540", 400_000}, {"ASA5550", 650_000},
	{"ASA558020", 2_000_000}, {"ASA558040", 4_000_000},
	{"ASA5506", 50_000}, {"ASA5508", 100_000}, {"ASA5512", 250_000}, {"ASA5515", 250_000}, {"ASA5516", 250_000},
	{"ASA5525", 500_000}, {"ASA5545", 750_000}, {"ASA5555", 1_000_000},
	{"FPR1010", 100_000}, {"FPR1120", 200_000}, {"FPR1140", 400_000}, {"FPR1150", 600_000},
	{"FPR2110", 1_000_000}, {"FPR2120", 1_500_000}, {"FPR2130", 2_000_000}, {"FPR2140", 3_000_000},
	{"FPR3105", 1_500_000}, {"FPR3110", 2_000_000}, {"FPR3120", 4_000_000}, {"FPR3130", 6_000_000}, {"FPR3140", 10_000_000},
	{"FPR4110", 10_000_000}, {"FPR4112", 10_000_000}, {"FPR4115", 15_000_000}, {"FPR4120", 15_000_000},
	{"FPR4125", 25_000_000}, {"FPR4140", 25_000_000}, {"FPR4145", 40_000_000}, {"FPR4150", 35_000_000},
	{"ASAV5", 50_000}, {"ASAV10", 100_000}, {"ASAV30", 500_000}, {"ASAV50", 2_000_000}, {"ASAV100", 4_000_000},
}

// modules are the security services processors that decide the limit of an ASA 5585-X.
var modules = []platform{{"SSP10", 1_000_000}, {"SSP20", 2_000_000}, {"SSP40", 4_000_000}, {"SSP60", 10_000_000}}

// platformLimit returns the connections a model bears by its name and the names of its
// parts, or 0 when it is not known.
func platformLimit(model string, parts func() []string) uint64 {
	name := squeeze(model)
	if strings.HasPrefix(name, "ASA5585") {
		return moduleLimit(append([]string{model}, parts()...))
	}
	for _, p := range platforms {
		if rest, ok := strings.CutPrefix(name, p.key); ok && (rest == "" || rest[0] < '0' || rest[0] > '9') {
			return p.connections
		}
	}
	return 0
}

// moduleLimit is the limit of the one sort of processor a 5585-X holds.
func moduleLimit(names []string) (limit uint64) {
	for _, n := range names {
		n = squeeze(n)
		i := slices.IndexFunc(modules, func(p platform) bool { return strings.Contains(n, p.key) })
		if i < 0 || strings.Contains(n, "IPS") || strings.Contains(n, "SFR") {
			continue // the second slot's module inspects
		}
		if limit != 0 && limit != modules[i].connections {
			return 0
		}
		limit = modules[i].connections
	}
	return limit
}

// squeeze writes model names alike: "FPR-2110", "ASA5525", "ASA 5525-X".
func squeeze(s string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(s))
}

// models returns the model names of all parts.
func (p *parts) models() []string {
	var list []string
	for i := range p.rows {
		if m := p.entity(i).model; m != "" {
			list = append(list, m)
		}
	}
	return list
}
