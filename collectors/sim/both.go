package sim

import (
	"errors"
	"slices"
	"strings"

	"rackpost/collectors/sim/bmc"
)

// AgentFault stands before the names of the faults that the agent beside a controller's Redfish service has: snmp-silent.
const AgentFault = "snmp-"

// both is a controller with an agent of its own faults.
type both struct {
	bmc   *bmc.BMC
	agent *Device
}

// Fault switches one of either; clear alone ends all of both.
func (b both) Fault(name, arg string) error {
	arg = strings.TrimSpace(arg)
	of, agents := strings.CutPrefix(arg, AgentFault)
	switch {
	case name == clearFault && arg == "":
		return errors.Join(b.bmc.Fault(name, ""), b.agent.Fault(name, ""))
	case name == clearFault && agents:
		return b.agent.Fault(name, of)
	}
	if name, ok := strings.CutPrefix(name, AgentFault); ok && name != clearFault {
		return b.agent.Fault(name, arg)
	}
	return b.bmc.Fault(name, arg)
}

// Faults returns what is switched on of both.
func (b both) Faults() []string { return append(b.bmc.Faults(), agents(b.agent.Faults())...) }

// KnownFaults returns the names of the faults of both.
func (b both) KnownFaults() []string {
	known := slices.DeleteFunc(b.bmc.KnownFaults(), func(name string) bool { return name == clearFault })
	own := slices.DeleteFunc(b.agent.KnownFaults(), func(name string) bool { return name == clearFault })
	return append(append(known, agents(own)...), clearFault)
}

func agents(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = AgentFault + name
	}
	return out
}
