package cisco

import (
	"context"
	"strings"

	"rackpost/collectors"
	"rackpost/collectors/snmp"
)

// protocol is what devices of this package are asked with.
const protocol = "snmp"

// firstChassis are the places of the first chassis in entPhysicalTable: 1 of a device that is no stack, then
// those of the members of one (2 of StackWise Virtual of modular chassis, 1001 of a 2960 and 3750, 1000 of a 3850 and 9300).
var firstChassis = []string{"1", "2", "1000", "1001", "2000", "2001", "3000", "3001"}

// Ask is the collectors.Asker of this package: it knows Catalysts and ASAs from other SNMP
// agents.
func Ask(ctx context.Context, t collectors.Target) (a collectors.Answer, err error) {
	s, err := snmp.New(t, nil)
	if err != nil {
		return a, err
	}
	s.Tries(1)
	defer func() {
		a.Requests = s.Requests()
		_ = s.Close() // a UDP socket has nothing to lose
	}()
	vars, err := s.Get(ctx, append([]string{sysDescr, sysObjectID, sysName}, failoverUnits...)...)
	if err != nil {
		return a, err
	}
	a.Descr, a.Name = firstLine(vars[0].Value), vars[2].Value.Text()
	switch is := kindOf(vars[0].Value.Text(), vars[1].Value.Text()); is {
	case unsaid, foreign:
		a.ObjectID = vars[1].Value.Text()
		return a, nil
	default:
		a.Kind = is
	}
	if a.Kind == ASAKind {
		a.Pair, a.Standby = pairing(vars[3:])
	}
	askChassis(ctx, s, &a)
	return a, nil
}

// failoverUnits are cfwHardwareInformation and cfwHardwareStatusValue of the primary and of the secondary unit.
var failoverUnits = []string{cfwStatus + "2.6", cfwStatus + "3.6", cfwStatus + "2.7", cfwStatus + "3.7"}

// pairing tells by the failoverUnits whether both have a role, and whether the one that
// answers has that of the standby.
func pairing(units []snmp.Var) (pair, standby bool) {
	const active, standing = 9, 10
	pair = true
	for ; len(units) > 0; units = units[2:] {
		role := units[1].Value
		pair = pair && role.Type == snmp.TypeInteger && (role.Int == active || role.Int == standing)
		standby = standby || role.Int == standing && strings.Contains(units[0].Value.Text(), thisDevice)
	}
	return pair, pair && standby
}

// askChassis asks for model and serial number. A device that does not tell them is none
// the worse.
func askChassis(ctx context.Context, s *snmp.Session, a *collectors.Answer) {
	const class, serial, model = entPhys + "5.", entPhys + "11.", entPhys + "13."
	var oids []string
	for _, at := range firstChassis {
		oids = append(oids, class+at, serial+at, model+at)
	}
	vars, err := s.Get(ctx, oids...)
	if err != nil {
		return
	}
	for ; len(vars) > 0; vars = vars[3:] {
		is := vars[0].Value // a device that tells no classes has one chassis
		if (is.Int == classChassis || !is.OK()) && vars[1].Value.Text() != "" {
			a.Serial, a.Model = vars[1].Value.Text(), vars[2].Value.Text()
			return
		}
	}
}
